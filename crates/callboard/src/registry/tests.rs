//! Short paths of publishing only serve the types that fit, regardless of what a publisher saw
//! before it had the lock.

use super::{Heading, Mode};
use crate::engine::Origin;
use crate::event::{Abilities, Priority};
use crate::log::Moment;
use crate::{AnyEvent, Bus, Coalesce, Event, Overflow};

#[derive(Debug)]
struct Tick;

impl Event for Tick {
    const TYPE: &'static str = "tick";
}

/// Whether an event of the type, with this priority, may use the log path.
fn by_log(bus: &Bus, mode: Mode, priority: Priority) -> bool {
    let handle = bus.core().directory.find_event::<Tick>().expect("it has been published");
    for other in [Mode::NoSubscribers, Mode::LogOnly, Mode::General] {
        assert_eq!(handle.is(other), other == mode, "{other:?}");
    }
    let (origin, published_at) = (Origin::default(), Moment::NONE);
    let heading = Heading { priority, key: None, origin, published_at };
    let accepted = bus.core().with(|registry, deferred| {
        registry.accept_by_log(handle.number, heading, &mut Some(Tick), deferred)
    });
    accepted.is_some()
}

#[test]
fn the_short_path_is_taken_for_what_fits_it_and_nothing_else() {
    let bus = Bus::new();
    let usual = |mode| by_log(&bus, mode, Priority::Normal);
    bus.publish(Tick);
    assert!(!usual(Mode::General), "it has not started");
    bus.start();
    assert!(!usual(Mode::NoSubscribers), "nobody listens");
    let ticks = bus.subscriber("ticks").late().capacity(usize::MAX).subscribe::<Tick>();
    assert!(usual(Mode::LogOnly));
    let all = bus.subscriber("all").late().overflow(Overflow::Coalesce).subscribe::<AnyEvent>();
    assert!(usual(Mode::LogOnly), "it has no key");
    drop(all);
    assert!(!by_log(&bus, Mode::LogOnly, Priority::High));
    bus.pause();
    assert!(!usual(Mode::General));
    bus.close();
    assert!(!usual(Mode::General));
    assert_eq!(ticks.len(), 2, "those that the path was taken for");
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
