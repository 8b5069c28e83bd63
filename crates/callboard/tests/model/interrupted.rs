//! What no random program reaches: user code that runs in the middle of an operation.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use callboard::{Bus, Coalesce, End, Event, Outcome, Overflow};

use crate::events::{Ask, Reply, Token};

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
