//! Promise 7: log messages of the bus may themselves be published on the bus.
#![cfg(feature = "tracing")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callboard::Bus;
use tracing::Level;

use crate::listening::{Listener, listening};
use crate::reentrant::use_everything;
use crate::support::{in_time, publish_all};

#[derive(Debug, callboard::Event)]
struct Tick;

/// A log that is published on the bus that it comes from.
struct Forward {
    bus: Bus,
    busy: AtomicBool,
    seen: Arc<AtomicBool>,
}

impl Listener for Forward {
    fn told(&self, _: Level, _: String) {
        if !self.busy.swap(true, Ordering::SeqCst) {
            use_everything(&self.bus);
            self.seen.store(true, Ordering::SeqCst);
            self.busy.store(false, Ordering::SeqCst);
        }
    }
}

mod namesake {
    #[derive(Debug, callboard::Event)]
    #[event(type = "tick")]
    pub(super) struct Tick;
}

#[test]
fn log_of_the_bus_may_be_published_on_it() {
    in_time("a log subscriber that publishes what the bus says", || {
        let bus = Bus::new();
        let said = |what: &str, code: &dyn Fn()| {
            let seen = Arc::default();
            let forward = Forward { bus: bus.clone(), busy: false.into(), seen: Arc::clone(&seen) };
            listening(forward, code);
            assert!(seen.load(Ordering::SeqCst), "the bus says nothing of {what}");
        };
        bus.start();
        said("a late subscriber", &|| drop(bus.subscribe::<Tick>("late")));
        said("a bad pattern", &|| drop(bus.subscriber("bad").subscribe_matching("a..b")));
        let _full = bus.subscriber("full").late().capacity(0).subscribe::<Tick>();
        said("a critical drop", &|| publish_all(&bus, [Tick]));
        said("a name given twice", &|| publish_all(&bus, [namesake::Tick]));
    });
}

/// A log that fails on every message.
struct Broken;

impl Listener for Broken {
    fn told(&self, _: Level, _: String) {
        panic!("expected: the log panics");
    }
}

#[test]
fn log_that_panics_keeps_nobody_from_subscribing() {
    let bus = Bus::new();
    bus.start();
    let ticks = listening(Broken, || bus.subscribe::<Tick>("late"));
    assert_eq!(bus.publish(Tick).delivered(), 1);
    drop(ticks);
    assert_eq!(bus.snapshot().subscribers.len(), 0);
}
