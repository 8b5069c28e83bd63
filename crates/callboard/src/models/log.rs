//! A log and its taps: capacity, gaps, blocks, handles.

use loom::thread;

use super::harness::Model;
use super::watched::{Note, Plain};
use crate::event::Event;
use crate::log::{Held, Kept, Log, Shape, Stamp, Tap};
use crate::sync::{Arc, Mutex};

/// A log with its owner's lock left out: the thread that has it is the only writer.
struct Writer {
    log: Log,
    next: u64,
}

impl Writer {
    fn new<E: Event>() -> Self {
        Self { log: Log::new(Shape::of::<E>()), next: 0 }
    }

    /// Writes the next event, and returns how many readers get it.
    fn offer<E: Event>(&mut self, event: impl FnOnce(u64) -> E) -> usize {
        self.next += 1;
        let event = event(self.next);
        self.log.offer(&mut Some(event), Stamp::new(self.next, 0, None), false).admitted
    }

    fn note(&mut self) -> usize {
        self.offer(Note::new)
    }

    fn notes(&mut self, count: usize) {
        for _ in 0..count {
            self.note();
        }
    }

    fn plains(&mut self, count: usize) {
        for _ in 0..count {
            self.offer(Plain);
        }
    }

    fn kept_note(&mut self) -> Held {
        self.next += 1;
        let stamp = Stamp::new(self.next, 0, None);
        self.log.offer(&mut Some(Note::new(self.next)), stamp, true).held.expect("it is kept")
    }
}

/// Takes a note: its number, and before it what was missed, as `-2-`.
fn take(tap: &mut Tap) -> Option<String> {
    let (note, missed) = tap.take::<Note>()?;
    Some(shown(note.number(), missed))
}

fn shown(number: u64, missed: u64) -> String {
    if missed == 0 { number.to_string() } else { format!("-{missed}-{number}") }
}

/// What `times` looks find, with a point for each in vain.
fn takes(tap: &mut Tap, times: usize) -> String {
    (0..times).map(|_| take(tap).unwrap_or_else(|| ".".to_owned())).collect::<Vec<_>>().join(" ")
}

/// All that is left in a tap that nobody writes for any more.
fn rest(tap: &mut Tap) -> String {
    std::iter::from_fn(|| take(tap)).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_seen_is_whole() {
    Model::new("log.publish", &[". .", ". 1", "1 .", "1 2"]).at_least(10).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut tap = writer.log.join(9);
        let reader = thread::spawn(move || {
            let seen = takes(&mut tap, 2);
            (tap, seen)
        });
        writer.notes(2);
        let (mut tap, seen) = reader.join().unwrap();
        let all = format!("{seen} {}", rest(&mut tap)).replace(". ", "");
        assert_eq!(all.trim(), "1 2");
        seen
    });
}

#[test]
fn capacity_is_exact_against_a_taker() {
    // The first is read meanwhile; if that made room, the second waits and the third is too many.
    let outcomes = &["0 1: 1 -1-3", "1 0: 1 2"];
    Model::new("log.capacity", outcomes).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut tap = writer.log.join(1);
        writer.note();
        let reader = thread::spawn(move || {
            let first = takes(&mut tap, 1);
            (tap, first)
        });
        let second = writer.note();
        let (mut tap, first) = reader.join().unwrap();
        let third = writer.note();
        format!("{second} {third}: {first} {}", rest(&mut tap))
    });
}

/// The first is there; of the second and the third each may find room, and the fourth comes last.
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
    Model::new("log.gap_opens", outcomes).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut tap = writer.log.join(1);
        writer.note();
        let reader = thread::spawn(move || {
            let seen = takes(&mut tap, 3);
            (tap, seen)
        });
        let admitted = (writer.note(), writer.note());
        let (mut tap, seen) = reader.join().unwrap();
        writer.note();
        format!("{}{} {seen}: {}", admitted.0, admitted.1, rest(&mut tap))
    });
}

