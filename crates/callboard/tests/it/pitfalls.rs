//! The pitfalls of buses like this one: each is impossible here, or the bus names the culprit and
//! the cure at once.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use callboard::testing::{ManualClock, Sim, block_on};
use callboard::{
    AnyEvent, Arrival, Bus, DropReason, Event, Finding, FindingKind, Outcome, Overflow, Request,
    RequestError,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};

#[derive(Debug, Event)]
#[event(type = "pit.step")]
struct Step(#[expect(dead_code, reason = "read by Debug")] u32);

#[derive(Debug, Event)]
#[event(type = "pit.other")]
struct Other;

#[derive(Debug, Event)]
#[event(type = "pit.answer")]
struct Answer;

#[derive(Debug, Request)]
#[request(type = "pit.question", response = Answer)]
struct Question;

fn found(bus: &Bus, kind: FindingKind) -> Option<Finding> {
    bus.diagnose().findings.into_iter().find(|finding| finding.kind == kind)
}

#[track_caller]
fn expect(bus: &Bus, kind: FindingKind) -> Finding {
    let diagnosis = bus.diagnose();
    let finding = diagnosis.findings.iter().find(|finding| finding.kind == kind);
    finding.unwrap_or_else(|| panic!("no {kind:?} among:\n{diagnosis}")).clone()
}

/// Runs `code` and returns what the bus said aloud meanwhile, on this thread.
fn said(code: impl FnOnce()) -> Vec<String> {
    #[derive(Clone, Default)]
    struct Ear(Arc<Mutex<Vec<String>>>);
    struct Message(String);
    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            if field.name() == "message" {
                self.0 = format!("{value:?}");
            }
        }
    }
    impl tracing::Subscriber for Ear {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            metadata.target() == "callboard"
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            let mut message = Message(String::new());
            event.record(&mut message);
            self.0.lock().unwrap().push(message.0);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }
    let ear = Ear::default();
    tracing::subscriber::with_default(ear.clone(), code);
    std::mem::take(&mut ear.0.lock().unwrap())
}

#[test]
fn forgetting_start_is_named_with_what_waits_and_who_is_missing() {
    let clock = ManualClock::new();
    let bus =
        Bus::builder().clock(clock.clone()).expect_subscribers(["here", "absent"]).build().unwrap();
    let _here = bus.subscribe::<Step>("here");
    let said = said(|| {
        bus.publish(Step(1));
        bus.publish(Step(2));
        bus.publish(Other);
        clock.advance(Duration::from_secs(9));
        assert_eq!(bus.diagnose().snapshot.buffer.queued, 3);
        clock.advance(Duration::from_secs(1));
        clock.advance(Duration::from_secs(100));
    });
    assert_eq!(said.len(), 1, "it is said once: {said:?}");
    assert!(said[0].contains("3 (`pit.step` ×2, `pit.other` ×1)"), "{}", said[0]);
    assert!(said[0].contains("call `start`"), "{}", said[0]);

    let finding = expect(&bus, FindingKind::NotStarted);
    assert!(finding.to_string().contains("holds 3 events"), "{finding}");
    assert!(finding.cure.contains("missing: `absent`"), "{finding}");
    bus.start();
    assert_eq!(found(&bus, FindingKind::NotStarted), None);
}

#[test]
fn a_bus_dropped_unstarted_says_what_was_lost() {
    let said = said(|| {
        let bus = Bus::new();
        bus.publish(Other);
        drop(bus);
    });
    assert!(said[0].contains("never started") && said[0].contains("`pit.other` ×1"), "{said:?}");
}

#[test]
fn a_bus_that_was_started_in_time_says_nothing() {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let said = said(|| {
        bus.publish(Other);
        bus.start();
        clock.advance(Duration::from_secs(60));
        drop(bus);
    });
    assert_eq!(said, Vec::<String>::new());
}

