//! Tests of behaviour that is not visible from outside, or only if two threads race.

use std::task::Waker;

use crate::log::Moment;
use crate::{AnyEvent, Bus, Event, Overflow};

#[derive(Debug)]
struct Tick;

impl Event for Tick {
    const TYPE: &'static str = "tick";
}

#[test]
fn what_is_inside_is_shown_by_its_name() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("ticks");
    assert_eq!(format!("{:?}", bus.core()), "Core { .. }");
    assert_eq!(format!("{:?}", ticks.reader), "Reader(\"ticks\")");
    bus.start();
    bus.publish(Tick);
    let lent = format!("{:?}", ticks.reader.lend::<Tick>(Moment::NONE).expect("it was published"));
    assert!(lent.starts_with("LentEvents("), "{lent}");
}

#[test]
fn reader_of_an_inbox_goes_to_sleep_only_if_something_will_wake_it() {
    let bus = Bus::new();
    let oldest = bus.subscriber("all").overflow(Overflow::DropOldest);
    let mut all = oldest.subscribe::<AnyEvent>();
    bus.start();
    let sleeps = |all: &crate::Subscription<AnyEvent>| {
        all.reader.sleep_by_queue(Waker::noop(), |mailbox| all.core.register_waiter(mailbox))
    };
    assert!(sleeps(&all), "nothing is there");
    bus.publish(Tick);
    assert!(!sleeps(&all), "an event has come since it looked");
    assert!(all.try_recv().is_ok());
    assert!(sleeps(&all));
    bus.close();
    assert!(!sleeps(&all), "nothing more will come");
}