#[test]
fn gap_closes_against_a_taker() {
    // The second and the third found no room; the fourth finds some if the first was read.
    let outcomes = &["0 1 .: -3-5", "1 1 .: -2-4", "1 1 -2-4: 5"];
    Model::new("log.gap_closes", outcomes).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut tap = writer.log.join(1);
        writer.notes(3);
        let reader = thread::spawn(move || {
            let seen = takes(&mut tap, 2);
            (tap, seen)
        });
        let admitted = writer.note();
        let (mut tap, seen) = reader.join().unwrap();
        writer.note();
        format!("{admitted} {seen}: {}", rest(&mut tap))
    });
}

#[test]
fn reader_follows_into_the_next_block() {
    let outcomes = &["1 2 .", "1 2 3"];
    Model::new("log.next_block", outcomes).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut tap = writer.log.join(9);
        writer.notes(2);
        let reader = thread::spawn(move || {
            let seen = takes(&mut tap, 3);
            (tap, seen)
        });
        writer.notes(1);
        let (mut tap, seen) = reader.join().unwrap();
        assert_eq!(format!("{seen} {}", rest(&mut tap)).replace(". ", "").trim(), "1 2 3");
        seen
    });
}

#[test]
fn block_is_used_again_behind_a_reader() {
    // Blocks of two: 1 2, 3 4, and 5 in the first again, if the reader has left that by then.
    let outcomes = &["3", "4", "5"];
    Model::new("log.reuse", outcomes).check(|| {
        let mut writer = Writer::new::<Plain>();
        let mut tap = writer.log.join(9);
        writer.plains(3);
        let reader = thread::spawn(move || {
            let seen = std::iter::from_fn(|| tap.take::<Plain>()).map(|(plain, _)| plain.0).last();
            (tap, seen)
        });
        writer.plains(2);
        let (mut tap, seen) = reader.join().unwrap();
        let rest = std::iter::from_fn(|| tap.take::<Plain>()).map(|(plain, _)| plain.0).last();
        assert_eq!(rest.or(seen), Some(5));
        seen.unwrap_or_default().to_string()
    });
}

#[test]
fn handle_keeps_its_block_from_being_used_again() {
    let outcomes = &["1"];
    Model::new("log.kept_block", outcomes).check(|| {
        let mut writer = Writer::new::<Plain>();
        let mut tap = writer.log.join(9);
        writer.plains(2);
        let (kept, _) = tap.take::<Plain>().unwrap();
        writer.plains(1);
        while tap.take::<Plain>().is_some() {}
        let holder = thread::spawn(move || kept.0);
        writer.plains(3);
        while tap.take::<Plain>().is_some() {}
        holder.join().unwrap().to_string()
    });
}

#[test]
fn last_of_two_readers_drops_the_event() {
    let outcomes = &["first", "second"];
    Model::new("log.two_readers", outcomes).check(|| {
        let mut writer = Writer::new::<Note>();
        let (mut one, mut two) = (writer.log.join(9), writer.log.join(9));
        writer.notes(1);
        let drops = |tap: &mut Tap| {
            let (note, _) = tap.take::<Note>().unwrap();
            note.number();
            drop(note);
            !super::watched::is_alive(1)
        };
        let other = thread::spawn(move || drops(&mut one));
        let second = drops(&mut two);
        let first = other.join().unwrap();
        assert!(first || second, "it is dropped at once");
        if second { "second" } else { "first" }
    });
}

#[test]
fn last_of_two_handles_drops_the_event() {
    Model::new("log.two_handles", &["dropped"]).check(|| {
        let mut writer = Writer::new::<Note>();
        let held = writer.kept_note();
        let other = held.clone();
        let holder = thread::spawn(move || drop(other));
        let kept: Kept<Note> = held.downcast().expect("it is a note");
        kept.number();
        drop(kept);
        holder.join().unwrap();
        assert!(!super::watched::is_alive(1));
        "dropped"
    });
}

#[test]
fn handle_outlives_its_tap_and_its_log() {
    Model::new("log.handle_outlives", &["freed"]).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut tap = writer.log.join(9);
        writer.notes(3);
        let (kept, _) = tap.take::<Note>().unwrap();
        let holder = thread::spawn(move || {
            kept.number();
            drop(kept);
        });
        writer.log.leave(0);
        drop(writer);
        drop(tap);
        holder.join().unwrap();
        "freed"
    });
}

