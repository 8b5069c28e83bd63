//! What every public type guarantees by its traits alone.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use callboard::{
    Abilities, AnyEvent, Batch, Bus, BusBuilder, Call, Clock, Delivery, Dropped, Event, EventRef,
    EventSet, Gather, Gathered, Ledger, Recv, Request, RequestBuilder, Responder, Sleep, Snapshot,
    SubscriberBuilder, Subscription, SystemClock,
};

#[derive(Debug, Event)]
struct Tick;

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<Ask>),
}

/// Asks the compiler whether a type implements a trait: an inherent constant, where its bound
/// holds, hides the trait's.
macro_rules! implements {
    ($type:ty: $($bound:tt)+) => {{
        #[allow(dead_code, reason = "one of the two is hidden")]
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code, reason = "one of the two is hidden")]
        impl<T: ?Sized + $($bound)+> Probe<T> {
            const YES: bool = true;
        }
        #[allow(dead_code, reason = "one of the two is hidden")]
        trait No {
            const YES: bool = false;
        }
        impl<T: ?Sized> No for Probe<T> {}
        <Probe<$type>>::YES
    }};
}

/// Which of `Send`, `Sync`, `Unpin`, `Clone` and `'static` a type is.
macro_rules! table {
    ($($type:ty: $expected:literal;)+) => { $(
        let mut found = String::new();
        for (letter, implemented) in [
            ('s', implements!($type: Send)),
            ('y', implements!($type: Sync)),
            ('u', implements!($type: Unpin)),
            ('c', implements!($type: Clone)),
            ('d', implements!($type: std::fmt::Debug)),
        ] {
            found.push(if implemented { letter } else { '-' });
        }
        assert_eq!(found, $expected, "{}", stringify!($type));
    )+ };
}

#[test]
fn types_are_send_sync_unpin_clone_and_debug_as_promised() {
    table! {
        Bus: "syucd";
        BusBuilder: "syu-d";
        SubscriberBuilder: "syucd";
        Subscription<Tick>: "syu-d";
        Subscription<AnyEvent>: "syu-d";
        Subscription<Inbox>: "syu-d";
        Responder<Ask>: "syu-d";
        Recv<'_, Tick>: "syu-d";
        Delivery<Tick>: "syucd";
        AnyEvent: "syucd";
        EventRef<'static, Tick>: "syu-d";
        Batch<'static, Tick>: "syu-d";
        Batch<'static, Inbox>: "syu-d";
        callboard::Paced<Tick>: "s-u-d";
        callboard::Paced<Inbox>: "s-u-d";
        callboard::Burst<Delivery<Tick>>: "syucd";
        callboard::Burst<Inbox>: "syu-d";
        callboard::Scheduled: "syu-d";
        Call<Ask>: "syu-d";
        Inbox: "syu-d";
        RequestBuilder<Ask>: "s-u-d";
        Gather<Ask>: "s-u-d";
        Gathered<Tick>: "syucd";
        Sleep: "s-u-d";
        SystemClock: "syucd";
        Arc<dyn Clock>: "syucd";
        Snapshot: "syucd";
        Dropped: "syucd";
        Ledger: "syucd";
        Abilities<Tick>: "syu-d";
        callboard::Published: "syucd";
        callboard::Started: "syucd";
        callboard::Phase: "syucd";
        callboard::Priority: "syucd";
        callboard::Overflow: "syucd";
        callboard::Importance: "syucd";
        callboard::DropReason: "syucd";
        callboard::Outcome: "syucd";
        callboard::End: "syucd";
        callboard::Pattern: "syucd";
        callboard::PatternError: "syucd";
        callboard::Diagnosis: "syucd";
        callboard::Finding: "syucd";
        callboard::PanicSnapshot: "syucd";
        callboard::Unfinished: "syucd";
        callboard::BuildError: "syucd";
        callboard::StartError: "syucd";
        callboard::DrainError: "syucd";
        callboard::RequestError: "syucd";
        callboard::TryRecvError: "syucd";
        callboard::RecvTimeoutError: "syucd";
    }
}

#[test]
fn errors_are_errors() {
    fn is_error<E: std::error::Error + Send + Sync + 'static>() {}
    is_error::<callboard::BuildError>();
    is_error::<callboard::StartError>();
    is_error::<callboard::DrainError>();
    is_error::<callboard::RequestError>();
    is_error::<callboard::TryRecvError>();
    is_error::<callboard::RecvTimeoutError>();
    is_error::<callboard::PatternError>();
}

fn spawns<F: Future + Send + 'static>(future: F) {
    drop(future);
}

fn sends<F: Future + Send>(future: F) {
    drop(future);
}

#[test]
fn futures_may_be_spawned() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    sends(ticks.recv());
    sends(ticks.recv_many(&mut Vec::new(), 1));
    sends(bus.start_when_ready(Duration::ZERO));
    sends(bus.close_and_drain(Duration::ZERO));
    spawns(ticks.serve(|_| async {}));
    spawns(bus.subscribe::<Inbox>("inbox").serve_concurrent(2, |_| async {}));
    spawns(bus.request(Ask).expect(["inbox"]).gather());
    let owned = bus.clone();
    spawns(async move { owned.start_when_ready(Duration::ZERO).await.is_ok() });
    let owned = bus.clone();
    spawns(async move { owned.request(Ask).expect(["inbox"]).first().await });
    spawns(async move {
        let mut inbox = bus.subscribe::<Inbox>("inbox");
        while let Some(item) = inbox.recv().await {
            match item {
                Inbox::Tick(tick) => drop(tick),
                Inbox::Ask(call) => {
                    let nested = call.request(Ask).expect(["other"]).gather();
                    drop(nested.await);
                    call.respond(Tick);
                }
            }
        }
    });
}

#[test]
fn subscription_is_a_stream_and_a_request_a_future() {
    fn streams<S: futures_lite::Stream<Item = I>, I>() {}
    fn awaits<F: IntoFuture<Output = Result<Gathered<Tick>, callboard::RequestError>>>() {}
    streams::<Subscription<Tick>, Delivery<Tick>>();
    streams::<Subscription<AnyEvent>, AnyEvent>();
    streams::<Subscription<Inbox>, Inbox>();
    streams::<Responder<Ask>, Call<Ask>>();
    awaits::<RequestBuilder<Ask>>();
    awaits::<Gather<Ask>>();
}

#[test]
fn clock_is_object_safe() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let boxed: Box<dyn Clock> = Box::new(SystemClock);
    assert!(clock.now() <= boxed.now());
    let sleep: Sleep = clock.sleep_until(clock.now());
    crate::support::soon("no time at all", sleep);
}

#[test]
fn names_are_whatever_turns_into_a_string() {
    let bus = Bus::new();
    drop(bus.subscribe::<Tick>("text"));
    drop(bus.subscribe::<Tick>(String::from("owned")));
    drop(bus.subscribe::<Tick>(Box::<str>::from("boxed")));
    drop(bus.subscribe::<Tick>(std::borrow::Cow::from("either")));
    drop(bus.subscriber('c').responder::<Ask>());
    drop(bus.request(Ask).expect(vec![String::from("owned")]));
}

/// A field may be only `Sync`, or neither: a shared event is always `Send + Sync`.
#[test]
fn only_shareable_types_are_events() {
    fn is_event<E: Event>() -> bool {
        implements!(E: Send) || std::mem::size_of::<E>() == 0
    }
    assert!(is_event::<Tick>());
    assert!(!implements!(std::cell::Cell<u8>: Event));
    assert!(!implements!(std::rc::Rc<u8>: Event));
}
