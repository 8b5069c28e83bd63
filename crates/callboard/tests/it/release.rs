//! Promise 9: an event's memory is freed when its last reader is done with it, and unsubscribing
//! frees everything at once.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::task::Poll;
use std::thread;

use callboard::{Bus, Coalesce, Delivery, Event, Overflow, Request};

use crate::support::{Census, Token, in_time, poll, publish_all};

#[derive(Debug, Event)]
struct Held(#[expect(dead_code, reason = "only counted")] Token);

#[derive(Debug, Event)]
#[event(retain)]
struct Kept(#[expect(dead_code, reason = "only counted")] Token);

#[derive(Debug, Event)]
struct Keyed(Token);

impl Coalesce for Keyed {
    type Key = ();

    fn key(&self) {}

    fn absorb(&self, _older: &Self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }
}

#[derive(Debug, Request)]
#[request(response = Held)]
struct Ask(#[expect(dead_code, reason = "only counted")] Token);

#[test]
fn event_nobody_wants_is_freed_at_once() {
    let (bus, census) = (Bus::new(), Census::default());
    bus.start();
    bus.publish(Held(census.token()));
    let full = bus.subscriber("full").late().capacity(0).subscribe::<Held>();
    bus.publish(Held(census.token()));
    assert_eq!((census.alive(), full.ledger().lost()), (0, 1));
    bus.close();
    bus.publish(Held(census.token()));
    assert_eq!(census.alive(), 0);
}

#[test]
fn last_reader_frees_the_event() {
    let (bus, census) = (Bus::new(), Census::default());
    let mut readers = ["a", "b", "c"].map(|name| bus.subscribe::<Held>(name));
    bus.start();
    bus.publish(Held(census.token()));
    assert_eq!(census.alive(), 1, "shared, not copied");
    let taken: Vec<_> = readers.iter_mut().map(|reader| reader.try_recv().unwrap()).collect();
    let copy = taken[0].clone();
    drop(taken);
    assert_eq!(census.alive(), 1);
    drop(copy);
    assert_eq!(census.alive(), 0, "without anything else being published");
}

#[test]
fn reader_frees_each_event_as_it_goes() {
    let (bus, census) = (Bus::new(), Census::default());
    let mut reader = bus.subscribe::<Held>("reader");
    bus.start();
    publish_all(&bus, (0..50).map(|_| Held(census.token())));
    for left in (0..50).rev() {
        drop(reader.try_recv().unwrap());
        assert_eq!(census.alive(), left);
    }
}

#[test]
fn stalled_subscriber_keeps_its_own_and_no_more() {
    let (bus, census) = (Bus::new(), Census::default());
    let stalled = bus.subscriber("stalled").capacity(3).subscribe::<Held>();
    let mut quick = bus.subscribe::<Held>("quick");
    bus.start();
    for n in 1..=1_000 {
        bus.publish(Held(census.token()));
        drop(quick.try_recv().unwrap());
        assert_eq!(census.alive(), n.min(3));
    }
    drop(stalled);
    assert_eq!(census.alive(), 0);
}

#[test]
fn oldest_is_freed_when_it_makes_room() {
    let (bus, census) = (Bus::new(), Census::default());
    let oldest = bus.subscriber("oldest").capacity(2).overflow(Overflow::DropOldest);
    let oldest = oldest.subscribe::<Held>();
    bus.start();
    publish_all(&bus, (0..10).map(|_| Held(census.token())));
    assert_eq!((census.alive(), oldest.len()), (2, 2));
}

#[test]
fn unsubscribing_frees_everything_queued() {
    let (bus, census) = (Bus::new(), Census::default());
    let (leaves, stays) = (bus.subscribe::<Held>("leaves"), bus.subscribe::<Held>("stays"));
    let other = bus.subscribe::<Kept>("other");
    bus.start();
    publish_all(&bus, (0..10).map(|_| Held(census.token())));
    drop(stays);
    assert_eq!(census.alive(), 10);
    drop(leaves);
    assert_eq!(census.alive(), 0);
    drop(other);
}

#[test]
fn coalesced_events_are_freed() {
    let (bus, census) = (Bus::new(), Census::default());
    let keyed = bus.subscriber("keyed").overflow(Overflow::Coalesce).subscribe::<Keyed>();
    publish_all(&bus, (0..10).map(|_| Keyed(census.token())));
    assert_eq!((census.alive(), bus.snapshot().buffer.queued), (1, 1));
    bus.start();
    publish_all(&bus, (0..10).map(|_| Keyed(census.token())));
    assert_eq!((census.alive(), keyed.len()), (1, 1));
}

#[test]
fn buffered_events_are_freed_by_start_or_close() {
    let (bus, census) = (Bus::builder().pre_start_capacity(5).build().unwrap(), Census::default());
    publish_all(&bus, (0..10).map(|_| Held(census.token())));
    assert_eq!(census.alive(), 5);
    bus.start();
    assert_eq!(census.alive(), 0, "nobody listens");
    bus.pause();
    bus.publish(Held(census.token()));
    bus.close();
    assert_eq!(census.alive(), 0);
}

#[test]
fn bus_frees_what_it_retains_when_replaced_or_closed() {
    let (bus, census) = (Bus::new(), Census::default());
    bus.start();
    for _ in 0..3 {
        bus.publish(Kept(census.token()));
        assert_eq!(census.alive(), 1);
    }
    bus.close();
    assert_eq!(census.alive(), 0);
}

#[test]
fn closed_bus_keeps_only_what_readers_hold() {
    in_time("closed bus keeps only what readers hold", || {
        let (bus, census) = (Bus::new(), Census::default());
        let mut reader = bus.subscribe::<Held>("reader");
        bus.start();
        publish_all(&bus, (0..3).map(|_| Held(census.token())));
        drop(bus);
        assert_eq!(census.alive(), 3);
        assert_eq!(reader.iter().count(), 3);
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn drop_callback_is_freed_when_replaced() {
    let (bus, census) = (Bus::new(), Census::default());
    for _ in 0..3 {
        let token = census.token();
        bus.on_drop(move |_| drop(token.clone()));
        assert_eq!(census.alive(), 1);
    }
    drop(bus);
    assert_eq!(census.alive(), 0, "and with the bus");
}

#[test]
fn dropped_gather_frees_the_question_and_the_answers() {
    let (bus, questions, answers) = (Bus::new(), Census::default(), Census::default());
    let mut inboxes = ["a", "slow", "idle", "stranger"].map(|name| bus.responder::<Ask>(name));
    bus.start();
    let ask = bus.request(Ask(questions.token()));
    let mut gather = ask.expect(["a", "slow", "idle"]).gather();
    assert!(poll(&mut gather).is_pending());
    let [a, slow, _idle, stranger] = inboxes
        .each_mut()
        .map(|inbox| if inbox.name() == "idle" { None } else { inbox.try_recv().ok() });
    a.unwrap().respond(Held(answers.token()));
    stranger.unwrap().respond(Held(answers.token()));
    assert_eq!((questions.alive(), answers.alive()), (1, 2));
    drop(gather);
    assert_eq!(answers.alive(), 0, "though a slow responder still has its call");
    assert_eq!(inboxes[2].len(), 0, "and who had not taken it is not asked any more");
    assert_eq!(questions.alive(), 1, "the slow responder still reads it");
    drop(slow);
    assert_eq!(questions.alive(), 0);
}

#[test]
fn buffered_request_is_freed_when_its_gather_is_dropped() {
    let (bus, questions) = (Bus::new(), Census::default());
    let inbox = bus.responder::<Ask>("a");
    let mut gather = bus.request(Ask(questions.token())).expect(["a"]).gather();
    assert!(poll(&mut gather).is_pending());
    assert_eq!((questions.alive(), bus.snapshot().buffer.queued), (1, 1));
    drop(gather);
    assert_eq!((questions.alive(), bus.snapshot().buffer.queued), (0, 0));
    bus.start();
    assert!(inbox.is_empty());
}

#[test]
fn answered_request_leaves_nothing_behind() {
    let (bus, census) = (Bus::new(), Census::default());
    let mut inbox = bus.responder::<Ask>("a");
    bus.start();
    for _ in 0..100 {
        let mut gather = bus.request(Ask(census.token())).expect(["a"]).gather();
        assert!(poll(&mut gather).is_pending());
        inbox.try_recv().unwrap().respond(Held(census.token()));
        let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("it was answered") };
        assert_eq!(census.alive(), 1, "the question is gone, the answer is the asker's");
        drop(gathered);
        assert_eq!(census.alive(), 0);
    }
    let requests = bus.snapshot().requests;
    assert_eq!((requests.open.len(), requests.ended), (0, 100));
}

#[test]
fn request_that_timed_out_leaves_nothing_queued() {
    in_time("request that timed out leaves nothing queued", || {
        let (bus, census) = (Bus::new(), Census::default());
        let inbox = bus.responder::<Ask>("a");
        bus.start();
        let ask = bus.request(Ask(census.token())).expect(["a"]);
        let gathered = ask.timeout(std::time::Duration::ZERO).gather_blocking().unwrap();
        assert!(!gathered.is_complete());
        assert_eq!((census.alive(), inbox.len()), (0, 0));
    });
}

#[test]
fn bytes_of_the_snapshot_follow_what_is_held() {
    let (bus, census) = (Bus::new(), Census::default());
    let mut reader = bus.subscribe::<Held>("reader");
    bus.start();
    assert_eq!(bus.snapshot().bytes, 0);
    publish_all(&bus, (0..10).map(|_| Held(census.token())));
    let full = bus.snapshot().bytes;
    assert!(full >= 10 * size_of::<Held>());
    reader.try_iter().for_each(drop);
    assert_eq!(bus.snapshot().bytes, 0);
}

#[test]
fn bytes_of_the_snapshot_are_those_of_buffer_queues_and_retained() {
    let (bus, census) = (Bus::new(), Census::default());
    let _readers = ["a", "b"].map(|name| bus.subscribe::<Held>(name));
    bus.start();
    bus.publish(Kept(census.token()));
    publish_all(&bus, (0..3).map(|_| Held(census.token())));
    bus.pause();
    publish_all(&bus, (0..5).map(|_| Held(census.token())));
    let snapshot = bus.snapshot();
    let queues = [0, 1].map(|place| snapshot.subscribers[place].bytes);
    assert!(queues.iter().all(|bytes| *bytes >= 3 * size_of::<Held>()), "{queues:?}");
    assert!(snapshot.buffer.bytes >= 5 * size_of::<Held>());
    let retained = size_of::<Kept>();
    assert_eq!(snapshot.bytes, snapshot.buffer.bytes + queues[0] + queues[1] + retained);
}

#[derive(Debug, Event)]
struct Large([u8; 1_000]);

#[test]
fn bytes_of_a_queue_are_those_of_its_events_and_little_more() {
    let bus = Bus::new();
    let mut queue = bus.subscriber("queue").overflow(Overflow::DropOldest).subscribe::<Large>();
    publish_all(&bus, (0..10).map(|number| Large([number; 1_000])));
    let buffered = bus.snapshot().buffer.bytes;
    bus.start();
    for bytes in [buffered, bus.snapshot().subscribers[0].bytes] {
        assert!((10_000..20_000).contains(&bytes), "{bytes}");
    }
    assert!(queue.try_iter().map(|large| large.0[0]).eq(0..10));
}

/// Lets others run while it is dropped, now and then: on a busy machine they are not only ours.
#[derive(Debug, Event)]
struct Lingering(#[expect(dead_code, reason = "only counted")] Token);

impl Drop for Lingering {
    fn drop(&mut self) {
        static DROPPED: AtomicUsize = AtomicUsize::new(0);
        if DROPPED.fetch_add(1, Ordering::Relaxed).is_multiple_of(8) {
            thread::yield_now();
        }
    }
}

#[test]
fn leaving_while_others_publish_frees_each_event_once() {
    in_time("readers that leave while others publish", || {
        let (bus, census) = (Bus::new(), Census::default());
        bus.start();
        let mut stays = bus.subscriber("stays").late().lossy().subscribe::<Lingering>();
        let done = AtomicBool::new(false);
        // Each guest stays for twenty events, and leaves during twenty more. Without that bound, a
        // busy machine, on which each yield takes long, would have more and more events to drop.
        let (published, allowed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            let (bus, census, done) = (&bus, &census, &done);
            let (published, allowed) = (&published, &allowed);
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    if published.load(Ordering::SeqCst) == allowed.load(Ordering::SeqCst) {
                        thread::yield_now();
                        continue;
                    }
                    bus.publish(Lingering(census.token()));
                    published.fetch_add(1, Ordering::SeqCst);
                }
            });
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    stays.try_iter().for_each(drop);
                }
            });
            for _ in 0..100 {
                let guest = bus.subscriber("guest").late().capacity(usize::MAX);
                let guest = guest.subscribe::<Lingering>();
                // Not by checking the guest, which would take the publisher's lock all the time.
                let come = allowed.fetch_add(40, Ordering::SeqCst);
                while published.load(Ordering::SeqCst) < come + 20 {
                    thread::yield_now();
                }
                drop(guest);
            }
            done.store(true, Ordering::SeqCst);
        });
        assert_eq!(census.alive(), 0);
    });
}

