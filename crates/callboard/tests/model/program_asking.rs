//! Random programs: the part about requests.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::asking::{FOREVER, Rule};
use crate::events::{Kind, Opening, Wants};
use crate::program::{
    How, NAMES, Op, Program, opening, phase, publish, receive, with_openings, with_prelude,
};

pub(crate) fn ask() -> impl Strategy<Value = Op> {
    let named = subsequence(NAMES.to_vec(), 0..=3).prop_shuffle();
    let twice = named.clone().prop_map(|names| names.repeat(2));
    // Whom there is most often.
    let usual = select(vec![vec!["a"], vec!["a", "b"]]);
    let expect = prop_oneof![6 => usual, 6 => named, 1 => twice];
    let rule = prop_oneof![
        3 => Just(Rule::All),
        1 => Just(Rule::First),
        2 => (0..=4usize).prop_map(Rule::AtLeast),
        1 => (0..=3usize).prop_map(Rule::Until),
        1 => Just(Rule::Settled),
    ];
    let timeout = prop_oneof![6 => 0..=5u64, 1 => Just(FOREVER)];
    let key = prop_oneof![3 => Just(1), 1 => 0..3u8];
    let within = proptest::option::weighted(0.3, 0..4usize);
    (expect, rule, timeout, key, within).prop_map(|(expect, rule, timeout, key, within)| {
        match within {
            None => Op::Ask { expect, rule, timeout, key },
            Some(call) => Op::AskWithin { call, expect, rule, timeout, key },
        }
    })
}

pub(crate) fn answering() -> impl Strategy<Value = Op> {
    let slot = 0..4usize;
    prop_oneof![
        4 => slot.clone().prop_map(Op::PollGather),
        1 => slot.clone().prop_map(Op::DropGather),
        6 => (slot.clone(), 0..3u8).prop_map(|(call, key)| Op::Respond { call, key }),
        1 => slot.clone().prop_map(Op::Decline),
        1 => slot.prop_map(Op::DropCall),
        1 => (1..=3u64).prop_map(Op::Advance),
    ]
}

/// Much asking of a few responders with small queues.
pub(crate) fn asking(length: usize) -> impl Strategy<Value = Program> {
    let wants = prop_oneof![
        4 => Just(Wants::Calls),
        3 => Just(Wants::Desk),
        1 => Just(Wants::Everything),
        1 => Just(Wants::One(Kind::Reply)),
    ]
    .boxed();
    let kinds = vec![Kind::Plain, Kind::Ask, Kind::Reply];
    let ops = prop_oneof![
        6 => ask(),
        12 => receive(kinds.clone(), 1),
        14 => answering(),
        3 => publish(kinds, 3),
        1 => opening(wants.clone()).prop_map(Op::Subscribe),
        1 => (0..6usize).prop_map(Op::Unsubscribe),
        1 => phase(),
    ];
    with_prelude(wants, 1..=4, ops, length)
}

/// A request made to answer a call, which waits for ever: of few responders.
fn ask_crosswise() -> impl Strategy<Value = Op> {
    let expect = select(vec![vec!["a"], vec!["b"], vec!["a", "b"], vec!["b", "a"], vec!["c", "b"]]);
    let rule = prop_oneof![
        6 => Just(Rule::All),
        3 => Just(Rule::First),
        4 => (1..=2usize).prop_map(Rule::Until),
        1 => Just(Rule::Settled),
    ];
    (0..8usize, expect, rule, 0..3u8).prop_map(|(call, expect, rule, key)| Op::AskWithin {
        call,
        expect,
        rule,
        timeout: FOREVER,
        key,
    })
}

/// Calls in hand whose handlers ask each other, until they wait crosswise and in circles.
pub(crate) fn crosswise(length: usize) -> impl Strategy<Value = Program> {
    let wants = prop_oneof![6 => Just(Wants::Calls), 1 => Just(Wants::Desk)].boxed();
    let capacity = prop_oneof![4 => Just(1_000), 1 => 0..=3usize];
    let opening = (opening(wants), capacity, proptest::bool::weighted(0.1))
        .prop_map(|(it, capacity, concurrent)| Opening { capacity, concurrent, ..it })
        .boxed();
    let slot = 0..8usize;
    let ops = prop_oneof![
        3 => ask(),
        14 => ask_crosswise(),
        18 => slot.clone().prop_map(|slot| Op::Receive { slot, how: How::TryRecv, keep: false }),
        2 => receive(vec![Kind::Ask], 1),
        1 => slot.clone().prop_map(Op::Poll),
        8 => slot.clone().prop_map(Op::PollGather),
        3 => slot.clone().prop_map(Op::DropGather),
        3 => slot.clone().prop_map(|call| Op::Respond { call, key: 1 }),
        2 => slot.clone().prop_map(Op::Decline),
        1 => slot.clone().prop_map(Op::DropCall),
        1 => slot.prop_map(Op::Unsubscribe),
        1 => opening.clone().prop_map(Op::Subscribe),
        1 => phase(),
        1 => (1..=3u64).prop_map(Op::Advance),
    ];
    with_openings(opening, 2..=4, ops, length)
}
