//! The contestants: a file for each family, and the lists below, in which each has its line.

mod array_queue;
mod async_broadcast;
mod callboard;
mod callboard_ask;
mod channels;
mod disruptor;
mod kameo;
mod probe;
mod scatter;
mod tokio_broadcast;
mod ways;

use crate::events::Message;
use crate::harness::{self, Each, Ends, Queue, TaskTransport, ThreadTransport};
use crate::row::{Contestant, Sample, Side};

pub(crate) use array_queue::shared_arc;
use callboard::{Batched, OneByOne, OneThread, OneThreadBatched};
use channels::{AsyncChannel, Crossbeam, Flume, Kanal, StdMpsc, TokioMpsc};

pub(crate) use callboard_ask::Asked;
pub(crate) use kameo::Actors;
pub(crate) use probe::{KeyedQueues, Newest, Oldest, Places, Store, Timed as Clocked};
pub(crate) use scatter::Scatter;
pub(crate) use tokio_broadcast::Batched as TokioBroadcast;
pub(crate) use ways::{ByKey, DropOldest, Everything, Set, Timed, Typed, Way};

/// The bus as it is read in batches, by subscribers to one type.
pub(crate) type BusInBatches<E> = Batched<Typed<E>>;

/// A contestant's name, side and note, and the things it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<R> {
    pub(crate) name: &'static str,
    side: Side,
    note: &'static str,
    pub(crate) runs: R,
}

/// What is done so many times.
pub(crate) type Run = fn(u64) -> Sample;

/// What a queue does: in and out; into a full one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueRuns {
    pub(crate) cycle: Run,
    pub(crate) full: Option<Run>,
}

/// What a transport between tasks does: from so many to so many; one event now and then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskRuns {
    pub(crate) fan_out: fn(u64, usize, u64) -> Sample,
    pub(crate) latency: Option<Run>,
}

/// What a transport between threads does: to so many; one event now and then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadRuns {
    pub(crate) fan_out: fn(usize, u64) -> Sample,
    pub(crate) latency: Option<Run>,
}

impl<R: Copy + 'static> Entry<R> {
    /// The contestant that does what `call` makes of its runs.
    pub(crate) fn contestant(self, call: impl Fn(R, u64) -> Sample + 'static) -> Contestant {
        let Self { name, side, note, runs } = self;
        Contestant {
            name: name.into(),
            side,
            note,
            run: Box::new(move |events| call(runs, events)),
        }
    }
}

impl Entry<QueueRuns> {
    /// The contestant that publishes and receives.
    pub(crate) fn cycle(self) -> Contestant {
        self.contestant(|runs, events| (runs.cycle)(events))
    }
}

impl Entry<TaskRuns> {
    /// The contestant that publishes from so many tasks to so many.
    pub(crate) fn fan_out(self, publishers: u64, subscribers: usize) -> Contestant {
        self.contestant(move |runs, events| (runs.fan_out)(publishers, subscribers, events))
    }
}

/// Everybody who works on one thread.
pub(crate) fn queues<M: Message>() -> Vec<Entry<QueueRuns>> {
    vec![
        queue::<M, array_queue::Boxed<M>>(),
        queue::<M, array_queue::ByValue<M>>(),
        overwriting::<M, tokio_broadcast::OneThread<M>>(),
        queue::<M, async_broadcast::OneThread<M>>(),
        queue::<M, Ends<TokioMpsc, M>>(),
        queue::<M, Ends<Flume, M>>(),
        queue::<M, Ends<AsyncChannel, M>>(),
        queue::<M, Ends<Kanal, M>>(),
        queue::<M, Ends<Crossbeam, M>>(),
        queue::<M, Ends<StdMpsc, M>>(),
    ]
}

