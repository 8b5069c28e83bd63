//! A whole bus: what each subscriber gets when several threads act at once.

use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::thread;

use super::harness::Model;
use super::watched::{Latest, Note};
use crate::sync::{Arc, block_on};
use crate::testing::settle_within;
use crate::{Bus, Delivery, Overflow, Priority, Subscription};

/// A timeout longer than any model: it never passes.
pub(super) const EVER: Duration = Duration::from_secs(1 << 20);

pub(super) fn started() -> Bus {
    let bus = Bus::new();
    bus.start();
    bus
}

/// The next event: its number, preceded by the missed count, as `-2-`; a dot if there is none.
fn take(subscription: &mut Subscription<Note>) -> String {
    let shown = |note: Delivery<Note>| match note.missed() {
        0 => note.number().to_string(),
        missed => format!("-{missed}-{}", note.number()),
    };
    subscription.try_recv().map_or_else(|_| ".".to_owned(), shown)
}

pub(super) fn takes(subscription: &mut Subscription<Note>, times: usize) -> String {
    (0..times).map(|_| take(subscription)).collect::<Vec<_>>().join(" ")
}

/// All remaining events.
pub(super) fn rest(subscription: &mut Subscription<Note>) -> String {
    let left = std::iter::repeat_with(|| take(subscription)).take_while(|seen| seen != ".");
    left.collect::<Vec<_>>().join(" ")
}

#[test]
fn oldest_gives_way_or_is_read() {
    Model::new("bus.drop_oldest", &["1 then 2", "-1-2 then "]).at_least(7).check(|| {
        let bus = started();
        let reader = bus.subscriber("reader").late().lossy().capacity(1);
        let mut reader = reader.overflow(Overflow::DropOldest).subscribe::<Note>();
        bus.publish(Note::new(1));
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Note::new(2))
        });
        let seen = take(&mut reader);
        publisher.join().unwrap();
        format!("{seen} then {}", rest(&mut reader))
    });
}

#[test]
fn queue_is_read_while_it_is_written() {
    Model::new("bus.queue", &[". .", ". 1", "1 .", "1 2"]).at_least(17).check(|| {
        let bus = started();
        let reader = bus.subscriber("reader").late().overflow(Overflow::DropOldest);
        let mut reader = reader.subscribe::<Note>();
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || [1, 2].map(|number| bus.publish(Note::new(number)))
        });
        let seen = takes(&mut reader, 2);
        publisher.join().unwrap();
        assert_eq!(format!("{seen} {}", rest(&mut reader)).replace(". ", "").trim(), "1 2");
        seen
    });
}

#[test]
fn urgent_event_overtakes_but_only_what_was_not_read() {
    Model::new("bus.urgent", &[". .", ". 1", ". 2", "1 .", "1 2", "2 1"])
        .at_least(1_000)
        .preemptions(3)
        .check(|| {
            let bus = started();
            let mut reader = bus.subscriber("reader").late().subscribe::<Note>();
            let publisher = thread::spawn({
                let bus = bus.clone();
                move || {
                    bus.publish(Note::new(1));
                    bus.publish_with(Note::new(2), Priority::High);
                }
            });
            let seen = takes(&mut reader, 2);
            publisher.join().unwrap();
            let all = format!("{seen} {}", rest(&mut reader));
            assert!(["1", "2"].iter().all(|number| all.matches(number).count() == 1), "{all}");
            seen
        });
}

#[test]
fn two_readers_see_one_order() {
    Model::new("bus.one_order", &["1 2", "2 1"]).at_least(4).check(|| {
        let bus = started();
        let mut one = bus.subscriber("one").late().subscribe::<Note>();
        let mut two = bus.subscriber("two").late().overflow(Overflow::DropOldest).subscribe();
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Note::new(1))
        });
        bus.publish(Note::new(2));
        publisher.join().unwrap();
        let seen = rest(&mut one);
        assert_eq!(seen, rest(&mut two));
        seen
    });
}

