//! Who leads: whoever holds a key in a bucket of JetStream that forgets it after a few seconds.
//!
//! Creating the key is winning, its revision is the term. The leader renews the key, each time
//! expecting the revision it wrote last. It gives up well before the bucket would forget the key,
//! so that there are never two leaders, even if it was stopped meanwhile or has no connection.

use std::time::Duration;

use async_nats::jetstream::kv::{Config, CreateErrorKind, Store, UpdateErrorKind};
use async_nats::jetstream::stream::StorageType;
use async_nats::jetstream::{self, Context};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

const BUCKET: &str = "ingress";
const KEY: &str = "leader";

/// How long the bucket remembers the key.
const TTL: Duration = Duration::from_secs(3);
/// How long a leader leads after it last asked to renew the key with success.
const LEASE: Duration = Duration::from_secs(2);
/// How often a leader renews, and the others try.
const ROUND: Duration = Duration::from_millis(400);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(1);

/// What this replica takes part with.
pub(super) struct Election {
    context: Context,
    store: Store,
    node: String,
    held: Option<Held>,
}

/// The key, held by this replica.
struct Held {
    term: u64,
    revision: u64,
    until: Instant,
}

impl Election {
    /// Connects, and makes the bucket if there is none.
    pub(super) async fn join(url: &str, node: &str) -> Result<Self, String> {
        let client = async_nats::connect(url).await;
        let client = client.map_err(|error| format!("cannot connect to {url}: {error}"))?;
        let context = jetstream::new(client);
        let store = bucket(&context).await.map_err(|error| {
            format!("cannot elect a leader, {url} gives no key-value bucket: {error}")
        })?;
        Ok(Self { context, store, node: node.to_owned(), held: None })
    }

    /// Takes part, and tells the term while this replica leads, until nobody listens any more. Then
    /// another one may lead at once.
    pub(super) async fn run(mut self, leading: watch::Sender<Option<u64>>) {
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let open = tokio::select! {
                open = self.round(&mut rounds) => open,
                () = leading.closed() => break,
            };
            if !open {
                self.held = None;
            }
            let term = self.held.as_ref().map(|held| held.term);
            leading.send_if_modified(|last| std::mem::replace(last, term) != term);
        }
        if let Some(held) = self.held {
            let release = self.store.delete_expect_revision(KEY, Some(held.revision));
            // If it fails, the bucket forgets the key.
            let _ = timeout(ANSWER, release).await;
        }
    }

    /// Tries once. False means that this replica must not lead.
    async fn round(&mut self, rounds: &mut tokio::time::Interval) -> bool {
        let Some(held) = &mut self.held else {
            rounds.tick().await;
            let asked = Instant::now();
            let create = self.store.create(KEY, self.node.clone().into());
            match timeout(ANSWER, create).await {
                Ok(Ok(revision)) => {
                    self.held = Some(Held { term: revision, revision, until: asked + LEASE });
                }
                Ok(Err(error)) if error.kind() != CreateErrorKind::AlreadyExists => {
                    // The bucket may be gone.
                    if let Ok(Ok(store)) = timeout(ANSWER, bucket(&self.context)).await {
                        self.store = store;
                    }
                }
                Ok(Err(_)) | Err(_) => {}
            }
            return self.held.is_some();
        };
        let renew = async {
            rounds.tick().await;
            let asked = Instant::now();
            let value = self.node.clone().into();
            (asked, self.store.update(KEY, value, held.revision).await)
        };
        match timeout_at(held.until, renew).await {
            Ok((asked, Ok(revision))) => {
                (held.revision, held.until) = (revision, asked + LEASE);
                true
            }
            // Anything else may pass, and there is time left.
            Ok((_, Err(error))) => error.kind() != UpdateErrorKind::WrongLastRevision,
            Err(_) => false,
        }
    }
}

async fn bucket(context: &Context) -> Result<Store, jetstream::context::CreateKeyValueError> {
    let config = Config {
        bucket: BUCKET.to_owned(),
        history: 1,
        max_age: TTL,
        // Terms go on where they were when the server restarts.
        storage: StorageType::File,
        ..Config::default()
    };
    context.create_key_value(config).await
}
