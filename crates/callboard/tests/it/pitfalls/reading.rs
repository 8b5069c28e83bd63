//! Reading: handlers that block, events that do not arrive, memory that grows.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use callboard::testing::{ManualClock, Sim};
use callboard::{AnyEvent, Arrival, Bus, Call, Delivery, DropReason, Event, EventSet, FindingKind};

use super::{Question, Step, expect, found, said};
use crate::support::{poll, publish_all};

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
    assert!(finding.seen.contains("for 5.0s with 1 waiting"), "{finding}");
    assert!(finding.cure.contains("serve_concurrent"), "{finding}");
}

#[test]
fn a_handler_that_waits_for_an_answer_is_told_from_one_that_is_slow_itself() {
    let mut sim = Sim::new(1);
    let bus = sim.bus();
    let (waits, asking) = (bus.subscribe::<Step>("waits"), bus.clone());
    let slow = bus.responder::<Question>("slow");
    sim.spawn("slow", slow.serve(async |_call| std::future::pending::<()>().await));
    let handler = move |_step| {
        let asked = asking.request(Question).expect(["slow"]).timeout(Duration::MAX);
        async move { drop(asked.gather().await) }
    };
    sim.spawn("waits", waits.serve(handler));
    bus.start();
    bus.publish(Step(1));
    bus.publish(Step(2));
    sim.run_ready();
    sim.clock().advance(Duration::from_secs(5));
    let finding = expect(&bus, FindingKind::HandlerBlocks);
    assert_eq!(finding.culprit, "waits");
    assert!(finding.seen.ends_with("it waits for `slow` to answer `pit.question`"), "{finding}");
    assert!(finding.cure.starts_with("check `slow`"), "{finding}");
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
    assert!(finding.cure.contains("reading.rs"), "{finding}");
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
fn responder_to_a_request_that_was_published_was_not_asked() {
    let bus = Bus::new();
    let _oracle = bus.responder::<Question>("oracle");
    let mut both = bus.subscribe::<Both>("both");
    let arrival = |subscriber| bus.diagnose().arrival(subscriber, Question::TYPE);
    bus.start();
    bus.publish(Question);
    let Arrival::NotAsked { call_site } = arrival("oracle") else {
        panic!("{:?}", arrival("oracle"))
    };
    assert!(call_site.contains("reading.rs:"), "{call_site}");
    assert_eq!(arrival("both"), Arrival::NotRead { queued: 1, handling: false });
    assert!(matches!(both.try_recv(), Ok(Both::Seen(_))));
}

#[test]
fn responder_to_a_published_request_does_not_wait_for_the_start() {
    let bus = Bus::new();
    let _oracle = bus.responder::<Question>("oracle");
    let _both = bus.subscribe::<Both>("both");
    let arrival = |subscriber| bus.diagnose().arrival(subscriber, Question::TYPE);
    bus.publish(Question);
    assert!(matches!(arrival("oracle"), Arrival::NotAsked { .. }));
    assert_eq!(arrival("both"), Arrival::Buffered { waiting: 1 });
    let mut asked = pin!(bus.request(Question).expect(["oracle"]).gather());
    assert!(poll(&mut asked).is_pending());
    assert_eq!(arrival("oracle"), Arrival::Buffered { waiting: 2 });
}

#[derive(Debug, EventSet)]
enum Both {
    Seen(Delivery<Question>),
    Asked(Call<Question>),
}

#[test]
fn events_lost_before_the_start_are_told_from_those_lost_after_it() {
    let bus = Bus::builder().pre_start_capacity(2).build().unwrap();
    let mut steps = bus.subscribe::<Step>("steps");
    publish_all(&bus, (0..5).map(Step));
    bus.start();
    assert_eq!(steps.try_iter().count(), 2);
    let arrival = bus.diagnose().arrival("steps", "pit.step");
    assert!(matches!(arrival, Arrival::Dropped { before_start: 3, .. }), "{arrival:?}");
    assert_eq!(arrival.to_string(), "dropped: 3 before start; 2 delivered");
}

#[test]
fn events_that_wait_for_a_handler_are_told_from_those_nobody_takes() {
    let mut sim = Sim::new(3);
    let bus = sim.bus();
    let served = bus.subscribe::<Step>("served");
    let _idle = bus.subscribe::<Step>("idle");
    sim.spawn("served", served.serve(async |_step| std::future::pending().await));
    bus.start();
    publish_all(&bus, (0..2).map(Step));
    sim.run_ready();
    let arrival = |who: &str| bus.diagnose().arrival(who, "pit.step");
    assert_eq!(arrival("served"), Arrival::NotRead { queued: 1, handling: true });
    assert_eq!(arrival("idle"), Arrival::NotRead { queued: 2, handling: false });
}

#[test]
fn arrivals_read_as_sentences() {
    let bus = Bus::new();
    let mut full = bus.subscriber("full").capacity(1).subscribe::<Step>();
    bus.start();
    publish_all(&bus, (0..3).map(Step));
    full.try_recv().unwrap();
    let ledger = full.ledger();
    let subscribed = vec!["a".to_owned(), "b".to_owned()];
    let call_site = "main.rs:1:2".to_owned();
    let sentences = [
        (Arrival::NoSuchSubscriber, "nobody of that name is subscribed"),
        (Arrival::NotSubscribed { subscribed }, "not subscribed: it named `a`, `b`"),
        (Arrival::Filtered { pattern: "config.>".to_owned() }, "filtered out: config.>"),
        (Arrival::NeverPublished, "never published"),
        (Arrival::Buffered { waiting: 4 }, "buffered: 4 waiting for the start; call `start`"),
        (Arrival::Dropped { ledger, before_start: 0 }, "dropped: 2 full; 1 delivered"),
        (
            Arrival::Dropped { ledger, before_start: 1 },
            "dropped: 1 before start; 2 full; 1 delivered",
        ),
        (
            Arrival::NotRead { queued: 5, handling: true },
            "not read: 5 waiting while it handles an earlier event",
        ),
        (Arrival::NotRead { queued: 5, handling: false }, "not read: 5 waiting in its queue"),
        (
            Arrival::CameLate { call_site },
            "it subscribed, at main.rs:1:2, after all of them had been published; subscribe before \
             `start`, or ask for `.with_retained()`",
        ),
        (
            Arrival::NotAsked { call_site: "main.rs:3:4".to_owned() },
            "it answers `Bus::request`, and was not asked since it subscribed, at main.rs:3:4; a \
             request that is published only reaches subscribers to the type",
        ),
        (Arrival::Delivered { delivered: 6 }, "delivered: 6"),
    ];
    for (arrival, sentence) in sentences {
        assert_eq!(arrival.to_string(), sentence);
    }
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
fn memory_of_deliveries_that_are_kept_names_their_type() {
    let bus = Bus::new();
    let mut steps = bus.subscribe::<Step>("steps");
    bus.start();
    let mut kept = Vec::new();
    for n in 0..1_600_000 {
        bus.publish(Step(n));
        let step = steps.try_recv().unwrap();
        if n % 64 == 0 {
            kept.push(step);
        }
    }
    let finding = expect(&bus, FindingKind::MemoryHeld);
    assert_eq!(finding.culprit, Step::TYPE);
    drop(kept);
    assert_eq!(found(&bus, FindingKind::MemoryHeld), None);
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
