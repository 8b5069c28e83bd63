//! The start-up timeline: when each subscriber signed in, what was held, and what was replayed to
//! it.

use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{AnyEvent, Bus, Call, Clock, Coalesce, Delivery, Event, EventSet, Request, Sleep};

use crate::support::publish_all;

#[derive(Debug, Event)]
struct Config(#[expect(dead_code, reason = "only published")] u64);

#[derive(Debug, Event)]
#[event(coalesce)]
struct Change(u64);

impl Coalesce for Change {
    type Key = ();

    fn key(&self) {}
}

#[derive(Debug, Event)]
struct Answer;

#[derive(Debug, Request)]
#[request(response = Answer)]
struct Question;

#[derive(Debug, EventSet)]
enum Inbox {
    Config(Delivery<Config>),
    Question(Call<Question>),
}

fn second() -> Duration {
    Duration::from_secs(1)
}

/// A bus on a manual clock.
fn timed() -> (ManualClock, Bus) {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    (clock, bus)
}

#[test]
fn snapshot_tells_when_each_subscriber_signed_in_and_when_the_bus_started() {
    let (clock, bus) = timed();
    let _first = bus.subscribe::<Config>("first");
    clock.advance(second());
    let _second = bus.subscribe::<Config>("second");
    assert_eq!(bus.snapshot().started_after, None, "it has not");
    clock.advance(second());
    bus.start();
    clock.advance(second());
    let _late = bus.subscriber("late").late().subscribe::<Config>();
    bus.pause();
    bus.start();

    let snapshot = bus.snapshot();
    assert_eq!(snapshot.started_after, Some(2 * second()), "the first start counts");
    let signed_in = snapshot.subscribers.iter().map(|it| (it.name.as_str(), it.signed_in));
    assert!(signed_in.eq([
        ("first", Duration::ZERO),
        ("second", second()),
        ("late", 3 * second())
    ]));
}

#[test]
fn snapshot_tells_what_was_held_and_who_was_given_how_much_of_it() {
    let bus = Bus::new();
    let mut both = bus.subscribe::<Inbox>("both");
    publish_all(&bus, (0..3).map(Config));
    bus.publish(Answer);
    let mut configs = bus.subscriber("configs").capacity(1).subscribe::<Config>();
    let _all = bus.subscribe::<AnyEvent>("all");
    let _none = bus.subscribe::<Change>("none");
    assert!(bus.snapshot().buffer.held.is_empty(), "it has not started");
    bus.start();
    publish_all(&bus, (3..5).map(Config));
    let _late = bus.subscriber("late").late().subscribe::<Config>();
    bus.pause();
    bus.publish(Config(5));
    bus.start();
    // Events read since then do not matter.
    assert_eq!((both.try_iter().count(), configs.try_iter().count()), (6, 4));

    let snapshot = bus.snapshot();
    assert_eq!(snapshot.buffer.held, [("config".to_owned(), 3), ("answer".to_owned(), 1)]);
    let replayed = snapshot.subscribers.iter().map(|it| (it.name.as_str(), it.replayed));
    assert!(replayed.eq([("both", 3), ("configs", 3), ("all", 4), ("none", 0), ("late", 0)]));
}

#[test]
fn events_that_were_merged_count_once_in_what_was_held() {
    let bus = Bus::new();
    let mut changes = bus.subscribe::<Change>("changes");
    publish_all(&bus, (0..9).map(Change));
    bus.start();
    let snapshot = bus.snapshot();
    assert_eq!(snapshot.buffer.held, [("change".to_owned(), 1)]);
    assert_eq!(snapshot.subscribers[0].replayed, 1);
    assert_eq!(changes.try_recv().unwrap().0, 8);
}

/// A clock that returns the time once, when the bus is built, and then panics.
#[derive(Debug)]
struct Broken(std::sync::Once);

impl Clock for Broken {
    fn now(&self) -> std::time::Instant {
        let mut first = false;
        self.0.call_once(|| first = true);
        assert!(first, "the clock is broken");
        std::time::Instant::now()
    }

    fn sleep_until(&self, _: std::time::Instant) -> Sleep {
        panic!("the clock is broken")
    }
}

#[test]
fn clock_that_panics_keeps_nobody_from_signing_in_or_starting() {
    let bus = Bus::builder().clock(Broken(std::sync::Once::new())).build().unwrap();
    let mut configs = bus.subscribe::<Config>("configs");
    bus.publish(Config(0));
    assert_eq!(bus.start().replayed, 1);
    assert!(configs.try_recv().is_ok());
}
