//! A reader: one subscription, read in one manner, at one pace, until it is closed or the reader
//! goes.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callboard::{Call, Ledger};

use super::conduct::Conduct;
use super::part::{Doing, Part, Role, Seat};
use super::{Component, Rest, Wants};
use crate::checks::account::check_own;
use crate::checks::{Fault, Witness};
use crate::events::{Inquiry, Item, Look, Question};
use crate::phases::{Cue, Stage};
use crate::random::Random;

/// The ways of receiving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Tasks: `recv`; `recv` dropped and begun again all the time; batches; a handler.
    Recv,
    Cancel,
    Many,
    Batch,
    Serve,
    /// Threads: `blocking_recv`; for a while at a time; batches; without waiting.
    Block,
    Timeout,
    BlockBatch,
    Try,
}

impl Manner {
    const ALL: [Self; 9] = [
        Self::Recv,
        Self::Cancel,
        Self::Many,
        Self::Batch,
        Self::Serve,
        Self::Block,
        Self::Timeout,
        Self::BlockBatch,
        Self::Try,
    ];

    fn of_thread(self) -> bool {
        matches!(self, Self::Block | Self::Timeout | Self::BlockBatch | Self::Try)
    }
}

/// Opens a subscription and reads it; `None` if the bus is given up.
pub(super) fn start(stage: &Arc<Stage>, mut random: Random) -> Option<Component> {
    let bus = stage.bus()?;
    let seat = Seat::any(&mut random);
    let manner = random.pick(&Manner::ALL);
    let reading = Reading::new(stage, seat, &manner, manner, random);
    let part = Arc::clone(&reading.part);
    let readable = seat.open(&bus, &part.name);
    drop(bus);
    Some(if manner.of_thread() {
        Component::thread(stage, part, move || readable.read_by_thread(reading))
    } else {
        Component::task(stage, part, readable.read_by_task(reading))
    })
}

/// A reader at work.
pub(crate) struct Reading {
    pub(super) stage: Arc<Stage>,
    pub(super) part: Arc<Part>,
    pub(super) random: Random,
    pub(super) manner: Manner,
    witness: Witness,
    /// After how many events it rests, and for how long; never if there is none.
    pace: Option<(usize, Rest)>,
    /// After how many more events it dies.
    dies: Option<u64>,
    /// It keeps some of what it received, up to so many.
    keeps: usize,
    kept: VecDeque<Box<dyn Any + Send>>,
}

/// What a reader keeps it keeps beyond so many later ones.
const MOST_KEPT: usize = 40;

impl Reading {
    /// A reader, or a responder: `how` says in which manner it works, for people.
    pub(super) fn new(
        stage: &Arc<Stage>,
        seat: Seat,
        how: &dyn fmt::Debug,
        manner: Manner,
        mut random: Random,
    ) -> Self {
        let pace = match random.below(6) {
            0 => Some((random.between(1, 20), Rest::For(Duration::from_millis(1)))),
            1 => Some((random.between(20, 400), Rest::For(Duration::from_millis(2)))),
            2 => Some((random.between(1, 50), Rest::Yield)),
            _ => None,
        };
        let dies = random.one_in(12).then(|| random.between(1, 20_000) as u64);
        let keeps = if random.one_in(4) { random.between(1, MOST_KEPT) } else { 0 };
        let kind = if let Wants::Calls(_) = seat.wants { "responder" } else { "reader" };
        let about = format!("{how:?}, {seat:?}, pace {pace:?}, keeps {keeps}");
        let part = stage.cast(kind, Role::Subscriber(seat), about);
        let witness = Witness::new(stage.timed);
        let (stage, kept) = (Arc::clone(stage), VecDeque::new());
        Self { stage, part, random, manner, witness, pace, dies, keeps, kept }
    }

    /// Takes an item.
    pub(super) fn take<I: Item + Send + 'static>(&mut self, item: I) {
        let Some(look) = self.see(&item) else { return };
        if look.call {
            item.into_call().into_iter().for_each(|call| self.answer(call));
        } else if self.keeps > 0 && self.random.one_in(16) {
            self.kept.push_back(Box::new(item));
            if self.kept.len() > self.keeps {
                self.kept.pop_front();
            }
        }
    }

    /// Looks at an item, checks it, and counts it.
    pub(super) fn see(&mut self, item: &impl Item) -> Option<Look> {
        let Self { stage, part, .. } = self;
        part.beat(stage.run.nanos());
        let Some(look) = item.look() else {
            stage.run.blame(Fault::new("an event", "one of the soak's", "another"));
            return None;
        };
        if let Err(fault) = self.witness.see(&look, &stage.numbers, &part.name) {
            stage.run.blame(fault.with(&part.about));
        }
        part.received.count(look.kind);
        if look.missed > 0 {
            part.missed.fetch_add(look.missed, Ordering::SeqCst);
        }
        Some(look)
    }

    /// Answers a call that came with the events of a set: at once, one way or another.
    fn answer(&mut self, call: Call<Inquiry>) {
        let origin = self.stage.origin(&self.part, Inquiry::ANSWER);
        match Conduct::at_once(&mut self.random) {
            Conduct::Decline => call.decline("not now"),
            Conduct::Abandon => drop(call),
            _ => {
                self.part.published.count(Inquiry::ANSWER);
                let answer = call.answer(origin, self.stage.census);
                call.respond(answer);
            }
        }
    }

    /// How it rests after what it has just done, if it does: not while everybody waits for it.
    pub(super) fn rest(&mut self) -> Option<Rest> {
        let (events, rest) = self.pace?;
        let rests = self.stage.cue() == Cue::Play && self.random.one_in(events);
        rests.then_some(rest)
    }

    /// Whether it looks for an event before it waits for one.
    pub(super) fn looks_first(&mut self) -> bool {
        self.random.one_in(4)
    }

    /// Whether it goes on: not if it is dismissed, and perhaps it dies. It may have to stop first.
    pub(super) fn goes_on(&mut self) -> Goes {
        if let Some(left) = &mut self.dies {
            let received = self.part.received.all();
            if received >= *left {
                self.part.dismissed.store(true, Ordering::SeqCst);
                super::die();
            }
        }
        if self.part.is_dismissed() {
            Goes::Home
        } else if self.part.is_stalled() {
            self.part.set_doing(Doing::Stall);
            Goes::Nowhere
        } else {
            if self.part.doing() == Doing::Stall {
                self.part.beat(self.stage.run.nanos());
                self.part.set_doing(Doing::Work);
            }
            Goes::On
        }
    }

    /// The subscription is closed, or the reader goes: checks its account. `pending` is what it
    /// would be told next, if nothing more comes.
    pub(super) fn end(&self, ledger: Ledger, pending: Option<u64>) {
        if pending.is_some() && !self.stage.is_closing() {
            let fault = Fault::new(
                format_args!("the end of the subscription of `{}`", self.part.name),
                "none while the bus is open",
                "`None`",
            );
            self.stage.run.blame(fault);
        }
        if let Err(fault) = check_own(&self.part, ledger, pending) {
            self.stage.run.blame(fault);
        }
    }
}

/// Where a reader goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    On,
    Home,
    /// Not yet.
    Nowhere,
}

/// How long a component that is to stop waits before it looks again.
pub(super) const STALL: Duration = Duration::from_millis(2);
