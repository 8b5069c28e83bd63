//! Events that detect being dropped twice, read afterwards, or leaked.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::event::{Abilities, Coalesce, Event};
use crate::request::Request;

/// An event with a destructor.
#[derive(Debug)]
pub(super) struct Note(u64);

/// An event without one, which uses blocks that are reused.
#[derive(Debug)]
pub(super) struct Plain(pub(super) u64);

/// An event whose latest value is retained.
#[derive(Debug)]
pub(super) struct Latest(Note);

/// Events that may all be merged: a newer one adds the count of the older one.
#[derive(Debug)]
pub(super) struct Tally {
    count: u64,
    note: Note,
}

/// A request with a destructor; its answer has one as well.
#[derive(Debug)]
pub(super) struct Question(Note);

impl Event for Note {
    const TYPE: &'static str = "note";
}

impl Event for Plain {
    const TYPE: &'static str = "plain";
    const ABILITIES: Abilities<Self> = Abilities::new().request();
}

impl Event for Latest {
    const TYPE: &'static str = "latest";
    const ABILITIES: Abilities<Self> = Abilities::new().retain();
}

impl Event for Tally {
    const TYPE: &'static str = "tally";
    const ABILITIES: Abilities<Self> = Abilities::new().coalesce();
}

impl Coalesce for Tally {
    type Key = ();

    fn key(&self) {}

    fn absorb(&self, older: &Self) -> Option<Self> {
        Some(Self::new(self.count() + older.count()))
    }
}

impl Event for Question {
    const TYPE: &'static str = "question";
    const ABILITIES: Abilities<Self> = Abilities::new().request();
}

impl Request for Question {
    type Response = Note;
}

// All threads of a model run on one thread of the process.
thread_local! {
    /// Which notes of this execution are alive.
    static ALIVE: RefCell<BTreeMap<u64, bool>> = const { RefCell::new(BTreeMap::new()) };
}

impl Note {
    pub(super) fn new(number: u64) -> Self {
        let before = ALIVE.with_borrow_mut(|alive| alive.insert(number, true));
        assert_eq!(before, None, "there is one note of each number");
        Self(number)
    }

    /// A note with an unused number.
    fn another() -> Self {
        let last = ALIVE.with_borrow(|alive| alive.last_key_value().map(|(number, _)| *number));
        Self::new(last.unwrap_or_default() + 1)
    }

    pub(super) fn number(&self) -> u64 {
        assert!(is_alive(self.0), "note {} is read after it was dropped", self.0);
        self.0
    }
}

impl Latest {
    pub(super) fn new(number: u64) -> Self {
        Self(Note::new(number))
    }

    pub(super) fn number(&self) -> u64 {
        self.0.number()
    }
}

impl Tally {
    pub(super) fn new(count: u64) -> Self {
        Self { count, note: Note::another() }
    }

    pub(super) fn count(&self) -> u64 {
        self.note.number();
        self.count
    }
}

impl Question {
    pub(super) fn new(number: u64) -> Self {
        Self(Note::new(number))
    }

    pub(super) fn number(&self) -> u64 {
        self.0.number()
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let before = ALIVE.with_borrow_mut(|alive| alive.insert(self.0, false));
        // During a panic, only the first error counts.
        let twice = before != Some(true) && !std::thread::panicking();
        assert!(!twice, "note {} is dropped twice", self.0);
    }
}

pub(super) fn is_alive(number: u64) -> bool {
    ALIVE.with_borrow(|alive| alive.get(&number) == Some(&true))
}

/// Begins an execution.
pub(super) fn begin() {
    ALIVE.with_borrow_mut(BTreeMap::clear);
}

/// Ends an execution: every note was dropped.
pub(super) fn end() {
    let left = ALIVE.with_borrow(|alive| alive.iter().find(|it| *it.1).map(|it| *it.0));
    assert_eq!(left, None, "a note is left alive");
}
