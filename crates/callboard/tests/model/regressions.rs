//! The smallest programs that once told the bus and the model apart, and some that no random
//! program reaches: user code that runs in the middle of an operation.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use callboard::{Bus, Coalesce, End, Event, Outcome, Overflow, Priority};

use crate::asking::Rule;
use crate::events::{Ask, Kind, Opening, Reply, Token, Wants};
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

/// Publishing the answer, as an event, runs user code: here it closes the bus, and the answer
/// comes too late. The responder was in neither list.
#[test]
fn an_answer_that_closes_the_bus_leaves_its_responder_accounted_for() {
    let bus = Bus::new();
    let mut responder = bus.responder::<Ask>("a");
    let _watcher = bus.subscriber("watcher").capacity(0).subscribe::<Reply>();
    bus.start();
    let closing = Mutex::new(Some(bus.clone()));
    bus.on_drop(move |_| {
        if let Some(bus) = closing.lock().unwrap().take() {
            bus.close();
        }
    });
    let mut gather = pin!(
        bus.request(Ask::new(1, 1, &Token::default())).expect(["a", "b"]).at_least(1).gather()
    );
    let mut context = Context::from_waker(Waker::noop());
    assert!(gather.as_mut().poll(&mut context).is_pending());
    responder.try_recv().unwrap().respond(Reply::new(1, 1, &Token::default()));
    let Poll::Ready(Ok(gathered)) = gather.as_mut().poll(&mut context) else {
        panic!("the bus is closed");
    };
    assert_eq!(gathered.end(), End::Closed);
    assert_eq!(gathered.responses().len(), 0);
    assert!(gathered.missing().eq([("a", Outcome::NotAwaited), ("b", Outcome::NoSuchResponder),]));
    let requests = bus.snapshot().requests;
    assert_eq!((requests.late, requests.duplicate), (1, 0));
}

/// A request that is withdrawn while the bus starts (on another thread, or as here in the
/// destructor of the asker's waker) must not reach its responders.
#[test]
fn a_request_withdrawn_while_the_bus_starts_reaches_nobody() {
    struct Starter(Bus);
    impl Wake for Starter {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Starter {
        fn drop(&mut self) {
            self.0.start();
        }
    }
    let bus = Bus::new();
    let mut responder = bus.responder::<Ask>("a");
    let mut gather = Box::pin(
        bus.request(Ask::new(1, 1, &Token::default()))
            .expect(["a"])
            .timeout(Duration::MAX)
            .gather(),
    );
    let waker = Waker::from(Arc::new(Starter(bus.clone())));
    assert!(gather.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    drop(gather);
    assert_eq!(bus.phase(), callboard::Phase::Running);
    assert!(responder.try_recv().is_err(), "it was withdrawn");
    assert!(responder.ledger().balances());
}

/// While two events are merged, which runs user code and takes its time, both are queued: they
/// must not be taken for two, or an event for which there is room is lost.
#[test]
fn events_that_are_being_merged_take_the_room_of_one() {
    #[derive(Debug, Event)]
    struct Chatty(u8, Option<Bus>);
    impl Coalesce for Chatty {
        type Key = u8;
        fn key(&self) -> u8 {
            self.0
        }
        fn absorb(&self, _older: &Self) -> Option<Self> {
            if let Some(bus) = &self.1 {
                bus.publish(Self(1, None));
            }
            Some(Self(self.0, None))
        }
    }
    let bus = Bus::new();
    let mut chats =
        bus.subscriber("a").capacity(2).overflow(Overflow::Coalesce).subscribe::<Chatty>();
    bus.start();
    bus.publish(Chatty(0, None));
    bus.publish(Chatty(0, Some(bus.clone())));
    let keys: Vec<u8> = chats.try_iter().map(|chat| chat.0).collect();
    assert_eq!((keys, chats.ledger().lost()), (vec![0, 1], 0));

    // And so in the start buffer.
    let bus = Bus::builder().pre_start_capacity(2).build().unwrap();
    bus.publish(Chatty(0, None));
    bus.publish(Chatty(0, Some(bus.clone())));
    assert_eq!(bus.start().dropped(), 0);
}

/// Two threads merge under one key at once: [0, 1] by the one, [1, 2] by the other, which is slower
/// and must notice that what it merged is not what is queued.
#[test]
fn a_merge_that_was_overtaken_is_done_again() {
    #[derive(Debug, Default)]
    struct Stage(Mutex<Vec<&'static str>>, Condvar);
    impl Stage {
        /// Whether it is reached for the first time.
        fn reach(&self, step: &'static str) -> bool {
            let mut reached = self.0.lock().unwrap();
            let first = !reached.contains(&step);
            reached.push(step);
            self.1.notify_all();
            first
        }
        fn wait_for(&self, step: &'static str) {
            let missing = |reached: &mut Vec<_>| !reached.contains(&step);
            let reached = self.0.lock().unwrap();
            drop(self.1.wait_timeout_while(reached, Duration::from_secs(5), missing).unwrap());
        }
    }
    #[derive(Debug, Event)]
    struct Slow(Vec<u32>, Arc<Stage>);
    impl Coalesce for Slow {
        type Key = ();
        fn key(&self) {}
        fn absorb(&self, older: &Self) -> Option<Self> {
            match (&self.0[..], &older.0[..]) {
                ([1], [0]) => {
                    self.1.reach("one merges");
                    self.1.wait_for("two merges");
                }
                ([2], [1]) => {
                    self.1.reach("two merges");
                    self.1.wait_for("one merges again");
                }
                ([2], [0, 1]) if self.1.reach("one merges again") => {
                    self.1.wait_for("two is done");
                }
                _ => {}
            }
            Some(Self([&older.0[..], &self.0[..]].concat(), Arc::clone(&self.1)))
        }
    }
    let bus = Bus::new();
    let mut slow = bus.subscriber("a").overflow(Overflow::Coalesce).subscribe::<Slow>();
    bus.start();
    let stage = Arc::new(Stage::default());
    let publish = |part| bus.publish(Slow(vec![part], Arc::clone(&stage)));
    publish(0);
    std::thread::scope(|scope| {
        scope.spawn(|| publish(1));
        stage.wait_for("one merges");
        publish(2);
        stage.reach("two is done");
    });
    let parts: Vec<Vec<u32>> = slow.try_iter().map(|slow| slow.0.clone()).collect();
    assert_eq!(parts, [[0, 1, 2]]);
    assert!(slow.ledger().balances());
}
