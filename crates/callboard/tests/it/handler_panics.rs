//! A served handler that panics is counted, with the last message and the type of its event.

use std::future::Future;

use callboard::{
    AnyEvent, Bus, Call, Delivery, Event, EventSet, Finding, FindingKind, Request,
    SubscriberSnapshot,
};

use crate::support::{poll, publish_all};

#[derive(Debug, Event)]
struct Tick(u64);

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<Ask>),
}

/// The subscriber `served` once all queued events have been handled.
fn after(bus: &Bus, serving: impl Future<Output = ()>) -> SubscriberSnapshot {
    let mut serving = Box::pin(serving);
    loop {
        assert!(poll(&mut serving).is_pending());
        let served = bus.snapshot().subscriber("served").unwrap().clone();
        if served.queued == 0 && served.handling == 0 {
            return served;
        }
    }
}

/// The type and the message of the last panic.
fn last(served: &SubscriberSnapshot) -> Option<(&str, &str)> {
    served.last_panic.as_ref().map(|panic| (&*panic.event_type, &*panic.message))
}

#[test]
fn panics_of_handlers_are_counted_and_the_last_is_kept() {
    for limit in [1, 3] {
        let bus = Bus::new();
        let inbox = bus.subscribe::<Inbox>("served");
        bus.start();
        let subscribed = bus.snapshot().subscribers.remove(0);
        assert_eq!((subscribed.panics, subscribed.last_panic), (0, None));
        publish_all(&bus, (0..4).map(Tick));
        let serving = inbox.serve_concurrent(limit, |item| {
            if let Inbox::Tick(tick) = &item {
                assert!(tick.0 != 1, "expected: before the first await, on {}", tick.0);
            }
            async move {
                futures_lite::future::yield_now().await;
                match item {
                    Inbox::Tick(tick) if tick.0 == 2 => panic!("expected: after an await"),
                    Inbox::Tick(_) => {}
                    Inbox::Ask(_) => std::panic::panic_any(7),
                }
            }
        });
        let mut serving = Box::pin(serving);
        let served = after(&bus, serving.as_mut());
        assert_eq!((served.panics, served.handled), (2, 4), "limit {limit}");
        assert_eq!(last(&served), Some(("tick", "expected: after an await")));

        let mut gather = bus.request(Ask).expect(["served"]).gather();
        assert!(poll(&mut gather).is_pending());
        let served = after(&bus, serving);
        assert_eq!(served.panics, 3);
        assert_eq!(last(&served), Some(("ask", "(the panic has no message)")));
    }
}

#[test]
fn panic_names_the_type_of_the_event_whatever_the_subscription_is_to() {
    let bus = Bus::new();
    let one = bus.subscribe::<Tick>("served");
    bus.start();
    bus.publish(Tick(7));
    let served = after(&bus, one.serve(async |tick| panic!("expected: on {}", tick.0)));
    assert_eq!(last(&served), Some(("tick", "expected: on 7")));

    let bus = Bus::new();
    let all = bus.subscribe::<AnyEvent>("served");
    bus.start();
    bus.publish(Tick(7));
    let served = after(&bus, all.serve(async |event| panic!("expected: {event:?}")));
    assert_eq!(last(&served), Some(("tick", "expected: Tick(7)")));
}

