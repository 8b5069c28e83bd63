//! The memory of a log: blocks that are left and reused, handles, and which owner drops an event.

use loom::thread;

use super::harness::Model;
use super::log::{Writer, rest, takes};
use super::watched::{Note, Plain, is_alive};
use crate::log::{Kept, LogCursor};

/// The last available event, of a type without a destructor.
fn plains(cursor: &mut LogCursor) -> u64 {
    std::iter::from_fn(|| cursor.take::<Plain>())
        .map(|(plain, _)| plain.0)
        .last()
        .unwrap_or_default()
}

#[test]
fn block_is_used_again_behind_a_reader() {
    // Blocks of two: 1 2, 3 4, and 5 in the first again, if the reader has left that by then.
    let outcomes = &["3", "4", "5"];
    Model::new("log.reuse", outcomes).at_least(1_700).check(|| {
        let mut writer = Writer::new::<Plain>();
        let mut cursor = writer.log.join(9);
        writer.plains(3);
        let reader = thread::spawn(move || {
            let seen = plains(&mut cursor);
            (cursor, seen)
        });
        writer.plains(2);
        let (mut cursor, seen) = reader.join().unwrap();
        assert_eq!(plains(&mut cursor).max(seen), 5);
        seen.to_string()
    });
}

#[test]
fn handle_keeps_its_block_from_being_used_again() {
    let outcomes = &["1"];
    Model::new("log.kept_block", outcomes).at_least(19).check(|| {
        let mut writer = Writer::new::<Plain>();
        let mut cursor = writer.log.join(9);
        writer.plains(2);
        let (kept, _) = cursor.take::<Plain>().unwrap();
        writer.plains(1);
        while cursor.take::<Plain>().is_some() {}
        let holder = thread::spawn(move || kept.0);
        writer.plains(3);
        while cursor.take::<Plain>().is_some() {}
        holder.join().unwrap().to_string()
    });
}

#[test]
fn block_is_used_again_behind_the_last_of_two_handles() {
    let outcomes = &["1 2"];
    Model::new("log.kept_two", outcomes).at_least(14).check(|| {
        let mut writer = Writer::new::<Plain>();
        let mut cursor = writer.log.join(9);
        writer.plains(3);
        // Both are counted in one shard. The reader leaves their block.
        let [one, two] = [(); 2].map(|()| cursor.take::<Plain>().expect("it is there").0);
        assert!(cursor.take::<Plain>().is_some());
        let holder = thread::spawn(move || one.0);
        let second = two.0;
        drop(two);
        // 5 goes into their block, if both have left it.
        writer.plains(2);
        format!("{} {second}", holder.join().unwrap())
    });
}

#[test]
fn block_is_used_again_behind_the_last_of_two_readers() {
    Model::new("log.reuse_two", &["2 3"]).at_least(1_400).check(|| {
        let mut writer = Writer::new::<Plain>();
        let (mut one, mut two) = (writer.log.join(9), writer.log.join(9));
        // Neither reaches the last event: a reader that does passes a fence, which orders more in
        // loom than it does in reality.
        writer.plains(4);
        assert!(one.take::<Plain>().is_some());
        let reader = thread::spawn(move || {
            let seen = [(); 2].map(|()| one.take::<Plain>().map_or(0, |(plain, _)| plain.0));
            (one, seen)
        });
        assert!((0..3).all(|_| two.take::<Plain>().is_some()));
        // 5 and 6 go into the block of 1 and 2, if both readers have left it.
        writer.plains(2);
        let (_one, [second, third]) = reader.join().unwrap();
        format!("{second} {third}")
    });
}

#[test]
fn last_of_two_readers_drops_the_event() {
    let outcomes = &["first", "second"];
    Model::new("log.two_readers", outcomes).at_least(40).check(|| {
        let mut writer = Writer::new::<Note>();
        let (mut one, mut two) = (writer.log.join(9), writer.log.join(9));
        writer.notes(1);
        let drops = |cursor: &mut LogCursor| {
            let (note, _) = cursor.take::<Note>().unwrap();
            note.number();
            drop(note);
            !is_alive(1)
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
    Model::new("log.two_handles", &["dropped"]).at_least(7).check(|| {
        let mut writer = Writer::new::<Note>();
        let held = writer.kept_note();
        let other = held.clone();
        let holder = thread::spawn(move || drop(other));
        let kept: Kept<Note> = held.downcast().expect("it is a note");
        kept.number();
        drop(kept);
        holder.join().unwrap();
        assert!(!is_alive(1));
        "dropped"
    });
}

#[test]
fn handle_outlives_its_tap_and_its_log() {
    Model::new("log.handle_outlives", &["freed"]).at_least(27).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(9);
        writer.notes(3);
        let (kept, _) = cursor.take::<Note>().unwrap();
        let holder = thread::spawn(move || {
            kept.number();
            drop(kept);
        });
        writer.log.leave(0);
        drop(writer);
        drop(cursor);
        holder.join().unwrap();
        "freed"
    });
}

#[test]
fn lent_events_are_kept_against_the_writer() {
    let outcomes = &["1", "1 2"];
    Model::new("log.lend", outcomes).at_least(82).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(9);
        writer.notes(1);
        let reader = thread::spawn(move || {
            let mut stretch = cursor.stretch::<Note>(9).expect("the first is there");
            let mut kept = Vec::new();
            while let Some((lent, _)) = stretch.take(|| {}) {
                kept.push(lent.keep());
            }
            let seen = kept.iter().map(|note| note.number().to_string());
            (cursor, seen.collect::<Vec<_>>().join(" "))
        });
        writer.notes(2);
        let (_tap, seen) = reader.join().unwrap();
        seen
    });
}

#[test]
fn lent_event_that_is_kept_outlives_its_log() {
    Model::new("log.lend_outlives", &["1"]).at_least(20).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(9);
        writer.notes(2);
        let mut stretch = cursor.stretch::<Note>(1).expect("the first is there");
        let kept = stretch.take(|| {}).expect("the first is there").0.keep();
        let holder = thread::spawn(move || kept.number().to_string());
        writer.log.leave(0);
        drop((writer, cursor));
        holder.join().unwrap()
    });
}

#[test]
fn lent_events_are_dropped_by_the_last_of_two() {
    let outcomes = &["first", "second"];
    Model::new("log.lend_two", outcomes).at_least(2).check(|| {
        let mut writer = Writer::new::<Note>();
        let (mut one, mut two) = (writer.log.join(9), writer.log.join(9));
        writer.notes(1);
        let looks = |cursor: &mut LogCursor| {
            let mut stretch = cursor.stretch::<Note>(9).expect("it is there");
            let (lent, _) = stretch.take(|| {}).expect("it is there");
            lent.number();
            drop(lent);
            !is_alive(1)
        };
        let other = thread::spawn(move || looks(&mut one));
        let second = looks(&mut two);
        other.join().unwrap();
        if second { "second" } else { "first" }
    });
}

#[test]
fn stuck_reader_keeps_its_own_window_only() {
    // The slow reader keeps 1 and 2; the quick one continues, through blocks that are reused.
    let outcomes = &["3", "."];
    Model::new("log.stuck", outcomes).at_least(11).check(|| {
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
