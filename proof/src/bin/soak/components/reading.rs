//! The loops of readers, for any subscription.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use callboard::{Batch, EventSet, RecvTimeoutError, Subscription, TryRecvError};

use super::Rest;
use super::reader::{Goes, Manner, Reading, STALL};
use crate::events::Item;

type Reads = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A subscription of any sort.
pub(crate) trait Readable: Send {
    fn read_by_thread(self: Box<Self>, reading: Reading);
    fn read_by_task(self: Box<Self>, reading: Reading) -> Reads;
}

impl<S> Readable for Subscription<S>
where
    S: EventSet,
    S::Item: Item,
    for<'a> S::Ref<'a>: Item,
{
    fn read_by_thread(self: Box<Self>, reading: Reading) {
        by_thread(*self, reading);
    }

    fn read_by_task(self: Box<Self>, reading: Reading) -> Reads {
        if reading.manner == Manner::Serve {
            Box::pin(serve(*self, reading))
        } else {
            Box::pin(by_task(*self, reading))
        }
    }
}

/// What came of one attempt to receive.
enum Got<I> {
    Item(I),
    /// Nothing, or what was there is done with.
    Nothing,
    Closed,
}

impl<I> Got<I> {
    fn of(item: Option<I>) -> Self {
        item.map_or(Self::Closed, Self::Item)
    }
}

fn by_thread<S>(mut subscription: Subscription<S>, mut reading: Reading)
where
    S: EventSet,
    S::Item: Item,
    for<'a> S::Ref<'a>: Item,
{
    loop {
        match reading.goes_on() {
            Goes::On => {}
            Goes::Home => return reading.end(subscription.ledger(), None),
            Goes::Nowhere => {
                std::thread::sleep(STALL);
                continue;
            }
        }
        let looks = reading.looks_first();
        let got = match reading.manner {
            _ if looks && let Ok(item) = subscription.try_recv() => Got::Item(item),
            Manner::Timeout => {
                let time = Duration::from_micros(reading.random.below(5_000) as u64);
                match subscription.recv_timeout(time) {
                    Ok(item) => Got::Item(item),
                    Err(RecvTimeoutError::Timeout) => Got::Nothing,
                    Err(RecvTimeoutError::Closed) => Got::Closed,
                }
            }
            Manner::BlockBatch => match subscription.blocking_recv_batch() {
                Some(batch) => {
                    some_of(batch, &mut reading);
                    Got::Nothing
                }
                None => Got::Closed,
            },
            Manner::Try => match subscription.try_recv() {
                Ok(item) => Got::Item(item),
                Err(TryRecvError::Empty) => {
                    std::thread::sleep(Duration::from_micros(200));
                    Got::Nothing
                }
                Err(TryRecvError::Closed) => Got::Closed,
            },
            _ => Got::of(subscription.blocking_recv()),
        };
        match got {
            Got::Item(item) => reading.take(item),
            Got::Nothing => {}
            Got::Closed => {
                return reading.end(subscription.ledger(), Some(subscription.pending_missed()));
            }
        }
        reading.rest().into_iter().for_each(Rest::of_thread);
    }
}

async fn by_task<S>(mut subscription: Subscription<S>, mut reading: Reading)
where
    S: EventSet,
    S::Item: Item,
    for<'a> S::Ref<'a>: Item,
{
    let mut many = Vec::new();
    loop {
        match reading.goes_on() {
            Goes::On => {}
            Goes::Home => return reading.end(subscription.ledger(), None),
            Goes::Nowhere => {
                tokio::time::sleep(STALL).await;
                continue;
            }
        }
        let looks = reading.looks_first();
        let got = match reading.manner {
            _ if looks && let Ok(item) = subscription.try_recv() => Got::Item(item),
            Manner::Cancel => {
                let time = Duration::from_micros(reading.random.below(1_500) as u64);
                tokio::select! {
                    biased;
                    item = subscription.recv() => Got::of(item),
                    () = tokio::time::sleep(time) => Got::Nothing,
                }
            }
            Manner::Many => {
                let limit = reading.random.between(1, 50);
                let received = subscription.recv_many(&mut many, limit).await;
                many.drain(..).for_each(|item| reading.take(item));
                if received == 0 { Got::Closed } else { Got::Nothing }
            }
            Manner::Batch => match subscription.recv_batch().await {
                Some(batch) => {
                    some_of(batch, &mut reading);
                    Got::Nothing
                }
                None => Got::Closed,
            },
            _ => Got::of(subscription.recv().await),
        };
        match got {
            Got::Item(item) => reading.take(item),
            Got::Nothing => {}
            Got::Closed => {
                return reading.end(subscription.ledger(), Some(subscription.pending_missed()));
            }
        }
        if let Some(rest) = reading.rest() {
            rest.of_task().await;
        }
    }
}

/// Takes a batch, or its beginning.
fn some_of<S>(batch: Batch<'_, S>, reading: &mut Reading)
where
    S: EventSet,
    for<'a> S::Ref<'a>: Item,
{
    let most = if reading.random.one_in(4) { reading.random.below(8) } else { usize::MAX };
    for item in batch.take(most) {
        reading.see(&item);
    }
}

/// Has a handler run for each event. It panics now and then.
async fn serve<S>(subscription: Subscription<S>, mut reading: Reading)
where
    S: EventSet,
    S::Item: Item,
{
    subscription
        .serve(move |item| {
            reading.take(item);
            let panics = reading.random.one_in(2_000);
            let (rest, part) = (reading.rest(), std::sync::Arc::clone(&reading.part));
            async move {
                if panics {
                    super::die();
                }
                while part.is_stalled() {
                    tokio::time::sleep(STALL).await;
                }
                if let Some(rest) = rest {
                    rest.of_task().await;
                }
            }
        })
        .await;
}
