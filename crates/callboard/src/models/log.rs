//! A log and its cursors: capacity, gaps, blocks, handles.

use loom::thread;

use super::harness::Model;
use super::watched::{Note, Plain};
use crate::event::Event;
use crate::log::{Cause, Held, Log, LogCursor, Moment, Shape, Stamp};
use crate::sync::{Arc, Mutex};

/// A log without its owner's lock: the thread that has it is the only writer.
pub(super) struct Writer {
    pub(super) log: Log,
    next: u64,
}

impl Writer {
    pub(super) fn new<E: Event>() -> Self {
        Self { log: Log::new(Shape::of::<E>()), next: 0 }
    }

    /// Writes the next event, and returns how many readers get it.
    fn offer<E: Event>(&mut self, event: impl FnOnce(u64) -> E) -> usize {
        self.next += 1;
        let event = event(self.next);
        self.log
            .offer(&mut Some(event), Stamp::new(self.next, Cause::default(), Moment::NONE), false)
            .0
    }

    fn note(&mut self) -> usize {
        self.offer(Note::new)
    }

    pub(super) fn notes(&mut self, count: usize) {
        for _ in 0..count {
            self.note();
        }
    }

    pub(super) fn plains(&mut self, count: usize) {
        for _ in 0..count {
            self.offer(Plain);
        }
    }

    pub(super) fn held_notes(&mut self, count: usize) {
        for _ in 0..count {
            self.next += 1;
            let stamp = Stamp::new(self.next, Cause::default(), Moment::NONE);
            self.log.hold_back(&mut Some(Note::new(self.next)), stamp);
        }
    }

    /// Reveals all the events that are held back; there are `count` of them.
    pub(super) fn reveal(&mut self, count: usize) {
        (0..count).for_each(|_| drop(self.log.reveal(false)));
        drop(self.log.end_hold());
    }

    pub(super) fn kept_note(&mut self) -> Held {
        self.next += 1;
        let stamp = Stamp::new(self.next, Cause::default(), Moment::NONE);
        self.log.offer(&mut Some(Note::new(self.next)), stamp, true).1.expect("it is kept")
    }
}

/// Takes a note: its number, preceded by the missed count, as `-2-`.
fn take(cursor: &mut LogCursor) -> Option<String> {
    let (note, missed) = cursor.take::<Note>()?;
    Some(shown(note.number(), missed))
}

fn shown(number: u64, missed: u64) -> String {
    if missed == 0 { number.to_string() } else { format!("-{missed}-{number}") }
}

/// The results of `times` looks, with a dot if there was no event.
pub(super) fn takes(cursor: &mut LogCursor, times: usize) -> String {
    (0..times).map(|_| take(cursor).unwrap_or_else(|| ".".to_owned())).collect::<Vec<_>>().join(" ")
}

/// All remaining events of a cursor whose log is no longer written.
pub(super) fn rest(cursor: &mut LogCursor) -> String {
    std::iter::from_fn(|| take(cursor)).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_seen_is_whole() {
    Model::new("log.publish", &[". .", ". 1", "1 .", "1 2"]).at_least(42).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(9);
        let reader = thread::spawn(move || {
            let seen = takes(&mut cursor, 2);
            (cursor, seen)
        });
        writer.notes(2);
        let (mut cursor, seen) = reader.join().unwrap();
        let all = format!("{seen} {}", rest(&mut cursor)).replace(". ", "");
        assert_eq!(all.trim(), "1 2");
        seen
    });
}

#[test]
fn capacity_is_exact_against_a_taker() {
    // The first is read concurrently; if that made room, the second waits and the third is lost.
    let outcomes = &["0 1: 1 -1-3", "1 0: 1 2"];
    Model::new("log.capacity", outcomes).at_least(370).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(1);
        writer.note();
        let reader = thread::spawn(move || {
            let first = takes(&mut cursor, 1);
            (cursor, first)
        });
        let second = writer.note();
        let (mut cursor, first) = reader.join().unwrap();
        let third = writer.note();
        format!("{second} {third}: {first} {}", rest(&mut cursor))
    });
}