#[derive(Debug, Event)]
struct Numbered(u64, #[expect(dead_code, reason = "only counted")] Token);

#[test]
fn what_is_forgotten_leaves_the_rest_as_it_was() {
    // Leaked values stay reachable for leak detectors.
    static CENSUS: LazyLock<Census> = LazyLock::new(Census::default);
    static FORGOTTEN: Mutex<Vec<Delivery<Numbered>>> = Mutex::new(Vec::new());
    let (bus, census) = (Bus::new(), &*CENSUS);
    let mut reader = bus.subscriber("reader").capacity(50).subscribe::<Numbered>();
    let mut other = bus.subscriber("other").capacity(usize::MAX).subscribe::<Numbered>();
    bus.start();
    let mut forgotten = 0;
    for number in 0..1_000 {
        bus.publish(Numbered(number, census.token()));
        mem::forget(reader.recv());
        match number % 10 {
            3 => {
                let _forgotten = mem::ManuallyDrop::new(reader.try_recv_batch());
            }
            5 => {
                mem::forget(reader.try_recv_batch().unwrap().next());
                forgotten += 1;
            }
            7 => {
                FORGOTTEN.lock().unwrap().push(reader.try_recv().unwrap());
                forgotten += 1;
            }
            _ => drop(reader.try_recv()),
        }
        assert_eq!(other.try_recv().unwrap().0, number);
    }
    let waiting = reader.len();
    drop(reader);
    drop(other);
    assert_eq!(census.alive(), forgotten, "{waiting} were given up");
}
