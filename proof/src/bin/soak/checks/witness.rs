//! One reader's own view: the order of what it gets, and that it gets nothing twice.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Checked, Fault, holds};
use crate::events::{Look, Origin};

/// What one reader has seen so far.
#[derive(Debug)]
pub(crate) struct Witness {
    /// Whether the bus keeps time.
    timed: bool,
    /// The last number of each urgency, of events and of calls: a reader that observes a request
    /// it is also to answer gets the same number twice, once as each.
    last: [u64; LANES],
    /// The last number of each publisher's own, by its number on the bus.
    of_publishers: Vec<[u32; LANES]>,
}

/// Three urgencies, of events and of calls.
const LANES: usize = 6;

impl Witness {
    pub(crate) fn new(timed: bool) -> Self {
        Self { timed, last: [0; LANES], of_publishers: Vec::new() }
    }

    /// Sees the next event.
    pub(crate) fn see(&mut self, look: &Look, numbers: &Numbers, who: &str) -> Checked {
        let Look { kind, origin, sequence, .. } = *look;
        let what = |of: &str| format!("{of} of {kind:?} #{sequence} for `{who}`");
        holds(look.intact, || what("the value"), "what was published", || format!("{origin:?}"))?;
        holds(
            look.timed == self.timed,
            || what("the time of publication"),
            if self.timed { "known" } else { "unknown" },
            || format!("{look:?}"),
        )?;
        let lane = origin.priority as usize * 2 + usize::from(look.call);
        let last = std::mem::replace(&mut self.last[lane], sequence);
        holds(
            last < sequence,
            || what("the order"),
            format_args!("a number above {last}, the last of its urgency"),
            || format!("{look:?}"),
        )?;
        numbers.check(sequence, origin).map_err(|other| {
            let expected = format!("the same event for all: {other}");
            Fault::new(what("the identity"), expected, format!("{look:?}"))
        })?;
        if !origin.ordered {
            return Ok(());
        }
        let publisher = origin.publisher as usize;
        if self.of_publishers.len() <= publisher {
            self.of_publishers.resize(publisher + 1, [0; LANES]);
        }
        let last = std::mem::replace(&mut self.of_publishers[publisher][lane], origin.number);
        holds(
            last < origin.number,
            || what("its publisher's order"),
            format_args!("a number of its own above {last}"),
            || format!("{look:?}"),
        )
    }
}

/// Which event got which number: the last so many numbers of one bus.
#[derive(Debug)]
pub(crate) struct Numbers(Box<[AtomicU64]>);

const REMEMBERED: usize = 1 << 14;

impl Numbers {
    pub(crate) fn new() -> Self {
        Self((0..REMEMBERED).map(|_| AtomicU64::new(0)).collect())
    }

    /// Notes who has this number; who else has it, if it is another.
    fn check(&self, sequence: u64, origin: Origin) -> Result<(), String> {
        // The lower half of the number tells it from those that share its place.
        let name = (u64::from(origin.publisher) << 24) ^ u64::from(origin.number);
        let entry = (sequence << 32) | (name & u64::from(u32::MAX));
        let place = &self.0[sequence as usize % REMEMBERED];
        let known = place.swap(entry, Ordering::Relaxed);
        if known >> 32 == entry >> 32 && known != entry {
            return Err(format!("{:#x}, now {:#x}", known as u32, entry as u32));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use callboard::Priority;

    use super::{Numbers, Witness};
    use crate::events::{Kind, Look, Origin};

    fn look(sequence: u64, publisher: u32, number: u32) -> Look {
        let origin = Origin { publisher, number, priority: Priority::Normal, ordered: true };
        let (kind, missed) = (Kind::Tick, 0);
        Look { kind, origin, sequence, missed, call: false, intact: true, timed: false }
    }

    fn seen(looks: &[Look]) -> Vec<String> {
        let (mut witness, numbers) = (Witness::new(false), Numbers::new());
        let faults = looks.iter().filter_map(|look| witness.see(look, &numbers, "me").err());
        faults.map(|fault| fault.what).collect()
    }

    #[test]
    fn finds_what_is_out_of_order_or_comes_twice() {
        assert!(seen(&[look(1, 1, 1), look(2, 2, 1), look(4, 1, 2)]).is_empty());
        let twice = seen(&[look(1, 1, 1), look(1, 1, 1)]);
        assert_eq!(twice, ["the order of Tick #1 for `me`"]);
        let swapped = seen(&[look(1, 1, 2), look(2, 1, 1)]);
        assert_eq!(swapped, ["its publisher's order of Tick #2 for `me`"]);
        let urgent = Look {
            origin: Origin { priority: Priority::High, ..look(1, 1, 1).origin },
            ..look(1, 1, 1)
        };
        assert!(seen(&[look(2, 1, 2), urgent]).is_empty(), "an urgent one overtakes");
    }

    #[test]
    fn finds_values_that_changed_and_times_that_are_missing() {
        let torn = Look { intact: false, ..look(1, 1, 1) };
        assert_eq!(seen(&[torn]), ["the value of Tick #1 for `me`"]);
        let timed = Look { timed: true, ..look(1, 1, 1) };
        assert_eq!(seen(&[timed]), ["the time of publication of Tick #1 for `me`"]);
    }

    #[test]
    fn finds_two_events_of_one_number() {
        let numbers = Numbers::new();
        let see = |look: Look| Witness::new(false).see(&look, &numbers, "me").is_ok();
        assert!(see(look(1, 1, 1)) && see(look(1, 1, 1)));
        assert!(!see(look(1, 2, 1)));
    }
}