/// The first is there; the second and the third may each find room, and the fourth comes last.
#[test]
fn gap_opens_against_a_taker() {
    let outcomes = &[
        "00 1 . .: -2-4",
        "01 1 . .: -1-3",
        "01 1 . -1-3: 4",
        "01 1 -1-3 .: 4",
        "10 1 . .: 2",
        "10 1 . 2: -1-4",
        "10 1 2 .: -1-4",
        "11 1 . 2: 3",
        "11 1 2 .: 3",
        "11 1 2 3: 4",
    ];
    Model::new("log.gap_opens", outcomes).at_least(10_000).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(1);
        writer.note();
        let reader = thread::spawn(move || {
            let seen = takes(&mut cursor, 3);
            (cursor, seen)
        });
        let admitted = (writer.note(), writer.note());
        let (mut cursor, seen) = reader.join().unwrap();
        writer.note();
        format!("{}{} {seen}: {}", admitted.0, admitted.1, rest(&mut cursor))
    });
}

#[test]
fn gap_closes_against_a_taker() {
    // The second and the third found no room; the fourth finds some if the first was read.
    let outcomes = &["0 1 .: -3-5", "1 1 .: -2-4", "1 1 -2-4: 5"];
    Model::new("log.gap_closes", outcomes).at_least(10).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(1);
        writer.notes(3);
        let reader = thread::spawn(move || {
            let seen = takes(&mut cursor, 2);
            (cursor, seen)
        });
        let admitted = writer.note();
        let (mut cursor, seen) = reader.join().unwrap();
        writer.note();
        format!("{admitted} {seen}: {}", rest(&mut cursor))
    });
}

#[test]
fn reader_follows_into_the_next_block() {
    let outcomes = &["1 2 .", "1 2 3"];
    Model::new("log.next_block", outcomes).at_least(34).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(9);
        writer.notes(2);
        let reader = thread::spawn(move || {
            let seen = takes(&mut cursor, 3);
            (cursor, seen)
        });
        writer.notes(1);
        let (mut cursor, seen) = reader.join().unwrap();
        assert_eq!(format!("{seen} {}", rest(&mut cursor)).replace(". ", "").trim(), "1 2 3");
        seen
    });
}

#[test]
fn reader_leaves_while_events_come() {
    // The second and the third event are dropped if they were written before the reader left.
    let outcomes = &["00", "10", "11"];
    Model::new("log.leave", outcomes).at_least(8).check(|| {
        let mut writer = Writer::new::<Note>();
        let cursor = writer.log.join(9);
        writer.notes(1);
        let writer = Arc::new(Mutex::new(writer));
        let reader = thread::spawn({
            let writer = Arc::clone(&writer);
            move || {
                writer.lock().log.leave(0);
                drop(cursor);
            }
        });
        let admitted = [(), ()].map(|()| writer.lock().note());
        reader.join().unwrap();
        format!("{}{}", admitted[0], admitted[1])
    });
}

#[test]
fn reader_joins_while_events_come() {
    let outcomes = &["00 .", "01 2", "01 .", "11 .", "11 1"];
    Model::new("log.join", outcomes).at_least(17).check(|| {
        let writer = Arc::new(Mutex::new(Writer::new::<Note>()));
        let reader = thread::spawn({
            let writer = Arc::clone(&writer);
            move || {
                let mut cursor = writer.lock().log.join(9);
                let seen = takes(&mut cursor, 1);
                (cursor, seen)
            }
        });
        let admitted = [(), ()].map(|()| writer.lock().note());
        let (_tap, seen) = reader.join().unwrap();
        format!("{}{} {seen}", admitted[0], admitted[1])
    });
}

#[test]
fn what_was_taken_is_counted_before_it_is_dropped() {
    let outcomes = &["0 waiting 1", "1 waiting 0"];
    Model::new("log.stats", outcomes).at_least(3).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(9);
        writer.notes(1);
        let reader = thread::spawn(move || {
            drop(cursor.take::<Note>());
            cursor
        });
        let stats = writer.log.stats(0);
        assert_eq!(stats.taken + stats.waiting, 1);
        reader.join().unwrap();
        format!("{} waiting {}", stats.taken, stats.waiting)
    });
}

#[test]
fn what_was_lost_counts_until_something_is_taken_elsewhere() {
    // Two events wait in the reader's own queue and one was lost; each number is the capacity that
    // would have sufficed. After the writer sees that one was taken from the queue, it does not add
    // to the earlier loss.
    Model::new("log.demand", &["3 3", "4 4", "4 5"]).at_least(14).check(|| {
        let mut writer = Writer::new::<Note>();
        let cursor = writer.log.join(1);
        cursor.progress().set_queued(2, 0);
        writer.note();
        let reader = thread::spawn(move || {
            cursor.progress().set_queued(1, 1);
            cursor
        });
        let demands = [(), ()].map(|()| {
            writer.note();
            writer.log.stats(0).demand.to_string()
        });
        drop(reader.join().unwrap());
        demands.join(" ")
    });
}
