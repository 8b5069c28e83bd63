//! Executes a program on the bus and on the model in lockstep, and compares after every step.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use callboard::{Bus, Call, Event, Overflow, Phase, Priority, TryRecvError};

use crate::asking::Stage;
use crate::events::{
    Ask, Change, Got, Kept, Kind, Opening, Plain, Ranked, Reply, Status, Token, Value, Wants, rank,
};
use crate::model::{Fate, Model, Report};
use crate::program::{Op, Program};
use crate::reader::{self, Flag, Reader, StillClock};
use crate::run_asking::OpenGather;
use crate::sub::Item;

/// Why the bus and the model disagree.
pub(crate) type Step = Result<(), String>;

struct Handle {
    id: usize,
    reader: Box<dyn Reader>,
    flag: Arc<Flag>,
    /// It was polled and found nothing: it must be woken by what comes.
    waiting: bool,
}

pub(crate) struct Runner {
    /// `None` at the very end.
    bus: Option<Bus>,
    clock: StillClock,
    pub(crate) model: Model,
    reports: Arc<Mutex<Vec<Report>>>,
    handles: Vec<Handle>,
    pub(crate) gathers: Vec<OpenGather>,
    /// Calls in hand, with their request and their subscription.
    pub(crate) calls: Vec<(Call<Ask>, usize, usize)>,
    token: Token,
    pub(crate) part: u32,
    pub(crate) trace: String,
}

/// Runs a program; panics, with what was done, where the two disagree.
pub(crate) fn run(program: &Program) {
    if let Err(message) = check(program) {
        panic!("{message}");
    }
}

/// Runs a program.
pub(crate) fn check(program: &Program) -> Step {
    let clock = StillClock::new();
    let reports = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&reports);
    let bus = Bus::builder()
        .pre_start_capacity(program.pre_start_capacity)
        .clock(clock.clone())
        .on_drop(move |dropped| {
            log.lock().unwrap().push((
                dropped.event_type(),
                dropped.subscriber().to_owned(),
                dropped.capacity(),
                dropped.reason(),
                dropped.sequence(),
            ));
        })
        .build()
        .map_err(|error| error.to_string())?;
    let mut runner = Runner {
        bus: Some(bus),
        clock,
        model: Model::new(program.pre_start_capacity),
        reports,
        handles: Vec::new(),
        gathers: Vec::new(),
        calls: Vec::new(),
        token: Token::default(),
        part: 0,
        trace: format!("\na bus with a start buffer of {}\n", program.pre_start_capacity),
    };
    for op in &program.ops {
        runner.step(op)?;
        runner.compare()?;
    }
    runner.finish()
}

/// A subscription that looks and leaves.
const PROBE: Opening = Opening {
    name: "probe",
    wants: Wants::Everything,
    capacity: 0,
    overflow: Overflow::DropNewest,
    lossy: true,
    late: true,
    retained: true,
};

/// The place meant by `number` among `len`.
pub(crate) fn pick(number: usize, len: usize) -> Option<usize> {
    (len > 0).then(|| number % len)
}

impl Runner {
    pub(crate) fn bus(&self) -> &Bus {
        self.bus.as_ref().expect("used before the end")
    }

    pub(crate) fn same<T: PartialEq + Debug>(&self, what: &str, bus: T, model: T) -> Step {
        if bus == model {
            return Ok(());
        }
        Err(format!("{}{what}\n    bus:   {bus:?}\n    model: {model:?}", self.trace))
    }

    fn note(&mut self, line: &impl Debug) {
        self.trace += &format!("  {line:?}\n");
    }

