//! `callboard::testing::Recorder`: the published events, for tests to inspect.

use callboard::testing::{Matcher, Recorder};
use callboard::{Bus, Event, Priority};

use crate::support::panics;

#[derive(Debug, Event)]
#[event(type = "test.asked")]
struct Asked(u32);

#[derive(Debug, Event)]
#[event(type = "test.done")]
struct Done(#[expect(dead_code, reason = "is shown")] u32);

fn recorded(events: impl IntoIterator<Item = u32>) -> Recorder {
    let bus = Bus::new();
    let mut recorder = Recorder::attach(&bus);
    bus.start();
    for n in events {
        bus.publish(Asked(n));
    }
    bus.publish(Done(9));
    recorder.events();
    recorder
}

#[test]
fn expect_takes_a_subsequence() {
    let mut recorder = recorded([1, 2, 3]);
    recorder.expect(["test.asked", "test.done"]);
    recorder.expect([Matcher::of(|asked: &Asked| asked.0 == 2), Matcher::named("test.done")]);
    let message = panics(|| recorder.expect(["test.done", "test.asked"]));
    assert!(message.contains("event 1, `test.asked`"), "{message}");
    assert!(message.contains("3: test.done Done(9)"), "the record is shown: {message}");
    let missing = Matcher::of(|asked: &Asked| asked.0 == 4);
    assert!(panics(|| recorder.expect([missing])).contains("`test.asked` with a condition"));
}

#[test]
fn expect_only_takes_the_whole_and_nothing_else() {
    let mut recorder = recorded([1]);
    recorder.expect_only(["test.asked", "test.done"]);
    assert!(panics(|| recorder.expect_only(["test.asked"])).contains("1 event expected, 2"));
    let message = panics(|| recorder.expect_only(["test.done", "test.asked"]));
    assert!(message.contains("event 0 should be `test.done`"), "{message}");
    recorder.clear();
    recorder.expect_only([] as [&str; 0]);
}

#[test]
fn a_recorder_never_drops_and_keeps_the_order() {
    let mut recorder = recorded(0..10_000);
    let asked = recorder.of::<Asked>();
    assert!(asked.iter().map(|asked| asked.0).eq(0..10_000));
}

#[test]
fn a_record_is_in_the_order_of_publication_whenever_it_is_looked_at() {
    let bus = Bus::new();
    let mut recorder = Recorder::attach(&bus);
    bus.start();
    bus.publish(Asked(1));
    bus.publish_with(Done(2), Priority::High);
    recorder.expect_only(["test.asked", "test.done"]);
}

#[test]
fn record_is_shown_though_an_events_debug_panics() {
    #[derive(Event)]
    #[event(type = "test.unspeakable")]
    struct Unspeakable;
    impl std::fmt::Debug for Unspeakable {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("expected: a `Debug` panics")
        }
    }
    let bus = Bus::new();
    let mut recorder = Recorder::attach(&bus);
    bus.start();
    bus.publish(Unspeakable);
    bus.publish(Done(1));
    let message = panics(|| recorder.expect(["test.asked"]));
    assert!(message.contains("0: test.unspeakable (its `Debug` panics)"), "{message}");
    assert!(message.contains("1: test.done Done(1)"), "{message}");
}
