//! Events that are held back in a log until the start.

use loom::thread;

use super::harness::Model;
use super::log::{Writer, rest, takes};
use super::watched::{Note, is_alive};

#[test]
fn reader_sees_what_is_revealed_and_no_more() {
    // Blocks of two slots: the events held back start in the middle of one.
    let outcomes = &["1 .", "1 2"];
    Model::new("held.reveal", outcomes).at_least(40).preemptions(2).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(9);
        writer.notes(1);
        writer.held_notes(2);
        let mut late = writer.log.join(9);
        let reader = thread::spawn(move || {
            let seen = takes(&mut cursor, 2);
            (cursor, seen)
        });
        assert!(writer.log.resume_held());
        writer.reveal(2);
        let (mut cursor, seen) = reader.join().unwrap();
        let all = format!("{seen} {}", rest(&mut cursor));
        let all = all.split_whitespace().filter(|it| *it != ".").collect::<Vec<_>>().join(" ");
        assert_eq!((all.as_str(), rest(&mut late).as_str()), ("1 2 3", "2 3"));
        assert!((1..=3).all(|number| !is_alive(number)), "the buffer has given them up");
        seen
    });
}

#[test]
fn reader_that_leaves_before_the_start_gets_none() {
    Model::new("held.leave", &[".", "2"]).at_least(10).preemptions(2).check(|| {
        let mut writer = Writer::new::<Note>();
        let (gone, mut cursor) = (writer.log.join(9), writer.log.join(9));
        writer.notes(1);
        writer.held_notes(2);
        writer.log.leave(0);
        drop(gone);
        assert_eq!(rest(&mut cursor), "1", "nothing is revealed");
        writer.log.resume_held();
        let reader = thread::spawn(move || {
            let seen = takes(&mut cursor, 1);
            (cursor, seen)
        });
        writer.reveal(2);
        let (cursor, seen) = reader.join().unwrap();
        // The events that were not taken are dropped with the cursor.
        drop(cursor);
        assert!((1..=3).all(|number| !is_alive(number)));
        seen
    });
}

#[test]
fn reader_that_was_full_tells_what_it_lost_before_the_replay() {
    Model::new("held.lost", &["1 -1-3 4"]).at_least(1).check(|| {
        let mut writer = Writer::new::<Note>();
        let mut cursor = writer.log.join(1);
        writer.notes(2);
        writer.held_notes(2);
        writer.log.resume_held();
        writer.reveal(2);
        rest(&mut cursor)
    });
}
