//! The smallest programs that once told the bus and the model apart.

use callboard::{Overflow, Priority};

use crate::asking::Rule;
use crate::events::{Kind, Opening, Wants};
use crate::program::{How, Op, Program};
use crate::run::run;

fn opening(name: &'static str, wants: Wants, capacity: usize, overflow: Overflow) -> Op {
    Op::Subscribe(Opening {
        name,
        wants,
        capacity,
        overflow,
        lossy: false,
        late: false,
        retained: false,
        concurrent: false,
    })
}

fn started(ops: impl IntoIterator<Item = Op>) {
    let (openings, rest): (Vec<Op>, Vec<Op>) =
        ops.into_iter().partition(|op| matches!(op, Op::Subscribe(_)));
    let ops = openings.into_iter().chain([Op::Start]).chain(rest).collect();
    run(&Program { pre_start_capacity: 10, timestamps: false, expects: false, ops });
}

fn try_recv(slot: usize) -> Op {
    Op::Receive { slot, how: How::TryRecv, keep: false }
}

fn plain() -> Op {
    Op::Publish { kind: Kind::Plain, key: 0 }
}

fn all(expect: &[&'static str]) -> Op {
    Op::Ask { expect: expect.to_vec(), rule: Rule::All, timeout: 5, key: 1 }
}

/// The reader of #2 would not have learnt that #1 is missing.
#[test]
fn an_event_that_makes_room_for_a_more_urgent_one_is_told_of_by_it() {
    started([
        opening("a", Wants::One(Kind::Plain), 1, Overflow::DropOldest),
        plain(),
        Op::PublishWith { kind: Kind::Plain, key: 0, priority: Priority::High },
        try_recv(0),
    ]);
}

/// The call of #2 shares the sequence of the event #2, which makes room for #3.
#[test]
fn a_request_that_makes_room_is_told_of_by_its_own_call() {
    let urgent = Op::PublishWith { kind: Kind::Plain, key: 0, priority: Priority::High };
    started([
        opening("a", Wants::Desk, 3, Overflow::DropOldest),
        urgent.clone(),
        all(&["a"]),
        urgent,
    ]);
}

/// #4 is received with #3 missing before it; #6 was to say so.
#[test]
fn what_an_absorbed_event_would_have_told_is_told_by_the_next() {
    let change = |key| Op::Publish { kind: Kind::Change, key };
    started([
        opening("a", Wants::One(Kind::Change), 2, Overflow::Coalesce),
        change(0),
        change(1),
        change(2),
        try_recv(0),
        change(2),
        try_recv(0),
        change(1),
        change(2),
        try_recv(0),
        try_recv(0),
    ]);
}

/// The first of the calls queued came before the loss; the withdrawn one, which came after it,
/// leaves it to whoever comes next.
#[test]
fn what_a_withdrawn_call_would_have_told_is_told_by_the_next_not_the_first() {
    started([
        opening("a", Wants::Calls, 2, Overflow::DropNewest),
        all(&["a"]),
        all(&["a"]),
        all(&["a"]),
        try_recv(0),
        all(&["a"]),
        Op::DropGather(2),
        try_recv(0),
    ]);
}

/// #5 and #7 are behind gaps, and #8 in another log; a batch went on with #8.
#[test]
fn a_batch_of_several_logs_looks_behind_gaps() {
    let receive = |how| Op::Receive { slot: 0, how, keep: false };
    let mut ops = vec![opening("a", Wants::Trio, 3, Overflow::DropNewest)];
    ops.extend([plain(), plain(), plain(), plain(), Op::Poll(0), plain(), plain()]);
    ops.extend([receive(How::RecvMany(2)), plain()]);
    ops.push(Op::Publish { kind: Kind::Change, key: 0 });
    ops.push(receive(How::Batch(2)));
    started(ops);
}

/// It sleeps for its next event, and an event of a log has woken it.
#[test]
fn a_responder_that_is_woken_by_a_log_is_not_in_a_cycle() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        started([
            opening("a", Wants::Calls, 9, Overflow::DropNewest),
            opening("b", Wants::Desk, 9, overflow),
            Op::Ask { expect: vec!["b"], rule: Rule::All, timeout: 9, key: 1 },
            try_recv(1),
            try_recv(1),
            Op::Poll(1),
            plain(),
            Op::AskWithin { call: 0, expect: vec!["b"], rule: Rule::All, timeout: 9, key: 0 },
        ]);
    }
}

/// Its asker had ended with every expected responder absent, and it was replayed all the same.
#[test]
fn a_request_for_responders_that_never_signed_in_is_withdrawn_from_the_start_buffer() {
    let ops = vec![
        opening("a", Wants::Calls, 1, Overflow::DropNewest),
        Op::Ask { expect: vec!["b"], rule: Rule::All, timeout: 0, key: 1 },
        Op::Start,
    ];
    run(&Program { pre_start_capacity: 2, timestamps: false, expects: false, ops });
}