#[test]
fn subscribing_too_late_is_named_with_the_call_site() {
    let bus = Bus::new();
    bus.start();
    let mut late = None;
    let line = line!() + 1;
    let said = said(|| late = Some(bus.subscribe::<Step>("tardy")));
    assert_eq!(said.len(), 1, "{said:?}");
    let place = format!("pitfalls.rs:{line}:");
    assert!(said[0].contains("`tardy`") && said[0].contains(&place), "{}", said[0]);
    assert!(said[0].contains("`.late()`"), "{}", said[0]);

    let finding = expect(&bus, FindingKind::SubscribedLate);
    assert_eq!(finding.culprit, "tardy");
    assert!(finding.seen.contains(&place), "{finding}");
    drop(late);
    assert_eq!(found(&bus, FindingKind::SubscribedLate), None);
}

#[test]
fn subscribing_late_on_purpose_is_not_named() {
    let bus = Bus::new();
    bus.start();
    let said = said(|| drop(bus.subscriber("planned").late().subscribe::<Step>()));
    assert_eq!(said, Vec::<String>::new());
}

#[test]
fn a_served_handler_that_blocks_is_named_with_its_time() {
    let mut sim = Sim::new(1);
    let bus = sim.bus();
    let slow = bus.subscribe::<Step>("slow");
    sim.spawn("slow", slow.serve(async |_step| std::future::pending::<()>().await));
    bus.start();
    bus.publish(Step(1));
    bus.publish(Step(2));
    sim.run_ready();
    assert_eq!(found(&bus, FindingKind::HandlerBlocks), None, "it has only begun");
    sim.clock().advance(Duration::from_secs(5));
    let finding = expect(&bus, FindingKind::HandlerBlocks);
    assert_eq!(finding.culprit, "slow");
    assert!(finding.seen.contains("for 5.0s while 1 wait"), "{finding}");
    assert!(finding.cure.contains("serve_concurrent"), "{finding}");
}

#[test]
fn a_hand_written_loop_that_blocks_is_named() {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).timestamps(true).build().unwrap();
    let mut slow = bus.subscribe::<Step>("slow");
    bus.start();
    bus.publish(Step(1));
    bus.publish(Step(2));
    let in_hand = slow.try_recv().unwrap();
    clock.advance(Duration::from_secs(2));
    let finding = expect(&bus, FindingKind::HandlerBlocks);
    assert_eq!(finding.culprit, "slow");
    drop(in_hand);
    slow.try_recv().unwrap();
    assert_eq!(found(&bus, FindingKind::HandlerBlocks), None, "it came back");
}

#[test]
fn a_subscription_that_nobody_reads_is_named() {
    let bus = Bus::new();
    let _forgotten = bus.subscriber("forgotten").capacity(2).subscribe::<Step>();
    bus.start();
    bus.publish(Step(1));
    assert_eq!(found(&bus, FindingKind::NotReading), None);
    bus.publish(Step(2));
    let finding = expect(&bus, FindingKind::NotReading);
    assert_eq!(finding.culprit, "forgotten");
    assert!(finding.cure.contains("pitfalls.rs"), "{finding}");
}

#[test]
fn a_capacity_too_small_comes_with_the_one_that_would_have_sufficed() {
    let bus = Bus::new();
    let mut bursty = bus.subscriber("bursty").capacity(10).subscribe::<Step>();
    bus.start();
    for n in 0..37 {
        bus.publish(Step(n));
    }
    while bursty.try_recv().is_ok() {}
    for n in 0..5 {
        bus.publish(Step(n));
    }
    let finding = expect(&bus, FindingKind::CapacityTooSmall);
    assert_eq!(finding.culprit, "bursty");
    assert!(finding.seen.contains("lost 27 events with capacity 10"), "{finding}");
    assert_eq!(finding.advice, Some(40), "37, rounded up");
    assert!(finding.cure.contains(".capacity(40)"), "{finding}");
}

