//! A subscriber that gets nothing, beside one that does: it stays asleep.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Count, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};

use loom::thread;

use super::harness::Model;
use super::watched::{Note, Plain};
use crate::{Bus, EventSet, Overflow, SubscriberBuilder, Subscription};

#[derive(Debug, Default)]
struct Wakes(Count);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Publishes a [`Plain`] beside a sleeper that does not get it, on a running bus or one that starts
/// concurrently.
fn sleeps_on<S: EventSet + 'static>(
    name: &'static str,
    runs: bool,
    subscribe: fn(SubscriberBuilder) -> Subscription<S>,
) {
    Model::new(name, &["read", "not yet"]).at_least(5).check(move || {
        let bus = Bus::new();
        let mut reader = bus.subscribe::<Plain>("reader");
        let mut sleeper = subscribe(bus.subscriber("sleeper"));
        if runs {
            bus.start();
        }
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || {
                bus.publish(Plain(1));
                bus.start();
            }
        });
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let sleep = |sleeper: &mut Subscription<S>| {
            pin!(sleeper.recv()).poll(&mut Context::from_waker(&waker)).is_pending()
        };
        assert!(sleep(&mut sleeper), "there is nothing for it");
        let outcome = if reader.try_recv().is_ok() { "read" } else { "not yet" };
        publisher.join().unwrap();
        assert_eq!(reader.try_recv().is_ok(), outcome == "not yet");
        assert_eq!(wakes.0.load(SeqCst), 0, "it is woken for nothing");
        assert!(sleep(&mut sleeper), "there still is nothing for it");
        outcome
    });
}

#[test]
fn who_did_not_ask_for_an_event_is_not_woken_by_it() {
    sleeps_on::<Note>("asleep.log", true, |builder| builder.subscribe());
    sleeps_on::<Note>("asleep.start", false, |builder| builder.subscribe());
    sleeps_on::<Note>("asleep.queue", true, |builder| {
        builder.overflow(Overflow::DropOldest).subscribe()
    });
    sleeps_on("asleep.pattern", true, |builder| builder.subscribe_matching("note"));
}

#[test]
fn who_has_no_room_is_not_woken() {
    sleeps_on::<Plain>("asleep.full", true, |builder| builder.capacity(0).subscribe());
}
