//! Short paths of publishing only serve the types that fit, regardless of what a publisher saw
//! before it had the lock.

use super::{Header, Mode};
use crate::engine::Origin;
use crate::event::{Abilities, Priority};
use crate::log::Moment;
use crate::{AnyEvent, Bus, Coalesce, Event, Overflow};

#[derive(Debug)]
struct Tick;

impl Event for Tick {
    const TYPE: &'static str = "tick";
}

/// Whether an event of the type, with this priority, may use the log path, the path by log and
/// queues, and the latter if its publisher keeps the event.
fn ways(bus: &Bus, mode: Mode, priority: Priority) -> [bool; 3] {
    let handle = bus.core().directory.find_event::<Tick>().expect("it has been published");
    for other in [Mode::NoSubscribers, Mode::LogOnly, Mode::LogAndQueues, Mode::General] {
        assert_eq!(handle.is(other), other == mode, "{other:?}");
    }
    let (origin, published_at) = (Origin::default(), Moment::NONE);
    bus.core().with(|registry, deferred| {
        let plain = registry
            .accept_by_log(handle.number, priority, origin, &mut Some(Tick), deferred)
            .is_some();
        let mut shared = |keep| {
            let (event, type_number) = (&mut Some(Tick), handle.number);
            let header = Header { type_number, priority, origin, published_at, key: None };
            let accepted = registry.accept_by_log_and_queues(header, event, keep, deferred);
            accepted.is_some_and(|(.., kept)| kept.is_some() || !keep)
        };
        [plain, shared(false), shared(true)]
    })
}

#[test]
fn each_way_is_taken_for_what_it_fits_and_nothing_else() {
    let bus = Bus::new();
    let usual = |mode| ways(&bus, mode, Priority::Normal);
    bus.publish(Tick);
    assert_eq!(usual(Mode::General), [false; 3], "it has not started");
    bus.start();
    assert_eq!(usual(Mode::NoSubscribers), [false, false, true], "nobody listens");
    let ticks = bus.subscriber("ticks").late().capacity(usize::MAX).subscribe::<Tick>();
    assert_eq!(usual(Mode::LogOnly), [true; 3]);
    let all = bus.subscriber("all").late().overflow(Overflow::Coalesce).subscribe::<AnyEvent>();
    assert_eq!(usual(Mode::LogAndQueues), [false, true, true]);
    assert_eq!(ways(&bus, Mode::LogAndQueues, Priority::High), [false; 3]);
    drop(all);
    assert_eq!(ways(&bus, Mode::LogOnly, Priority::High), [false; 3]);
    bus.pause();
    assert_eq!(usual(Mode::General), [false; 3]);
    bus.close();
    assert_eq!(usual(Mode::General), [false; 3]);
    assert_eq!(ticks.len(), 3 + 2, "those that a way was taken for");
}

#[derive(Debug)]
struct Lost<const N: usize>;

impl<const N: usize> Event for Lost<N> {
    const TYPE: &'static str = ["lost.a", "lost.b", "lost.c"][N];
}

#[derive(Debug)]
struct Merged;

impl Event for Merged {
    const TYPE: &'static str = "merged";
    const ABILITIES: Abilities<Self> = Abilities::new().coalesce();
}

impl Coalesce for Merged {
    type Key = ();

    fn key(&self) {}
}

/// Each event replaces the one before, and three types are lost behind it. Losses between events
/// that are gone are merged once there are more than 64 entries plus twice the number that the last
/// merge left.
#[test]
fn losses_of_the_buffer_are_few_however_many_are_lost() {
    let bus = Bus::builder().pre_start_capacity(1).build().expect("valid");
    let mut counts = Vec::new();
    for _ in 0..100 {
        bus.publish(Merged);
        let mut lose = |dropped| {
            assert_eq!(dropped, 1);
            counts.push(bus.core().registry().buffer.losses());
        };
        lose(bus.publish(Lost::<0>).dropped());
        lose(bus.publish(Lost::<1>).dropped());
        lose(bus.publish(Lost::<2>).dropped());
    }
    let falls = counts.windows(2).filter(|pair| pair[1] < pair[0]).map(|pair| (pair[0], pair[1]));
    assert_eq!(falls.take(2).collect::<Vec<_>>(), [(64, 5), (74, 6)]);
    assert_eq!(bus.start().dropped, 300);
}
