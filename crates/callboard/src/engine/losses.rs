//! The losses of a subscription that are not reported yet.

use std::collections::VecDeque;

use super::cursors::Place;
use crate::event::Priority;

/// Losses that were not reported yet. Each is reported by the next event received of its lane that
/// is not older: if the event that was to report it is removed, the one behind it does.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Sorted by `from`.
    lanes: [VecDeque<Loss>; Priority::COUNT],
}

#[derive(Debug, Clone, Copy)]
struct Loss {
    /// The order of the first event that may report it.
    from: u64,
    events: u64,
}

impl Losses {
    /// Notes that the event in this place is to report a loss.
    pub(super) fn add(&mut self, place: Place, events: u64) {
        let lane = &mut self.lanes[place.lane()];
        let newer = lane.iter().rev().take_while(|loss| loss.from > place.order()).count();
        lane.insert(lane.len() - newer, Loss { from: place.order(), events });
    }

    /// Notes that the oldest event of a lane, in this place, is lost.
    pub(super) fn add_oldest(&mut self, place: Place) {
        let events = self.report(place) + 1;
        self.lanes[place.lane()].push_front(Loss { from: place.order(), events });
    }

    /// Whether there are no losses.
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(VecDeque::is_empty)
    }

    /// How many lost events the event in this place, the oldest of its lane, is to report.
    pub(super) fn report(&mut self, place: Place) -> u64 {
        let lane = &mut self.lanes[place.lane()];
        let mut events = 0;
        while let Some(loss) = lane.front().filter(|loss| loss.from <= place.order()) {
            events += loss.events;
            lane.pop_front();
        }
        events
    }

    /// Takes the losses that no event of a lane is left to report, if this is the order of its last
    /// event.
    pub(super) fn take_behind(&mut self, lane: usize, last: Option<u64>) -> u64 {
        let lane = &mut self.lanes[lane];
        let mut events = 0;
        while let Some(loss) = lane.back().filter(|loss| last.is_none_or(|it| loss.from > it)) {
            events += loss.events;
            lane.pop_back();
        }
        events
    }

    /// Moves the losses that the event in this place was to report to the event in another place.
    /// `before` is the order of the event ahead of the former.
    pub(super) fn hand_on(&mut self, place: Place, before: u64, to: Place) {
        let losses = &mut self.lanes[place.lane()];
        let first = losses.partition_point(|loss| loss.from <= before);
        let behind = losses.partition_point(|loss| loss.from <= place.order());
        let events: u64 = losses.drain(first..behind).map(|loss| loss.events).sum();
        if events > 0 {
            self.add(to, events);
        }
    }
}
