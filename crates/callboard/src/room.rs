//! Shrinking lists that grow with the number of readers.

/// Shrinks a list once more than three quarters of its capacity are unused, to twice its length:
/// rarely enough that removing elements one by one stays cheap.
pub(crate) fn shrink_if_sparse<T>(list: &mut Vec<T>) {
    if list.len() * 4 < list.capacity() {
        list.shrink_to(list.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::shrink_if_sparse;

    #[test]
    fn room_is_given_back_when_three_quarters_are_empty() {
        let mut list = Vec::with_capacity(64);
        list.resize(16, 0_u8);
        shrink_if_sparse(&mut list);
        assert!(list.capacity() >= 64, "a quarter is used");
        list.pop();
        shrink_if_sparse(&mut list);
        assert!((30..60).contains(&list.capacity()), "{} for 15", list.capacity());
        list.clear();
        shrink_if_sparse(&mut list);
        assert_eq!(list.capacity(), 0);
    }
}
