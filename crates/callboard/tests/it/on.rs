//! Handlers by registration, with the feature `tokio`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callboard::{AnyEvent, Bus, Call, Event, Request};

use crate::support::eventually;

#[derive(Debug, Event)]
struct Tick(u32);

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

#[tokio::test]
async fn handler_gets_each_event_until_its_registration_is_dropped() {
    let (bus, sum) = (Bus::new(), Arc::new(AtomicU32::new(0)));
    let counter = bus.on::<Tick>("counter", {
        let sum = Arc::clone(&sum);
        move |tick| {
            sum.fetch_add(tick.0, Ordering::Relaxed);
            async {}
        }
    });
    bus.publish(Tick(1));
    bus.start();
    bus.publish(Tick(2));
    callboard::testing::settle(&bus).await.unwrap();
    assert_eq!((counter.name(), sum.load(Ordering::Relaxed)), ("counter", 3));
    drop(counter);
    while bus.snapshot().subscriber("counter").is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(bus.publish(Tick(4)).delivered(), 0);
    assert_eq!(Arc::strong_count(&sum), 1, "the handler is gone");
}

#[tokio::test]
async fn registration_says_when_the_handler_panicked_and_it_goes_on() {
    let bus = Bus::new();
    let picky = bus.on::<Call<Ask>>("picky", async |call: Call<Ask>| match call.sequence() {
        1 => panic!("expected: {}", 1),
        _ => call.respond(Tick(7)),
    });
    bus.start();
    let first = bus.ask(Ask).of("picky").await.unwrap_err();
    assert_eq!(first.to_string(), "`picky` did not answer `ask`: abandoned the request");
    assert_eq!(picky.panicked().await.as_deref(), Some("expected: 1"));
    assert_eq!((picky.panics(), picky.is_finished()), (1, false));
    assert_eq!(bus.ask(Ask).of("picky").await.unwrap().0, 7);
    assert_eq!(format!("{picky:?}"), r#"Registration { name: "picky", panics: 1, .. }"#);
}

#[tokio::test]
async fn waiting_for_a_panic_ends_with_the_bus() {
    let bus = Bus::new();
    let calm = bus.on::<AnyEvent>("calm", async |_| {});
    let waiting = tokio::spawn(async move { (calm.panicked().await, calm.is_finished()) });
    tokio::task::yield_now().await;
    bus.close_and_drain(Duration::from_secs(5)).await.unwrap();
    assert_eq!(waiting.await.unwrap(), (None, true));
}

#[test]
fn runtime_may_end_before_the_bus_and_a_detached_handler_outlives_its_registration() {
    let bus = Bus::new();
    let handled = Arc::new(AtomicU32::new(0));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let registration = runtime.block_on(async {
        let counted = Arc::clone(&handled);
        bus.on::<Tick>("detached", move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async {}
        })
        .detach();
        bus.on::<Tick>("held", |_| async {})
    });
    bus.start();
    bus.publish(Tick(1));
    eventually("it is handled", || handled.load(Ordering::Relaxed) == 1);
    drop(runtime);
    assert!(registration.is_finished());
    assert_eq!(bus.publish(Tick(2)).delivered(), 0);
}
