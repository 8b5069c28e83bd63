//! Named publishers: which publisher publishes what, and events in batches.

use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{AnyEvent, Bus, Event, Priority};

use crate::support::{poll, soon};

#[derive(Debug, Event)]
struct Tick(u32);

#[derive(Debug, Event)]
struct Tock;

#[derive(Debug, Event)]
#[event(priority = Self::rank)]
struct Ranked(u32);

impl Ranked {
    fn rank(&self) -> Priority {
        if self.0.is_multiple_of(2) { Priority::High } else { Priority::Low }
    }
}

fn publishers(bus: &Bus, event_type: &str) -> Vec<(String, u64)> {
    let snapshot = bus.snapshot();
    let of = snapshot.event_type(event_type).unwrap();
    let named: u64 = of.publishers.iter().map(|it| it.published).sum();
    assert!(named <= of.published);
    of.publishers.iter().map(|it| (it.name.clone(), it.published)).collect()
}

fn counts<const N: usize>(counts: [(&str, u64); N]) -> Vec<(String, u64)> {
    counts.map(|(name, count)| (name.to_owned(), count)).to_vec()
}

#[test]
fn publications_count_for_their_publisher_in_every_mode() {
    let bus = Bus::builder().pre_start_capacity(1).build().unwrap();
    let (a, b) = (bus.publisher::<Tick>("a"), bus.publisher::<Tick>("b"));
    assert_eq!(publishers(&bus, "tick"), counts([("a", 0), ("b", 0)]), "declared");
    a.publish(Tick(0));
    a.publish(Tick(1));
    bus.start();
    b.publish(Tick(2));
    let ticks = bus.subscriber("plain").late().subscribe::<Tick>();
    b.publish(Tick(3));
    let all = bus.subscriber("all").late().subscribe::<AnyEvent>();
    b.publish(Tick(4));
    assert_eq!((ticks.len(), all.len()), (2, 1));
    bus.publisher::<Tick>("a").publish(Tick(5));
    bus.publish(Tick(6));
    assert_eq!(publishers(&bus, "tick"), counts([("a", 3), ("b", 3)]));
    assert_eq!(bus.snapshot().event_type("tick").unwrap().published, 7);
    bus.close();
    assert!(b.publish(Tick(7)).closed());
    assert_eq!(publishers(&bus, "tick"), counts([("a", 3), ("b", 3)]), "it was refused");
}

#[test]
fn served_handler_publishes_under_its_subscribers_name() {
    let bus = Bus::new();
    let ticks = bus.subscribe::<Tick>("metronome");
    bus.start();
    let mut serving = Box::pin(ticks.serve(|_| {
        bus.publish(Tock);
        let bus = &bus;
        async move {
            bus.publisher::<Tock>("another").publish(Tock);
        }
    }));
    bus.publish(Tick(1));
    bus.publish(Tick(2));
    assert!(poll(&mut serving).is_pending());
    bus.publish(Tock);
    assert_eq!(publishers(&bus, "tock"), counts([("metronome", 2), ("another", 2)]));
    assert_eq!(bus.snapshot().event_type("tock").unwrap().published, 5);
}

#[test]
fn batch_is_published_in_order_and_added_up() {
    let bus = Bus::new();
    let publisher = bus.publisher::<Tick>("p");
    let before = publisher.publish_all((0..3).map(Tick));
    assert_eq!((before.events(), before.buffered(), before.delivered()), (3, 3, 0));
    let mut ticks = bus.subscriber("ticks").capacity(100).subscribe::<Tick>();
    bus.start();
    let all = publisher.publish_all((3..203).map(Tick));
    assert_eq!((all.events(), all.delivered(), all.dropped()), (200, 97, 103));
    assert!(ticks.try_iter().map(|tick| tick.0).eq(0..100));
    assert_eq!(publisher.publish_all([]).events(), 0);
    let _queue = bus.subscriber("queue").late().capacity(1).subscribe::<AnyEvent>();
    let both = publisher.publish_all((0..3).map(Tick));
    assert_eq!((both.delivered(), both.dropped()), (4, 2));
    bus.close();
    assert_eq!(publisher.publish_all((0..3).map(Tick)).closed(), 3);
    assert!(bus.snapshot().balances());
}