#[test]
fn the_advised_capacity_holds_whatever_the_policy() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let advice = |capacity: usize| {
            let bus = Bus::new();
            let builder = bus.subscriber("bursty").capacity(capacity).overflow(overflow);
            let _bursty = builder.subscribe::<Step>();
            bus.start();
            for n in 0..37 {
                bus.publish(Step(n));
            }
            found(&bus, FindingKind::CapacityTooSmall).and_then(|finding| finding.advice)
        };
        let advised = advice(10).expect("10 is too small");
        assert_eq!(advice(advised), None, "{overflow:?}: {advised} should suffice");
    }
}

#[test]
fn a_lossy_subscriber_is_not_told_to_grow() {
    let bus = Bus::new();
    let _lossy = bus.subscriber("lossy").capacity(1).lossy().subscribe::<Step>();
    bus.start();
    bus.publish(Step(1));
    bus.publish(Step(2));
    assert_eq!(found(&bus, FindingKind::CapacityTooSmall), None);
}

#[test]
fn a_start_buffer_too_small_is_named() {
    let bus = Bus::builder().pre_start_capacity(2).build().unwrap();
    for n in 0..5 {
        bus.publish(Step(n));
    }
    let finding = expect(&bus, FindingKind::BufferTooSmall);
    assert!(finding.seen.contains("dropped 3 events beyond 2"), "{finding}");
    assert!(finding.cure.contains("Coalesce"), "{finding}");
}

#[test]
fn a_capacity_far_too_large_comes_with_a_smaller_one() {
    let bus = Bus::new();
    let mut roomy = bus.subscriber("roomy").capacity(100_000).subscribe::<Step>();
    bus.start();
    for n in 0..1_000 {
        bus.publish(Step(n));
        roomy.try_recv().unwrap();
    }
    let finding = expect(&bus, FindingKind::CapacityTooLarge);
    assert_eq!(finding.culprit, "roomy");
    assert_eq!(finding.advice, Some(100));
    assert!(finding.seen.contains("1 of its capacity of 100000"), "{finding}");
}

#[test]
fn a_request_that_can_never_be_answered_fails_at_once_and_is_named() {
    let bus = Bus::new();
    let mut a = bus.responder::<Question>("a");
    bus.start();
    let mut context = Context::from_waker(Waker::noop());
    let mut asked = bus.request(Question).expect(["a"]).gather();
    assert!(std::pin::Pin::new(&mut asked).poll(&mut context).is_pending());
    let call = a.try_recv().unwrap();
    let nested = block_on(call.request(Question).expect(["a"]).gather());
    let RequestError::Cycle { chain } = nested.unwrap_err() else { panic!("not a cycle") };
    assert_eq!(chain, ["a", "a"]);
    let finding = expect(&bus, FindingKind::RequestCycle);
    assert_eq!(finding.culprit, "pit.question");
    assert!(finding.seen.contains("a → a"), "{finding}");
}

#[test]
fn a_request_that_times_out_names_the_responders_and_their_states() {
    let mut sim = Sim::new(2);
    let bus = sim.bus();
    let mut taker = bus.responder::<Question>("taker");
    let _sleeper = bus.responder::<Question>("sleeper");
    bus.start();
    let kept = Arc::new(Mutex::new(None));
    sim.spawn("asker", {
        let (bus, kept) = (bus.clone(), Arc::clone(&kept));
        async move {
            let gathered = bus
                .request(Question)
                .expect(["taker", "sleeper", "ghost"])
                .at_least(1)
                .timeout(Duration::from_secs(5))
                .gather()
                .await;
            *kept.lock().unwrap() = Some(gathered.unwrap());
        }
    });
    sim.run_ready();
    let open = &bus.snapshot().requests.open;
    assert_eq!((open.len(), open[0].remaining), (1, Some(Duration::from_secs(5))));
    let call = taker.try_recv().unwrap();
    sim.run();
    let gathered = kept.lock().unwrap().take().unwrap();
    let expected = [
        ("taker", Outcome::TimedOutHandling),
        ("sleeper", Outcome::TimedOutQueued),
        ("ghost", Outcome::NoSuchResponder),
    ];
    assert!(gathered.missing().eq(expected), "{gathered:?}");
    let finding = expect(&bus, FindingKind::RequestFailed);
    let seen = "timed out: `taker` timed out while being handled, `sleeper` timed out while \
                queued, `ghost` no such responder";
    assert_eq!((finding.culprit.as_str(), finding.seen.as_str()), ("pit.question", seen));
    drop(call);
}

