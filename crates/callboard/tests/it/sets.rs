//! Subscribable sets: one type, an enum of types, everything, a pattern.

use callboard::{
    AnyEvent, Bus, Call, Delivery, Event, EventSet, InterestSnapshot, Pattern, Request,
};

use crate::support::poll;

#[derive(Debug, Event)]
#[event(type = "config.parsed")]
struct Parsed(u64);

#[derive(Debug, Event)]
#[event(type = "config.file.read")]
struct Read;

#[derive(Debug, Event)]
struct ResourceChanged(u64);

#[derive(Debug, Event)]
struct Verdict;

#[derive(Debug, Request)]
#[request(type = "config.validate", response = Verdict)]
struct Validate;

#[derive(Debug, EventSet)]
enum Inbox {
    Parsed(Delivery<Parsed>),
    Changed(Delivery<ResourceChanged>),
    Ask(Call<Validate>),
}

/// Listens to the questions that it also answers.
#[derive(Debug, EventSet)]
enum Both {
    Heard(Delivery<Validate>),
    Asked(Call<Validate>),
}

#[derive(Debug, EventSet)]
enum OneType {
    Parsed(Delivery<Parsed>),
}

/// Such a set used to get nothing, and to look for it forever.
#[test]
fn set_of_one_type_gets_its_events() {
    let bus = Bus::new();
    let mut set = bus.subscribe::<OneType>("set");
    bus.publish(Parsed(0));
    bus.start();
    (1..5).for_each(|number| assert_eq!(bus.publish(Parsed(number)).delivered(), 1));
    let number = |OneType::Parsed(parsed): OneType| parsed.0;
    assert_eq!(set.try_recv().map(number), Ok(0));
    assert_eq!(set.blocking_recv().map(number), Some(1));
    let std::task::Poll::Ready(received) = poll(&mut set.recv()) else { panic!("there are more") };
    assert_eq!(received.map(number), Some(2));
    let lent = |OneTypeRef::Parsed(parsed): OneTypeRef<'_>| parsed.0;
    assert!(set.try_recv_batch().unwrap().map(lent).eq([3, 4]));
    assert!(poll(&mut set.recv()).is_pending());
}

#[test]
fn set_is_one_inbox_in_one_order() {
    let bus = Bus::new();
    let mut inbox = bus.subscribe::<Inbox>("basic");
    bus.start();
    bus.publish(ResourceChanged(1));
    let mut gather = bus.request(Validate).expect(["basic"]).gather();
    assert!(poll(&mut gather).is_pending());
    bus.publish(Parsed(2));
    bus.publish(Read);
    bus.publish(ResourceChanged(3));
    let mut seen = Vec::new();
    for item in inbox.try_iter() {
        match item {
            Inbox::Parsed(parsed) => seen.push(format!("parsed {}", parsed.0)),
            Inbox::Changed(changed) => seen.push(format!("changed {}", changed.0)),
            Inbox::Ask(call) => {
                seen.push(format!("asked as {}", call.responder()));
                call.respond(Verdict);
            }
        }
    }
    assert_eq!(seen, ["changed 1", "asked as basic", "parsed 2", "changed 3"]);
    assert!(poll(&mut gather).is_ready());
}

/// The call waits while the reader takes an alarm, after which the tick is the only new event.
#[test]
fn call_that_waits_comes_before_a_newer_event() {
    #[derive(Debug, Event)]
    #[event(priority = high)]
    struct Alarm;

    #[derive(Debug, EventSet)]
    enum Watch {
        Alarm(Delivery<Alarm>),
        Tick(Delivery<Parsed>),
        Ask(Call<Validate>),
    }

    let bus = Bus::new();
    let mut watch = bus.subscribe::<Watch>("watch");
    bus.start();
    let mut gather = bus.request(Validate).expect(["watch"]).gather();
    assert!(poll(&mut gather).is_pending());
    bus.publish(Alarm);
    assert!(matches!(watch.try_recv(), Ok(Watch::Alarm(_))));
    bus.publish(Parsed(1));
    assert!(matches!(watch.try_recv(), Ok(Watch::Ask(_))));
    assert!(matches!(watch.try_recv(), Ok(Watch::Tick(_))));
}

