//! Draining with hand-written loops, and what a draining bus reports about itself.

use std::task::Poll;
use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{Bus, Event, FindingKind, Phase};

use crate::support::poll;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Event)]
struct Order(u32);

#[derive(Debug, Event)]
struct Shipped(u32);

/// A started bus on a clock that stands still.
fn bus() -> (ManualClock, Bus) {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    bus.start();
    (clock, bus)
}

#[test]
fn hand_written_loop_ends_with_its_last_event() {
    let (_clock, bus) = bus();
    let mut orders = bus.subscriber("warehouse").late().subscribe::<Order>();
    let mut shipped = bus.subscriber("ledger").late().subscribe::<Shipped>();
    bus.publish(Order(1));
    let mut draining = Box::pin(bus.drain(SECOND));
    assert!(poll(&mut draining).is_pending());

    let order = orders.try_recv().unwrap();
    assert!(poll(&mut draining).is_pending(), "the loop has an event in hand");
    assert!(!bus.publish_caused_by(Shipped(order.0), order.sequence()).closed());
    assert!(orders.try_recv().is_err());
    assert!(poll(&mut draining).is_pending(), "what followed is queued");
    assert_eq!(shipped.try_recv().unwrap().0, 1);
    assert!(poll(&mut draining).is_pending(), "and now in hand");
    assert!(shipped.try_recv().is_err());
    assert!(matches!(poll(&mut draining), Poll::Ready(Ok(()))));
    assert_eq!((bus.phase(), bus.snapshot().cut_off), (Phase::Closed, 0));
}

#[test]
fn component_that_never_asks_again_holds_up_no_drain_and_is_told_what_it_lost() {
    let (clock, bus) = bus();
    let mut orders = bus.subscriber("warehouse").late().subscribe::<Order>();
    bus.publish(Order(1));
    let order = orders.try_recv().unwrap();
    let mut draining = Box::pin(bus.drain(SECOND));
    assert!(poll(&mut draining).is_pending());
    clock.advance(Duration::from_millis(99));
    assert!(poll(&mut draining).is_pending());
    clock.advance(Duration::from_millis(1));
    assert!(matches!(poll(&mut draining), Poll::Ready(Ok(()))), "it may have kept the event");

    let cut_off = || bus.diagnose().findings.into_iter().find(|it| it.kind == FindingKind::CutOff);
    assert_eq!(cut_off(), None);
    assert!(bus.publish(Shipped(0)).closed(), "from outside");
    assert_eq!(cut_off(), None);
    assert!(bus.publish_caused_by(Shipped(order.0), order.sequence()).closed());
    assert!(cut_off().unwrap().seen.ends_with("that it refused: 1"));
}

#[test]
fn close_before_a_handler_is_done_is_a_finding() {
    let (_clock, bus) = bus();
    let mut orders = bus.subscriber("warehouse").late().subscribe::<Order>();
    bus.publish(Order(1));
    let order = orders.try_recv().unwrap();
    bus.close();
    assert!(bus.publish_caused_by(Shipped(order.0), order.sequence()).closed());
    let findings = bus.diagnose().findings;
    let cut_off = findings.iter().find(|it| it.kind == FindingKind::CutOff).unwrap();
    assert!(cut_off.cure.contains("use `drain`"), "{cut_off}");
}

#[test]
fn drain_gives_a_loop_no_more_than_its_timeout() {
    let (clock, bus) = bus();
    let mut orders = bus.subscriber("warehouse").late().subscribe::<Order>();
    bus.publish(Order(1));
    let _order = orders.try_recv().unwrap();
    let mut draining = Box::pin(bus.drain(Duration::from_millis(10)));
    assert!(poll(&mut draining).is_pending());
    clock.advance(Duration::from_millis(10));
    assert!(poll(&mut draining).is_ready());
}

#[test]
fn bus_that_drains_says_so() {
    let (_clock, bus) = bus();
    let orders = bus.subscriber("warehouse").late().subscribe::<Order>();
    bus.publish(Order(1));
    let says = || bus.diagnose().findings.iter().any(|it| it.kind == FindingKind::Draining);
    assert!(!says() && !bus.snapshot().draining);
    assert_eq!(format!("{bus:?}"), "Bus { phase: Running, .. }");
    let mut draining = Box::pin(bus.drain(SECOND));
    assert!(poll(&mut draining).is_pending());
    drop(draining);
    assert!(says() && bus.snapshot().draining, "also when it was given up");
    assert_eq!(format!("{bus:?}"), "Bus { phase: Running, draining: true, .. }");
    bus.close();
    assert!(!says());
    drop(orders);
}

#[test]
fn paced_items_are_handed_out_at_once() {
    let (clock, bus) = bus();
    let orders = bus.subscriber("warehouse").late().subscribe::<Order>();
    let mut orders = orders.debounce(100 * SECOND, 100 * SECOND);
    bus.publish(Order(1));
    let mut recv = Box::pin(orders.recv());
    assert!(poll(&mut recv).is_pending());
    let (wakes, waker) = crate::support::Wakes::new();
    assert!(crate::support::poll_with(&mut recv, &waker).is_pending());
    let mut draining = Box::pin(bus.drain(SECOND));
    assert!(poll(&mut draining).is_pending());
    assert_eq!(wakes.count(), 1, "it is woken, though its time has not come");
    let Poll::Ready(Some(burst)) = poll(&mut recv) else { panic!("it is held back") };
    assert_eq!(burst.0, 1);
    drop((recv, burst));
    let mut recv = Box::pin(orders.recv());
    assert!(poll(&mut recv).is_pending());
    assert!(matches!(poll(&mut draining), Poll::Ready(Ok(()))));
    assert!(matches!(poll(&mut recv), Poll::Ready(None)));
    assert_eq!(clock.advance_to_next(), None, "and its sleep is gone");
}
