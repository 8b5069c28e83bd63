//! The last so many things, found by their sequence number.

use std::collections::VecDeque;

/// Holds the latest `capacity` values, each under an increasing key.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    values: VecDeque<(u64, T)>,
    capacity: usize,
}

impl<T> Ring<T> {
    /// An empty ring. A capacity of zero holds nothing.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { values: VecDeque::new(), capacity }
    }

    /// Adds `value` under `key`; the oldest value goes when there is no room.
    ///
    /// Keys may arrive a little out of order, as events of different priority do.
    pub(crate) fn push(&mut self, key: u64, value: T) {
        let at = self.values.partition_point(|(known, _)| *known <= key);
        self.values.insert(at, (key, value));
        if self.values.len() > self.capacity {
            self.values.pop_front();
        }
    }

    /// The value under `key`, if it is still there.
    pub(crate) fn get(&self, key: u64) -> Option<&T> {
        let at = self.values.binary_search_by_key(&key, |(known, _)| *known);
        at.ok().map(|at| &self.values[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let mut ring = Ring::new(2);
        for key in 1..=3 {
            ring.push(key, key * 10);
        }
        assert_eq!(ring.get(1), None);
        assert_eq!(ring.get(2), Some(&20));
        assert_eq!(ring.get(3), Some(&30));
    }

    #[test]
    fn keys_out_of_order_are_found() {
        let mut ring = Ring::new(8);
        for key in [5, 2, 9, 7] {
            ring.push(key, key);
        }
        for key in [2, 5, 7, 9] {
            assert_eq!(ring.get(key), Some(&key));
        }
        assert_eq!(ring.get(4), None);
    }

    #[test]
    fn no_capacity_holds_nothing() {
        let mut ring = Ring::new(0);
        ring.push(1, ());
        assert_eq!(ring.get(1), None);
    }
}
