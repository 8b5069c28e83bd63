//! Exporting events: a task per type takes events from the bus and encodes them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callboard::{Event, Priority, Published, Received, Subscription, TryRecvError};
use serde::Serialize;
use tokio::sync::watch;

use super::outbox::{Offline, Outbox, Outgoing};
use crate::guard::fenced;
use crate::shared::Shared;
use crate::snapshot::{LinkDrop, LinkState};

/// While there is no server, a type's task polls for events at this interval instead of waiting for
/// them. A publisher then has no task to wake, which would cost it several microseconds.
const AWAY: Duration = Duration::from_millis(10);

/// The maximum size of a packet's header.
const HEADER: usize = 128;

/// How events of a type are exported. Pass it to
/// [`LinkBuilder::export_with`](crate::LinkBuilder::export_with).
pub struct Export<E> {
    pub(crate) version: u32,
    pub(crate) priority: Priority,
    pub(crate) offline: Offline,
    pub(crate) key: Option<Key<E>>,
}

pub(crate) type Key<E> = Box<dyn Fn(&E) -> String + Send + Sync>;

impl<E: Event> Export<E> {
    /// Version 1, normal priority, kept while there is no connection.
    #[must_use]
    pub fn new() -> Self {
        Self { version: 1, priority: Priority::Normal, offline: Offline::Keep, key: None }
    }

    /// The version of the type's fields, sent to the nodes that import it. Default: 1. Added or
    /// removed fields need no new version, as long as serde accepts their absence; for other
    /// changes see [`Import::migrate`](crate::Import::migrate).
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Which of the three rings the events wait in: a more urgent ring is sent first. Default:
    /// normal. Events of one type stay in order, regardless of their priority on the bus.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Drops events while there is no connection. Default: they are kept, up to the limits of the
    /// ring.
    #[must_use]
    pub fn drop_while_offline(mut self) -> Self {
        self.offline = Offline::Drop;
        self
    }

    /// Keeps the latest event of each key while there is no connection. Default: all are kept, up
    /// to the limits of the ring.
    #[must_use]
    pub fn keep_latest(mut self, key: impl Fn(&E) -> String + Send + Sync + 'static) -> Self {
        self.offline = Offline::KeepLatest;
        self.key = Some(Box::new(key));
        self
    }
}

impl<E: Event> Default for Export<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Export<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("version", &self.version)
            .field("priority", &self.priority)
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

/// The events of a type that this link has published on its own bus, so that they are not exported
/// again.
#[derive(Debug, Default)]
pub(crate) struct Echoes(Mutex<VecDeque<u64>>);

impl Echoes {
    /// Publishes an event, and stores its number before it can be looked up.
    pub(crate) fn publish(&self, publish: impl FnOnce() -> Published) -> Published {
        let mut echoes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let published = publish();
        echoes.extend(published.sequence());
        published
    }

    /// Whether the event with this number is an echo, and how many earlier echoes were lost.
    pub(crate) fn take(&self, number: u64) -> (bool, u64) {
        let mut echoes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lost = 0;
        while echoes.front().is_some_and(|echo| *echo < number) {
            echoes.pop_front();
            lost += 1;
        }
        let echo = echoes.front() == Some(&number);
        if echo {
            echoes.pop_front();
        }
        (echo, lost)
    }
}

/// The state of a pump.
pub(crate) struct Pump<E: Event> {
    pub(crate) inbox: Subscription<E>,
    /// The destination of the events, and the number of their type there.
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) of: usize,
    pub(crate) export: Export<E>,
    /// The echoes of the type's import, if it is imported too.
    pub(crate) echoes: Option<Arc<Echoes>>,
    /// True once the link ends; queued events are still taken.
    pub(crate) ending: watch::Receiver<bool>,
}

/// Takes events until the bus is closed, or the link ends.
pub(crate) async fn pump<E: Event + Serialize>(pump: Pump<E>, shared: Arc<Shared>) {
    let Pump { mut inbox, outbox, of, export, echoes, mut ending } = pump;
    let lane = match export.priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    };
    loop {
        let away = matches!(shared.state(), LinkState::Stalled | LinkState::Disconnected);
        let batch = if !away {
            tokio::select! {
                biased;
                batch = inbox.recv_batch() => batch,
                _ = ending.wait_for(|ending| *ending) => inbox.try_recv_batch().ok(),
            }
        } else {
            let ends = tokio::time::timeout(AWAY, ending.wait_for(|ending| *ending)).await.is_ok();
            match inbox.try_recv_batch() {
                Err(TryRecvError::Empty) if !ends => continue,
                batch => batch.ok(),
            }
        };
        let Some(batch) = batch else { return };
        for event in batch {
            let mut missed = event.missed();
            if let Some(echoes) = &echoes {
                let (echo, lost) = echoes.take(event.sequence());
                missed = missed.saturating_sub(lost);
                if echo {
                    outbox.lost(of, LinkDrop::Behind, missed);
                    continue;
                }
            }
            if missed > 0 {
                outbox.lost(of, LinkDrop::Behind, missed);
            }
            let mut body = Vec::with_capacity(64);
            if let Err(problem) = shared.codec.encode::<E>(&event, &mut body) {
                outbox.lost(of, LinkDrop::Encode, 1);
                shared.problem(format!("`{}` can't be written: {problem}", E::TYPE));
                continue;
            }
            let (size, most) = (body.len(), shared.client.max_payload());
            if most > 0 && size + HEADER > most {
                outbox.lost(of, LinkDrop::TooLarge, 1);
                let name = E::TYPE;
                shared.problem(format!(
                    "an event `{name}` of {size} bytes is too large: the server allows {most} with its header"
                ));
                continue;
            }
            let metadata = shared.propagation.inject(|| event.span());
            // If the key function panics, the event has no key, and no other event replaces it.
            let key = |key: &Key<E>| fenced(|| Ok(key(&event).into())).ok();
            let key = export.key.as_ref().and_then(key);
            outbox.add(of, lane, Outgoing { metadata, body: body.into(), key });
        }
    }
}
