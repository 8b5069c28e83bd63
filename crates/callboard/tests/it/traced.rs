//! A tracing bus with hostile `tracing` subscribers. (What well-behaved ones export is tested in
//! `examples/traces`.)
#![cfg(feature = "tracing")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use callboard::{AnyEvent, Bus, Event, Outcome, Received, Request};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Span, Subscriber};

use crate::support::{poll, publish_all};

#[derive(Debug, Event)]
struct Tick;

#[derive(Debug, Event)]
#[event(retain)]
struct Leader;

#[derive(Debug, Event)]
struct Answer;

#[derive(Debug, Request)]
#[request(response = Answer)]
struct Question;

/// Does the same deed on every call.
struct Rigged {
    deed: Box<dyn Fn() + Send + Sync>,
    armed: Arc<AtomicBool>,
    /// Also when a span is made: then there is none.
    makes_no_spans: bool,
    spans: AtomicU64,
    calls: Arc<AtomicU64>,
}

impl Rigged {
    fn run(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        // The spans of the deed itself trigger no further deed.
        if self.armed.swap(false, Ordering::Relaxed) {
            let done = catch_unwind(AssertUnwindSafe(&self.deed));
            self.armed.store(true, Ordering::Relaxed);
            done.unwrap_or_else(|panic| resume_unwind(panic));
        }
    }
}

impl Subscriber for Rigged {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "callboard::trace"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        if self.makes_no_spans {
            self.run();
        }
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {
        self.run();
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {
        self.run();
    }

    fn event(&self, _: &tracing::Event<'_>) {
        self.run();
    }

    fn enter(&self, _: &Id) {
        self.run();
    }

    fn exit(&self, _: &Id) {
        self.run();
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.run();
        id.clone()
    }

    fn try_close(&self, _: Id) -> bool {
        self.run();
        true
    }
}

/// Drops a span of this test's own, where its subscriber may panic.
fn let_go(span: Span) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(span)));
}

#[test]
fn event_without_subscribers_has_no_number_with_time_or_traces_either() {
    for (time, traces) in [(false, false), (true, false), (false, true), (true, true)] {
        let bus = Bus::builder().timestamps(time).trace(traces).build().unwrap();
        bus.start();
        assert_eq!(bus.publish(Tick).sequence(), None, "{time} {traces}");
        let _ticks = bus.subscriber("ticks").late().subscribe::<Tick>();
        assert_eq!(bus.publish(Tick).sequence(), Some(1), "{time} {traces}");
    }
}

/// Everything that a bus does with spans, with a subscriber that does `deed` on every call. The
/// results must be the same as without it.
fn watched(makes_no_spans: bool, deed: impl Fn(&Bus) + Send + Sync + 'static) {
    let bus = Bus::builder().trace(true).build().unwrap();
    let (armed, calls) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let weak = bus.downgrade();
    let rigged = Rigged {
        deed: Box::new(move || {
            if let Some(bus) = weak.upgrade() {
                deed(&bus);
            }
        }),
        armed: Arc::clone(&armed),
        makes_no_spans,
        spans: AtomicU64::new(0),
        calls: Arc::clone(&calls),
    };
    let dispatch = tracing::Dispatch::new(rigged);
    tracing::dispatcher::with_default(&dispatch, || {
        let handled = Arc::new(AtomicU64::new(0));
        let mut serving = Box::pin(bus.subscribe::<Tick>("served").serve({
            let handled = Arc::clone(&handled);
            move |_| {
                let handled = Arc::clone(&handled);
                async move {
                    handled.fetch_add(1, Ordering::Relaxed);
                }
            }
        }));
        let mut ticks = bus.subscribe::<Tick>("by hand");
        let full = bus.subscriber("full").lossy().capacity(1).subscribe::<Tick>();
        let mut everything = bus.subscribe::<AnyEvent>("everything");
        let mut oracle = bus.responder::<Question>("oracle");
        publish_all(&bus, (0..5).map(|_| Tick));
        bus.start();
        publish_all(&bus, (0..2).map(|_| Tick));
        publish_all(&bus, (0..2).map(|_| Leader));
        assert!(poll(&mut serving).is_pending());
        assert_eq!(handled.load(Ordering::Relaxed), 7);
        assert_eq!(ticks.try_iter().inspect(|tick| let_go(tick.span())).count(), 7);
        let mut gather = bus.request(Question).expect(["oracle", "nobody"]).settled().gather();
        assert!(poll(&mut gather).is_pending());
        let call = oracle.try_recv().unwrap();
        let_go(call.span());
        call.respond(Answer);
        let std::task::Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("answered") };
        assert!(gathered.missing().eq([("nobody", Outcome::NoSuchResponder)]));
        drop(bus.request(Question).expect(["oracle"]).gather());
        assert!(everything.try_recv().is_ok());
        drop(full);
        assert!(bus.snapshot().balances());
        bus.close();
        assert!(poll(&mut serving).is_ready());
        drop(everything);
    });
    assert!(calls.load(Ordering::Relaxed) > 10, "it was watched");
    armed.store(false, Ordering::Relaxed);
}

#[test]
fn watcher_that_panics_fails_nothing() {
    for makes_no_spans in [true, false] {
        watched(makes_no_spans, |_| panic!("expected: a `tracing` subscriber"));
    }
}

/// Also checks that no lock is held: each of these takes the registry's.
#[test]
fn watcher_may_use_the_bus() {
    #[derive(Debug, Event)]
    struct Seen;

    watched(true, |bus| {
        bus.publish(Seen);
        drop(bus.subscriber("watcher").late().subscribe::<Seen>());
        assert!(!bus.snapshot().types.is_empty());
    });
}

#[test]
fn spans_of_a_bus_that_does_not_trace_are_disabled() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    bus.publish(Tick);
    assert!(ticks.try_recv().unwrap().span().is_disabled());
}
