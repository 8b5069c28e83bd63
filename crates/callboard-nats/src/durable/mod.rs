//! Durable lanes: JetStream stores events of chosen types until they are taken.
//!
//! ```text
//!   pump ──► outbox ──► one message at a time ──(stored)──► the next
//!
//!   stream ──► consumer ──► room? ──► publish ──► taken by every subscriber? ──► acknowledged
//! ```
//!
//! Delivery is at least once: unacknowledged messages are delivered again, even after a crash.
//! Events that this process has already published are dropped by their number. Only one message is
//! in flight, which keeps the order; it carries all waiting events, so this costs little.

mod export;
mod import;
mod taken;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, consumer::DeliverPolicy};

use crate::error::Error;
use crate::outbound::{Limits, Offline, Outbox};
use crate::shared::Shared;
use crate::snapshot::{DurableSnapshot, ExportSnapshot};

pub(crate) use export::store;
pub(crate) use import::{Consuming, consume};

/// Where a new durable consumer begins. An existing one continues where it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// With the first event that is stored.
    #[default]
    First,
    /// With the next event that is stored.
    Next,
    /// With the message of this number in the stream.
    Sequence(u64),
}

impl Position {
    fn policy(self) -> DeliverPolicy {
        match self {
            Self::First => DeliverPolicy::All,
            Self::Next => DeliverPolicy::New,
            Self::Sequence(start_sequence) => DeliverPolicy::ByStartSequence { start_sequence },
        }
    }
}

/// While there is no connection, the events of a durable lane wait.
pub(crate) const KEEP: Offline = Offline::Keep;

/// How long to wait after the stream could not be created.
const RETRY: Duration = Duration::from_millis(250);

/// The size from which on a packet of a durable lane takes no more events.
const PACKET: usize = 32 * 1024;

/// An outbox whose events wait without a time limit.
pub(crate) fn outbox(bytes: usize, shared: &Shared) -> Outbox {
    let limits = Limits { bytes, lifetime: Duration::from_secs(u32::MAX.into()), packet: PACKET };
    Outbox::new(limits, shared.codec, shared.incarnation)
}

/// The lanes of a link.
#[derive(Default)]
pub(crate) struct Lanes {
    /// The storing lanes' outboxes.
    stores: Mutex<Vec<Arc<Outbox>>>,
    consumers: Mutex<BTreeMap<String, DurableSnapshot>>,
}

impl Lanes {
    fn consumers(&self) -> MutexGuard<'_, BTreeMap<String, DurableSnapshot>> {
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, consumer: &str, change: impl FnOnce(&mut DurableSnapshot)) {
        if let Some(account) = self.consumers().get_mut(consumer) {
            change(account);
        }
    }

    pub(crate) fn declare(&self, consumer: &str, event_type: &str) {
        let account = DurableSnapshot {
            event_type: event_type.to_owned(),
            consumer: consumer.to_owned(),
            delivered: 0,
            duplicates: 0,
            undecodable: 0,
            waits_for: None,
        };
        self.consumers().insert(consumer.to_owned(), account);
    }

    pub(crate) fn accounts(&self) -> Vec<DurableSnapshot> {
        self.consumers().values().cloned().collect()
    }

    pub(crate) fn add(&self, outbox: Arc<Outbox>) {
        self.stores().push(outbox);
    }

    fn stores(&self) -> MutexGuard<'_, Vec<Arc<Outbox>>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The accounts of the storing lanes.
    pub(crate) fn exports(&self) -> Vec<ExportSnapshot> {
        self.stores().iter().flat_map(|outbox| outbox.accounts()).collect()
    }

    /// Events and bytes that wait to be sent, and that wait to be confirmed.
    pub(crate) fn waiting(&self) -> [(u64, usize); 2] {
        let stores = self.stores();
        let waiting = stores.iter().map(|outbox| outbox.waiting());
        waiting.fold([(0, 0); 2], |sum, more| {
            [0, 1].map(|place| (sum[place].0 + more[place].0, sum[place].1 + more[place].1))
        })
    }

    /// Whether everything has been stored.
    pub(crate) fn is_stored(&self) -> bool {
        self.stores().iter().all(|outbox| outbox.is_empty())
    }
}

/// The namespace's stream, as this link creates it if there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) replicas: usize,
    /// Whether there may be no server yet.
    pub(crate) retry: bool,
}

impl Stored {
    /// Creates the stream, unless there may be no server yet.
    ///
    /// # Errors
    /// If the server refuses, or has no JetStream.
    pub(crate) async fn at_once(self, shared: &Shared) -> Result<(), Error> {
        if self.retry { Ok(()) } else { self.stream(shared).await.map(drop) }
    }

    /// Creates the stream, retrying until it succeeds.
    pub(crate) async fn in_time(self, shared: &Shared) -> jetstream::stream::Stream {
        loop {
            match self.stream(shared).await {
                Ok(stream) => return stream,
                Err(error) => shared.problem(error.to_string()),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn stream(self, shared: &Shared) -> Result<jetstream::stream::Stream, Error> {
        let config = Config {
            name: shared.subjects.stream(),
            subjects: vec![shared.subjects.every_durable()],
            num_replicas: self.replicas,
            ..Config::default()
        };
        let name = config.name.clone();
        let context = jetstream::new(shared.client.clone());
        let stream = context.get_or_create_stream(config).await;
        stream.map_err(|source| Error::stream(name, source))
    }
}
