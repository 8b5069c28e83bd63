//! Publishers and subscribers as tasks of a runtime with two workers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};

use super::TaskTransport;
use crate::events::Message;
use crate::flow::{Flow, Gate, Tally, Ticket};
use crate::row::Sample;

/// The runtime of every row that has tasks.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().expect("a runtime with two workers starts")
    })
}

/// Whether there is one more subscriber, who never reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stalled {
    Absent,
    /// Only with a transport that does not wait for it.
    Present,
}

/// Publishes `events` events in all, and has every subscriber receive each.
///
/// Measured from the publishers' beginning to the last subscriber's last event. Everybody is
/// subscribed and waiting by then.
pub(crate) fn tasks<M: Message, T: TaskTransport<M>>(
    publishers: u64,
    subscribers: usize,
    events: u64,
) -> Sample {
    tasks_beside::<M, T>(publishers, subscribers, Stalled::Absent, events)
}

/// [`tasks`], perhaps beside one who is stalled.
pub(crate) fn tasks_beside<M: Message, T: TaskTransport<M>>(
    publishers: u64,
    subscribers: usize,
    stalled: Stalled,
    events: u64,
) -> Sample {
    let each = events.div_ceil(publishers);
    let events = each * publishers;
    runtime().block_on(async {
        let all = subscribers + usize::from(stalled == Stalled::Present);
        let (publisher, mut receivers) = T::open(all);
        let _stalled = receivers.split_off(subscribers);
        let gate = Gate::new(super::CAPACITY, subscribers);
        let waiting = Arc::new(AtomicUsize::new(0));
        let readers: Vec<_> = receivers
            .into_iter()
            .enumerate()
            .map(|(index, subscriber)| {
                let reader = Reader::<M, T> { index, subscriber, gate: Arc::clone(&gate) };
                tokio::spawn(reader.run(events, Arc::clone(&waiting)))
            })
            .collect();
        // Ordering: Acquire pairs with the Release in `Reader::run`.
        while waiting.load(Ordering::Acquire) < subscribers {
            tokio::task::yield_now().await;
        }

        let begun = Instant::now();
        let writers: Vec<_> = (0..publishers)
            .map(|index| {
                let ticket = Ticket::new(Arc::clone(&gate));
                let values = index * each..(index + 1) * each;
                tokio::spawn(write::<M, T>(publisher.clone(), ticket, values))
            })
            .collect();
        let mut ended = begun;
        for reader in readers {
            let (tally, at) = reader.await.expect("a reader does not panic");
            tally.check(T::NAME, events);
            ended = ended.max(at);
        }
        for writer in writers {
            writer.await.expect("a writer does not panic");
        }
        Sample::per_event(ended - begun, events)
    })
}

async fn write<M: Message, T: TaskTransport<M>>(
    mut publisher: T::Publisher,
    mut ticket: Ticket,
    values: std::ops::Range<u64>,
) {
    for value in values {
        if T::FLOW == Flow::Gated {
            ticket.pass().await;
        }
        T::publish(&mut publisher, M::new(value)).await;
    }
}

struct Reader<M: Message, T: TaskTransport<M>> {
    index: usize,
    subscriber: T::Subscriber,
    gate: Arc<Gate>,
}

impl<M: Message, T: TaskTransport<M>> Reader<M, T> {
    async fn run(mut self, events: u64, waiting: Arc<AtomicUsize>) -> (Tally, Instant) {
        // Ordering: Release pairs with the Acquire in `tasks`.
        waiting.fetch_add(1, Ordering::Release);
        let mut tally = Tally::default();
        while tally.count < events {
            T::receive(&mut self.subscriber, &mut tally).await;
            if T::FLOW == Flow::Gated {
                self.gate.report(self.index, tally.count);
            }
        }
        (tally, Instant::now())
    }
}
