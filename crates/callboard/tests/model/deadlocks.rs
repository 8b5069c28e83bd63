//! Nested requests in random graphs, against a detector that knows no graph: it lets everybody do
//! the best that could happen, and whoever has not ended by then is in a deadlock.
//!
//! Responders are served on one thread; their handlers end when the program says so. What a handler
//! asks is asked from outside, on behalf of its call. After each step, the bus must have failed a
//! request if, and only if, there is a deadlock, and nothing must be left of it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use callboard::{Bus, Call, Event, Gather, Request, RequestBuilder, RequestError};
use proptest::prelude::*;

use super::mirror::{Fate, Mirror, Rule};

#[derive(Debug, Event)]
pub(crate) struct Answer;

#[derive(Debug, Request)]
#[request(type = "deadlocks.ask", response = Answer)]
pub(crate) struct Ask {
    number: usize,
    targets: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Somebody outside asks.
    Outer(usize),
    /// The handler of a call asks.
    Nested { held: usize, targets: Vec<usize>, rule: Rule },
    /// The handler answers, and goes on.
    Answer(usize),
    /// The handler answers if it has not, and ends.
    Respond(usize),
    /// The handler declines, and ends.
    Decline(usize),
    /// A request of a handler is given up.
    DropNested(usize),
    /// The bus is paused, or started again.
    Toggle,
}

/// How many calls each responder handles at once, and what happens.
pub(crate) fn program() -> impl Strategy<Value = (Vec<usize>, Vec<Op>)> {
    let rule = prop_oneof![
        4 => Just(Rule::AtLeast(usize::MAX)),
        2 => Just(Rule::AtLeast(1)),
        1 => Just(Rule::AtLeast(2)),
        2 => (1..4_usize).prop_map(Rule::Until),
        2 => Just(Rule::Settled),
    ];
    let targets = prop::collection::vec(0..4_usize, 1..4);
    let nested = (any::<usize>(), targets, rule);
    let op = prop_oneof![
        6 => (0..4_usize).prop_map(Op::Outer),
        12 => nested.prop_map(|(held, targets, rule)| Op::Nested { held, targets, rule }),
        1 => any::<usize>().prop_map(Op::Answer),
        2 => any::<usize>().prop_map(Op::Respond),
        3 => any::<usize>().prop_map(Op::Decline),
        1 => any::<usize>().prop_map(Op::DropNested),
        1 => Just(Op::Toggle),
    ];
    (prop::collection::vec(1..3_usize, 2..5), prop::collection::vec(op, 1..40))
}

/// A handler that runs until it is told to end.
#[derive(Default)]
struct Handler {
    over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// A call that was taken, by the number of its request and its responder.
type Held = (usize, usize);

#[derive(Default)]
struct Hands {
    calls: BTreeMap<Held, Call<Ask>>,
    handlers: BTreeMap<Held, Rc<Handler>>,
    fresh: Vec<Held>,
}

struct World {
    bus: Bus,
    services: Vec<Pin<Box<dyn Future<Output = ()>>>>,
    hands: Rc<RefCell<Hands>>,
    gathers: BTreeMap<usize, Gather<Ask>>,
    mirror: Mirror,
    paused: bool,
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a program.
pub(crate) fn play(places: &[usize], ops: &[Op]) {
    let bus = Bus::new();
    let hands = Rc::<RefCell<Hands>>::default();
    let services = places.iter().enumerate().map(|(name, places)| {
        let responder = bus.subscriber(name.to_string()).capacity(1_000).responder::<Ask>();
        let hands = Rc::clone(&hands);
        let handler = move |call: Call<Ask>| {
            let handler = Rc::new(Handler::default());
            if call.targets.contains(&name) {
                let held = (call.number, name);
                let mut hands = hands.borrow_mut();
                hands.fresh.push(held);
                hands.handlers.insert(held, Rc::clone(&handler));
                hands.calls.insert(held, call);
            } else {
                call.decline("it is for others");
                handler.over.set(true);
            }
            std::future::poll_fn(move |context| {
                *handler.waker.borrow_mut() = Some(context.waker().clone());
                if handler.over.get() { Poll::Ready(()) } else { Poll::Pending }
            })
        };
        Box::pin(responder.serve_concurrent(*places, handler)) as Pin<Box<dyn Future<Output = ()>>>
    });
    let services = services.collect();
    bus.start();
    let mirror = Mirror::new(places.to_vec());
    let mut world = World { bus, services, hands, gathers: BTreeMap::new(), mirror, paused: false };
    for op in ops {
        assert!(world.mirror.deadlock().requests.is_empty(), "there was none before {op:?}");
        world.step(op);
    }
}

impl World {
    fn step(&mut self, op: &Op) {
        match op {
            Op::Outer(target) => {
                let target = target % self.services.len();
                let number = self.mirror.ask(None, [target].into(), Rule::AtLeast(1));
                let request = self.bus.request(self.question(number));
                self.gathers.insert(number, Self::finish(request, &[target].into(), Rule::Settled));
                self.pump();
            }
            Op::Nested { held, targets, rule } => self.nest(*held, targets, *rule),
            Op::Answer(held) => {
                if let Some(held) = self.held(*held) {
                    let call = self.hands.borrow_mut().calls.remove(&held);
                    call.into_iter().for_each(|call| call.respond(Answer));
                    self.mirror.set(held, Fate::Answered);
                    self.pump();
                }
            }
            Op::Respond(held) => self.end(*held, |call| call.respond(Answer), Fate::Answered),
            Op::Decline(held) => self.end(*held, |call| call.decline("no"), Fate::Declined),
            Op::DropNested(which) => {
                let nested = self.mirror.nested();
                if let Some(number) = pick(&nested, *which) {
                    self.gathers.remove(&number);
                    self.mirror.close(number);
                    self.pump();
                }
            }
            Op::Toggle => {
                self.paused = !self.paused;
                if self.paused {
                    self.bus.pause();
                } else {
                    self.bus.start();
                }
                self.pump();
            }
        }
    }