#[test]
fn one_may_hear_the_questions_one_answers() {
    let bus = Bus::new();
    let mut both = bus.subscribe::<Both>("both");
    bus.start();
    let mut gather = bus.request(Validate).expect(["both"]).gather();
    assert!(poll(&mut gather).is_pending());
    assert_eq!(both.len(), 2);
    let mut heard = 0;
    for item in both.try_iter() {
        match item {
            Both::Heard(_question) => heard += 1,
            Both::Asked(call) => call.respond(Verdict),
        }
    }
    assert_eq!(heard, 1);
    assert!(poll(&mut gather).is_ready());
}

#[test]
fn withdrawn_call_is_not_mistaken_for_the_event_of_the_same_number() {
    let bus = Bus::new();
    let mut both = bus.subscribe::<Both>("both");
    bus.start();
    for _ in 0..3 {
        let mut gather = bus.request(Validate).expect(["both"]).gather();
        assert!(poll(&mut gather).is_pending());
    }
    assert_eq!(both.len(), 3);
    assert!(both.try_iter().all(|item| matches!(item, Both::Heard(_))));
    assert!(bus.snapshot().balances());
}

#[test]
fn universal_subscriber_sees_everything() {
    let bus = Bus::new();
    let mut early = bus.subscribe::<AnyEvent>("early");
    let mut inbox = bus.subscribe::<Inbox>("basic");
    bus.start();
    bus.publish(Parsed(1));
    let mut late = bus.subscriber("late").late().subscribe::<AnyEvent>();
    let mut gather = bus.request(Validate).expect(["basic"]).gather();
    assert!(poll(&mut gather).is_pending());
    for item in inbox.try_iter() {
        if let Inbox::Ask(call) = item {
            call.respond(Verdict);
        }
    }
    bus.publish(ResourceChanged(4));
    let events: Vec<AnyEvent> = early.try_iter().collect();
    let types: Vec<_> = events.iter().map(AnyEvent::event_type).collect();
    assert_eq!(types, ["config.parsed", "config.validate", "verdict", "resource.changed"]);
    assert_eq!(late.len(), 3, "types that nobody had met are met by it too");
    assert!(late.try_iter().map(|event| event.sequence()).eq(2..=4));

    let parsed = &events[0];
    assert!(parsed.is::<Parsed>() && !parsed.is::<Read>());
    assert_eq!(parsed.downcast_ref::<Parsed>().unwrap().0, 1);
    assert!(parsed.downcast_ref::<Verdict>().is_none());
    assert_eq!(format!("{parsed:?}"), "Parsed(1)");
    assert_eq!((parsed.missed(), parsed.published_at(), parsed.cause()), (0, None, None));
    let parsed = parsed.clone().downcast::<Verdict>().unwrap_err();
    let parsed: Delivery<Parsed> = parsed.downcast().unwrap();
    assert_eq!((parsed.0, parsed.sequence()), (1, 1));
}

#[test]
fn universal_subscriber_is_told_what_it_missed() {
    let bus = Bus::new();
    let mut all = bus.subscriber("all").capacity(1).subscribe::<AnyEvent>();
    bus.start();
    bus.publish(Parsed(0));
    bus.publish(Read);
    bus.publish(ResourceChanged(2));
    assert_eq!(all.try_recv().unwrap().missed(), 0);
    bus.publish(Read);
    assert_eq!(all.try_recv().unwrap().missed(), 2);
    let snapshot = bus.snapshot();
    let lost: Vec<u64> = snapshot.types.iter().map(|kind| kind.ledger.lost()).collect();
    assert_eq!(lost, [0, 1, 1]);
}

