//! The phases of a bus: starting, pausing and resuming, while other threads publish, subscribe or
//! leave.

use loom::thread;

use super::bus::{EVER, rest, started};
use super::harness::Model;
use super::watched::Note;
use crate::sync::block_on;
use crate::{Bus, Overflow, Subscription};

/// A reader that uses the log where possible, and one that reads under its inbox's lock.
pub(super) const WAYS: [Overflow; 2] = [Overflow::DropNewest, Overflow::DropOldest];

fn reader(bus: &Bus, overflow: Overflow) -> Subscription<Note> {
    bus.subscriber("reader").late().overflow(overflow).subscribe()
}

/// A bus that buffers publications: before its first start, or paused.
fn buffering(paused: bool) -> Bus {
    let bus = Bus::new();
    if paused {
        bus.start();
        bus.pause();
    }
    bus
}

#[test]
fn pause_keeps_an_event_or_lets_it_through_and_loses_none() {
    // How many of the first and of the second event were let through.
    let outcomes = &["00", "01", "10", "11"];
    for (name, overflow) in ["phase.pause.log", "phase.pause.queue"].into_iter().zip(WAYS) {
        Model::new(name, outcomes).at_least(510).check(move || {
            let bus = started();
            let mut reader = reader(&bus, overflow);
            let publisher = thread::spawn({
                let bus = bus.clone();
                move || [1, 2].map(|number| bus.publish(Note::new(number)))
            });
            bus.pause();
            let replayed = bus.start().replayed();
            let published = publisher.join().unwrap();
            assert_eq!(published.iter().filter(|one| one.buffered()).count(), replayed);
            assert_eq!(rest(&mut reader), "1 2");
            published.map(|one| one.delivered().to_string()).concat()
        });
    }
}

#[test]
fn resume_replays_first_whoever_publishes_meanwhile() {
    let outcomes = &["buffered", "delivered"];
    for (name, overflow) in ["phase.resume.log", "phase.resume.queue"].into_iter().zip(WAYS) {
        Model::new(name, outcomes).at_least(42).check(move || {
            let bus = started();
            let mut reader = reader(&bus, overflow);
            bus.pause();
            bus.publish(Note::new(1));
            let publisher = thread::spawn({
                let bus = bus.clone();
                move || bus.publish(Note::new(2)).delivered()
            });
            bus.start();
            let delivered = publisher.join().unwrap();
            assert_eq!(rest(&mut reader), "1 2");
            if delivered == 1 { "delivered" } else { "buffered" }
        });
    }
}

#[test]
fn who_comes_while_the_bus_starts_gets_the_replay_or_what_follows() {
    let names = ["phase.start.subscribe.log", "phase.start.subscribe.queue"];
    let again = ["phase.resume.subscribe.log", "phase.resume.subscribe.queue"];
    for (names, paused) in [(names, false), (again, true)] {
        for (name, overflow) in names.into_iter().zip(WAYS) {
            Model::new(name, &["1 2", "2", ""]).at_least(9).check(move || {
                let bus = buffering(paused);
                bus.publish(Note::new(1));
                let starter = thread::spawn({
                    let bus = bus.clone();
                    move || {
                        assert_eq!(bus.start().replayed(), 1);
                        bus.publish(Note::new(2));
                    }
                });
                let mut reader = reader(&bus, overflow);
                starter.join().unwrap();
                rest(&mut reader)
            });
        }
    }
}

#[test]
fn who_comes_while_the_bus_pauses_gets_what_is_kept() {
    let names = ["phase.pause.subscribe.log", "phase.pause.subscribe.queue"];
    for (name, overflow) in names.into_iter().zip(WAYS) {
        Model::new(name, &["1 2", "2"]).at_least(4_200).check(move || {
            let bus = started();
            let other = thread::spawn({
                let bus = bus.clone();
                move || {
                    bus.publish(Note::new(1));
                    bus.pause();
                    bus.publish(Note::new(2));
                }
            });
            let mut reader = reader(&bus, overflow);
            // This may come before the pause, or end it before anything was buffered.
            let replayed = bus.start().replayed();
            other.join().unwrap();
            assert!(replayed + bus.start().replayed() <= 1);
            rest(&mut reader)
        });
    }
}

#[test]
fn who_goes_while_the_bus_starts_gives_up_what_is_replayed() {
    for (name, overflow) in
        ["phase.start.unsubscribe.log", "phase.start.unsubscribe.queue"].into_iter().zip(WAYS)
    {
        Model::new(name, &["given up", "unheard"]).at_least(5).check(move || {
            let bus = buffering(false);
            let reader = reader(&bus, overflow);
            bus.publish(Note::new(1));
            let starter = thread::spawn({
                let bus = bus.clone();
                move || bus.start().replayed()
            });
            drop(reader);
            assert_eq!(starter.join().unwrap(), 1);
            let notes = &bus.snapshot().types[0];
            assert_eq!(notes.unheard + notes.ledger.dropped_total(), 1);
            if notes.unheard == 1 { "unheard" } else { "given up" }
        });
    }
}

#[test]
fn two_that_start_at_once_replay_once() {
    Model::new("phase.start.twice", &["0 1", "1 0"]).at_least(7).check(|| {
        let bus = buffering(false);
        let mut reader = reader(&bus, Overflow::DropNewest);
        bus.publish(Note::new(1));
        let other = thread::spawn({
            let bus = bus.clone();
            move || bus.start().replayed()
        });
        let replayed = bus.start().replayed();
        let other = other.join().unwrap();
        assert_eq!(rest(&mut reader), "1");
        format!("{replayed} {other}")
    });
}

#[test]
fn start_waits_for_those_who_are_expected() {
    Model::new("phase.ready", &["replayed 1"]).at_least(85).check(|| {
        let bus = Bus::builder().expect_subscribers(["reader"]).build().expect("it is possible");
        bus.publish(Note::new(1));
        let starter = thread::spawn({
            let bus = bus.clone();
            move || block_on(bus.start_when_ready(EVER)).expect("it comes").replayed()
        });
        let mut reader = reader(&bus, Overflow::DropNewest);
        let replayed = starter.join().unwrap();
        assert_eq!(rest(&mut reader), "1");
        format!("replayed {replayed}")
    });
}
