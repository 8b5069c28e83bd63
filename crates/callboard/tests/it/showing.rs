//! The `Debug` output of handles shows what they hold, and that of a delivery its event.

use std::fmt;
use std::time::Duration;

use callboard::{AnyEvent, Bus, Delivery, Event, Request};

use crate::support::{poll, publish_all};

#[derive(Debug, Event)]
struct Tick(u32);

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("tick {}", self.0))
    }
}

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

#[test]
fn subscription_shows_how_full_it_is() {
    let bus = Bus::new();
    let mut ticks = bus.subscriber("clock").capacity(70).subscribe::<Tick>();
    let mut all = bus.subscriber("all").capacity(70).subscribe::<AnyEvent>();
    bus.start();
    publish_all(&bus, (1..=3).map(Tick));
    assert_eq!(format!("{ticks:?}"), r#"Subscription { name: "clock", len: 3, capacity: 70, .. }"#);
    let mut batch = ticks.try_recv_batch().unwrap();
    assert_eq!(batch.size_hint(), (3, Some(3)));
    assert_eq!(format!("{batch:?}"), "Batch { left_at_most: 3, .. }");
    batch.next();
    assert_eq!(batch.size_hint(), (2, Some(2)));
    assert_eq!(batch.count(), 2);
    let batch = all.try_recv_batch().unwrap();
    assert_eq!(format!("{batch:?}"), "Batch { left_at_most: 3, .. }");
    assert_eq!(batch.size_hint(), (0, Some(3)));
}

#[test]
fn adapter_shows_what_it_holds_back() {
    let bus = Bus::new();
    let ticks = bus.subscriber("clock").capacity(70).subscribe::<Tick>();
    let mut ticks = ticks.debounce(Duration::from_secs(60), Duration::from_secs(60));
    bus.start();
    publish_all(&bus, (1..=3).map(Tick));
    let shows = |len: u32, held: u32| {
        format!(r#"Paced {{ name: "clock", len: {len}, capacity: 70, held: {held}, .. }}"#)
    };
    assert_eq!(format!("{ticks:?}"), shows(3, 0));
    assert!(poll(&mut Box::pin(ticks.recv())).is_pending());
    assert_eq!(format!("{ticks:?}"), shows(0, 3));
}

#[test]
fn request_shows_whom_it_asks_and_when_it_is_complete() {
    let bus = Bus::new();
    let asked = bus.request(Ask).expect(["a", "b"]);
    assert_eq!(
        format!("{asked:?}"),
        r#"RequestBuilder { request: Ask, expect: ["a", "b"], complete_with: All, timeout: 10s, .. }"#
    );
    let rule = |asked: String| asked.contains("complete_with: ") && asked.contains("timeout: 1s");
    let asked = asked.timeout(Duration::from_secs(1)).at_least(2);
    assert!(rule(format!("{asked:?}")) && format!("{asked:?}").contains("AtLeast(2)"));
    let asked = asked.settled();
    assert!(rule(format!("{asked:?}")) && format!("{asked:?}").contains("Settled"));
    let asked = asked.until(|_| true);
    assert!(rule(format!("{asked:?}")) && format!("{asked:?}").contains("Until"));
}

#[test]
fn delivery_displays_its_event() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    publish_all(&bus, [Tick(1), Tick(2)]);
    let first: Delivery<Tick> = ticks.try_recv().unwrap();
    assert_eq!(format!("{first}, {first:>8}!"), "tick 1,   tick 1!");
    let lent = ticks.try_recv_batch().unwrap().next().unwrap();
    assert_eq!(lent.to_string(), "tick 2");
}