    fn question(&self, number: usize) -> Ask {
        Ask { number, targets: self.mirror.targets(number) }
    }

    fn finish(request: RequestBuilder<Ask>, targets: &BTreeSet<usize>, rule: Rule) -> Gather<Ask> {
        let request = request.expect(targets.iter().map(usize::to_string)).timeout(Duration::MAX);
        match rule {
            Rule::AtLeast(answers) => request.at_least(answers.min(targets.len())),
            Rule::Until(answers) => request.until(move |all| all.len() >= answers),
            Rule::Settled => request.settled(),
        }
        .gather()
    }

    /// One of the calls that are in hand, or were answered by handlers that go on.
    fn held(&self, which: usize) -> Option<Held> {
        pick(&self.hands.borrow().handlers.keys().copied().collect::<Vec<_>>(), which)
    }

    fn nest(&mut self, which: usize, targets: &[usize], rule: Rule) {
        let held: Vec<Held> = self.hands.borrow().calls.keys().copied().collect();
        let Some(held) = pick(&held, which) else { return };
        let targets: BTreeSet<usize> =
            targets.iter().map(|target| target % self.services.len()).collect();
        let number = self.mirror.ask(Some(held), targets.clone(), rule);
        let request = self.hands.borrow().calls[&held].request(self.question(number));
        let mut gather = Self::finish(request, &targets, rule);
        let deadlock = self.mirror.deadlock();
        match poll(&mut gather) {
            Poll::Ready(Err(RequestError::Cycle { chain })) => {
                assert!(deadlock.requests.contains(&number), "a false alarm: {chain:?}");
                self.mirror.check_chain(&chain, &deadlock);
                self.mirror.close(number);
            }
            Poll::Pending => {
                assert!(deadlock.requests.is_empty(), "a deadlock is missed: {deadlock:?}");
                self.gathers.insert(number, gather);
            }
            other @ Poll::Ready(_) => panic!("{other:?}"),
        }
        self.pump();
    }

    /// A handler ends; what it waits for is dropped first.
    fn end(&mut self, which: usize, end: fn(Call<Ask>), fate: Fate) {
        let Some(held) = self.held(which) else { return };
        for number in self.mirror.asked_by(held) {
            self.gathers.remove(&number);
            self.mirror.close(number);
        }
        let (call, handler) = {
            let mut hands = self.hands.borrow_mut();
            (hands.calls.remove(&held), hands.handlers.remove(&held))
        };
        if let Some(call) = call {
            self.mirror.set(held, fate);
            end(call);
        }
        self.mirror.end(held);
        if let Some(handler) = handler {
            handler.over.set(true);
            let waker = handler.waker.take();
            waker.into_iter().for_each(Waker::wake);
        }
        self.pump();
    }

    /// Lets everybody go on until nothing changes; what fails must be in a deadlock, and no
    /// deadlock must be left.
    fn pump(&mut self) {
        let mut failed = Vec::new();
        let mut quiet = 0;
        while quiet < 3 {
            quiet += 1;
            for service in &mut self.services {
                assert!(poll(service).is_pending());
            }
            for held in std::mem::take(&mut self.hands.borrow_mut().fresh) {
                quiet = 0;
                self.mirror.take(held);
            }
            let mut ended = Vec::new();
            for (number, gather) in &mut self.gathers {
                match poll(gather) {
                    Poll::Pending => continue,
                    Poll::Ready(Ok(_)) => self.mirror.close(*number),
                    Poll::Ready(Err(RequestError::Cycle { chain })) => {
                        failed.push((*number, chain));
                    }
                    Poll::Ready(Err(error)) => panic!("{error}"),
                }
                ended.push(*number);
            }
            for number in ended {
                quiet = 0;
                self.gathers.remove(&number);
            }
        }
        // Those that have failed are open in the mirror still.
        let deadlock = self.mirror.deadlock();
        for (number, chain) in &failed {
            assert!(deadlock.requests.contains(number), "a false alarm: {number} {chain:?}");
            self.mirror.check_chain(chain, &deadlock);
        }
        failed.iter().for_each(|(number, _)| self.mirror.close(*number));
        let left = self.mirror.deadlock().requests;
        assert!(left.is_empty(), "a deadlock is missed: {left:?} after {failed:?}");
    }
}

fn pick<T: Copy>(all: &[T], which: usize) -> Option<T> {
    all.get(which.checked_rem(all.len())?).copied()
}
