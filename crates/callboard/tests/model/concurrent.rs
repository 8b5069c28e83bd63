//! Random scenes of many threads, checked against what must hold however they interleave.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::thread;

use callboard::{Bus, DropReason, Dropped, Ledger, Overflow, Priority, Published};
use proptest::prelude::*;
use proptest::sample::select;

use crate::events::{Got, Kept, Kind, Opening, Plain, Ranked, Token, Value, Wants, rank};
use crate::reader::{self, Reader};

/// A capacity at which nothing is ever lost.
const AMPLE: usize = 100_000;
pub(crate) const NAMES: [&str; 4] = ["r0", "r1", "r2", "r3"];

/// How a reader reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Block,
    Try,
    Many,
    /// Not before everything is over.
    Idle,
}

#[derive(Debug, Clone)]
pub(crate) struct ReaderPlan {
    pub(crate) wants: Wants,
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) lossy: bool,
    pub(crate) style: Style,
}

/// Publishers, each with the kinds of its events; readers; and when the bus starts.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    publishers: Vec<Vec<Kind>>,
    readers: Vec<ReaderPlan>,
    pre_start_capacity: usize,
    /// Starts before the first event.
    started: bool,
    /// Pauses and starts meanwhile.
    pauses: usize,
}

pub(crate) fn style() -> impl Strategy<Value = Style> {
    select(vec![Style::Block, Style::Try, Style::Many, Style::Idle])
}

pub(crate) fn scene() -> impl Strategy<Value = Scene> {
    let kinds = prop_oneof![3 => Just(Kind::Plain), 2 => Just(Kind::Kept), 1 => Just(Kind::Ranked)];
    let publishers = prop::collection::vec(prop::collection::vec(kinds, 1..150), 1..=3);
    let wants = select(vec![
        Wants::One(Kind::Plain),
        Wants::One(Kind::Kept),
        Wants::One(Kind::Ranked),
        Wants::Trio,
        Wants::Everything,
        Wants::Matching("model.*"),
    ]);
    let capacity = prop_oneof![2 => Just(AMPLE), 1 => 0..=5usize, 1 => 1..=50usize];
    let overflow = select(vec![Overflow::DropNewest, Overflow::DropOldest, Overflow::Coalesce]);
    let reader = (wants, capacity, overflow, any::<bool>(), style()).prop_map(
        |(wants, capacity, overflow, lossy, style)| ReaderPlan {
            wants,
            capacity,
            overflow,
            lossy,
            style,
        },
    );
    let readers = prop::collection::vec(reader, 1..=NAMES.len());
    let buffer = prop_oneof![3 => Just(AMPLE), 1 => 1..=20usize];
    (publishers, readers, buffer, any::<bool>(), 0..4usize).prop_map(
        |(publishers, readers, pre_start_capacity, started, pauses)| Scene {
            publishers,
            readers,
            pre_start_capacity,
            started,
            pauses,
        },
    )
}

/// Reads to the end of the bus.
fn read(reader: &mut dyn Reader, style: Style) -> Vec<Got> {
    let mut all = Vec::new();
    loop {
        match style {
            Style::Block | Style::Idle => {}
            Style::Try => match reader.try_recv() {
                Ok(item) => {
                    all.push(item.0);
                    continue;
                }
                Err(callboard::TryRecvError::Empty) => {
                    thread::yield_now();
                    continue;
                }
                Err(callboard::TryRecvError::Closed) => return all,
            },
            Style::Many => match reader.recv_many(7) {
                Some(batch) if batch.is_empty() => return all,
                Some(batch) => {
                    all.extend(batch.into_iter().map(|item| item.0));
                    continue;
                }
                None => {}
            },
        }
        match reader.blocking_recv() {
            Some(item) => all.push(item.0),
            None => return all,
        }
    }
}

