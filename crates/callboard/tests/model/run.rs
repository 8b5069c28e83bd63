//! Executes a program on the bus and on the model in lockstep, and compares after every step.

use std::fmt::Debug;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use callboard::{Bus, Clock, Event, Phase, Priority, Published, StartError};

use crate::events::{
    Ask, Change, InHand, Kept, Kind, Opening, Plain, Ranked, Reply, Status, Token, Urgent, Value,
};
use crate::model::{Fate, Model, Report, Role};
use crate::print;
use crate::program::{Op, Program};
use crate::reader::{self, Flag, Reader, StillClock, once};
use crate::run_asking::{OpenCall, OpenGather};

/// Why the bus and the model disagree.
pub(crate) type Step = Result<(), String>;

pub(crate) struct Handle {
    pub(crate) id: usize,
    pub(crate) reader: Box<dyn Reader>,
    pub(crate) flag: Arc<Flag>,
    /// It was polled and found nothing: it must be woken by what comes, and by nothing else.
    pub(crate) waiting: bool,
}

/// The drop callback's diary: which callback was told what.
type Reports = Arc<Mutex<Vec<(u32, Report)>>>;

pub(crate) struct Runner {
    /// `None` at the very end.
    bus: Option<Bus>,
    clock: StillClock,
    pub(crate) model: Model,
    reports: Reports,
    /// The number of the drop callback that is set.
    callback: u32,
    pub(crate) handles: Vec<Handle>,
    pub(crate) gathers: Vec<OpenGather>,
    pub(crate) calls: Vec<OpenCall>,
    /// Events kept beyond the operation that received them.
    pub(crate) kept: Vec<(InHand, Rc<Value>)>,
    token: Token,
    part: u32,
}

/// Runs a program; panics, with what was done, where the two disagree.
pub(crate) fn run(program: &Program) {
    if let Err(message) = check(program) {
        panic!("{message}");
    }
}

/// Runs a program.
pub(crate) fn check(program: &Program) -> Step {
    let Program { pre_start_capacity, timestamps, expects, ops } = program;
    let clock = StillClock::new();
    let mut builder =
        Bus::builder().pre_start_capacity(*pre_start_capacity).timestamps(*timestamps);
    if *expects {
        builder = builder.expect_subscribers(["a"]).expect_responders(["b"]);
    }
    let reports = Reports::default();
    let bus = builder
        .clock(clock.clone())
        .on_drop(diary(&reports, 0))
        .build()
        .map_err(|error| error.to_string())?;
    let expected = expects.then_some(("a", "b"));
    let mut runner = Runner {
        bus: Some(bus),
        model: Model::new(*pre_start_capacity, *timestamps, expected, clock.now()),
        clock,
        reports,
        callback: 0,
        handles: Vec::new(),
        gathers: Vec::new(),
        calls: Vec::new(),
        kept: Vec::new(),
        token: Token::default(),
        part: 0,
    };
    for (number, op) in ops.iter().enumerate() {
        let step = runner.step(op).and_then(|()| runner.compare());
        step.map_err(|fault| format!("{}\n{fault}", print::program(program, number + 1)))?;
    }
    let end = runner.finish();
    end.map_err(|fault| format!("{}\nat the end: {fault}", print::program(program, ops.len())))
}

/// A drop callback that writes down what it is told.
fn diary(reports: &Reports, number: u32) -> impl Fn(&callboard::Dropped) + Send + Sync + 'static {
    let reports = Arc::clone(reports);
    move |dropped| {
        let report = (
            dropped.event_type(),
            dropped.subscriber().to_owned(),
            dropped.capacity(),
            dropped.reason(),
            dropped.sequence(),
        );
        reports.lock().unwrap().push((number, report));
    }
}

/// The place meant by `number` among `len`.
pub(crate) fn pick(number: usize, len: usize) -> Option<usize> {
    (len > 0).then(|| number % len)
}

/// Says where the two differ, if they do.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, bus: T, model: T) -> Step {
    if bus == model {
        return Ok(());
    }
    Err(format!("{what}\n    bus:   {bus:?}\n    model: {model:?}"))
}

impl Runner {
    pub(crate) fn bus(&self) -> &Bus {
        self.bus.as_ref().expect("used before the end")
    }

