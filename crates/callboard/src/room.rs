//! The room of lists that grow with a crowd.

/// Gives room back once more than three quarters of a list's are empty, and leaves as much as is
/// used: so seldom that those who leave one after the other hardly pay for it.
pub(crate) fn give_back<T>(list: &mut Vec<T>) {
    if list.len() * 4 < list.capacity() {
        list.shrink_to(list.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::give_back;

    #[test]
    fn room_is_given_back_when_three_quarters_are_empty() {
        let mut list = Vec::with_capacity(64);
        list.resize(16, 0_u8);
        give_back(&mut list);
        assert!(list.capacity() >= 64, "a quarter is used");
        list.pop();
        give_back(&mut list);
        assert!((30..60).contains(&list.capacity()), "{} for 15", list.capacity());
        list.clear();
        give_back(&mut list);
        assert_eq!(list.capacity(), 0);
    }
}
