//! Random programs.

use std::fmt;

use callboard::{Overflow, Priority};
use proptest::prelude::*;
use proptest::sample::select;

use crate::asking::Rule;
use crate::events::{Kind, Opening, Wants};
use crate::print;
use crate::program_asking::{answering, ask};

/// One operation. A number that names a subscription, a gather, a call or an event kept is its
/// place among those there are, round and round; with none there, the operation does nothing.
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
    PublishCausedBy {
        kind: Kind,
        key: u8,
        cause: Option<u64>,
    },
    Subscribe(Opening),
    Unsubscribe(usize),
    Receive {
        slot: usize,
        how: How,
        /// Whether what comes is kept beyond the operation.
        keep: bool,
    },
    /// Polls the subscription as a stream, which leaves its waker.
    Poll(usize),
    /// Publishes while `recv` waits, then polls it once more or gives it up.
    Await {
        slot: usize,
        kind: Kind,
        key: u8,
        again: bool,
    },
    /// Has a handler receive everything that is queued, then gives it up.
    Serve(usize),
    /// Drops what was kept.
    Release(usize),
    Start,
    /// Waits, for no time at all, until everybody expected has signed in.
    StartWhenReady,
    Pause,
    Close,
    /// Waits, for no time at all, until everybody has drained.
    CloseAndDrain,
    /// Replaces the drop callback.
    OnDrop,
    Ask {
        expect: Vec<&'static str>,
        rule: Rule,
        /// Milliseconds.
        timeout: u64,
        key: u8,
    },
    /// A request made to answer this call.
    AskWithin {
        call: usize,
        expect: Vec<&'static str>,
        rule: Rule,
        timeout: u64,
        key: u8,
    },
    PollGather(usize),
    DropGather(usize),
    Respond {
        call: usize,
        key: u8,
    },
    Decline(usize),
    DropCall(usize),
    /// Milliseconds.
    Advance(u64),
}

/// A way of receiving that does not wait, or not if there is something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    TryRecv,
    /// Polled once, and given up if it waits.
    Recv,
    /// If there is nothing it would park the thread, and is not called.
    BlockingRecv,
    /// With no time.
    RecvTimeout,
    /// Up to this many.
    TryIter(usize),
    /// Likewise, with the remark above.
    Iter(usize),
    /// Polled once; up to this many.
    RecvMany(usize),
    /// A batch, of which this many are read.
    TryBatch(usize),
    /// Polled once.
    Batch(usize),
    BlockingBatch(usize),
}

/// A bus and what is done with it.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) pre_start_capacity: usize,
    pub(crate) timestamps: bool,
    /// Whether the bus expects a subscriber `a` and a responder `b`.
    pub(crate) expects: bool,
    pub(crate) ops: Vec<Op>,
}

/// As a test that can be pasted.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::program(self, self.ops.len()))
    }
}

pub(crate) const NAMES: [&str; 3] = ["a", "b", "c"];

fn overflow() -> impl Strategy<Value = Overflow> {
    select(vec![Overflow::DropNewest, Overflow::DropOldest, Overflow::Coalesce])
}

