//! A subscriber that falls behind is reported once, and once when it has caught up.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{AnyEvent, Bus, Event, Overflow, Slow, Subscription};

use crate::listening::said;
use crate::support::{Log, poll, publish_all};

#[derive(Debug, Event)]
struct Tick(#[expect(dead_code, reason = "only published")] u64);

/// The reports of the slow callback: the subscriber, and whether it has caught up.
type Told = Log<(String, bool)>;

fn listened(bus: &Bus) -> Told {
    let told = Log::new();
    let log = told.clone();
    bus.on_slow(move |slow| log.push((slow.subscriber().to_owned(), slow.has_caught_up())));
    told
}

fn ticks(bus: &Bus, count: u64) {
    publish_all(bus, (0..count).map(Tick));
}

#[test]
fn subscriber_that_falls_behind_is_told_of_once_until_it_has_caught_up() {
    let bus = Bus::new();
    let told = listened(&bus);
    // One reads a log, one a queue, one drops the oldest.
    let subscriber = |name| bus.subscriber(name).capacity(3);
    let mut log = subscriber("log").subscribe::<Tick>();
    let mut queue = subscriber("queue").subscribe::<AnyEvent>();
    let oldest = subscriber("oldest").overflow(Overflow::DropOldest);
    let mut oldest = oldest.subscribe::<Tick>();
    bus.start();
    ticks(&bus, 3);
    assert!(told.take().is_empty(), "full is not behind");
    ticks(&bus, 9);
    let mut names = told.take();
    names.sort();
    let behind = ["log", "oldest", "queue"].map(|name| (name.to_owned(), false));
    assert_eq!(names, behind, "once, however many are lost");

    // A subscriber that takes something and then loses more is still behind.
    for _ in 0..2 {
        assert!(log.try_recv().is_ok() && queue.try_recv().is_ok() && oldest.try_recv().is_ok());
        ticks(&bus, 9);
    }
    assert!(told.take().is_empty());

    let caught_up = |name: &str| [(name.to_owned(), true)];
    assert_eq!((log.try_iter().count(), told.take()), (3, caught_up("log").into()));
    assert_eq!((queue.try_iter().count(), told.take()), (3, caught_up("queue").into()));
    assert_eq!((oldest.try_iter().count(), told.take()), (3, caught_up("oldest").into()));
    assert!(log.try_recv().is_err() && queue.try_recv().is_err() && oldest.try_recv().is_err());
    assert!(told.take().is_empty(), "once");

    ticks(&bus, 4);
    assert_eq!(told.take().len(), 3, "again");
}

#[test]
fn subscriber_whose_batch_ends_before_its_queue_has_not_caught_up() {
    let bus = Bus::new();
    let told = listened(&bus);
    let mut reader = bus.subscriber("reader").capacity(2).subscribe::<Tick>();
    let mut quick = bus.subscribe::<Tick>("quick");
    bus.start();
    // The gap is wider than a block, in which a batch ends.
    for _ in 0..200 {
        ticks(&bus, 1);
        assert!(quick.try_recv().is_ok());
    }
    assert!(reader.try_recv().is_ok());
    ticks(&bus, 1);
    assert_eq!(told.take(), [("reader".to_owned(), false)]);
    assert_eq!(reader.try_recv_batch().unwrap().count(), 1);
    assert_eq!((reader.len(), told.take()), (1, Vec::new()));
    assert_eq!(reader.try_recv_batch().unwrap().count(), 1);
    assert!(reader.try_recv_batch().is_err());
    assert_eq!(told.take(), [("reader".to_owned(), true)]);
}

#[test]
fn every_policy_and_way_of_receiving_is_told_to_have_caught_up() {
    type Receive = fn(&mut Subscription<Tick>);
    let ways: [Receive; 5] = [
        |ticks| while ticks.try_recv().is_ok() {},
        |ticks| while ticks.try_recv_batch().map(|batch| batch.for_each(drop)).is_ok() {},
        |ticks| while poll(&mut ticks.recv()).is_ready() {},
        |ticks| {
            while let Poll::Ready(Some(batch)) = poll(&mut pin!(ticks.recv_batch())) {
                batch.for_each(drop);
            }
        },
        |ticks| {
            let mut received = Vec::new();
            while poll(&mut pin!(ticks.recv_many(&mut received, 9))).is_ready() {}
        },
    ];
    for overflow in [Overflow::DropNewest, Overflow::DropOldest, Overflow::Coalesce] {
        for receive in ways {
            let bus = Bus::new();
            let told = listened(&bus);
            let subscriber = bus.subscriber("clock").capacity(2).overflow(overflow);
            let mut clock = subscriber.subscribe::<Tick>();
            bus.start();
            for _ in 0..2 {
                ticks(&bus, 9);
                receive(&mut clock);
            }
            let told = told.take().into_iter().map(|(_, caught_up)| caught_up);
            assert!(told.eq([false, true, false, true]), "{overflow}");
        }
    }
}

#[test]
fn lossy_subscriber_and_one_without_capacity_are_never_behind() {
    let bus = Bus::new();
    let told = listened(&bus);
    let _lossy = bus.subscriber("lossy").capacity(1).lossy().subscribe::<Tick>();
    let _lossy_queue = bus.subscriber("lossy queue").capacity(1).lossy().subscribe::<AnyEvent>();
    let _none = bus.subscriber("none").capacity(0).subscribe::<Tick>();
    let _none_either = bus.subscriber("none either").capacity(0).subscribe::<AnyEvent>();
    bus.start();
    ticks(&bus, 9);
    assert!(told.take().is_empty());
}

#[test]
fn waiting_reader_and_batch_and_replay_are_told_of_too() {
    let bus = Bus::new();
    let told = listened(&bus);
    let mut waiting = bus.subscriber("waiting").capacity(1).subscribe::<Tick>();
    let mut batches = bus.subscriber("batches").capacity(1).subscribe::<Tick>();
    ticks(&bus, 2);
    bus.start();
    assert!(told.take().is_empty(), "a replay may be longer than the capacity");
    ticks(&bus, 1);
    assert_eq!(told.take().len(), 2, "what comes next is lost");
    for _ in 0..2 {
        assert!(poll(&mut pin!(waiting.recv())).is_ready());
    }
    assert!(told.take().is_empty());
    assert!(poll(&mut pin!(waiting.recv())).is_pending());
    assert_eq!(told.take(), [("waiting".to_owned(), true)]);
    while let Ok(batch) = batches.try_recv_batch() {
        batch.for_each(drop);
    }
    assert_eq!(told.take(), [("batches".to_owned(), true)]);
}

/// The report for a reader that a bus that keeps time has lost an event for.
fn report(serve: bool) -> Slow {
    let clock = ManualClock::new();
    let bus = Bus::builder().timestamps(true).clock(clock.clone()).build().unwrap();
    let told = Log::new();
    let log = told.clone();
    bus.on_slow(move |slow| log.push(slow.clone()));
    let mut jobs = bus.subscriber("worker").capacity(2).subscribe::<Tick>();
    bus.start();
    bus.publish(Tick(0));
    let second = Duration::from_secs(1);
    let busy = |_| std::future::pending::<()>();
    let mut serving = None;
    let mut in_hand = None;
    if serve {
        let serving = serving.insert(Box::pin(jobs.serve(busy)));
        assert!(poll(serving).is_pending());
    } else {
        in_hand = jobs.try_recv().ok();
    }
    clock.advance(second);
    ticks(&bus, 2);
    clock.advance(2 * second);
    ticks(&bus, 1);
    drop(in_hand);
    told.take().remove(0)
}

#[test]
fn report_tells_depth_age_and_what_the_subscriber_is_busy_with() {
    for serve in [true, false] {
        let slow = report(serve);
        let second = Duration::from_secs(1);
        assert_eq!((slow.queued(), slow.capacity(), slow.oldest()), (2, 2, Some(2 * second)));
        assert_eq!((slow.handling(), slow.handling_for()), (Some("tick"), Some(3 * second)));
        assert_eq!(slow.call_site().file(), file!());
        let site = slow.call_site();
        let shown = format!(
            "`worker` has fallen behind: 2 events wait, with room for 2, the oldest for 2.0s, while \
             it has been handling `tick` for 3.0s; it was opened at {site}"
        );
        assert_eq!(slow.to_string(), shown);
    }
}

#[test]
fn log_hears_of_it_and_ever_more_rarely() {
    let said = said(|| {
        let bus = Bus::new();
        let mut worker = bus.subscriber("worker").capacity(1).subscribe::<Tick>();
        bus.start();
        for _ in 0..8 {
            ticks(&bus, 2);
            assert_eq!(worker.try_iter().count(), 1);
        }
    });
    let lines = |part: &str| said.iter().filter(|line| line.contains(part)).count();
    assert_eq!((lines("`worker` has fallen behind"), lines("`worker` has caught up")), (4, 4));
}

#[test]
fn callback_that_panics_or_publishes_disturbs_nobody() {
    let bus = Bus::new();
    let worker = bus.subscriber("worker").capacity(1);
    let mut worker = worker.subscribe::<Tick>();
    bus.start();
    let weak = bus.downgrade();
    bus.on_slow(move |_| {
        if let Some(bus) = weak.upgrade() {
            ticks(&bus, 2);
        }
        panic!("the callback is broken");
    });
    ticks(&bus, 2);
    assert_eq!(worker.try_iter().count(), 1);
    assert!(worker.try_recv().is_ok(), "the callback published when it had caught up");
    assert!(bus.snapshot().balances());
}

/// The oldest event may wait in another log than the lost event.
#[test]
fn oldest_event_is_found_in_whatever_log_it_waits() {
    #[derive(Debug, Event)]
    struct Other;
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).timestamps(true).build().unwrap();
    let _both = bus.subscriber("both").capacity(2).subscribe::<AnyEvent>();
    let ages = Log::new();
    let told = ages.clone();
    bus.on_slow(move |slow: &Slow| told.push(slow.oldest()));
    bus.start();
    bus.publish(Tick(0));
    clock.advance(Duration::from_secs(10));
    bus.publish(Other);
    clock.advance(Duration::from_secs(1));
    bus.publish(Other);
    let eleven = Some(Duration::from_secs(11));
    assert_eq!(bus.snapshot().subscriber("both").unwrap().oldest, eleven);
    assert_eq!(ages.take(), [eleven]);
}
