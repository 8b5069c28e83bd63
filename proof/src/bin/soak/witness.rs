//! What one reader checks of each event: its value, its order, and that it comes once.

use std::sync::atomic::{AtomicU64, Ordering};

use callboard::Metadata;

use crate::events::{Kind, Origin, Sent};
use crate::{Checked, check};

/// What one reader has received so far.
#[derive(Debug)]
pub(crate) struct Witness {
    /// Whether the bus keeps time.
    timed: bool,
    /// The last sequence number in each lane.
    last: [u64; LANES],
    /// The last number of each publisher in each lane.
    of_publishers: Vec<[u32; LANES]>,
}

/// The three priorities, for events and for calls: a reader that both observes and answers a
/// request gets its sequence number twice.
const LANES: usize = 6;

/// What a reader sees of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) kind: Kind,
    origin: Origin,
    sequence: u64,
    pub(crate) call: bool,
    intact: bool,
    timed: bool,
}

impl Look {
    pub(crate) fn new(event: &dyn Sent, metadata: &Metadata, call: bool) -> Self {
        Self {
            kind: event.kind(),
            origin: event.origin(),
            sequence: metadata.sequence,
            call,
            intact: event.is_intact(),
            timed: metadata.published_at.is_some(),
        }
    }
}

impl Witness {
    pub(crate) fn new(timed: bool) -> Self {
        Self { timed, last: [0; LANES], of_publishers: Vec::new() }
    }

    /// Checks the next event.
    pub(crate) fn see(&mut self, look: &Look, numbers: &Numbers) -> Checked {
        let Look { origin, sequence, .. } = *look;
        check!(look.intact, "the value of {look:?} is not what was published");
        check!(look.timed == self.timed, "the time of publication of {look:?} is wrong");
        let lane = origin.priority as usize * 2 + usize::from(look.call);
        let last = std::mem::replace(&mut self.last[lane], sequence);
        check!(last < sequence, "the order is wrong: {look:?} comes after #{last}");
        numbers.check(sequence, origin)?;
        if !origin.ordered {
            return Ok(());
        }
        let publisher = origin.publisher as usize;
        if self.of_publishers.len() <= publisher {
            self.of_publishers.resize(publisher + 1, [0; LANES]);
        }
        let last = std::mem::replace(&mut self.of_publishers[publisher][lane], origin.number);
        check!(last < origin.number, "its publisher's order: {look:?} comes after number {last}");
        Ok(())
    }
}

/// Which event has which sequence number, for the latest numbers of one bus: it is the same event
/// for all readers.
#[derive(Debug)]
pub(crate) struct Numbers(Box<[AtomicU64]>);

const REMEMBERED: usize = 1 << 14;

impl Numbers {
    pub(crate) fn new() -> Self {
        Self((0..REMEMBERED).map(|_| AtomicU64::new(0)).collect())
    }

    fn check(&self, sequence: u64, origin: Origin) -> Checked {
        // The lower half of the number tells it from those that share its place.
        let name = (u64::from(origin.publisher) << 24) ^ u64::from(origin.number);
        let entry = (sequence << 32) | (name & u64::from(u32::MAX));
        let known = self.0[sequence as usize % REMEMBERED].swap(entry, Ordering::Relaxed);
        check!(
            known >> 32 != entry >> 32 || known == entry,
            "#{sequence} is {origin:?} for one reader and {:#x} for another",
            known as u32
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use callboard::Priority;

    use super::{Look, Numbers, Witness};
    use crate::events::{Kind, Origin};

    fn look(sequence: u64, publisher: u32, number: u32, priority: Priority) -> Look {
        let origin = Origin { publisher, number, priority, ordered: true, question: (0, 0) };
        Look { kind: Kind::Tick, origin, sequence, call: false, intact: true, timed: false }
    }

    fn fault(looks: &[Look]) -> Option<String> {
        let (mut witness, numbers) = (Witness::new(false), Numbers::new());
        looks.iter().find_map(|look| witness.see(look, &numbers).err())
    }

    #[test]
    fn wrong_orders_values_and_times_are_found() {
        let normal =
            |sequence, publisher, number| look(sequence, publisher, number, Priority::Normal);
        let first = normal(1, 1, 1);
        assert_eq!(fault(&[first, normal(2, 2, 1), normal(4, 1, 2)]), None);
        assert_eq!(fault(&[normal(2, 1, 2), look(1, 1, 1, Priority::High)]), None);
        for (looks, fragment) in [
            (vec![first, first], "the order"),
            (vec![normal(1, 1, 2), normal(2, 1, 1)], "its publisher's order"),
            (vec![Look { intact: false, ..first }], "the value"),
            (vec![Look { timed: true, ..first }], "the time"),
        ] {
            let fault = fault(&looks).unwrap();
            assert!(fault.starts_with(fragment), "{fault}");
        }
        let numbers = Numbers::new();
        assert!(Witness::new(false).see(&first, &numbers).is_ok());
        assert!(Witness::new(false).see(&normal(1, 2, 1), &numbers).is_err());
    }
}
