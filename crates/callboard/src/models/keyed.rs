//! Events that coalesce: they are merged with no lock held, while others arrive and are taken.

use loom::thread;

use super::bus::started;
use super::harness::Model;
use super::watched::Tally;
use crate::{Bus, Overflow, Subscription};

/// A reader that merges events of one key.
fn reader(bus: &Bus) -> Subscription<Tally> {
    bus.subscriber("reader").late().capacity(1).overflow(Overflow::Coalesce).subscribe()
}

/// The counts of the remaining events, the next first.
fn rest(reader: &mut Subscription<Tally>) -> Vec<u64> {
    reader.try_iter().map(|tally| tally.count()).collect()
}

/// Publishes a tally on its own thread.
fn publish(bus: &Bus, count: u64) -> thread::JoinHandle<()> {
    let bus = bus.clone();
    thread::spawn(move || {
        bus.publish(Tally::new(count));
    })
}

fn shown(counts: &[u64]) -> String {
    counts.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
}

#[test]
fn older_event_is_merged_or_taken_but_not_both() {
    Model::new("keyed.take", &["1, 2", "1 2,", "3,"]).at_least(510).check(|| {
        let bus = started();
        let mut reader = reader(&bus);
        bus.publish(Tally::new(1));
        let publisher = publish(&bus, 2);
        let seen = rest(&mut reader);
        publisher.join().unwrap();
        let left = rest(&mut reader);
        assert_eq!(seen.iter().chain(&left).sum::<u64>(), 3);
        format!("{}, {}", shown(&seen), shown(&left)).trim_end().to_owned()
    });
}

#[test]
fn two_that_publish_at_once_leave_one() {
    Model::new("keyed.publish", &["7"]).at_least(800).preemptions(3).check(|| {
        let bus = started();
        let mut reader = reader(&bus);
        bus.publish(Tally::new(1));
        let publisher = publish(&bus, 2);
        bus.publish(Tally::new(4));
        publisher.join().unwrap();
        let snapshot = bus.snapshot();
        assert_eq!(snapshot.subscribers[0].queued, 1);
        shown(&rest(&mut reader))
    });
}

#[test]
fn two_that_publish_at_once_are_read_meanwhile() {
    let outcomes = &[
        "1 2 4 |", "1 2 | 4", "1 4 2 |", "1 4 | 2", "1 6 |", "1 | 6", "3 4 |", "3 | 4", "5 2 |",
        "5 | 2", "7 |",
    ];
    Model::new("keyed.publish_take", outcomes).at_least(1_300).preemptions(3).check(|| {
        let bus = started();
        let mut reader = reader(&bus);
        bus.publish(Tally::new(1));
        let publishers = [2, 4].map(|count| publish(&bus, count));
        let seen = rest(&mut reader);
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        let left = rest(&mut reader);
        assert_eq!(seen.iter().chain(&left).sum::<u64>(), 7);
        assert!(left.len() <= 1, "what is left was merged");
        format!("{} | {}", shown(&seen), shown(&left)).trim().to_owned()
    });
}

#[test]
fn what_waits_for_the_start_is_merged_or_replayed() {
    Model::new("keyed.start", &["1 2", "3"]).at_least(60).check(|| {
        let bus = Bus::new();
        let reader = bus.subscriber("reader").overflow(Overflow::DropOldest);
        let mut reader = reader.subscribe::<Tally>();
        bus.publish(Tally::new(1));
        let publisher = publish(&bus, 2);
        bus.start();
        publisher.join().unwrap();
        shown(&rest(&mut reader))
    });
}

#[test]
fn who_goes_gives_up_what_is_being_merged() {
    Model::new("keyed.unsubscribe", &["0", "1"]).at_least(420).check(|| {
        let bus = started();
        let reader = reader(&bus);
        bus.publish(Tally::new(1));
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Tally::new(2)).delivered()
        });
        drop(reader);
        let delivered = publisher.join().unwrap();
        let ledger = bus.snapshot().types[0].ledger;
        assert_eq!(ledger.offered, ledger.dropped_total());
        delivered.to_string()
    });
}
