//! Names: empty, huge, given twice, full of control characters. Any text may be a name.

use std::collections::HashSet;
use std::time::Duration;

use callboard::{AnyEvent, BuildError, Bus, Delivery, Event, Outcome, Pattern, StartError};

use super::{Answer, Ask, Tick};
use crate::support::{Log, in_time, poll, soon};

/// A name of 1 MiB.
const HUGE: &str = {
    const BYTES: &[u8] = &[b'x'; 1 << 20];
    match std::str::from_utf8(BYTES) {
        Ok(name) => name,
        Err(_) => panic!("it is ASCII"),
    }
};

const CONTROL: &str = "a\0\n\r\t\u{1b}[31m\u{7f}\u{85}\u{202e}`{}";

const NAMES: &[&str] = &["", " ", ".", "*", ">", "(start buffer)", CONTROL, "🦀", HUGE];

#[derive(Debug, Event)]
#[event(type = "hostile.by.hand")]
struct Derived;

macro_rules! events {
    ($($name:ident = $text:expr),+) => {$(
        #[derive(Debug)]
        struct $name;

        impl Event for $name {
            const TYPE: &'static str = $text;
        }
    )+};
}

events! { Nameless = "", Giant = HUGE, Wild = CONTROL, Dotted = "a..b", Star = "*", Namesake = "hostile.by.hand" }

#[test]
fn subscribers_and_responders_may_be_called_anything() {
    for name in NAMES {
        in_time("a name", move || {
            let bus = Bus::new();
            let told = Log::new();
            let log = told.clone();
            bus.on_drop(move |dropped| log.push(dropped.clone()));
            let mut ticks = bus.subscriber(*name).capacity(1).subscribe::<Tick>();
            let mut all = bus.subscribe::<AnyEvent>(*name);
            let mut oracle = bus.responder::<Ask>(*name);
            assert_eq!((ticks.name(), oracle.name()), (*name, *name));
            bus.start();
            bus.publish(Tick(1));
            bus.publish(Tick(2));
            assert_eq!((ticks.try_recv().unwrap().0, all.try_iter().count()), (1, 2));
            let told = told.take();
            assert_eq!((told.len(), told[0].subscriber()), (1, *name));
            assert!(told[0].to_string().len() >= name.len());

            let ask = bus.request(Ask).expect([name, name, &"other"]).at_least(1);
            let mut gather = ask.gather();
            assert!(poll(&mut gather).is_pending());
            oracle.try_recv().unwrap().decline(*name);
            let gathered = soon("the answers", gather).unwrap();
            assert_eq!(gathered.outcome(name), Some(Outcome::Declined((*name).into())));
            assert_eq!(gathered.missing().count(), 2, "a name given twice counts once");

            let snapshot = bus.snapshot();
            assert_eq!(snapshot.subscribers.iter().filter(|one| one.name == *name).count(), 3);
            assert!(snapshot.balances() && bus.diagnose().to_string().len() > 1);
            drop(all);
            let drain = soon("the drain", bus.close_and_drain(Duration::ZERO));
            assert_eq!(drain, Ok(()));
        });
    }
}

#[test]
fn expected_names_may_be_anything_but_empty_or_given_twice() {
    for name in NAMES {
        let build = |names: &[&str]| Bus::builder().expect_subscribers(names).build();
        if name.is_empty() {
            let argument = "expect_subscribers";
            assert_eq!(build(&[name]).unwrap_err(), BuildError::EmptyName { argument });
            continue;
        }
        assert!(matches!(build(&[name, name]), Err(BuildError::DuplicateName { .. })));
        let bus = build(&[name]).unwrap();
        let missing = bus.start_when_ready_blocking(Duration::ZERO).unwrap_err();
        assert!(matches!(missing, StartError::NotReady { .. }));
        assert!(missing.missing().eq([*name]) && missing.to_string().len() > name.len());
        let _both = [(); 2].map(|()| bus.subscribe::<Tick>(*name));
        assert!(bus.start_when_ready_blocking(Duration::ZERO).is_ok());
    }
}