    fn step(&mut self, op: &Op) -> Step {
        match op {
            Op::Publish { kind, key } => self.publish(*kind, *key, Manner::Plain),
            Op::PublishWith { kind, key, priority } => {
                self.publish(*kind, *key, Manner::With(*priority))
            }
            Op::PublishCausedBy { kind, key, cause } => {
                self.publish(*kind, *key, Manner::CausedBy(*cause))
            }
            Op::Subscribe(opening) => self.subscribe(opening),
            Op::Unsubscribe(slot) => {
                let Some(slot) = pick(*slot, self.handles.len()) else { return Ok(()) };
                let handle = self.handles.remove(slot);
                self.model.unsubscribe(handle.id);
                Ok(())
            }
            Op::Receive { slot, how, keep } => self.receive(*slot, *how, *keep),
            Op::Poll(slot) => self.poll(*slot),
            Op::Await { slot, kind, key, again } => self.recv_while(*slot, (*kind, *key), *again),
            Op::Serve(slot) => self.serve(*slot),
            Op::Release(place) => {
                let Some(place) = pick(*place, self.kept.len()) else { return Ok(()) };
                self.kept.remove(place);
                Ok(())
            }
            Op::Start => {
                let started = self.bus().start();
                let model = self.model.start();
                same("what start returned", (started.replayed(), started.dropped()), model)
            }
            Op::StartWhenReady => self.start_when_ready(),
            Op::Pause => {
                self.bus().pause();
                self.model.pause();
                Ok(())
            }
            Op::Close => {
                self.bus().close();
                self.model.close();
                Ok(())
            }
            Op::CloseAndDrain => self.close_and_drain(),
            Op::OnDrop => {
                self.callback += 1;
                self.bus().on_drop(diary(&self.reports, self.callback));
                Ok(())
            }
            Op::Ask { expect, rule, timeout, key } => {
                self.ask(None, (expect, *rule, *timeout), *key)
            }
            Op::AskWithin { call, expect, rule, timeout, key } => {
                let Some(call) = pick(*call, self.calls.len()) else { return Ok(()) };
                self.ask(Some(call), (expect, *rule, *timeout), *key)
            }
            Op::PollGather(_) | Op::DropGather(_) => self.ask_again(op),
            Op::Respond { .. } | Op::Decline(_) | Op::DropCall(_) => self.answer(op),
            Op::Advance(milliseconds) => {
                let time = Duration::from_millis(*milliseconds);
                self.model.now += time;
                self.clock.advance(time);
                Ok(())
            }
        }
    }

    /// The next event's value, for the bus and for the model.
    pub(crate) fn value(&mut self, kind: Kind, key: u8) -> (u32, Token, Rc<Value>) {
        self.part += 1;
        let value = Value { kind, key, parts: vec![self.part] };
        (self.part, Token::clone(&self.token), Rc::new(value))
    }

    pub(crate) fn publish(&mut self, kind: Kind, key: u8, manner: Manner) -> Step {
        let (part, token, value) = self.value(kind, key);
        let bus = self.bus();
        let published = match kind {
            Kind::Plain => send(bus, Plain::new(key, part, &token), manner),
            Kind::Change => send(bus, Change::new(key, part, &token), manner),
            Kind::Status => send(bus, Status::new(key, part, &token), manner),
            Kind::Kept => send(bus, Kept::new(key, part, &token), manner),
            Kind::Ranked => send(bus, Ranked::new(key, part, &token), manner),
            Kind::Urgent => send(bus, Urgent::new(key, part, &token), manner),
            Kind::Ask => send(bus, Ask::new(key, part, &token), manner),
            Kind::Reply => send(bus, Reply::new(key, part, &token), manner),
        };
        let (priority, cause) = match manner {
            Manner::Plain => (kind.rank(key), None),
            Manner::With(priority) => (priority, None),
            // No event has the number 0.
            Manner::CausedBy(cause) => (kind.rank(key), cause.filter(|cause| *cause > 0)),
        };
        let fate = self.model.publish(&value, priority, cause, Role::Event);
        let (sequence, delivered, dropped) = match fate {
            Fate::Routed { sequence, delivered, dropped } => (Some(sequence), delivered, dropped),
            Fate::Buffered { sequence } => (Some(sequence), 0, 0),
            Fate::Unheard => (None, 0, 0),
            Fate::BufferFull => (None, 0, 1),
            Fate::Closed => (None, 0, 0),
        };
        let figures = (published.delivered(), published.dropped());
        same("delivered and dropped", figures, (delivered, dropped))?;
        let phase = (published.buffered(), published.closed());
        let waits = matches!(fate, Fate::Buffered { .. });
        same("buffered and closed", phase, (waits, fate == Fate::Closed))?;
        same("the sequence of what was published", published.sequence(), sequence)
    }