#[test]
fn events_not_arriving_have_a_diagnosis() {
    let bus = Bus::builder().pre_start_capacity(10).build().unwrap();
    let mut steps = bus.subscriber("steps").capacity(1).subscribe::<Step>();
    let _audit = bus.subscriber("audit").subscribe_matching("config.>");
    let arrival = |who: &str, what: &str| bus.diagnose().arrival(who, what);

    assert_eq!(arrival("nobody", "pit.step"), Arrival::NoSuchSubscriber);
    let subscribed = vec!["pit.step".to_owned()];
    assert_eq!(arrival("steps", "pit.other"), Arrival::NotSubscribed { subscribed });
    assert_eq!(arrival("audit", "pit.step"), Arrival::Filtered { pattern: "config.>".into() });
    assert_eq!(arrival("steps", "pit.step"), Arrival::NeverPublished);
    bus.publish(Step(1));
    assert_eq!(arrival("steps", "pit.step"), Arrival::Buffered { waiting: 1 });
    bus.start();
    assert_eq!(arrival("steps", "pit.step"), Arrival::NotRead { queued: 1, handling: false });
    steps.try_recv().unwrap();
    assert_eq!(arrival("steps", "pit.step"), Arrival::Delivered { delivered: 1 });
    bus.publish(Step(2));
    assert_eq!(arrival("steps", "pit.step"), Arrival::NotRead { queued: 1, handling: true });
    bus.publish(Step(3));
    let Arrival::Dropped { ledger, before_start: 0 } = arrival("steps", "pit.step") else {
        panic!("{:?}", arrival("steps", "pit.step"))
    };
    assert_eq!(ledger.dropped(DropReason::Full), 1);
    let _late = bus.subscriber("late").late().subscribe::<AnyEvent>();
    assert!(matches!(arrival("late", "pit.step"), Arrival::CameLate { .. }));
}

#[test]
fn memory_growth_names_who_holds_how_much() {
    #[derive(Debug, Event)]
    #[event(type = "pit.big")]
    struct Big(#[expect(dead_code, reason = "only its size matters")] [u8; 64 << 10]);

    let bus = Bus::new();
    let hoarder = bus.subscriber("hoarder").capacity(1_000).subscribe::<Big>();
    let mut tidy = bus.subscriber("tidy").capacity(1_000).subscribe::<Big>();
    bus.start();
    for _ in 0..20 {
        bus.publish(Big([0; 64 << 10]));
        tidy.try_recv().unwrap();
    }
    let finding = expect(&bus, FindingKind::MemoryHeld);
    assert_eq!(finding.culprit, "hoarder");
    assert!(finding.seen.contains("holds 20 events"), "{finding}");
    assert!(bus.snapshot().bytes >= 20 * (64 << 10));
    assert_eq!(bus.snapshot().subscriber("tidy").unwrap().bytes, 0);
    drop(hoarder);
    assert_eq!(found(&bus, FindingKind::MemoryHeld), None);
}

#[test]
fn wiring_that_leads_nowhere_is_named() {
    let bus = Bus::new();
    let _steps = bus.subscribe::<Step>("steps");
    bus.start();
    bus.publish(Other);
    assert_eq!(expect(&bus, FindingKind::Unheard).culprit, "pit.other");
    let finding = expect(&bus, FindingKind::NeverPublished);
    assert_eq!(finding.culprit, "pit.step");
    assert!(finding.seen.contains("`steps` listens"), "{finding}");
    drop(block_on(bus.request(Question).expect(["ghost"]).gather()));
    assert_eq!(expect(&bus, FindingKind::NoResponder).culprit, "pit.question");
}

#[test]
fn two_types_of_one_name_are_both_named() {
    mod elsewhere {
        #[derive(Debug, callboard::Event)]
        #[event(type = "pit.step")]
        pub(super) struct Namesake;
    }
    let bus = Bus::new();
    let mut steps = bus.subscribe::<Step>("steps");
    bus.start();
    let said = said(|| {
        bus.publish(elsewhere::Namesake);
    });
    assert!(said[0].contains("Step") && said[0].contains("Namesake"), "{said:?}");
    assert_eq!(expect(&bus, FindingKind::NameClash).culprit, "pit.step");
    assert!(steps.try_recv().is_err(), "the other type's events are not this one's");
}

#[test]
fn a_pattern_that_is_none_is_named_and_matches_nothing() {
    let bus = Bus::new();
    let mut audit = None;
    let said = said(|| audit = Some(bus.subscriber("audit").subscribe_matching("config.par*")));
    assert!(said[0].contains("`config.par*`") && said[0].contains("`config.*`"), "{said:?}");
    let finding = expect(&bus, FindingKind::BadPattern);
    assert_eq!(finding.culprit, "audit");
    bus.start();
    bus.publish(Step(1));
    assert!(audit.unwrap().is_empty());
}

#[test]
fn a_healthy_bus_has_no_findings() {
    let bus = Bus::new();
    let mut steps = bus.subscribe::<Step>("steps");
    bus.start();
    bus.publish(Step(1));
    let mut next = Box::pin(steps.recv());
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(next.as_mut().poll(&mut context), Poll::Ready(Some(_))));
    assert_eq!(bus.diagnose().to_string(), "nothing found");
}

