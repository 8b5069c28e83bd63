//! Durable lanes: events of chosen types are stored by JetStream, and stay until they were taken.
//!
//! ```text
//!   pump ──► outbox ──► one message at a time ──(stored)──► the next
//!
//!   stream ──► consumer ──► room? ──► publish ──► taken by every subscriber? ──► acknowledged
//! ```
//!
//! At least once: what was not acknowledged comes again, after a crash too. What this process has
//! published already is dropped by its number. A message carries as many events as waited, so that
//! one message at a time, which keeps the order, costs little.

mod export;
mod import;
mod taken;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, consumer::DeliverPolicy};

use crate::error::Error;
use crate::outbound::Outbox;
use crate::snapshot::DurableSnapshot;
use crate::subject::Subjects;

pub(crate) use export::store;
pub(crate) use import::{Consuming, consume};

/// Where a durable consumer begins when it is made. One that is there goes on where it was.
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

/// The lanes of a link.
#[derive(Default)]
pub(crate) struct Lanes {
    /// Those that store, each with an outbox of its own.
    pub(crate) stores: Mutex<Vec<Arc<Outbox>>>,
    consumers: Mutex<BTreeMap<String, DurableSnapshot>>,
}

impl Lanes {
    fn consumers(&self) -> MutexGuard<'_, BTreeMap<String, DurableSnapshot>> {
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, consumer: &str, change: impl FnOnce(&mut DurableSnapshot)) {
        self.consumers().get_mut(consumer).into_iter().for_each(change);
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

    /// Whether everything that is to be stored is.
    pub(crate) fn is_stored(&self) -> bool {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.iter().all(|outbox| outbox.is_empty())
    }
}

/// Makes the namespace's stream, unless there is one.
pub(crate) async fn stream(
    client: &async_nats::Client,
    subjects: &Subjects,
    replicas: usize,
) -> Result<jetstream::stream::Stream, Error> {
    let config = Config {
        name: subjects.stream(),
        subjects: vec![subjects.every_durable()],
        num_replicas: replicas,
        ..Config::default()
    };
    let name = config.name.clone();
    let stream = jetstream::new(client.clone()).get_or_create_stream(config).await;
    stream.map_err(|source| Error::stream(name, source))
}
