//! Readers and responders: a subscription, read as its [seat](Seat) says until it is closed or the
//! reader ends.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callboard::{Batch, Call, EventSet, RecvTimeoutError, Subscription, TryRecvError};

use crate::accounts::check_own;
use crate::actor::{Actor, Hand};
use crate::component::{Component, Role, die};
use crate::events::{Inquiry, Item};
use crate::random::Random;
use crate::seat::{Manner, Seat, Wants};
use crate::stage::{Cue, Stage};
use crate::witness::{Look, Witness};

/// Opens a subscription and reads it; `None` if the bus is gone.
pub(crate) fn start(stage: &Arc<Stage>, seat: Seat, random: &mut Random) -> Option<Component> {
    let bus = stage.bus.upgrade()?;
    let kind = if seat.wants == Wants::Calls { "responder" } else { "reader" };
    let part = stage.cast(kind, Role::Subscriber(seat), seat.manner.needs_thread());
    let reader = Reader {
        actor: Actor::new(stage, &part, random.fork()),
        seat,
        witness: Witness::new(stage.timed),
        received: 0,
        kept: VecDeque::new(),
    };
    let subscription = seat.open(&bus, &part.name);
    Some(Component::start(stage, &part, subscription.read(reader)))
}

/// A reader at work.
pub(crate) struct Reader {
    actor: Actor,
    seat: Seat,
    witness: Witness,
    received: usize,
    kept: VecDeque<Box<dyn Any + Send>>,
}

impl Reader {
    /// Takes an item. Returns the call that it is, to be answered.
    fn take<I: Item + Send + 'static>(&mut self, item: I) -> Option<Call<Inquiry>> {
        self.see(&item);
        if item.is_call() {
            return item.into_call();
        }
        if self.seat.keeps > 0 && self.actor.random.one_in(16) {
            self.kept.push_back(Box::new(item));
            if self.kept.len() > self.seat.keeps {
                self.kept.pop_front();
            }
        }
        None
    }

    /// Checks an item, and counts it.
    fn see(&mut self, item: &impl Item) {
        let Actor { stage, part, .. } = &self.actor;
        let metadata = item.metadata();
        let Some(event) = item.event() else {
            return stage.run.blame(format!("an event of another type: {metadata:?}"));
        };
        let look = Look::new(event, &metadata, item.is_call());
        if let Err(fault) = self.witness.see(&look, &stage.numbers) {
            stage
                .run
                .blame(format!("`{}` of {}: {fault}\n{:?}", part.name, stage.title, self.seat));
        }
        part.received.count(look.kind);
        if metadata.missed > 0 {
            part.missed.fetch_add(metadata.missed, Ordering::SeqCst);
        }
        self.received += 1;
    }

    /// How long to rest now, if at all: not while all others wait until everything is read.
    fn pause(&mut self) -> Option<Duration> {
        let (events, rest) = self.seat.pace?;
        let rests = self.actor.stage.cue() < Cue::Hold && self.actor.random.one_in(events);
        rests.then_some(rest)
    }

    /// Whether to go on, after a stall if there is one. It may die instead.
    async fn goes_on(&mut self) -> bool {
        let part = &self.actor.part;
        if self.seat.dies.is_some_and(|events| self.received >= events) {
            part.dismissed.store(true, Ordering::SeqCst);
            die();
        }
        part.stall().await;
        !part.is_dismissed()
    }

    /// Answers a call, here or in a task of its own.
    async fn answer(&mut self, call: Call<Inquiry>) {
        if self.seat.manner == Manner::Helpers {
            let busy = self.actor.part.begin();
            let mut helper = self.actor.helper(Hand::Helper);
            self.actor.stage.run.runtime.spawn(async move {
                helper.answer(call).await;
                drop((helper, busy));
            });
        } else {
            self.actor.answer(call).await;
        }
    }
}

/// A subscription of any type.
pub(crate) trait Readable: Send {
    fn read(self: Box<Self>, reader: Reader) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl<S> Readable for Subscription<S>
where
    S: EventSet,
    S::Item: Item,
    for<'a> S::Ref<'a>: Item,
{
    fn read(self: Box<Self>, reader: Reader) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match reader.seat.manner {
            Manner::Serve => Box::pin(self.serve(handler(reader))),
            Manner::Concurrent(limit) => Box::pin(self.serve_concurrent(limit, handler(reader))),
            _ => Box::pin(read(*self, reader)),
        }
    }
}