#[test]
fn handler_that_panicked_is_a_finding() {
    let bus = Bus::new();
    let ticks = bus.subscribe::<Tick>("served");
    bus.start();
    bus.publish(Tick(1));
    let mut serving = Box::pin(ticks.serve(async |tick| {
        assert!(tick.0 == 0, "expected: no more than 0\nin two lines");
    }));
    after(&bus, serving.as_mut());
    let diagnosis = bus.diagnose();
    assert_eq!(diagnosis.findings.len(), 1);
    assert_eq!(diagnosis.findings[0].kind, FindingKind::HandlerPanicked);
    assert_eq!(
        diagnosis.to_string(),
        "`served` has a handler that panicked once, last on `tick`: expected: no more than 0; \
         fix the handler; the event that it panicked on is not handled again"
    );
    bus.publish(Tick(2));
    bus.publish(Tick(0));
    after(&bus, serving.as_mut());
    let found = bus.diagnose().to_string();
    assert!(found.contains("panicked 2 times, last on `tick`"), "{found}");

    let _full = bus.subscriber("full").late().capacity(1).subscribe::<Tick>();
    bus.publish(Tick(0));
    after(&bus, serving.as_mut());
    let kinds = |finding: &Finding| finding.kind;
    let kinds: Vec<_> = bus.diagnose().findings.iter().map(kinds).collect();
    assert_eq!(kinds, [FindingKind::HandlerPanicked, FindingKind::NotReading], "the graver first");
}

#[cfg(feature = "tracing")]
#[test]
fn log_names_the_handler_its_event_and_what_comes_next() {
    let bus = Bus::new();
    let ticks = bus.subscribe::<Tick>("served");
    bus.start();
    bus.publish(Tick(1));
    bus.publish(Tick(2));
    let said = crate::listening::said(|| {
        after(&bus, ticks.serve(async |tick| assert!(tick.0 == 2, "expected: kaboom")));
    });
    assert_eq!(
        said,
        ["`served` panicked on `tick` #1: expected: kaboom; it goes on with the next event"]
    );
}

#[cfg(feature = "tracing")]
#[test]
fn log_names_what_else_panicked_and_what_happens_instead() {
    #[derive(Debug, Event)]
    struct Fragile;
    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("expected: from a destructor");
        }
    }
    #[derive(Debug, Event)]
    #[event(priority = Self::rank, coalesce)]
    struct Rigged;
    impl Rigged {
        fn rank(&self) -> callboard::Priority {
            panic!("expected: no rank")
        }
    }
    impl callboard::Coalesce for Rigged {
        type Key = u32;
        fn key(&self) -> u32 {
            panic!("expected: no key")
        }
    }

    let bus = Bus::new();
    bus.on_drop(|_| panic!("expected: from the callback"));
    let _full = bus.subscriber("full").capacity(0).subscribe::<Tick>();
    let merges = bus.subscriber("merges").overflow(callboard::Overflow::Coalesce);
    let _merges = merges.subscribe::<Rigged>();
    bus.start();
    let said = |code: &dyn Fn()| crate::listening::said(code).pop().unwrap_or_default();
    let dropped = said(&|| _ = bus.publish(Tick(1)));
    assert_eq!(
        dropped,
        "the drop callback panicked: expected: from the callback; it is called again for the next drop"
    );
    let value = said(&|| _ = bus.publish(Fragile));
    assert_eq!(
        value,
        "a destructor panicked: expected: from a destructor; the value counts as dropped"
    );
    let rigged = crate::listening::said(|| _ = bus.publish(Rigged));
    assert_eq!(
        rigged,
        [
            "the function of `priority_by` panicked: expected: no rank; the event has normal priority",
            "`Coalesce::key` of `rigged` panicked: expected: no key; the event coalesces with no other",
        ]
    );
}

#[test]
fn a_panic_is_told_after_its_subscriber_has_ended() {
    let bus = Bus::new();
    bus.start();
    for n in 0..20 {
        let events = bus.subscriber(format!("s{n}")).late().subscribe::<Tick>();
        bus.publish(Tick(n));
        let mut serving = Box::pin(events.serve(async |_: Delivery<Tick>| panic!("boom")));
        assert!(poll(&mut serving).is_pending());
        drop(serving);
    }
    let found = bus.diagnose().findings;
    let panics = found.iter().filter(|found| found.kind == FindingKind::HandlerPanicked);
    let names: Vec<_> = panics.map(|found| found.culprit.as_str()).collect();
    assert_eq!(names.len(), 16, "the last ones: {names:?}");
    assert!(names.contains(&"s19") && !names.contains(&"s3"), "{names:?}");
}
