//! Many threads at one queue entry: events that merge, and requests that are answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use callboard::{Bus, End, Outcome, Overflow, Priority};
use proptest::prelude::*;

use crate::concurrent::{Closing, NAMES, ReaderPlan, Style, style, with_readers};
use crate::events::{Ask, Change, Kind, Reply, Token, Wants};

/// Events that coalesce, published by many threads.
#[derive(Debug, Clone)]
pub(crate) struct Merging {
    /// Keys and priorities.
    publishers: Vec<Vec<(u8, Priority)>>,
    /// The capacity, and how each reads.
    readers: Vec<(usize, Style)>,
    keys: u8,
    started: bool,
}

pub(crate) fn merging() -> impl Strategy<Value = Merging> {
    let priority = prop_oneof![6 => Just(Priority::Normal), 1 => Just(Priority::High)];
    let readers = prop::collection::vec((1..=4usize, style()), 1..=2);
    (1..=3u8, readers, any::<bool>()).prop_flat_map(move |(keys, readers, started)| {
        let events = prop::collection::vec((0..keys, priority.clone()), 1..150);
        let publishers = prop::collection::vec(events, 2..=3);
        publishers.prop_map(move |publishers| Merging {
            publishers,
            readers: readers.clone(),
            keys,
            started,
        })
    })
}

pub(crate) fn merge(merging: &Merging) {
    // The buffer has room for one of each key, and so needs no more.
    let bus = Bus::builder().pre_start_capacity(usize::from(merging.keys)).build().unwrap();
    if merging.started {
        bus.start();
    }
    let plan = |&(capacity, style): &(usize, Style)| ReaderPlan {
        wants: Wants::One(Kind::Change),
        capacity,
        overflow: Overflow::Coalesce,
        lossy: false,
        style,
    };
    let plans: Vec<ReaderPlan> = merging.readers.iter().map(plan).collect();
    let token = Token::default();
    let results = with_readers(bus, &plans, |bus| {
        thread::scope(|scope| {
            for (publisher, events) in (0..).zip(&merging.publishers) {
                let token = &token;
                scope.spawn(move || {
                    for (number, (key, priority)) in (0..).zip(events) {
                        let change = Change::new(*key, publisher * 1_000 + number, token);
                        let published = bus.publish_with(change, *priority);
                        assert!(published.sequence().is_some(), "the buffer overflowed");
                    }
                });
            }
            thread::yield_now();
            bus.start();
        });
    });
    assert_eq!(Arc::strong_count(&token), 1, "an event is kept alive by nobody's queue");
    let sent: BTreeMap<u32, u8> = (0..)
        .zip(&merging.publishers)
        .flat_map(|(publisher, events)| {
            (0..).zip(events).map(move |(number, (key, _))| (publisher * 1_000 + number, *key))
        })
        .collect();
    for (plan, (got, ledger, _)) in plans.iter().zip(&results) {
        assert!(ledger.balances() && ledger.queued == 0, "{plan:?}: {ledger:?}");
        let mut parts = BTreeMap::new();
        for item in got {
            for part in &item.value.parts {
                let before = parts.insert(*part, item.value.key);
                assert_eq!(before, None, "{plan:?} got part {part} twice");
            }
        }
        assert!(parts.iter().all(|part| sent.get(part.0) == Some(part.1)), "{plan:?}: keys mixed");
        if plan.capacity >= usize::from(merging.keys) {
            assert_eq!(ledger.lost(), 0, "{plan:?} has room for every key: {ledger:?}");
            assert_eq!(parts.len(), sent.len(), "{plan:?} lost a part in a merge");
        }
    }
}

/// Askers and responders.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    responders: usize,
    /// How many requests each asker makes.
    askers: Vec<u32>,
}

pub(crate) fn asking() -> impl Strategy<Value = Asking> {
    (1..=3usize, prop::collection::vec(1..40u32, 1..=3))
        .prop_map(|(responders, askers)| Asking { responders, askers })
}

pub(crate) fn ask(asking: &Asking) {
    let bus = Bus::new();
    let names = &NAMES[..asking.responders];
    let responders: Vec<_> = names.iter().map(|name| bus.responder::<Ask>(*name)).collect();
    bus.start();
    thread::scope(|scope| {
        let _closing = Closing(&bus);
        for (n, mut responder) in (0..).zip(responders) {
            scope.spawn(move || {
                for call in responder.iter() {
                    let number = call.part();
                    match (number + n) % 4 {
                        0 => drop(call),
                        1 => call.decline(number.to_string()),
                        _ => call.respond(Reply::new(1, number * 10 + n, &Token::default())),
                    }
                }
            });
        }
        let askers: Vec<_> = (0..)
            .zip(&asking.askers)
            .map(|(asker, requests)| {
                let bus = &bus;
                scope.spawn(move || {
                    for number in (0..*requests).map(|number| asker * 1_000 + number) {
                        let request = bus
                            .request(Ask::new(1, number, &Token::default()))
                            .expect(names.iter().copied());
                        let gathered = request.until(|_| false).gather_blocking().unwrap();
                        assert_eq!(
                            gathered.end(),
                            End::Unreachable,
                            "all have said what they will"
                        );
                        for (n, name) in (0..).zip(names) {
                            let answer = gathered.get(name).map(|answer| answer.part());
                            let outcome = gathered.outcome(name).expect("it was expected");
                            let (expected, answered) = match (number + n) % 4 {
                                0 => (Outcome::Abandoned, None),
                                1 => (Outcome::Declined(number.to_string().into()), None),
                                _ => (Outcome::Responded, Some(number * 10 + n)),
                            };
                            assert_eq!(
                                (outcome, answer),
                                (expected, answered),
                                "{name} on {number}"
                            );
                        }
                    }
                })
            })
            .collect();
        askers.into_iter().for_each(|asker| asker.join().expect("an asker panicked"));
    });
}