/// A handler of each item, which panics now and then.
fn handler<I: Item + Send + 'static>(
    mut reader: Reader,
) -> impl FnMut(I) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send {
    move |item| {
        let call = reader.take(item).map(|call| (call, reader.actor.helper(Hand::Served)));
        let panics = reader.actor.random.one_in(2_000);
        let (pause, part) = (reader.pause(), Arc::clone(&reader.actor.part));
        Box::pin(async move {
            if panics {
                die();
            }
            if let Some((call, mut actor)) = call {
                actor.answer(call).await;
            }
            part.stall().await;
            if let Some(pause) = pause {
                part.rest(pause).await;
            }
        })
    }
}

/// Receives and answers until the subscription is closed or the reader ends; then checks its
/// account.
async fn read<S>(mut subscription: Subscription<S>, mut reader: Reader)
where
    S: EventSet,
    S::Item: Item,
    for<'a> S::Ref<'a>: Item,
{
    let mut pending = None;
    let mut many = Vec::new();
    while reader.goes_on().await {
        let random = &mut reader.actor.random;
        let looks_first = random.one_in(4);
        let got = match reader.seat.manner {
            _ if looks_first && let Ok(item) = subscription.try_recv() => Ok(item),
            Manner::Cancel => {
                let time = Duration::from_micros(random.below(1_500) as u64);
                tokio::select! {
                    biased;
                    item = subscription.recv() => item.ok_or(TryRecvError::Closed),
                    () = tokio::time::sleep(time) => continue,
                }
            }
            Manner::Many => {
                let received = subscription.recv_many(&mut many, random.between(1, 50)).await;
                // All are counted before the first is answered: the task may end where it waits.
                let calls: Vec<_> = many.drain(..).filter_map(|item| reader.take(item)).collect();
                for call in calls {
                    reader.answer(call).await;
                }
                if received > 0 { Err(TryRecvError::Empty) } else { Err(TryRecvError::Closed) }
            }
            Manner::Batch => Err(see_some(subscription.recv_batch().await, &mut reader)),
            Manner::BlockBatch => Err(see_some(subscription.blocking_recv_batch(), &mut reader)),
            Manner::Block => subscription.blocking_recv().ok_or(TryRecvError::Closed),
            Manner::Timeout => {
                let time = Duration::from_micros(random.below(5_000) as u64);
                subscription.recv_timeout(time).map_err(|error| match error {
                    RecvTimeoutError::Timeout => TryRecvError::Empty,
                    RecvTimeoutError::Closed => TryRecvError::Closed,
                })
            }
            Manner::Try => {
                let nap = |_: &_| std::thread::sleep(Duration::from_micros(200));
                subscription.try_recv().inspect_err(nap)
            }
            _ => subscription.recv().await.ok_or(TryRecvError::Closed),
        };
        match got {
            Ok(item) => {
                if let Some(call) = reader.take(item) {
                    reader.answer(call).await;
                }
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Closed) => {
                pending = Some(subscription.pending_missed());
                break;
            }
        }
        if let Some(pause) = reader.pause() {
            reader.actor.part.rest(pause).await;
        }
    }
    let Actor { stage, part, .. } = &reader.actor;
    if let Err(fault) = check_own(part, stage.cue(), subscription.ledger(), pending) {
        stage.run.blame(format!("`{}` of {}: {fault}\n{:?}", part.name, stage.title, reader.seat));
    }
}

/// Looks at a batch, or at its beginning. Returns why it brings nothing more.
fn see_some<S>(batch: Option<Batch<'_, S>>, reader: &mut Reader) -> TryRecvError
where
    S: EventSet,
    for<'a> S::Ref<'a>: Item,
{
    let Some(batch) = batch else { return TryRecvError::Closed };
    let random = &mut reader.actor.random;
    let most = if random.one_in(4) { random.below(8) } else { usize::MAX };
    batch.take(most).for_each(|item| reader.see(&item));
    TryRecvError::Empty
}
