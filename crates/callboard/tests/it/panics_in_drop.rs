//! Promise 8, where an event is dropped: a destructor that panics reaches only the code that drops
//! the event itself.

use std::future::IntoFuture;
use std::task::Poll;

use callboard::{Bus, Coalesce, Delivery, Event, Overflow, Request};

use crate::panics::{Bomb, assert_works, bomb, explodes, fuse};
use crate::support::{Census, OnDrop, Token, in_a_process, poll, publish_all};

#[derive(Debug, Request)]
#[request(response = Bomb)]
struct AskBomb {
    _fuse: OnDrop,
}

#[test]
fn destructors_of_withdrawn_questions_and_late_answers_reach_nobody() {
    let bus = Bus::new();
    let mut oracle = bus.responder::<AskBomb>("oracle");
    bus.start();
    let ask = || bus.request(AskBomb { _fuse: fuse() }).expect(["oracle"]).gather();
    let mut gather = ask();
    assert!(poll(&mut gather).is_pending());
    drop(gather);
    let mut gather = ask();
    assert!(poll(&mut gather).is_pending());
    let call = oracle.try_recv().unwrap();
    drop(gather);
    assert!(!explodes(|| call.respond(bomb())), "a late answer's destructor is not its sender's");
    assert_works(&bus);
}

/// A bomb with a number, of which the living are counted.
#[derive(Debug, Event)]
struct CountedBomb {
    number: u64,
    _token: Token,
    _fuse: OnDrop,
}

#[test]
fn events_that_explode_leave_every_account_and_every_other_event_as_they_were() {
    let (bus, census) = (Bus::new(), Census::default());
    let bomb = |number| CountedBomb { number, _token: census.token(), _fuse: fuse() };
    let mut bombs = bus.subscriber("reader").capacity(100).subscribe::<CountedBomb>();
    bus.start();
    for round in 0..20 {
        publish_all(&bus, (0..100).map(bomb));
        let mut kept: Vec<Delivery<CountedBomb>> = Vec::new();
        assert!(explodes(|| {
            for bomb in bombs.try_recv_batch().unwrap() {
                assert_eq!(bomb.number, 0);
            }
        }));
        assert!(explodes(|| drop(bombs.try_recv().map(|bomb| (bomb.clone(), bomb)))));
        kept.extend(bombs.try_iter().take(10));
        assert!(kept.iter().map(|bomb| bomb.number).eq(2..12), "round {round}");
        let ledger = bombs.ledger();
        assert!(ledger.balances());
        assert_eq!((ledger.delivered, ledger.queued), (12, 88));
        assert_eq!(census.alive(), 98);
        assert!(!explodes(|| drop(bombs)), "a subscription contains what it gives up");
        assert_eq!(census.alive(), 10);
        kept.drain(..).for_each(|bomb| assert!(explodes(|| drop(bomb))));
        assert_eq!(census.alive(), 0);
        bombs = bus.subscriber("reader").late().capacity(100).subscribe();
    }
    assert!(bus.snapshot().balances());
}

#[derive(Debug, Event)]
struct Volatile {
    _fuse: OnDrop,
}

impl Coalesce for Volatile {
    type Key = ();

    fn key(&self) {}

    fn absorb(&self, _older: &Self) -> Option<Self> {
        Some(Self { _fuse: fuse() })
    }
}

#[test]
fn both_parts_of_a_merged_event_may_panic_in_a_queue() {
    in_a_process("panics_in_drop::both_parts_of_a_merged_event_may_panic_in_a_queue", || {
        let bus = Bus::new();
        let coalesce = bus.subscriber("c").overflow(Overflow::Coalesce);
        let volatile = coalesce.subscribe::<Volatile>();
        bus.start();
        publish_all(&bus, (0..3).map(|_| Volatile { _fuse: fuse() }));
        assert_eq!(volatile.len(), 1);
    });
}

#[test]
fn both_parts_of_a_merged_event_may_panic_in_the_buffer() {
    in_a_process("panics_in_drop::both_parts_of_a_merged_event_may_panic_in_the_buffer", || {
        let bus = Bus::new();
        publish_all(&bus, (0..3).map(|_| Volatile { _fuse: fuse() }));
        assert_eq!(bus.snapshot().buffer.queued, 1);
        bus.start();
    });
}

#[test]
fn question_and_answers_of_a_dropped_gather_may_panic() {
    in_a_process("panics_in_drop::question_and_answers_of_a_dropped_gather_may_panic", || {
        let bus = Bus::new();
        let mut inboxes = ["a", "b", "c"].map(|name| bus.responder::<AskBomb>(name));
        bus.start();
        let mut gather = bus.request(AskBomb { _fuse: fuse() }).expect(["a", "b", "c"]).gather();
        assert!(poll(&mut gather).is_pending());
        let [a, b, c] = inboxes.each_mut().map(|inbox| inbox.try_recv().unwrap());
        a.respond(bomb());
        b.respond(bomb());
        drop(gather);
        // The question may panic where its last reader drops it, but nothing else does.
        let _ = explodes(|| drop(c));
        assert_works(&bus);
    });
}

#[test]
fn answers_of_a_result_may_panic() {
    in_a_process("panics_in_drop::answers_of_a_result_may_panic", || {
        let bus = Bus::new();
        let names = ["a", "b", "c", "d"];
        let mut inboxes = names.map(|name| bus.responder::<AskBomb>(name));
        bus.start();
        let mut gathers = [&["a", "b"][..], &["a", "b", "absent"]].map(|expected| {
            let request = bus.request(AskBomb { _fuse: fuse() }).expect(expected);
            let mut gather = request.settled().gather();
            assert!(poll(&mut gather).is_pending());
            gather
        });
        let mut one = Box::pin(bus.ask(AskBomb { _fuse: fuse() }).of("a").into_future());
        assert!(poll(&mut one).is_pending());
        for inbox in inboxes.iter_mut().rev() {
            for _ in 0..3 {
                let call = inbox.try_recv().unwrap();
                // The question may panic where its last reader drops it.
                let _ = explodes(|| call.respond(bomb()));
            }
        }
        let [all, some] = gathers.each_mut().map(|gather| {
            let Poll::Ready(Ok(gathered)) = poll(gather) else { panic!("they have answered") };
            gathered
        });
        assert_eq!((all.responses().len(), all.unexpected().len()), (2, 2));
        drop(all);
        assert!(some.into_all().is_err(), "one is absent");
        let Poll::Ready(Ok(answer)) = poll(&mut one) else { panic!("`a` has answered") };
        assert!(explodes(|| drop(answer)), "this one is the asker's");
        assert_works(&bus);
    });
}
