//! The smallest programs in which the bus and the model once disagreed about circles of nested
//! requests.

use callboard::Overflow;

use crate::asking::{FOREVER, Rule};
use crate::events::{Opening, Wants};
use crate::program::{How, Op, Program};
use crate::run::run;

fn responder(name: &'static str) -> Op {
    Op::Subscribe(Opening {
        name,
        wants: Wants::Calls,
        capacity: 10,
        overflow: Overflow::DropNewest,
        lossy: false,
        late: true,
        retained: false,
        concurrent: false,
    })
}

/// Runs a program after responders of these names have signed in and the bus has started.
fn started(names: &[&'static str], ops: impl IntoIterator<Item = Op>) {
    let openings = names.iter().map(|name| responder(name));
    let ops = openings.chain([Op::Start]).chain(ops).collect();
    run(&Program { pre_start_capacity: 10, timestamps: false, expects: false, ops });
}

fn ask(expect: &[&'static str]) -> Op {
    Op::Ask { expect: expect.to_vec(), rule: Rule::All, timeout: FOREVER, key: 1 }
}

fn ask_within(call: usize, expect: &[&'static str], rule: Rule) -> Op {
    Op::AskWithin { call, expect: expect.to_vec(), rule, timeout: FOREVER, key: 1 }
}

fn take(slot: usize) -> Op {
    Op::Receive { slot, how: How::TryRecv, keep: false }
}

/// The other responder of that name is free: the request ends because `c` is absent.
#[test]
fn a_responder_with_a_free_namesake_closes_no_circle() {
    started(&["b", "b"], [ask(&["a"]), take(0), ask_within(0, &["b", "c"], Rule::All)]);
}

/// Nobody waits for it: the asker slept on, and the circle was looked for in vain.
#[test]
fn an_unexpected_responder_that_declines_wakes_no_asker() {
    started(
        &["a", "b"],
        [ask(&["a"]), take(0), take(1), ask_within(0, &["b"], Rule::All), take(0), Op::Decline(2)],
    );
}

/// It had been woken, and took the call as a batch.
#[test]
fn a_responder_that_came_back_for_a_batch_does_not_sleep() {
    let batch = Op::Receive { slot: 0, how: How::TryBatch(2), keep: false };
    started(&["a"], [Op::Poll(0), ask(&["a"]), batch, ask_within(0, &["a"], Rule::All)]);
}

/// Its answer may be all that the predicate wants: the asker has not looked yet.
#[test]
fn a_predicate_that_has_yet_to_judge_an_answer_may_be_content() {
    let until = ask_within(0, &["b", "c"], Rule::Until(1));
    let takes = [take(1), take(1), take(2), take(2)];
    let start = [ask(&["a"]), take(0), until].into_iter().chain(takes);
    let answer = Op::Respond { call: 4, key: 1 };
    started(&["a", "b", "c"], start.chain([answer, ask_within(2, &["a"], Rule::All)]));
}

/// The predicate rejects the answer, and the request waits for nothing else: it was made first, and
/// the other one fails.
#[test]
fn a_predicate_that_rejects_an_answer_may_close_a_circle() {
    let until = ask_within(0, &["b", "c"], Rule::Until(2));
    let takes = [take(1), take(1), take(2), take(2)];
    let start = [ask(&["a"]), take(0), until].into_iter().chain(takes);
    let answer = Op::Respond { call: 4, key: 1 };
    let looks = [Op::PollGather(1), Op::PollGather(2)];
    let rest = [answer, ask_within(2, &["a"], Rule::All)].into_iter().chain(looks);
    started(&["a", "b", "c"], start.chain(rest));
}

/// The second `b` has left while the request waited for the start.
#[test]
fn a_request_that_waited_for_the_start_may_be_in_a_circle_once_it_is_sent() {
    started(
        &["b", "b"],
        [
            ask(&["a"]),
            take(0),
            Op::Pause,
            ask_within(0, &["b"], Rule::All),
            Op::Unsubscribe(1),
            Op::Start,
            Op::PollGather(0),
        ],
    );
}

/// The first nested request was looked at when the second one was refused, which had not been
/// made.
#[test]
fn a_request_that_is_refused_has_not_ended() {
    started(
        &["b", "b"],
        [
            ask(&["a"]),
            take(0),
            Op::Pause,
            ask_within(0, &["b"], Rule::All),
            Op::Unsubscribe(1),
            ask_within(0, &["b"], Rule::All),
        ],
    );
}

/// The dropped request kept its asker waiting when the circle was named: `x → a → b → a`.
#[test]
fn a_request_that_is_dropped_leads_to_no_circle() {
    let spare = |slot, call| [take(slot), Op::DropCall(call)];
    let start = [ask(&["x"]), take(0)].into_iter().chain(spare(1, 1)).chain(spare(2, 1));
    let a_in_hand = [ask_within(0, &["a"], Rule::All), take(1)].into_iter().chain(spare(2, 2));
    let crosswise = [
        ask_within(1, &["b", "c"], Rule::First),
        take(2),
        ask_within(1, &["b"], Rule::All),
        ask_within(2, &["a"], Rule::All),
        Op::DropGather(2),
        Op::PollGather(3),
    ];
    started(&["x", "a", "b", "c"], start.chain(a_in_hand).chain(crosswise));
}
