//! Actors: components that publish or ask, and the side of a reader that answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callboard::{Bus, Call, Event, Priority, Published};

use crate::component::{Component, Part, Role, die};
use crate::events::{Inquiry, Kind, Origin, Sent, Verdict, with_type};
use crate::random::Random;
use crate::stage::{Cue, Stage};

/// Publishes, asks and answers in the name of a component.
pub(crate) struct Actor {
    pub(crate) stage: Arc<Stage>,
    pub(crate) part: Arc<Part>,
    pub(crate) random: Random,
    hand: Hand,
    /// The sequence number of the last event that it published.
    last: u64,
}

/// Where a call is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    /// In the loop of the component.
    Own,
    /// In a handler that the bus runs.
    Served,
    /// In a task beside others, so that the component's events have no order.
    Helper,
}

/// Starts a component that publishes bursts of events of a few kinds.
pub(crate) fn publisher(stage: &Arc<Stage>, random: &mut Random) -> Component {
    let kinds = (0..random.between(1, 4)).map(|_| random.pick(&Kind::PUBLISHED)).collect();
    let part = stage.cast("publisher", Role::Publisher, random.one_in(2));
    Component::start(stage, &part, Actor::new(stage, &part, random.fork()).work(kinds))
}

/// Starts a component that makes one request after the other.
pub(crate) fn asker(stage: &Arc<Stage>, random: &mut Random) -> Component {
    let part = stage.cast("asker", Role::Asker, random.one_in(3));
    Component::start(stage, &part, Actor::new(stage, &part, random.fork()).work(Vec::new()))
}

impl Actor {
    pub(crate) fn new(stage: &Arc<Stage>, part: &Arc<Part>, random: Random) -> Self {
        let (stage, part) = (Arc::clone(stage), Arc::clone(part));
        Self { stage, part, random, hand: Hand::Own, last: 0 }
    }

    /// The same component, for one call of several.
    pub(crate) fn helper(&mut self, hand: Hand) -> Self {
        let actor = Self::new(&self.stage, &self.part, self.random.fork());
        Self { hand, ..actor }
    }

    /// Publishes events of these kinds, or asks if there are none, until the end.
    async fn work(mut self, kinds: Vec<Kind>) {
        while !self.part.is_dismissed() {
            let busy = self.part.begin();
            let cue = self.stage.cue();
            let rest = match cue {
                Cue::End => return,
                Cue::Hold => Duration::from_millis(1),
                _ => {
                    let Some(bus) = self.stage.bus.upgrade() else { return };
                    if kinds.is_empty() {
                        self.ask(&bus).await;
                        Duration::from_millis(self.random.pick(&[0, 0, 0, 1, 3]))
                    } else {
                        let (events, rest) = self.burst(cue);
                        if !(0..events).all(|_| self.publish_any(&bus, &kinds)) {
                            return;
                        }
                        rest
                    }
                }
            };
            drop(busy);
            self.part.rest(rest).await;
        }
    }

    /// How many events to publish at once, and how long to rest after them.
    fn burst(&mut self, tempo: Cue) -> (usize, Duration) {
        let random = &mut self.random;
        let (events, rest) = match tempo {
            Cue::Burst => (random.between(200, 4_000), random.between(1, 8)),
            Cue::Trickle => (1, random.between(1, 3)),
            _ if random.one_in(3) => (random.between(1, 64), random.between(1, 2)),
            _ => (random.between(1, 64), 0),
        };
        (events, Duration::from_millis(rest as u64))
    }

    /// The origin of its next event, question or answer.
    pub(crate) fn origin(&self, kind: Kind, question: (u32, u32)) -> Origin {
        Origin {
            publisher: self.part.number,
            number: self.part.last_number.fetch_add(1, Ordering::Relaxed) + 1,
            priority: kind.priority(),
            ordered: self.hand != Hand::Helper,
            question,
        }
    }

    fn publish_any(&mut self, bus: &Bus, kinds: &[Kind]) -> bool {
        let kind = self.random.pick(kinds);
        self.publish(bus, kind)
    }

    /// Publishes an event of a kind; whether the bus took it.
    pub(crate) fn publish(&mut self, bus: &Bus, kind: Kind) -> bool {
        const PRIORITIES: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::High];
        let mut origin = self.origin(kind, (0, 0));
        // The priority of an alarm is in its value.
        let by_value = kind == Kind::Alarm;
        let other = (!by_value && self.random.one_in(64)).then(|| self.random.pick(&PRIORITIES));
        if by_value {
            origin.priority = self.random.pick(&PRIORITIES);
        }
        origin.priority = other.unwrap_or(origin.priority);
        let census = self.stage.census;
        let published = with_type!(kind, E => self.send(bus, E::new(origin, census), other));
        if published.closed() {
            if self.stage.cue() < Cue::Closing {
                self.stage.run.blame(format!("{kind:?} {origin:?} is refused by an open bus"));
            }
            return false;
        }
        self.part.published.count(kind);
        if let Some(sequence) = published.sequence() {
            let last = std::mem::replace(&mut self.last, sequence);
            if last >= sequence {
                let fault = format!("{kind:?} {origin:?} is #{sequence}, published after #{last}");
                self.stage.run.blame(fault);
            }
        }
        true
    }

    fn send<E: Event>(&mut self, bus: &Bus, event: E, other: Option<Priority>) -> Published {
        match other {
            Some(priority) => bus.publish_with(event, priority),
            None if self.random.one_in(64) => bus.publish_caused_by(event, self.last),
            None => bus.publish(event),
        }
    }

    async fn ask(&mut self, bus: &Bus) {
        let gives_up = self.random.one_in(8).then(|| self.random.between(0, 20) as u64);
        self.gather(|it| bus.request(it), false, gives_up.map(Duration::from_millis)).await;
    }

    /// Answers a call in one way or another.
    pub(crate) async fn answer(&mut self, call: Call<Inquiry>) {
        let millis = |random: &mut Random, least, most| {
            Duration::from_millis(random.between(least, most) as u64)
        };
        self.part.stall().await;
        match self.random.below(64) {
            0..=43 => {}
            44..=47 => self.part.rest(millis(&mut self.random, 1, 12)).await,
            // Perhaps too late.
            48 => self.part.rest(millis(&mut self.random, 20, 120)).await,
            49..=56 => {
                // In a handler that the bus runs, the bus knows what a request is made for.
                let by_bus = self.hand == Hand::Served && self.random.one_in(2);
                match self.stage.bus.upgrade().filter(|_| by_bus) {
                    Some(bus) => self.gather(|it| bus.request(it), true, None).await,
                    None => self.gather(|it| call.request(it), true, None).await,
                }
            }
            57..=59 => return call.decline("for no reason"),
            60..=62 => return,
            _ => {
                if self.hand == Hand::Own {
                    self.part.dismissed.store(true, Ordering::SeqCst);
                }
                die();
            }
        }
        let question = Sent::origin(&*call);
        let origin = self.origin(Kind::Verdict, (question.publisher, question.number));
        self.part.published.count(Kind::Verdict);
        call.respond(Verdict::new(origin, self.stage.census));
    }
}
