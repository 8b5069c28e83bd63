//! A publisher: bursts of events of a few kinds, at the tempo of the phase.

use std::sync::Arc;
use std::time::Duration;

use callboard::{Bus, Event, Priority, Published};

use super::part::{Doing, Part, Role};
use super::{Component, Rest};
use crate::checks::{Fault, holds};
use crate::events::{Alarm, Blob, Change, Kind, Leader, Note, Origin, Slab, Status, Tick};
use crate::phases::{Cue, Stage, Tempo};
use crate::random::Random;

/// Starts a publisher: a task, or a thread.
pub(super) fn start(stage: &Arc<Stage>, mut random: Random) -> Component {
    let threaded = random.one_in(2);
    let kinds: Vec<Kind> =
        (0..random.between(1, 4)).map(|_| random.pick(&Kind::PUBLISHED)).collect();
    let how = if threaded { "thread" } else { "task" };
    let part = stage.cast("publisher", Role::Publisher, format!("{how}, {kinds:?}"));
    let mut publisher = Publisher::new(stage, &part, random);
    if threaded {
        Component::thread(stage, part, move || {
            while let Some(rest) = publisher.turn(&kinds) {
                rest.of_thread();
            }
        })
    } else {
        Component::task(stage, part, async move {
            while let Some(rest) = publisher.turn(&kinds) {
                rest.of_task().await;
            }
        })
    }
}

/// Somebody who publishes.
pub(crate) struct Publisher {
    stage: Arc<Stage>,
    part: Arc<Part>,
    random: Random,
    /// The number of the last event that it published, if any had one.
    last: u64,
}

impl Publisher {
    pub(crate) fn new(stage: &Arc<Stage>, part: &Arc<Part>, random: Random) -> Self {
        Self { stage: Arc::clone(stage), part: Arc::clone(part), random, last: 0 }
    }

    /// Publishes a burst, if it is time to, and says how to wait; `None`: it goes.
    fn turn(&mut self, kinds: &[Kind]) -> Option<Rest> {
        let cue = self.stage.cue();
        if cue == Cue::End || self.part.is_dismissed() {
            return None;
        }
        if let Cue::Hold(time) = cue {
            self.part.hold(time);
            return Some(Rest::For(Duration::from_millis(1)));
        }
        self.part.beat(self.stage.run.nanos());
        self.part.set_doing(Doing::Work);
        let bus = self.stage.bus()?;
        let (events, rest) = self.burst();
        for _ in 0..events {
            let kind = self.random.pick(kinds);
            if !self.publish(&bus, kind) {
                return None;
            }
        }
        self.part.beat(self.stage.run.nanos());
        Some(rest)
    }

    /// How many events come at once, and how to wait after them.
    fn burst(&mut self) -> (usize, Rest) {
        let random = &mut self.random;
        let millis = |least, most, random: &mut Random| {
            Rest::For(Duration::from_millis(random.between(least, most) as u64))
        };
        match self.stage.tempo() {
            Tempo::Steady if random.one_in(3) => (random.between(1, 64), millis(1, 2, random)),
            Tempo::Steady => (random.between(1, 64), Rest::Yield),
            Tempo::Burst => (random.between(200, 4_000), millis(1, 8, random)),
            Tempo::Trickle => (1, millis(1, 3, random)),
        }
    }

    /// Publishes an event of a kind; whether the bus took it.
    pub(crate) fn publish(&mut self, bus: &Bus, kind: Kind) -> bool {
        let mut origin = self.stage.origin(&self.part, kind);
        let priorities = [Priority::Low, Priority::Normal, Priority::High];
        // An alarm's urgency is in its value.
        let other =
            (kind != Kind::Alarm && self.random.one_in(64)).then(|| self.random.pick(&priorities));
        if kind == Kind::Alarm {
            origin.priority = self.random.pick(&priorities);
        }
        origin.priority = other.unwrap_or(origin.priority);
        let census = self.stage.census;
        let published = match kind {
            Kind::Tick => self.send(bus, Tick::new(origin, census), other),
            Kind::Note => self.send(bus, Note::new(origin, census), other),
            Kind::Blob => self.send(bus, Blob::new(origin, census), other),
            Kind::Slab => self.send(bus, Slab::new(origin, census), other),
            Kind::Change => self.send(bus, Change::new(origin, census), other),
            Kind::Status => self.send(bus, Status::new(origin, census), other),
            Kind::Leader => self.send(bus, Leader::new(origin, census), other),
            Kind::Alarm => self.send(bus, Alarm::new(origin, census), other),
            _ => unreachable!("it is asked, or answered"),
        };
        self.check(kind, origin, published)
    }

    fn send<E: Event>(&mut self, bus: &Bus, event: E, other: Option<Priority>) -> Published {
        match other {
            Some(priority) => bus.publish_with(event, priority),
            None if self.random.one_in(64) => bus.publish_caused_by(event, self.last),
            None => bus.publish(event),
        }
    }

    fn check(&mut self, kind: Kind, origin: Origin, published: Published) -> bool {
        let what = |of: &str| format!("{of} of {kind:?} {origin:?} by `{}`", self.part.name);
        if published.closed() {
            if !self.stage.is_closing() {
                let fault = Fault::new(what("the publication"), "taken", "refused as closed");
                self.stage.run.blame(fault);
            }
            return false;
        }
        self.part.published.count(kind);
        if let Some(sequence) = published.sequence() {
            let last = std::mem::replace(&mut self.last, sequence);
            let grows = holds(
                last < sequence,
                || what("the number"),
                format_args!("above {last}"),
                || format!("{published:?}"),
            );
            grows.unwrap_or_else(|fault| self.stage.run.blame(fault));
        }
        true
    }
}