#[test]
fn critical_drops_are_said_ever_more_rarely() {
    let bus = Bus::new();
    let _full = bus.subscriber("full").capacity(0).subscribe::<Step>();
    let _lossy = bus.subscriber("lossy").capacity(0).lossy().subscribe::<Step>();
    bus.start();
    let said = said(|| {
        for n in 0..100 {
            bus.publish(Step(n));
        }
    });
    let counts: Vec<_> = said.iter().filter_map(|line| line.split("; ").nth(1)).collect();
    assert_eq!(said.len(), 7, "1, 2, 4, 8, 16, 32, 64: {counts:?}");
    assert!(said[0].contains("`pit.step` #1 for `full` dropped: full (capacity 0)"), "{}", said[0]);
}

#[test]
fn a_responder_that_declines_is_no_trouble() {
    let bus = Bus::new();
    let mut critic = bus.responder::<Question>("critic");
    bus.start();
    let mut gather = bus.request(Question).expect(["critic"]).gather();
    let mut context = Context::from_waker(Waker::noop());
    assert!(std::pin::Pin::new(&mut gather).poll(&mut context).is_pending());
    critic.try_recv().unwrap().decline("no");
    assert!(!block_on(gather).unwrap().is_complete());
    assert_eq!(found(&bus, FindingKind::RequestFailed), None);
}

#[test]
fn an_answer_that_its_asker_got_is_not_unheard() {
    let bus = Bus::new();
    let mut oracle = bus.responder::<Question>("oracle");
    bus.start();
    let mut gather = bus.request(Question).expect(["oracle"]).gather();
    let mut context = Context::from_waker(Waker::noop());
    assert!(std::pin::Pin::new(&mut gather).poll(&mut context).is_pending());
    oracle.try_recv().unwrap().respond(Answer);
    assert!(block_on(gather).unwrap().is_complete());
    assert!(oracle.try_recv().is_err());
    assert_eq!(bus.diagnose().to_string(), "nothing found");
}

#[test]
fn a_request_that_is_published_rather_than_asked_is_named() {
    let bus = Bus::new();
    let _oracle = bus.responder::<Question>("oracle");
    bus.start();
    assert_eq!(bus.publish(Question).delivered(), 0);
    let finding = expect(&bus, FindingKind::Unheard);
    assert!(finding.seen.contains("asks nobody"), "{finding}");
    assert!(finding.cure.contains("bus.request"), "{finding}");
}