#[test]
fn subscriber_comes_while_an_event_does() {
    Model::new("bus.subscribe", &["0", "1"]).at_least(240).check(|| {
        let bus = started();
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Note::new(1)).delivered()
        });
        let mut reader = bus.subscriber("reader").late().subscribe::<Note>();
        let delivered = publisher.join().unwrap();
        assert_eq!(rest(&mut reader), if delivered == 1 { "1" } else { "" });
        delivered.to_string()
    });
}

#[test]
fn retained_event_is_handed_over_in_one_cut() {
    Model::new("bus.retained", &["1 2", "2"]).at_least(80).check(|| {
        let bus = started();
        bus.publish(Latest::new(1));
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Latest::new(2))
        });
        let mut reader = bus.subscriber("reader").late().with_retained().subscribe::<Latest>();
        publisher.join().unwrap();
        let seen = reader.try_iter().map(|latest| latest.number().to_string());
        seen.collect::<Vec<_>>().join(" ")
    });
}

#[test]
fn subscriber_goes_while_an_event_comes() {
    Model::new("bus.unsubscribe", &["0", "1"]).at_least(6).check(|| {
        let bus = started();
        let reader = bus.subscriber("reader").late().subscribe::<Note>();
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Note::new(1)).delivered()
        });
        drop(reader);
        publisher.join().unwrap().to_string()
    });
}

#[test]
fn bus_closes_while_an_event_comes() {
    Model::new("bus.close", &["closed", "delivered"]).at_least(6).check(|| {
        let bus = started();
        let mut reader = bus.subscriber("reader").late().subscribe::<Note>();
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Note::new(1)).delivered()
        });
        bus.close();
        let delivered = publisher.join().unwrap();
        let received = block_on(reader.recv()).map(|note| note.number());
        assert_eq!(received, (delivered == 1).then_some(1));
        assert!(block_on(reader.recv()).is_none());
        if delivered == 1 { "delivered" } else { "closed" }
    });
}

#[test]
fn what_was_published_before_the_close_is_received() {
    Model::new("bus.publish_close", &["received"]).at_least(120).preemptions(2).check(|| {
        let bus = started();
        let mut reader = bus.subscriber("reader").late().subscribe::<Note>();
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || {
                bus.publish(Note::new(1));
                bus.close();
            }
        });
        assert_eq!(block_on(reader.recv()).map(|note| note.number()), Some(1));
        assert!(block_on(reader.recv()).is_none());
        publisher.join().unwrap();
        "received"
    });
}

#[test]
fn who_waits_for_the_drain_sees_it() {
    Model::new("bus.drain", &["drained"]).at_least(1_000).check(|| {
        let bus = started();
        let mut reader = bus.subscriber("reader").late().subscribe::<Note>();
        bus.publish(Note::new(1));
        let reading = thread::spawn(move || {
            let seen = take(&mut reader);
            (reader, seen)
        });
        block_on(bus.close_and_drain(EVER)).expect("it drains");
        let (_reader, seen) = reading.join().unwrap();
        assert_eq!(seen, "1");
        "drained"
    });
}

#[test]
fn who_waits_for_the_drain_of_a_batch_sees_it() {
    Model::new("bus.drain_batch", &["drained"]).at_least(1_000).preemptions(5).check(|| {
        let bus = started();
        let mut reader = bus.subscriber("reader").late().subscribe::<Note>();
        bus.publish(Note::new(1));
        let reading = thread::spawn(move || {
            let seen = reader.try_recv_batch().unwrap().map(|note| note.number()).last();
            (reader, seen)
        });
        block_on(bus.close_and_drain(EVER)).expect("it drains");
        let (_reader, seen) = reading.join().unwrap();
        assert_eq!(seen, Some(1));
        "drained"
    });
}