/// Every peer that works between tasks.
pub(crate) fn tasks<M: Message>() -> Vec<Entry<TaskRuns>> {
    vec![
        task::<M, tokio_broadcast::OneByOne>(),
        task::<M, tokio_broadcast::Batched>(),
        task::<M, async_broadcast::AsyncBroadcast>(),
        task::<M, Each<TokioMpsc>>(),
        task::<M, Each<Flume>>(),
        task::<M, Each<AsyncChannel>>(),
        task::<M, Each<Kanal>>(),
        kameo::tasks::<M>(),
    ]
}

/// Every peer that works between threads.
pub(crate) fn threads<M: Message>() -> Vec<Entry<ThreadRuns>> {
    vec![
        thread::<M, tokio_broadcast::Batched>(),
        thread::<M, async_broadcast::AsyncBroadcast>(),
        thread::<M, Each<TokioMpsc>>(),
        thread::<M, Each<Flume>>(),
        thread::<M, Each<AsyncChannel>>(),
        thread::<M, Each<Kanal>>(),
        thread::<M, Each<Crossbeam>>(),
        thread::<M, Each<StdMpsc>>(),
        disruptor::threads::<M>(),
    ]
}

/// The peers that broadcast by themselves, on one thread.
pub(crate) fn broadcast_queues<M: Message>() -> Vec<Entry<QueueRuns>> {
    vec![
        overwriting::<M, tokio_broadcast::OneThread<M>>(),
        queue::<M, async_broadcast::OneThread<M>>(),
    ]
}

/// The peers that broadcast by themselves, between tasks.
pub(crate) fn broadcast_tasks<M: Message>() -> Vec<Entry<TaskRuns>> {
    vec![
        task::<M, tokio_broadcast::OneByOne>(),
        task::<M, tokio_broadcast::Batched>(),
        task::<M, async_broadcast::AsyncBroadcast>(),
    ]
}

/// The bus on one thread.
pub(crate) fn our_queues<W: Way>() -> Vec<Entry<QueueRuns>> {
    vec![queue::<_, OneThread<W>>(), queue::<_, OneThreadBatched<W>>()]
}

/// The bus between tasks.
pub(crate) fn our_tasks<W: Way>() -> Vec<Entry<TaskRuns>> {
    vec![task::<_, OneByOne<W>>(), task::<_, Batched<W>>()]
}

/// The limit probe on one thread.
pub(crate) fn probe_queues<S: Store>() -> Vec<Entry<QueueRuns>> {
    vec![queue::<_, probe::OneThread<S>>()]
}

/// The limit probe between tasks.
pub(crate) fn probe_tasks<S: Store>() -> Vec<Entry<TaskRuns>> {
    vec![task::<_, probe::Probe<S>>()]
}

/// The bus between threads.
pub(crate) fn our_threads<W: Way>() -> Vec<Entry<ThreadRuns>> {
    vec![thread::<_, OneByOne<W>>(), thread::<_, Batched<W>>()]
}

fn queue<M: Message, Q: Queue<M>>() -> Entry<QueueRuns> {
    let runs = QueueRuns { cycle: harness::cycle::<M, Q>, full: Some(harness::full::<M, Q>) };
    Entry { name: Q::NAME, side: Q::SIDE, note: Q::NOTE, runs }
}

/// A queue that is never full, since it gives up its oldest event.
fn overwriting<M: Message, Q: Queue<M>>() -> Entry<QueueRuns> {
    let runs = QueueRuns { cycle: harness::cycle::<M, Q>, full: None };
    Entry { runs, ..queue::<M, Q>() }
}

fn task<M: Message, T: TaskTransport<M>>() -> Entry<TaskRuns> {
    let latency: Run = harness::task_latency::<M, T>;
    let runs = TaskRuns { fan_out: harness::tasks::<M, T>, latency: Some(latency) };
    Entry { name: T::NAME, side: T::SIDE, note: T::NOTE, runs }
}

fn thread<M: Message, T: ThreadTransport<M>>() -> Entry<ThreadRuns> {
    let latency: Run = harness::thread_latency::<M, T>;
    let runs = ThreadRuns { fan_out: harness::threads::<M, T>, latency: Some(latency) };
    Entry { name: T::NAME, side: T::SIDE, note: T::NOTE, runs }
}
