//! What every public type promises by its traits alone.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use callboard::{
    Abilities, AnyEvent, Batch, Bus, BusBuilder, Call, Clock, Coalesce, Delivery, Dropped, Event,
    EventRef, EventSet, Gather, Gathered, Ledger, Priority, Recv, Request, RequestBuilder,
    Responder, Sleep, Snapshot, SubscriberBuilder, Subscription, SystemClock,
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

#[derive(Debug, Event)]
struct Urgent;

impl Coalesce for Urgent {
    type Key = ();

    fn key(&self) {}
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
        callboard::Unfinished: "syucd";
        callboard::BuildError: "syucd";
        callboard::StartError: "syucd";
        callboard::DrainError: "syucd";
        callboard::RequestError: "syucd";
        callboard::TryRecvError: "syucd";
        callboard::RecvTimeoutError: "syucd";
    }
}

#[derive(Debug, Event)]
struct Number(#[expect(dead_code, reason = "only shown")] u64);

#[test]
fn received_event_is_shown_as_itself() {
    let bus = Bus::new();
    let mut numbers = bus.subscribe::<Number>("reader");
    bus.start();
    crate::support::publish_all(&bus, (1..=2).map(Number));
    let batch = numbers.try_recv_batch().unwrap().next().map(|number| format!("{number:?}"));
    assert!(batch.as_ref().is_some_and(|shown| shown.contains("Number(1)")), "{batch:?}");
    let delivery = format!("{:?}", numbers.try_recv().unwrap());
    assert!(delivery.contains("Number(2)"), "{delivery}");
}

#[test]
fn handles_are_shown_by_what_they_are() {
    let bus = Bus::new();
    assert_eq!(format!("{bus:?}"), "Bus { phase: Buffering, .. }");
    bus.start();
    assert_eq!(format!("{bus:?}"), "Bus { phase: Running, .. }");
    bus.close();
    assert_eq!(format!("{bus:?}"), "Bus { phase: Closed, .. }");
    assert_eq!(format!("{:?}", Bus::builder()), "BusBuilder { .. }");
    assert_eq!(format!("{:?}", SystemClock.sleep_until(SystemClock.now())), "Sleep { .. }");
}

#[test]
fn what_a_subscriber_holds_is_shown_by_its_name_or_type() {
    let bus = Bus::new();
    let mut numbers = bus.subscribe::<Number>("reader");
    let mut asked = bus.subscriber("answers").responder::<Ask>();
    bus.start();
    assert_eq!(format!("{numbers:?}"), "Subscription { name: \"reader\", .. }");
    bus.publish(Number(1));
    assert_eq!(format!("{:?}", numbers.try_recv_batch().unwrap()), "Batch { .. }");
    let request = bus.request(Ask);
    assert_eq!(format!("{request:?}"), "RequestBuilder { request: Ask, .. }");
    let gather = request.expect(["answers"]).gather();
    assert_eq!(format!("{gather:?}"), "Gather { request: \"ask\", .. }");
    let mut gather = std::pin::pin!(gather);
    assert!(crate::support::poll(&mut gather).is_pending());
    let call = format!("{:?}", asked.try_recv().unwrap());
    let sequence = bus.snapshot().requests.open[0].sequence.unwrap();
    let expected =
        format!("Call {{ request: Ask, responder: \"answers\", sequence: {sequence}, .. }}");
    assert_eq!(call, expected);
}

#[test]
fn abilities_are_shown() {
    let shown = |abilities: Abilities<Urgent>| format!("{abilities:?}");
    let plain = "Abilities { priority: Normal, retain: false, coalesce: false }";
    assert_eq!(shown(Abilities::new()), plain);
    let able = Abilities::new().priority(Priority::High).retain().coalesce();
    assert_eq!(shown(able), "Abilities { priority: High, retain: true, coalesce: true }");
    let by_value = Abilities::new().priority_by(|_| Priority::Low);
    let expected = "Abilities { priority: \"by value\", retain: false, coalesce: false }";
    assert_eq!(shown(by_value), expected);
}

#[test]
fn errors_of_receiving_say_whether_to_come_back() {
    use callboard::{RecvTimeoutError, TryRecvError};
    assert_eq!(TryRecvError::Empty.to_string(), "no event is queued");
    assert_eq!(RecvTimeoutError::Timeout.to_string(), "no event came in time");
    let closed = "the bus is closed and every event was received";
    assert_eq!(TryRecvError::Closed.to_string(), closed);
    assert_eq!(RecvTimeoutError::Closed.to_string(), closed);
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

/// A field may be `Sync` alone or neither: what is shared is only ever `Send + Sync`.
#[test]
fn only_shareable_types_are_events() {
    fn is_event<E: Event>() -> bool {
        implements!(E: Send) || std::mem::size_of::<E>() == 0
    }
    assert!(is_event::<Tick>());
    assert!(!implements!(std::cell::Cell<u8>: Event));
    assert!(!implements!(std::rc::Rc<u8>: Event));
}
