//! Small blocks, which a log uses while few of many events are kept.
//!
//! Compiled for models, it does so for two events, once it has about five blocks more than the
//! waiting events would take.

use loom::thread;

use super::harness::Model;
use super::log::{Writer, rest, takes};
use super::watched::Note;
use crate::log::{Kept, LogCursor};

/// A log of which every other event is kept, just before it switches to small blocks; with a reader
/// that has taken everything, the kept events, and the bytes of a whole block.
fn scattered() -> (Writer, LogCursor, Vec<Kept<Note>>, usize) {
    let mut writer = Writer::new::<Note>();
    let mut cursor = writer.log.join(9);
    let mut kept = Vec::new();
    for _ in 0..5 {
        writer.notes(2);
        kept.extend(cursor.take::<Note>().map(|(note, _)| note));
        drop(cursor.take::<Note>());
    }
    let whole = writer.log.bytes() / kept.len();
    (writer, cursor, kept, whole)
}

#[test]
fn reader_follows_through_small_blocks_into_a_whole_one() {
    // 11 and 12 are alone in their blocks; the block of 13 depends on how many events wait.
    let outcomes = &["11 12 . small", "11 12 . whole", "11 12 13 small", "11 12 13 whole"];
    Model::new("small.follow", outcomes).at_least(550).check(|| {
        let (mut writer, mut cursor, kept, whole) = scattered();
        let before = writer.log.bytes();
        writer.notes(2);
        let small = writer.log.bytes() - before;
        assert!(small < 2 * whole, "they are small");
        let before = before + small;
        let reader = thread::spawn(move || {
            let seen = takes(&mut cursor, 3);
            (cursor, seen)
        });
        writer.notes(1);
        let grown = writer.log.bytes() - before;
        let (mut cursor, seen) = reader.join().unwrap();
        assert_eq!(format!("{seen} {}", rest(&mut cursor)).replace(". ", "").trim(), "11 12 13");
        drop(kept);
        format!("{seen} {}", if grown == whole { "whole" } else { "small" })
    });
}

#[test]
fn reader_that_is_always_late_goes_on_in_small_blocks() {
    let outcomes = &["11 -1-13: ", "11 .: ", "11 .: -1-13", "11 .: 12", "11 12: ", "11 12: 13"];
    Model::new("small.late", outcomes).at_least(1_100).preemptions(3).check(|| {
        let (mut writer, quick, kept, _) = scattered();
        let mut late = writer.log.join(1);
        writer.notes(1);
        let reader = thread::spawn(move || {
            let seen = takes(&mut late, 2);
            (late, seen)
        });
        writer.notes(2);
        let (mut late, seen) = reader.join().unwrap();
        drop((quick, kept));
        format!("{seen}: {}", rest(&mut late))
    });
}