    fn step(&mut self, op: &Op) -> Step {
        self.note(op);
        match op {
            Op::Publish { kind, key } => self.publish(*kind, *key, None),
            Op::PublishWith { kind, key, priority } => self.publish(*kind, *key, Some(*priority)),
            Op::Subscribe(opening) => self.subscribe(opening),
            Op::Unsubscribe(slot) => {
                let Some(slot) = pick(*slot, self.handles.len()) else { return Ok(()) };
                let handle = self.handles.remove(slot);
                self.model.unsubscribe(handle.id);
                Ok(())
            }
            Op::TryRecv(slot) => self.try_recv(*slot),
            Op::RecvMany(slot, limit) => self.recv_many(*slot, *limit),
            Op::Poll(slot) => self.poll(*slot),
            Op::Start => {
                let started = self.bus().start();
                let model = self.model.start();
                self.same("what start returned", (started.replayed(), started.dropped()), model)
            }
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
            Op::Ask { expect, rule, timeout } => self.ask(expect, *rule, *timeout),
            Op::PollGather(slot) => {
                let Some(slot) = pick(*slot, self.gathers.len()) else { return Ok(()) };
                self.poll_gather(slot)
            }
            Op::DropGather(slot) => {
                let Some(slot) = pick(*slot, self.gathers.len()) else { return Ok(()) };
                let gather = self.gathers.remove(slot);
                self.model.withdraw(gather.request);
                Ok(())
            }
            Op::Respond(_) | Op::Decline(_) | Op::DropCall(_) => self.answer(op),
            Op::Advance(milliseconds) => {
                self.model.now += milliseconds;
                self.clock.advance(Duration::from_millis(*milliseconds));
                Ok(())
            }
        }
    }

    fn publish(&mut self, kind: Kind, key: u8, priority: Option<Priority>) -> Step {
        fn send<E: Event>(bus: &Bus, event: E, priority: Option<Priority>) -> callboard::Published {
            match priority {
                None => bus.publish(event),
                Some(priority) => bus.publish_with(event, priority),
            }
        }
        self.part += 1;
        let (bus, part, token) = (self.bus(), self.part, &self.token);
        let published = match kind {
            Kind::Plain => send(bus, Plain::new(key, part, token), priority),
            Kind::Change => send(bus, Change::new(key, part, token), priority),
            Kind::Status => send(bus, Status::new(key, part, token), priority),
            Kind::Kept => send(bus, Kept::new(key, part, token), priority),
            Kind::Ranked => send(bus, Ranked::new(key, part, token), priority),
            Kind::Ask => send(bus, Ask(part), priority),
            Kind::Reply => send(bus, Reply(part), priority),
        };
        let key = if matches!(kind, Kind::Ask | Kind::Reply) { 0 } else { key };
        let own = if kind == Kind::Ranked { rank(key) } else { Priority::Normal };
        let value = Value { kind, key, parts: vec![part] };
        let fate = self.model.publish(value, priority.unwrap_or(own), None, None);
        let (sequence, delivered, dropped) = match fate {
            Fate::Routed { sequence, delivered, dropped } => (Some(sequence), delivered, dropped),
            Fate::Buffered { sequence } => (Some(sequence), 0, 0),
            Fate::Unheard => (None, 0, 0),
            Fate::BufferFull => (None, 0, 1),
            Fate::Closed => (None, 0, 0),
        };
        self.same(
            "delivered and dropped",
            (published.delivered(), published.dropped()),
            (delivered, dropped),
        )?;
        let phase = (published.buffered(), published.closed());
        let waits = matches!(fate, Fate::Buffered { .. });
        self.same("buffered and closed", phase, (waits, fate == Fate::Closed))?;
        self.same("the sequence of what was published", published.sequence(), sequence)
    }

    fn subscribe(&mut self, opening: &Opening) -> Step {
        if self.handles.len() < 6 {
            let reader = reader::open(self.bus(), opening);
            let id = self.model.subscribe(*opening);
            self.handles.push(Handle { id, reader, flag: Arc::default(), waiting: false });
        }
        Ok(())
    }

    /// Compares what was received, and takes a call in hand.
    fn received(
        &mut self,
        slot: usize,
        item: (Got, Option<Call<Ask>>),
        model: Option<Item>,
    ) -> Step {
        let (got, call) = item;
        self.same("what was received", Some(got), model.as_ref().map(Item::got))?;
        if let (Some(call), Some(request)) = (call, model.and_then(|item| item.request)) {
            let id = self.handles[slot].id;
            let name = self.model.sub(id).expect("it is there").opening.name;
            self.same("the name a call was given to", call.responder(), name)?;
            self.model.set_stage(request, id, Stage::Handling);
            self.same("whether a call is open", call.is_open(), self.model.is_open(request))?;
            self.calls.push((call, request, id));
        }
        Ok(())
    }

