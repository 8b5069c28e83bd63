//! Random programs.

use std::fmt;

use callboard::{Overflow, Priority};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::asking::Rule;
use crate::events::{Kind, Opening, Wants};

/// One operation. A number that names a subscription, a gather or a call is its place among those
/// there are, round and round; with none there, the operation does nothing.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Publish {
        kind: Kind,
        key: u8,
    },
    PublishWith {
        kind: Kind,
        key: u8,
        priority: Priority,
    },
    Subscribe(Opening),
    Unsubscribe(usize),
    TryRecv(usize),
    RecvMany(usize, usize),
    /// Polls the subscription as a stream, which leaves its waker.
    Poll(usize),
    Start,
    Pause,
    Close,
    Ask {
        expect: Vec<&'static str>,
        rule: Rule,
        timeout: u64,
    },
    PollGather(usize),
    DropGather(usize),
    Respond(usize),
    Decline(usize),
    DropCall(usize),
    /// Milliseconds.
    Advance(u64),
}

/// A bus and what is done with it.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) pre_start_capacity: usize,
    pub(crate) ops: Vec<Op>,
}

/// One operation a line, ready to be pasted into a test.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a bus with a start buffer of {}", self.pre_start_capacity)?;
        self.ops.iter().try_for_each(|op| writeln!(f, "    {op:?},"))
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn overflow() -> impl Strategy<Value = Overflow> {
    select(vec![Overflow::DropNewest, Overflow::DropOldest, Overflow::Coalesce])
}

fn capacity() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 1..=3usize, 2 => 0..=5usize, 1 => Just(1_000)]
}

fn any_wants() -> impl Strategy<Value = Wants> {
    prop_oneof![
        4 => select(Kind::ALL.to_vec()).prop_map(Wants::One),
        2 => Just(Wants::Trio),
        2 => Just(Wants::Desk),
        2 => Just(Wants::Calls),
        2 => Just(Wants::Everything),
        2 => select(vec![">", "model.*", "*.kept", "ask.>", "state"]).prop_map(Wants::Matching),
    ]
}

fn opening(wants: impl Strategy<Value = Wants>) -> impl Strategy<Value = Opening> {
    // Two of one name are usual.
    let names = select(vec!["a", "a", "a", "b", "b", "c"]);
    let flags = (proptest::bool::weighted(0.3), any::<bool>(), proptest::bool::weighted(0.4));
    (names, wants, capacity(), overflow(), flags).prop_map(
        |(name, wants, capacity, overflow, (lossy, late, retained))| Opening {
            name,
            wants,
            capacity,
            overflow,
            lossy,
            late,
            retained,
        },
    )
}

fn publish(kinds: Vec<Kind>, keys: u8) -> impl Strategy<Value = Op> {
    let priority = select(vec![Priority::Low, Priority::Normal, Priority::High]);
    let forced = proptest::option::weighted(0.2, priority);
    (select(kinds), 0..keys, forced).prop_map(|(kind, key, priority)| match priority {
        None => Op::Publish { kind, key },
        Some(priority) => Op::PublishWith { kind, key, priority },
    })
}

fn receive() -> impl Strategy<Value = Op> {
    let slot = 0..6usize;
    prop_oneof![
        3 => slot.clone().prop_map(Op::TryRecv),
        1 => (slot.clone(), 0..4usize).prop_map(|(slot, limit)| Op::RecvMany(slot, limit)),
        1 => slot.prop_map(Op::Poll),
    ]
}

fn phase() -> impl Strategy<Value = Op> {
    prop_oneof![6 => Just(Op::Start), 4 => Just(Op::Pause), 1 => Just(Op::Close)]
}

fn ask() -> impl Strategy<Value = Op> {
    let named = subsequence(NAMES.to_vec(), 0..=3).prop_shuffle();
    let twice = named.clone().prop_map(|names| names.repeat(2));
    let expect = prop_oneof![6 => named, 1 => twice];
    let rule = prop_oneof![
        3 => Just(Rule::All),
        1 => Just(Rule::First),
        2 => (0..=4usize).prop_map(Rule::AtLeast),
        1 => (0..=3usize).prop_map(Rule::Until),
    ];
    (expect, rule, 0..=5u64).prop_map(|(expect, rule, timeout)| Op::Ask { expect, rule, timeout })
}

fn answering() -> impl Strategy<Value = Op> {
    let slot = 0..4usize;
    prop_oneof![
        4 => slot.clone().prop_map(Op::PollGather),
        1 => slot.clone().prop_map(Op::DropGather),
        4 => slot.clone().prop_map(Op::Respond),
        1 => slot.clone().prop_map(Op::Decline),
        1 => slot.prop_map(Op::DropCall),
        1 => (1..=3u64).prop_map(Op::Advance),
    ]
}

/// Some subscriptions, then `ops`; half of the time the bus starts between the two.
fn with_prelude(
    wants: impl Strategy<Value = Wants> + 'static,
    subscriptions: std::ops::RangeInclusive<usize>,
    ops: impl Strategy<Value = Op> + 'static,
    length: usize,
) -> impl Strategy<Value = Program> {
    let openings = proptest::collection::vec(opening(wants).prop_map(Op::Subscribe), subscriptions);
    let started = proptest::option::of(Just(Op::Start));
    let ops = proptest::collection::vec(ops, 1..=length);
    let buffer = prop_oneof![2 => 1..=4usize, 1 => Just(1_000)];
    (buffer, openings, started, ops).prop_map(|(pre_start_capacity, openings, started, rest)| {
        let ops = openings.into_iter().chain(started).chain(rest).collect();
        Program { pre_start_capacity, ops }
    })
}

/// Everything there is.
pub(crate) fn program(length: usize) -> impl Strategy<Value = Program> {
    let ops = prop_oneof![
        12 => publish(Kind::ALL.to_vec(), 3),
        8 => receive(),
        2 => opening(any_wants()).prop_map(Op::Subscribe),
        1 => (0..6usize).prop_map(Op::Unsubscribe),
        2 => phase(),
        2 => ask(),
        5 => answering(),
    ];
    with_prelude(any_wants(), 0..=4, ops, length)
}

/// One busy subscription: deep into what a queue does.
pub(crate) fn narrow(length: usize) -> impl Strategy<Value = Program> {
    let wants = select(vec![
        Wants::One(Kind::Plain),
        Wants::One(Kind::Change),
        Wants::One(Kind::Ranked),
        Wants::Trio,
        Wants::Everything,
    ])
    .boxed();
    let kinds = vec![Kind::Plain, Kind::Change, Kind::Ranked, Kind::Kept];
    let ops = prop_oneof![
        24 => publish(kinds, 3),
        12 => receive(),
        1 => phase(),
        1 => opening(wants.clone()).prop_map(Op::Subscribe),
    ];
    with_prelude(wants, 1..=1, ops, length)
}

/// Much asking of a few responders with small queues.
pub(crate) fn asking(length: usize) -> impl Strategy<Value = Program> {
    let wants = prop_oneof![
        4 => Just(Wants::Calls),
        2 => Just(Wants::Desk),
        1 => Just(Wants::Everything),
        1 => Just(Wants::One(Kind::Reply)),
    ]
    .boxed();
    let ops = prop_oneof![
        6 => ask(),
        8 => receive(),
        14 => answering(),
        2 => publish(vec![Kind::Plain, Kind::Ask, Kind::Reply], 1),
        1 => opening(wants.clone()).prop_map(Op::Subscribe),
        1 => (0..6usize).prop_map(Op::Unsubscribe),
        1 => phase(),
    ];
    with_prelude(wants, 1..=4, ops, length)
}