/// The state of a reader's only event, according to the bus.
fn stage(bus: &Bus) -> &'static str {
    let snapshot = bus.snapshot();
    match &snapshot.subscribers[0] {
        reader if reader.queued > 0 => "queued",
        reader if reader.in_hand => "in hand",
        _ => "done",
    }
}

#[test]
fn who_sees_that_a_reader_is_done_sees_what_it_did() {
    for (name, overflow) in
        [("bus.done.log", Overflow::DropNewest), ("bus.done.queue", Overflow::DropOldest)]
    {
        Model::new(name, &["queued", "in hand", "done"]).at_least(20).check(move || {
            let bus = started();
            let mut reader = bus.subscriber("reader").late().overflow(overflow).subscribe::<Note>();
            bus.publish(Note::new(1));
            let work = Arc::new(UnsafeCell::new(()));
            let reading = thread::spawn({
                let work = Arc::clone(&work);
                move || {
                    let note = reader.try_recv().expect("it is there");
                    work.with_mut(|_| note.number());
                    drop(note);
                    assert!(reader.try_recv().is_err());
                    reader
                }
            });
            let stage = stage(&bus);
            if stage == "done" {
                work.with(|_| ());
            }
            let _reader = reading.join().unwrap();
            stage
        });
    }
}

#[test]
fn event_that_has_left_is_in_hand() {
    for (name, overflow) in
        [("bus.hand.log", Overflow::DropNewest), ("bus.hand.queue", Overflow::DropOldest)]
    {
        Model::new(name, &["2 queued", "1 in hand"]).at_least(9).check(move || {
            let bus = started();
            let mut reader = bus.subscriber("reader").late().overflow(overflow).subscribe::<Note>();
            for number in [1, 2] {
                bus.publish(Note::new(number));
            }
            let reading = thread::spawn(move || (reader.try_recv(), reader));
            let reader = bus.snapshot().subscribers.remove(0);
            drop(reading.join().unwrap());
            assert!(reader.queued == 2 || reader.in_hand, "it is somewhere");
            if reader.queued == 2 { "2 queued" } else { "1 in hand" }
        });
    }
}

#[test]
fn who_waits_until_all_is_done_sees_it() {
    Model::new("bus.settle", &["settled"]).at_least(1_000).preemptions(5).check(|| {
        let bus = started();
        let mut reader = bus.subscriber("reader").late().subscribe::<Note>();
        bus.publish(Note::new(1));
        let reading = thread::spawn(move || {
            let seen = takes(&mut reader, 2);
            (reader, seen)
        });
        block_on(settle_within(&bus, EVER)).expect("it settles");
        let (_reader, seen) = reading.join().unwrap();
        assert_eq!(seen, "1 .");
        "settled"
    });
}

#[test]
fn start_loses_nothing_that_is_published_meanwhile() {
    Model::new("bus.start", &["buffered", "delivered"]).at_least(23).check(|| {
        let bus = Bus::new();
        let mut reader = bus.subscribe::<Note>("reader");
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Note::new(1)).delivered()
        });
        bus.start();
        let delivered = publisher.join().unwrap();
        assert_eq!(rest(&mut reader), "1");
        if delivered == 1 { "delivered" } else { "buffered" }
    });
}

#[test]
fn replay_comes_before_what_is_published_meanwhile() {
    Model::new("bus.replay", &[". .", ". 1", "1 .", "1 2"]).at_least(490).preemptions(3).check(
        || {
            let bus = Bus::new();
            let mut reader = bus.subscribe::<Note>("reader");
            bus.publish(Note::new(1));
            let publisher = thread::spawn({
                let bus = bus.clone();
                move || {
                    bus.start();
                    bus.publish(Note::new(2));
                }
            });
            let seen = takes(&mut reader, 2);
            publisher.join().unwrap();
            assert_eq!(format!("{seen} {}", rest(&mut reader)).replace(". ", "").trim(), "1 2");
            seen
        },
    );
}