    fn subscribe(&mut self, opening: &Opening) -> Step {
        if self.handles.len() < 6 {
            let reader = reader::open(self.bus(), opening);
            let id = self.model.subscribe(*opening);
            self.handles.push(Handle { id, reader, flag: Arc::default(), waiting: false });
        }
        Ok(())
    }

    fn start_when_ready(&mut self) -> Step {
        let Poll::Ready(started) = once(self.bus().start_when_ready(Duration::ZERO)) else {
            return Err("start_when_ready waits, with no time".into());
        };
        let started = started.map(|started| (started.replayed(), started.dropped()));
        let missing = self.model.missing();
        let model = if self.model.phase == Phase::Closed {
            Err(StartError::Closed)
        } else if missing.is_empty() {
            Ok(self.model.start())
        } else {
            Err(StartError::NotReady { missing: missing.into_iter().map(str::to_owned).collect() })
        };
        same("what start_when_ready returned", started, model)
    }

    fn close_and_drain(&mut self) -> Step {
        let Poll::Ready(drained) = once(self.bus().close_and_drain(Duration::ZERO)) else {
            return Err("close_and_drain waits, with no time".into());
        };
        self.model.close();
        let unfinished = drained.as_ref().err().map_or(&[][..], |error| error.unfinished());
        let unfinished: Vec<_> = unfinished
            .iter()
            .map(|one| (one.subscriber.as_str(), one.queued, one.in_hand))
            .collect();
        let full = self.model.subs.iter().filter(|sub| !sub.queue.is_empty());
        let expected: Vec<_> =
            full.map(|sub| (sub.opening.name, sub.queue.len() as u64, 0)).collect();
        same("who has not finished", unfinished, expected)
    }

    /// Compares everything there is to see.
    fn compare(&mut self) -> Step {
        let mut reports = std::mem::take(&mut *self.reports.lock().unwrap());
        let expected = std::mem::take(&mut self.model.reports).into_iter();
        let mut expected: Vec<_> = expected.map(|report| (self.callback, report)).collect();
        // In which order several are reported is not promised.
        reports.sort();
        expected.sort();
        same("what the drop callback was told", reports, expected)?;
        self.compare_subscriptions()?;
        self.compare_requests()?;
        let in_hand = self.calls.iter().map(|call| &call.question);
        let in_hand = in_hand.chain(self.kept.iter().map(|(_, value)| value));
        let alive = Arc::strong_count(&self.token) - 1;
        same("values alive", alive, self.model.alive(in_hand))?;
        self.bus.as_ref().map_or(Ok(()), |bus| self.compare_pictures(bus))
    }

    /// Drops the bus, which closes it, drains everybody, and looks whether anything is left.
    fn finish(mut self) -> Step {
        self.bus = None;
        self.model.close();
        self.compare()?;
        while !self.gathers.is_empty() {
            self.poll_gather(0)?;
            self.compare()?;
        }
        for slot in 0..self.handles.len() {
            let left = self.handles[slot].reader.len();
            for _ in 0..=left {
                self.receive(slot, crate::program::How::TryRecv, false)?;
            }
        }
        self.compare()
    }
}

/// A way of publishing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    Plain,
    With(Priority),
    CausedBy(Option<u64>),
}

fn send<E: Event>(bus: &Bus, event: E, manner: Manner) -> Published {
    match manner {
        Manner::Plain => bus.publish(event),
        Manner::With(priority) => bus.publish_with(event, priority),
        Manner::CausedBy(cause) => bus.publish_caused_by(event, cause),
    }
}