/// It was published, not asked: no responder would have got it.
#[test]
fn a_request_published_as_an_event_is_not_missed_by_its_responders() {
    let ops = vec![
        opening("a", Wants::Calls, 1, Overflow::DropNewest),
        plain(),
        Op::Publish { kind: Kind::Ask, key: 1 },
        Op::Start,
    ];
    run(&Program { pre_start_capacity: 1, timestamps: false, expects: false, ops });
}

#[test]
fn a_request_that_was_met_before_the_bus_closed_stays_met() {
    started([
        opening("a", Wants::Calls, 1, Overflow::DropNewest),
        all(&["a"]),
        try_recv(0),
        Op::Respond { call: 0, key: 1 },
        Op::Close,
        Op::PollGather(0),
    ]);
}

#[test]
fn a_request_that_was_out_of_reach_before_the_bus_closed_stays_so() {
    started([
        opening("a", Wants::Calls, 1, Overflow::DropNewest),
        all(&["a"]),
        Op::Unsubscribe(0),
        Op::Close,
        Op::PollGather(0),
    ]);
}

/// The asker had fetched the first answer: the second was taken for the first of that name.
#[test]
fn a_second_answer_by_a_name_is_a_duplicate_after_a_look_too() {
    started([
        opening("a", Wants::Calls, 1, Overflow::DropNewest),
        opening("a", Wants::Calls, 1, Overflow::DropNewest),
        opening("b", Wants::Calls, 1, Overflow::DropNewest),
        all(&["a", "b"]),
        try_recv(0),
        try_recv(1),
        Op::Respond { call: 0, key: 1 },
        Op::PollGather(0),
        Op::Respond { call: 0, key: 1 },
        Op::Close,
        Op::PollGather(0),
    ]);
}

/// The snapshot said that it would have timed out in a queue.
#[test]
fn a_responder_that_never_signed_in_is_none_in_the_snapshot_too() {
    let ops = vec![all(&["a"])];
    run(&Program { pre_start_capacity: 1, timestamps: false, expects: false, ops });
}

/// It was remembered as number 0.
#[test]
fn a_request_that_the_start_buffer_had_no_room_for_has_no_number() {
    let ops = vec![plain(), all(&["a"])];
    run(&Program { pre_start_capacity: 1, timestamps: false, expects: false, ops });
}

#[test]
fn the_last_requests_that_were_in_trouble_are_remembered() {
    started((0..20).map(|_| all(&["a"])));
}

/// It is asked after each answer, in the order in which they came.
#[test]
fn a_predicate_judges_answers_that_came_together_one_by_one() {
    started([
        opening("a", Wants::Calls, 1, Overflow::DropNewest),
        opening("b", Wants::Calls, 1, Overflow::DropNewest),
        Op::Ask { expect: vec!["a", "b"], rule: Rule::Until(2), timeout: 5, key: 1 },
        try_recv(0),
        try_recv(1),
        Op::Respond { call: 1, key: 1 },
        Op::Respond { call: 0, key: 1 },
        Op::PollGather(0),
    ]);
}

#[test]
fn a_responder_that_sleeps_for_its_next_call_is_not_in_a_cycle() {
    started([
        opening("a", Wants::Calls, 2, Overflow::DropNewest),
        all(&["a"]),
        try_recv(0),
        Op::Poll(0),
        Op::AskWithin { call: 0, expect: vec!["a"], rule: Rule::All, timeout: 5, key: 1 },
    ]);
}

/// Nothing ever comes for it: it need not be woken when something comes for the other.
#[test]
fn a_reader_without_capacity_sleeps_on() {
    started([
        opening("a", Wants::One(Kind::Plain), 0, Overflow::DropNewest),
        opening("b", Wants::One(Kind::Plain), 1, Overflow::DropNewest),
        Op::Poll(0),
        plain(),
    ]);
}

/// One by the queue and one by the log: two were held, and once one was taken the most that had
/// been held was one.
#[test]
fn the_most_that_was_held_stays_the_most() {
    started([
        opening("a", Wants::One(Kind::Plain), 2, Overflow::DropNewest),
        plain(),
        try_recv(0),
        Op::PublishWith { kind: Kind::Plain, key: 0, priority: Priority::High },
        plain(),
        try_recv(0),
    ]);
}

/// One that it had no room for, and then one by the queue, which it took: it holds as much as it did
/// when it lost the first, but has taken something since.
#[test]
fn what_is_taken_from_the_queue_makes_an_end_of_what_was_lost() {
    started([
        opening("a", Wants::One(Kind::Plain), 0, Overflow::DropNewest),
        plain(),
        Op::Pause,
        plain(),
        Op::Start,
        try_recv(0),
        plain(),
        plain(),
    ]);
}