/// Closes the bus, on a panic too: its readers would wait for ever.
pub(crate) struct Closing<'a>(pub(crate) &'a Bus);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Opens one reader per plan and runs `work` while they read; returns what each got, its ledger
/// and its gap at the end.
pub(crate) fn with_readers(
    bus: Bus,
    plans: &[ReaderPlan],
    work: impl FnOnce(&Bus),
) -> Vec<(Vec<Got>, Ledger, u64)> {
    let open = |(name, plan): (&&'static str, &ReaderPlan)| {
        let ReaderPlan { wants, capacity, overflow, lossy, .. } = *plan;
        let opening = Opening {
            name,
            wants,
            capacity,
            overflow,
            lossy,
            late: true,
            retained: false,
            concurrent: false,
        };
        reader::open(&bus, &opening)
    };
    let readers: Vec<_> = NAMES.iter().zip(plans).map(open).collect();
    thread::scope(|scope| {
        let mut idle = Vec::new();
        let mut running = Vec::new();
        for (reader, plan) in readers.into_iter().zip(plans) {
            let mut reader = reader;
            let style = plan.style;
            let run = move || {
                let got = read(&mut *reader, style);
                (got, reader.ledger(), reader.pending_missed())
            };
            if style == Style::Idle {
                idle.push(run);
                running.push(None);
            } else {
                running.push(Some(scope.spawn(run)));
            }
        }
        let closing = Closing(&bus);
        work(&bus);
        bus.start();
        drop(closing);
        let mut idle = idle.into_iter();
        let results = running.into_iter().map(|thread| match thread {
            Some(thread) => thread.join().expect("a reader panicked"),
            None => idle.next().expect("one per idle reader")(),
        });
        results.collect()
    })
}

fn send(bus: &Bus, kind: Kind, key: u8, part: u32, token: &Token) -> Published {
    match kind {
        Kind::Plain => bus.publish(Plain::new(key, part, token)),
        Kind::Kept => bus.publish(Kept::new(key, part, token)),
        Kind::Ranked => bus.publish(Ranked::new(key, part, token)),
        other => panic!("no publisher sends {other:?}"),
    }
}

fn priority(value: &Value) -> Priority {
    if value.kind == Kind::Ranked { rank(value.key) } else { Priority::Normal }
}

pub(crate) fn play(scene: &Scene) {
    let reports = Arc::new(Mutex::new(HashMap::<String, u64>::new()));
    let log = Arc::clone(&reports);
    let bus = Bus::builder()
        .pre_start_capacity(scene.pre_start_capacity)
        .on_drop(move |dropped| {
            *log.lock().unwrap().entry(dropped.subscriber().to_owned()).or_default() += 1;
        })
        .build()
        .unwrap();
    if scene.started {
        bus.start();
    }
    let token = Token::default();
    let mut sent: Vec<Vec<(Value, Published)>> = Vec::new();
    let results = with_readers(bus, &scene.readers, |bus| {
        sent = thread::scope(|scope| {
            let token = &token;
            let publish = |(key, kinds): (usize, &'_ Vec<Kind>)| {
                let (key, kinds) = (u8::try_from(key).unwrap(), kinds.clone());
                scope.spawn(move || {
                    let numbered = (0..).zip(kinds).map(|(part, kind)| {
                        let published = send(bus, kind, key, part, token);
                        (Value { kind, key, parts: vec![part] }, published)
                    });
                    numbered.collect::<Vec<_>>()
                })
            };
            let threads: Vec<_> = scene.publishers.iter().enumerate().map(publish).collect();
            for _ in 0..scene.pauses {
                bus.start();
                thread::yield_now();
                bus.pause();
                thread::yield_now();
            }
            bus.start();
            threads.into_iter().map(|thread| thread.join().expect("a publisher panicked")).collect()
        });
    });
    assert_eq!(Arc::strong_count(&token), 1, "an event is kept alive by nobody's queue");

    // A publisher's own events keep its order.
    for own in &sent {
        let numbers: Vec<u64> = own.iter().filter_map(|(_, sent)| sent.sequence()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "a publisher's sequences: {numbers:?}");
    }
    let all: Vec<&(Value, Published)> = sent.iter().flatten().collect();
    let accepted: BTreeMap<u64, &Value> =
        all.iter().filter_map(|(value, sent)| Some((sent.sequence()?, value))).collect();
    // What has no number did not fit in the buffer, or nobody listened.
    let unnumbered = all.iter().filter(|(_, sent)| sent.sequence().is_none());
    let overflowed = unnumbered.clone().filter(|(_, sent)| sent.dropped() > 0).count() as u64;
    let numbered = all.len() - unnumbered.count();
    assert_eq!(accepted.len(), numbered, "a sequence is given twice");

    let mut queued = 0;
    let mut lost_in_all = overflowed;
    let reports = reports.lock().unwrap();
    let told = |name: &str| reports.get(name).copied().unwrap_or(0);
    for ((plan, name), (got, ledger, gap)) in scene.readers.iter().zip(NAMES).zip(&results) {
        let refused =
            all.iter().filter(|(_, sent)| sent.sequence().is_none() && sent.dropped() > 0);
        let unheard = refused.filter(|(value, _)| plan.wants.reads(value.kind)).count() as u64;
        check_reader(plan, &accepted, unheard, got, ledger, *gap);
        queued += ledger.offered - ledger.dropped(DropReason::Full);
        lost_in_all += ledger.lost();
        assert_eq!(told(name), if plan.lossy { 0 } else { ledger.lost() }, "reports for {name}");
    }
    assert_eq!(told(Dropped::BUFFER), overflowed, "reports for the buffer");
    let delivered: u64 = all.iter().map(|(_, sent)| sent.delivered() as u64).sum();
    let dropped: u64 = all.iter().map(|(_, sent)| sent.dropped() as u64).sum();
    let buffered = all.iter().filter(|(_, sent)| sent.buffered()).map(|(value, _)| {
        scene.readers.iter().filter(|plan| plan.wants.reads(value.kind)).count() as u64
    });
    assert_eq!(delivered + buffered.sum::<u64>(), queued, "Published and the ledgers: queued");
    assert_eq!(dropped, lost_in_all, "Published and the ledgers: dropped");

    // One order.
    for (n, (one, ..)) in results.iter().enumerate() {
        for (other, ..) in &results[n + 1..] {
            for urgency in [Priority::Low, Priority::Normal, Priority::High] {
                let both = |got: &[Got], other: &[Got]| -> Vec<Value> {
                    let theirs: BTreeSet<u64> = other.iter().map(|got| got.sequence).collect();
                    let common = got.iter().filter(|got| theirs.contains(&got.sequence));
                    let of_one = common.filter(|got| priority(&got.value) == urgency);
                    of_one.map(|got| got.value.clone()).collect()
                };
                assert_eq!(both(one, other), both(other, one), "two readers, two orders");
            }
        }
    }
}