fn capacity() -> impl Strategy<Value = usize> {
    prop_oneof![
        12 => 1..=3usize,
        4 => 0..=5usize,
        1 => Just(0),
        2 => Just(1_000),
        2 => Just(usize::MAX),
    ]
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

pub(crate) fn opening(wants: impl Strategy<Value = Wants>) -> impl Strategy<Value = Opening> {
    // Two of one name are usual.
    let names = select(vec!["a", "a", "a", "b", "b", "c"]);
    let rare = || proptest::bool::weighted(0.3);
    let flags = (rare(), any::<bool>(), rare(), rare());
    (names, wants, capacity(), overflow(), flags).prop_map(
        |(name, wants, capacity, overflow, (lossy, late, retained, concurrent))| Opening {
            name,
            wants,
            capacity,
            overflow,
            lossy,
            late,
            retained,
            concurrent,
        },
    )
}

pub(crate) fn publish(kinds: Vec<Kind>, keys: u8) -> impl Strategy<Value = Op> {
    let priority = select(vec![Priority::Low, Priority::Normal, Priority::High]);
    let forced = proptest::option::weighted(0.2, priority);
    let cause = proptest::option::of(0..4u64);
    let caused = proptest::option::weighted(0.1, cause);
    (select(kinds), 0..keys, forced, caused).prop_map(|(kind, key, priority, cause)| {
        match (priority, cause) {
            (Some(priority), _) => Op::PublishWith { kind, key, priority },
            (None, Some(cause)) => Op::PublishCausedBy { kind, key, cause },
            (None, None) => Op::Publish { kind, key },
        }
    })
}

fn how() -> impl Strategy<Value = How> {
    let some = 0..4usize;
    prop_oneof![
        6 => Just(How::TryRecv),
        3 => Just(How::Recv),
        1 => Just(How::BlockingRecv),
        1 => Just(How::RecvTimeout),
        1 => some.clone().prop_map(How::TryIter),
        1 => some.clone().prop_map(How::Iter),
        2 => some.clone().prop_map(How::RecvMany),
        3 => prop_oneof![4 => some.clone(), 1 => Just(20)].prop_map(How::TryBatch),
        2 => prop_oneof![4 => some.clone(), 1 => Just(20)].prop_map(How::Batch),
        1 => some.prop_map(How::BlockingBatch),
    ]
}

pub(crate) fn receive(kinds: Vec<Kind>, keys: u8) -> impl Strategy<Value = Op> {
    let slot = 0..6usize;
    let kept = proptest::bool::weighted(0.2);
    prop_oneof![
        20 => (slot.clone(), how(), kept).prop_map(|(slot, how, keep)| Op::Receive { slot, how, keep }),
        4 => slot.clone().prop_map(Op::Poll),
        3 => (slot.clone(), select(kinds), 0..keys, any::<bool>())
            .prop_map(|(slot, kind, key, again)| Op::Await { slot, kind, key, again }),
        1 => slot.clone().prop_map(Op::Serve),
        4 => slot.prop_map(Op::Release),
    ]
}

pub(crate) fn phase() -> impl Strategy<Value = Op> {
    prop_oneof![
        30 => Just(Op::Start),
        6 => Just(Op::StartWhenReady),
        20 => Just(Op::Pause),
        2 => Just(Op::Close),
        1 => Just(Op::CloseAndDrain),
        2 => Just(Op::OnDrop),
    ]
}

/// Some subscriptions, then `ops`; half of the time the bus starts between the two.
pub(crate) fn with_prelude(
    wants: impl Strategy<Value = Wants> + 'static,
    subscriptions: std::ops::RangeInclusive<usize>,
    ops: impl Strategy<Value = Op> + 'static,
    length: usize,
) -> impl Strategy<Value = Program> {
    with_openings(opening(wants), subscriptions, ops, length)
}

pub(crate) fn with_openings(
    opening: impl Strategy<Value = Opening> + 'static,
    subscriptions: std::ops::RangeInclusive<usize>,
    ops: impl Strategy<Value = Op> + 'static,
    length: usize,
) -> impl Strategy<Value = Program> {
    let openings = proptest::collection::vec(opening.prop_map(Op::Subscribe), subscriptions);
    let started = proptest::option::of(Just(Op::Start));
    let ops = proptest::collection::vec(ops, 1..=length);
    let buffer = prop_oneof![2 => 1..=4usize, 1 => Just(1_000)];
    let settings = (buffer, proptest::bool::weighted(0.3), any::<bool>());
    (settings, openings, started, ops).prop_map(|(settings, openings, started, rest)| {
        let (pre_start_capacity, timestamps, expects) = settings;
        let ops = openings.into_iter().chain(started).chain(rest).collect();
        Program { pre_start_capacity, timestamps, expects, ops }
    })
}

/// Everything there is.
pub(crate) fn program(length: usize) -> impl Strategy<Value = Program> {
    let ops = prop_oneof![
        12 => publish(Kind::ALL.to_vec(), 3),
        8 => receive(Kind::ALL.to_vec(), 3),
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
        Wants::One(Kind::Plain),
        Wants::One(Kind::Change),
        Wants::One(Kind::Ranked),
        Wants::One(Kind::Urgent),
        Wants::One(Kind::Kept),
        Wants::Trio,
        Wants::Everything,
    ])
    .boxed();
    let kinds =
        vec![Kind::Plain, Kind::Plain, Kind::Change, Kind::Ranked, Kind::Urgent, Kind::Kept];
    let ops = prop_oneof![
        24 => publish(kinds.clone(), 3),
        12 => receive(kinds, 3),
        1 => phase(),
        1 => opening(wants.clone()).prop_map(Op::Subscribe),
    ];
    with_prelude(wants, 1..=1, ops, length)
}

/// Some readers of one log, which come and go, and a start buffer that overflows.
pub(crate) fn logged(length: usize) -> impl Strategy<Value = Program> {
    let kind = select(vec![Kind::Plain, Kind::Urgent, Kind::Kept]);
    kind.prop_flat_map(move |kind| {
        let wants = prop_oneof![6 => Just(Wants::One(kind)), 1 => Just(Wants::Everything)].boxed();
        let ops = prop_oneof![
            20 => publish(vec![kind], 1),
            10 => receive(vec![kind], 1),
            5 => phase(),
            1 => opening(wants.clone()).prop_map(Op::Subscribe),
            1 => (0..6usize).prop_map(Op::Unsubscribe),
        ];
        with_prelude(wants, 1..=4, ops, length)
    })
}

/// Much that is retained, and many who come late.
pub(crate) fn retained(length: usize) -> impl Strategy<Value = Program> {
    let wants = prop_oneof![
        2 => Just(Wants::Everything),
        1 => Just(Wants::Matching("state.*")),
        1 => Just(Wants::One(Kind::Kept)),
        1 => Just(Wants::One(Kind::Status)),
        1 => Just(Wants::Trio),
    ]
    .boxed();
    let kinds = vec![Kind::Kept, Kind::Status];
    let late = opening(wants.clone()).prop_map(|opening| Opening { retained: true, ..opening });
    let ops = prop_oneof![
        12 => publish(kinds.clone(), 2),
        6 => receive(kinds, 2),
        4 => late.prop_map(Op::Subscribe),
        3 => (0..6usize).prop_map(Op::Unsubscribe),
        3 => phase(),
    ];
    with_prelude(wants, 0..=2, ops, length)
}