#[test]
fn batch_keeps_each_events_priority() {
    let bus = Bus::new();
    let mut ranked = bus.subscribe::<Ranked>("ranked");
    bus.start();
    bus.publisher::<Ranked>("p").publish_all((0..6).map(Ranked));
    assert!(ranked.try_iter().map(|it| it.0).eq([0, 2, 4, 1, 3, 5]));
}

#[test]
fn sleeping_reader_is_woken_by_a_batch_and_reads_all_of_it() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("ticks");
    bus.start();
    let reader = std::thread::spawn(move || {
        soon("the batch", async {
            let mut sum = 0;
            while sum < 10 {
                sum += ticks.recv().await.unwrap().0;
            }
            sum
        })
    });
    bus.publisher::<Tick>("p").publish_all((1..=4).map(Tick));
    assert_eq!(reader.join().unwrap(), 10);
}

#[test]
fn iterator_that_panics_loses_no_batch_before() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("ticks");
    bus.start();
    let publisher = bus.publisher::<Tick>("p");
    let panics = |n| if n == 100 { panic!("expected") } else { Tick(n) };
    let all = || publisher.publish_all((0..200).map(panics));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(all)).is_err());
    assert_eq!(ticks.try_iter().count(), 64);
    assert_eq!(publisher.publish(Tick(0)).delivered(), 1, "the bus goes on");
}

#[derive(Debug, Event)]
struct Fragile(#[expect(dead_code, reason = "it is there to be owned")] String);

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("expected");
    }
}

#[test]
fn destructors_of_a_batch_that_nobody_gets_may_panic() {
    let bus = Bus::new();
    let _full = bus.subscriber("full").capacity(0).lossy().subscribe::<Fragile>();
    bus.start();
    let all = bus.publisher("p").publish_all((0..3).map(|n| Fragile(n.to_string())));
    assert_eq!((all.events(), all.dropped()), (3, 3));
}

#[test]
fn publisher_keeps_the_bus_open_and_a_weak_handle_does_not() {
    let bus = Bus::new();
    let (weak, publisher) = (bus.downgrade(), bus.publisher::<Tick>("p"));
    drop(bus);
    assert!(!weak.upgrade().unwrap().publish(Tick(1)).closed());
    assert_eq!(format!("{publisher:?}"), r#"Publisher { name: "p", event: "tick" }"#);
    let ticks = weak.upgrade().unwrap().subscribe::<Tick>("ticks");
    drop(publisher);
    assert!(weak.upgrade().is_none(), "a subscription does not keep it open");
    assert_eq!(format!("{weak:?}"), "WeakBus(gone)");
    drop(ticks);
}

#[test]
fn cause_and_later_publications_go_by_the_publishers_name() {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let mut tocks = bus.subscribe::<Tock>("tocks");
    let publisher = bus.publisher::<Tock>("p");
    bus.start();
    publisher.publish_caused_by(Tock, 7);
    publisher.publish_caused_by(Tock, None);
    publisher.publish_after(Duration::ZERO, Tock).detach();
    publisher.publish_after(Duration::from_secs(1), Tock).detach();
    let every = publisher.publish_every(Duration::from_secs(1), || Tock);
    clock.advance(Duration::from_secs(1));
    drop(every);
    clock.advance(Duration::from_secs(1));
    let causes: Vec<_> = tocks.try_iter().map(|tock| tock.cause()).collect();
    assert_eq!(causes, [Some(7), None, None, None, None]);
    assert_eq!(publishers(&bus, "tock"), counts([("p", 5)]));
    let never = publisher.publish_every(Duration::ZERO, || Tock);
    assert!(never.is_finished());
    let later = publisher.publish_after(Duration::from_secs(9), Tock);
    drop((bus, publisher));
    assert!(later.is_finished(), "a schedule does not keep the bus open");
}