/// What must hold of one reader, given everything the bus accepted, and how many events of its
/// kinds the start buffer dropped.
fn check_reader(
    plan: &ReaderPlan,
    accepted: &BTreeMap<u64, &Value>,
    unheard: u64,
    got: &[Got],
    ledger: &Ledger,
    gap: u64,
) {
    let wanted: BTreeMap<u64, &Value> = accepted
        .iter()
        .filter(|(_, value)| plan.wants.reads(value.kind))
        .map(|(sequence, value)| (*sequence, *value))
        .collect();
    for item in got {
        assert_eq!(wanted.get(&item.sequence), Some(&&item.value), "not what was published");
    }
    for urgency in [Priority::Low, Priority::Normal, Priority::High] {
        let of_one = got.iter().filter(|got| priority(&got.value) == urgency);
        let numbers: Vec<u64> = of_one.map(|got| got.sequence).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{plan:?} reads out of order: {numbers:?}");
    }
    assert!(ledger.balances(), "{plan:?}: {ledger:?}");
    let counts = (ledger.offered, ledger.delivered, ledger.queued);
    assert_eq!(counts, (wanted.len() as u64, got.len() as u64, 0), "{plan:?}: {ledger:?}");
    let missed: u64 = got.iter().map(|got| got.missed).sum();
    assert_eq!(missed + gap, ledger.lost() + unheard, "{plan:?} was told of as many as it lost");
    if plan.capacity >= AMPLE {
        assert_eq!(ledger.lost(), 0, "{plan:?} lost events with room for all");
    }
    if unheard == 0 && wanted.values().all(|value| priority(value) == Priority::Normal) {
        // Each says exactly how many are missing before it.
        let mut before = 0;
        for item in got {
            let between = wanted.range(before + 1..item.sequence).count() as u64;
            assert_eq!(item.missed, between, "{plan:?} at #{}", item.sequence);
            before = item.sequence;
        }
    }
}