#[test]
fn event_types_may_be_called_anything() {
    fn check<E: Event>(event: fn() -> E) {
        let bus = Bus::new();
        let mut one = bus.subscribe::<E>("one");
        let mut rest = bus.subscriber("rest").subscribe_matching(">");
        let exact = bus.subscriber("exact").subscribe_matching(E::TYPE);
        bus.publish(event());
        bus.start();
        bus.publish(event());
        assert_eq!(one.try_iter().count(), 2);
        assert!(rest.try_iter().map(|event| event.event_type()).eq([E::TYPE; 2]));
        // A pattern can't name them all, and says so.
        let named = if Pattern::new(E::TYPE).is_ok() { 2 } else { 0 };
        assert_eq!(exact.len(), named);
        let snapshot = bus.snapshot();
        assert_eq!(snapshot.event_type(E::TYPE).unwrap().published, 2);
        assert!(snapshot.balances() && bus.diagnose().to_string().len() > 1);
    }
    check(|| Nameless);
    check(|| Giant);
    check(|| Wild);
    check(|| Dotted);
    check(|| Star);
}

#[test]
fn patterns_may_be_huge_or_wrong() {
    let bus = Bus::new();
    let many = vec!["*"; 1 << 19].join(".");
    for (pattern, good) in [(HUGE, true), (many.as_str(), true), (CONTROL, false), ("", false)] {
        let nothing = bus.subscriber("nothing").subscribe_matching(pattern);
        assert_eq!(Pattern::new(pattern).is_ok(), good);
        assert_eq!(bus.publish(Tick(0)).delivered(), 0);
        assert!(bus.snapshot().balances());
        let finding = bus.diagnose().to_string();
        assert_eq!(finding.contains("bad pattern"), !good);
        drop(nothing);
    }
}

/// Types are distinguished by identity: one never gets the other's events.
#[test]
fn event_types_of_one_name_are_never_mixed_up() {
    let bus = Bus::new();
    let mut derived = bus.subscribe::<Derived>("derived");
    let mut namesake = bus.subscribe::<Namesake>("namesake");
    let mut all = bus.subscribe::<AnyEvent>("all");
    bus.publish(Namesake);
    bus.start();
    bus.publish(Derived);
    let _: Delivery<Derived> = derived.try_recv().unwrap();
    let _: Delivery<Namesake> = namesake.try_recv().unwrap();
    assert!(derived.is_empty() && namesake.is_empty());
    let all: Vec<AnyEvent> = all.try_iter().collect();
    assert!(all[0].is::<Namesake>() && all[0].downcast_ref::<Derived>().is_none());
    assert!(all[1].is::<Derived>());
    let snapshot = bus.snapshot();
    let named = snapshot.types.iter().filter(|one| one.event_type == Derived::TYPE);
    let rust: HashSet<&str> = named.map(|one| one.rust_type.as_str()).collect();
    let [clash] = &snapshot.name_clashes[..] else { panic!("{:?}", snapshot.name_clashes) };
    assert_eq!(HashSet::from([clash.first.as_str(), clash.second.as_str()]), rust);
}

#[test]
fn reasons_may_be_anything() {
    let bus = Bus::new();
    let mut oracle = bus.responder::<Ask>("oracle");
    bus.start();
    for reason in NAMES {
        let mut gather = bus.request(Ask).expect(["oracle"]).gather();
        assert!(poll(&mut gather).is_pending());
        oracle.try_recv().unwrap().decline(*reason);
        let gathered = soon("the answer", gather).unwrap();
        assert_eq!(gathered.outcome("oracle"), Some(Outcome::Declined((*reason).into())));
    }
    let mut gather = bus.request(Ask).expect(["oracle"]).gather();
    assert!(poll(&mut gather).is_pending());
    oracle.try_recv().unwrap().respond(Answer(1));
    assert!(soon("the answer", gather).unwrap().is_complete());
}

/// An iterator may promise more names than it has, or more than there is memory for.
#[test]
fn names_are_not_reserved_by_what_an_iterator_promises() {
    struct Boaster(Option<&'static str>);

    impl Iterator for Boaster {
        type Item = &'static str;

        fn next(&mut self) -> Option<&'static str> {
            self.0.take()
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            (usize::MAX, None)
        }
    }

    let bus = Bus::new();
    bus.start();
    let request = bus.request(Ask).expect(Boaster(Some("a"))).expect(Boaster(Some("b")));
    let gathered = soon("nobody answers", request.gather()).unwrap();
    let missing: Vec<_> = gathered.missing().map(|(name, _)| name).collect();
    assert_eq!(missing, ["a", "b"]);
}