    fn try_recv(&mut self, slot: usize) -> Step {
        let Some(slot) = pick(slot, self.handles.len()) else { return Ok(()) };
        let id = self.handles[slot].id;
        let model = self.model.sub(id).expect("it is there").recv();
        match self.handles[slot].reader.try_recv() {
            Ok(item) => self.received(slot, item, model),
            Err(error) => {
                self.same("what was received", None, model.map(|item| item.got()))?;
                let closed = self.model.phase == Phase::Closed;
                let expected = if closed { TryRecvError::Closed } else { TryRecvError::Empty };
                self.same("why nothing was received", error, expected)
            }
        }
    }

    fn recv_many(&mut self, slot: usize, limit: usize) -> Step {
        let Some(slot) = pick(slot, self.handles.len()) else { return Ok(()) };
        let id = self.handles[slot].id;
        let sub = self.model.sub(id).expect("it is there");
        let model: Vec<Item> = std::iter::from_fn(|| sub.recv()).take(limit).collect();
        let ready = limit == 0 || !model.is_empty() || self.model.phase == Phase::Closed;
        let received = self.handles[slot].reader.recv_many(limit);
        self.same("whether recv_many is ready", received.is_some(), ready)?;
        // Its future is gone, and the waker with it.
        self.handles[slot].waiting &= ready;
        let received = received.unwrap_or_default();
        self.same("how many were received", received.len(), model.len())?;
        for (item, model) in received.into_iter().zip(model) {
            self.received(slot, item, Some(model))?;
        }
        Ok(())
    }

    fn poll(&mut self, slot: usize) -> Step {
        let Some(slot) = pick(slot, self.handles.len()) else { return Ok(()) };
        let handle = &mut self.handles[slot];
        handle.flag.lower();
        let waker = Waker::from(Arc::clone(&handle.flag));
        let polled = handle.reader.poll(&waker);
        handle.waiting = polled.is_pending();
        let model = self.model.sub(handle.id).expect("it is there").recv();
        let ended = matches!(polled, Poll::Ready(None));
        let over = model.is_none() && self.model.phase == Phase::Closed;
        self.same("whether the stream has ended", ended, over)?;
        match polled {
            Poll::Ready(Some(item)) => self.received(slot, item, model),
            _ => self.same("what was received", None, model.map(|item| item.got())),
        }
    }

    /// Compares everything there is to see.
    fn compare(&mut self) -> Step {
        let mut reports = std::mem::take(&mut *self.reports.lock().unwrap());
        let mut expected = std::mem::take(&mut self.model.reports);
        // In which order several are reported is not promised.
        reports.sort();
        expected.sort();
        self.same("what the drop callback was told", reports, expected)?;
        let closed = self.model.phase == Phase::Closed;
        for handle in &self.handles {
            let sub = self.model.subs.iter().find(|sub| sub.id == handle.id).expect("it is there");
            let who = |what: &str| format!("{what} of subscription {} ({:?})", sub.id, sub.opening);
            self.same(&who("the queue"), handle.reader.len(), sub.queue.len())?;
            self.same(&who("the gap"), handle.reader.pending_missed(), sub.gap)?;
            let ledger = handle.reader.ledger();
            if !sub.agrees(&ledger) {
                return Err(format!(
                    "{}{}\n    bus:   {ledger:?}\n    model: {sub:?}",
                    self.trace,
                    who("the ledger")
                ));
            }
            if handle.waiting && (closed || !sub.queue.is_empty()) {
                self.same(&who("the wake-up"), handle.flag.raised(), true)?;
            }
        }
        for gather in &self.gathers {
            if self.model.end(gather.request).is_some() {
                self.same("whether the asker was woken", gather.flag.raised(), true)?;
            }
        }
        self.same("values alive", Arc::strong_count(&self.token) - 1, self.model.alive())?;
        let Some(bus) = &self.bus else { return Ok(()) };
        self.same("the phase", bus.phase(), self.model.phase)?;
        let mut late = reader::open(bus, &PROBE);
        let mut retained: Vec<Got> = std::iter::from_fn(|| Some(late.try_recv().ok()?.0)).collect();
        retained.sort_by_key(|got| got.sequence);
        let expected: Vec<Got> = self.model.retained.iter().map(Item::got).collect();
        self.same("what is retained", retained, expected)
    }

    /// Drops the bus, which closes it, drains everybody, and looks whether anything is left.
    fn finish(mut self) -> Step {
        self.note(&"the bus is dropped");
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
                self.try_recv(slot)?;
            }
        }
        self.compare()
    }
}