#[test]
fn patterns_follow_the_rules_of_nats() {
    for (pattern, expected) in [
        ("config.*", vec!["config.parsed"]),
        ("config.>", vec!["config.parsed", "config.file.read"]),
        ("*.changed", vec!["resource.changed"]),
        ("*.*.*", vec!["config.file.read"]),
        (">", vec!["config.parsed", "config.file.read", "resource.changed"]),
        ("config.parsed", vec!["config.parsed"]),
        ("config", vec![]),
        ("*", vec![]),
    ] {
        let bus = Bus::new();
        // Types met before and after the subscription alike.
        bus.publish(Parsed(0));
        let mut matching = bus.subscriber("pattern").subscribe_matching(pattern);
        bus.publish(Read);
        bus.publish(ResourceChanged(0));
        bus.start();
        let seen: Vec<_> = matching.try_iter().map(|event| event.event_type()).collect();
        assert_eq!(seen, expected, "{pattern}");
    }
}

#[test]
fn bad_pattern_matches_nothing_and_is_told_of() {
    let bus = Bus::new();
    let mut matching = bus.subscriber("typo").subscribe_matching("config.par*");
    bus.start();
    bus.publish(Parsed(0));
    assert!(matching.try_recv().is_err());
    let snapshot = bus.snapshot();
    let InterestSnapshot::BadPattern(problem) = &snapshot.subscriber("typo").unwrap().interest
    else {
        panic!("{snapshot:?}");
    };
    assert!(problem.contains("config.par*"), "{problem}");
    assert_eq!(Pattern::new("config.par*").unwrap_err().to_string(), *problem);
}

mod namesake {
    #[derive(Debug, callboard::Event)]
    #[event(type = "config.parsed")]
    pub(super) struct Parsed;
}

#[test]
fn types_that_share_a_name_are_told_apart() {
    let bus = Bus::new();
    let mut ours = bus.subscribe::<Parsed>("ours");
    let mut theirs = bus.subscribe::<namesake::Parsed>("theirs");
    let mut both = bus.subscriber("both").subscribe_matching("config.parsed");
    bus.start();
    bus.publish(namesake::Parsed);
    bus.publish(Parsed(1));
    assert_eq!((ours.len(), theirs.len(), both.len()), (1, 1, 2));
    assert_eq!(ours.try_recv().unwrap().0, 1);
    let _: Delivery<namesake::Parsed> = theirs.try_recv().unwrap();
    assert!(both.try_recv().unwrap().is::<namesake::Parsed>());
    let clashes = bus.snapshot().name_clashes;
    assert_eq!((clashes.len(), clashes[0].event_type.as_str()), (1, "config.parsed"));
}

type Verify = Validate;

/// Two variants of one type, by two of its names.
#[derive(Debug, EventSet)]
enum Twice {
    Validate(Call<Validate>),
    Verify(Call<Verify>),
}

#[test]
fn type_that_a_set_names_twice_is_received_once() {
    let bus = Bus::new();
    let mut twice = bus.subscribe::<Twice>("twice");
    bus.start();
    let mut gather = bus.request(Validate).expect(["twice"]).gather();
    assert!(poll(&mut gather).is_pending());
    let Ok(Twice::Validate(call)) = twice.try_recv() else { panic!("the first gets it") };
    assert!(twice.try_recv().is_err(), "and no other");
    drop(call);
    assert!(poll(&mut gather).is_ready(), "it is known to be abandoned");
}

#[test]
fn builder_may_end_in_several_subscriptions() {
    let bus = Bus::new();
    let builder = bus.subscriber("one name").capacity(1);
    let (mut first, mut second) = (builder.subscribe::<Parsed>(), builder.subscribe::<Parsed>());
    let responder = builder.responder::<Validate>();
    bus.start();
    bus.publish(Parsed(1));
    assert!(
        first.try_recv().is_ok() && second.try_recv().is_ok(),
        "each has a capacity of its own"
    );
    assert_eq!(
        (first.name(), second.name(), responder.name()),
        ("one name", "one name", "one name")
    );
}