#[test]
fn reader_leaves_while_events_come() {
    // Of the second event and the third, those that were written before it left are given up.
    let outcomes = &["00", "10", "11"];
    Model::new("log.leave", outcomes).check(|| {
        let mut writer = Writer::new::<Note>();
        let tap = writer.log.join(9);
        writer.notes(1);
        let writer = Arc::new(Mutex::new(writer));
        let reader = thread::spawn({
            let writer = Arc::clone(&writer);
            move || {
                writer.lock().log.leave(0);
                drop(tap);
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
    Model::new("log.join", outcomes).check(|| {
        let writer = Arc::new(Mutex::new(Writer::new::<Note>()));
        let reader = thread::spawn({
            let writer = Arc::clone(&writer);
            move || {
                let mut tap = writer.lock().log.join(9);
                let seen = takes(&mut tap, 1);
                (tap, seen)
            }
        });
        let admitted = [(), ()].map(|()| writer.lock().note());
        let (_tap, seen) = reader.join().unwrap();
        format!("{}{} {seen}", admitted[0], admitted[1])
    });
}

#[test]
fn lent_events_are_kept_against_the_writer() {
    let outcomes = &["1", "1 2"];
    Model::new("log.lend", outcomes).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut tap = writer.log.join(9);
        writer.notes(1);
        let reader = thread::spawn(move || {
            let mut stretch = tap.stretch::<Note>(9).expect("the first is there");
            let mut kept = Vec::new();
            while let Some((lent, _)) = stretch.take(|| {}) {
                kept.push(lent.into_kept());
            }
            let seen = kept.iter().map(|note| note.number().to_string());
            (tap, seen.collect::<Vec<_>>().join(" "))
        });
        writer.notes(2);
        let (_tap, seen) = reader.join().unwrap();
        seen
    });
}

#[test]
fn lent_events_are_dropped_by_the_last_of_two() {
    let outcomes = &["first", "second"];
    Model::new("log.lend_two", outcomes).check(|| {
        let mut writer = Writer::new::<Note>();
        let (mut one, mut two) = (writer.log.join(9), writer.log.join(9));
        writer.notes(1);
        let looks = |tap: &mut Tap| {
            let mut stretch = tap.stretch::<Note>(9).expect("it is there");
            let (lent, _) = stretch.take(|| {}).expect("it is there");
            lent.number();
            drop(lent);
            !super::watched::is_alive(1)
        };
        let other = thread::spawn(move || looks(&mut one));
        let second = looks(&mut two);
        other.join().unwrap();
        if second { "second" } else { "first" }
    });
}

#[test]
fn stuck_reader_keeps_its_own_window_only() {
    // The slow one has 1 and 2; the quick one goes on, by blocks that are used again.
    let outcomes = &["3", "."];
    Model::new("log.stuck", outcomes).check(|| {
        let mut writer = Writer::new::<Note>();
        let (mut slow, mut quick) = (writer.log.join(2), writer.log.join(9));
        writer.notes(2);
        assert_eq!(takes(&mut quick, 2), "1 2");
        let reader = thread::spawn(move || {
            let seen = takes(&mut quick, 1);
            (quick, seen)
        });
        writer.notes(2);
        let (quick, seen) = reader.join().unwrap();
        assert_eq!(rest(&mut slow), "1 2");
        drop(quick);
        seen
    });
}

#[test]
fn what_was_taken_is_counted_before_it_is_dropped() {
    let outcomes = &["0 waiting 1", "1 waiting 0"];
    Model::new("log.standing", outcomes).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut tap = writer.log.join(9);
        writer.notes(1);
        let reader = thread::spawn(move || {
            drop(tap.take::<Note>());
            tap
        });
        let standing = writer.log.standing(0);
        assert_eq!(standing.taken + standing.waiting, 1);
        reader.join().unwrap();
        format!("{} waiting {}", standing.taken, standing.waiting)
    });
}
