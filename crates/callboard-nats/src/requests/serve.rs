//! Answering the requests of other nodes: each is repeated on this bus.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callboard::{Delivery, Request, RequestError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::AbortHandle;
use tracing::Instrument;

use super::chains::crossing;
use crate::shared::Shared;
use crate::wire::{self, Ask, Codec, Directed, Part, Reply};

/// How many requests of other nodes may be open at once, and how many bytes they may use.
const MOST_OPEN: usize = 10_000;
const MOST_BYTES: usize = 64 << 20;

/// The reply is sent this long before the asker's timeout, so that it arrives in time with the
/// outcomes so far; or a tenth of the timeout before, if that is shorter.
const MARGIN: Duration = Duration::from_millis(20);

/// A request of another node: its name, its incarnation and the request's number.
type Key = (String, u64, u64);

/// The requests of other nodes that are open here.
#[derive(Debug, Default)]
pub(crate) struct Serving(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    requests: HashMap<Key, Asked>,
    bytes: usize,
}

/// A request of another node.
#[derive(Debug)]
struct Asked {
    bytes: usize,
    /// The responders that it asks, and the other node's handlers that wait for it.
    names: Vec<String>,
    askers: Vec<String>,
    task: Option<AbortHandle>,
}

/// Whether a request is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admitted {
    Yes,
    /// It is already open.
    Again,
    Full,
}

impl Serving {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, key: &Key, ask: &Ask) -> Admitted {
        let bytes = ask.body.len();
        let mut open = self.open();
        if open.requests.contains_key(key) {
            return Admitted::Again;
        }
        if open.requests.len() >= MOST_OPEN || open.bytes + bytes > MOST_BYTES {
            return Admitted::Full;
        }
        open.bytes += bytes;
        let (names, askers) = (ask.names.clone(), ask.askers.clone());
        open.requests.insert(key.clone(), Asked { bytes, names, askers, task: None });
        Admitted::Yes
    }

    fn runs(&self, key: &Key, task: AbortHandle) {
        if let Some(asked) = self.open().requests.get_mut(key) {
            asked.task = Some(task);
        }
    }

    fn end(&self, key: &Key) -> Option<AbortHandle> {
        let mut open = self.open();
        let asked = open.requests.remove(key)?;
        open.bytes -= asked.bytes;
        asked.task
    }

    /// The cycle that a request to this node, of these handlers to these responders, may close with
    /// one received from it.
    pub(crate) fn crossing(
        &self,
        node: &str,
        askers: &[String],
        names: &[String],
    ) -> Option<String> {
        if askers.is_empty() {
            return None;
        }
        let open = self.open();
        let of_node = open.requests.iter().filter(|(key, _)| key.0 == node);
        of_node
            .into_iter()
            .find_map(|(_, asked)| crossing(node, (askers, names), (&asked.askers, &asked.names)))
    }

    /// Withdraws a request that no asker waits for any more.
    pub(crate) fn withdraw(&self, node: &str, incarnation: u64, id: u64) {
        let task = self.end(&(node.to_owned(), incarnation, id));
        task.into_iter().for_each(|task| task.abort());
    }

    /// Removes the requests of a node that is gone.
    pub(crate) fn gone(&self, node: &str) {
        let keys: Vec<Key> =
            self.open().requests.keys().filter(|key| key.0 == node).cloned().collect();
        keys.iter().filter_map(|key| self.end(key)).for_each(|task| task.abort());
    }
}

/// A request type that this node's responders answer for others.
pub(crate) trait Served: Send + Sync {
    /// Makes the request on this bus, and replies with its outcomes.
    fn serve(&self, node: &str, ask: Ask, shared: &Arc<Shared>);
}

/// [`Served`] for a request type.
pub(crate) struct Serve<Q>(PhantomData<fn() -> Q>);

impl<Q> Serve<Q> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<Q> fmt::Debug for Serve<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Serve")
    }
}

impl<Q> Served for Serve<Q>
where
    Q: Request + DeserializeOwned,
    Q::Response: Serialize,
{
    fn serve(&self, node: &str, mut ask: Ask, shared: &Arc<Shared>) {
        let key = (node.to_owned(), ask.incarnation, ask.id);
        let reply = Replying {
            shared: Arc::clone(shared),
            node: node.to_owned(),
            incarnation: ask.incarnation,
            id: ask.id,
            request_type: Q::TYPE,
        };
        let read = Codec::of(ask.codec).ok_or_else(|| format!("codec {} is unknown", ask.codec));
        let request = match read.and_then(|codec| codec.decode::<Q>(&ask.body)) {
            Ok(request) => request,
            Err(problem) => {
                shared.problem(format!("`{}` of node `{node}` can't be read: {problem}", Q::TYPE));
                let reason = format!("node `{}` can't read it: {problem}", shared.subjects.node());
                return reply.all(&ask.names, &Part::Declined(reason));
            }
        };
        match shared.serving.admit(&key, &ask) {
            Admitted::Yes => shared.chains.cross(node, &ask.names, &ask.askers),
            Admitted::Again => return,
            Admitted::Full => return reply.all(&ask.names, &Part::QueueFull),
        }
        ask.names.truncate(MOST_OPEN);
        let span = shared.propagation.extract(&ask.metadata);
        let task = tokio::spawn(
            async move {
                gather(request, ask, &reply).await;
                reply.shared.serving.end(&(reply.node, reply.incarnation, reply.id));
            }
            .instrument(span),
        );
        shared.serving.runs(&key, task.abort_handle());
    }
}

/// Removes the record of a chain, however its request ends.
struct Came<'a> {
    shared: &'a Shared,
    name: String,
}

impl Drop for Came<'_> {
    fn drop(&mut self) {
        self.shared.chains.go(&self.name);
    }
}

async fn gather<Q>(request: Q, ask: Ask, reply: &Replying)
where
    Q: Request,
    Q::Response: Serialize,
{
    let shared = &reply.shared;
    let Some(bus) = shared.bus.upgrade() else {
        return reply.all(&ask.names, &Part::Gone);
    };
    // Asked on behalf of the nearest request of this node that waits for it.
    let own = |hop: &&wire::Hop| {
        hop.node == shared.subjects.node() && hop.incarnation == shared.incarnation
    };
    let context =
        ask.chain.iter().filter(own).find_map(|hop| shared.chains.context(hop.id, &ask.askers));
    let name = format!("{}/{}", shared.name, shared.chains.number());
    shared.chains.come(&name, ask.chain);
    let came = Came { shared, name };
    let builder = match context {
        Some(context) => context.request(request, &came.name),
        None => bus.request(request).asker(&came.name),
    };
    drop(bus);
    let timeout = ask.budget.map_or(Duration::MAX, |budget| {
        let budget = Duration::from_millis(budget);
        budget.saturating_sub(MARGIN.min(budget / 10))
    });
    let answers = reply.clone();
    let mut sent: Vec<Arc<str>> = Vec::new();
    let gathering = builder.expect(&ask.names).timeout(timeout).until(move |so_far| {
        for (name, answer) in so_far {
            if !sent.contains(name) {
                sent.push(Arc::clone(name));
                answers.answer::<Q>(name, answer);
            }
        }
        false
    });
    match gathering.gather().await {
        Ok(gathered) => {
            let missing = gathered.missing();
            let parts: Vec<_> =
                missing.map(|(name, outcome)| (name.to_owned(), Part::of(&outcome))).collect();
            if !parts.is_empty() {
                reply.send(parts);
            }
        }
        Err(RequestError::Cycle { chain }) => {
            let reason = format!("it waits for its own answer: {}", chain.join(" → "));
            reply.all(&ask.names, &Part::Declined(reason));
        }
        Err(RequestError::Closed) => reply.all(&ask.names, &Part::Gone),
        Err(error) => reply.all(&ask.names, &Part::Declined(error.to_string())),
    }
}

/// Where the answers to a request go.
#[derive(Clone)]
struct Replying {
    shared: Arc<Shared>,
    node: String,
    incarnation: u64,
    id: u64,
    request_type: &'static str,
}

impl Replying {
    fn answer<Q>(&self, name: &str, answer: &Delivery<Q::Response>)
    where
        Q: Request,
        Q::Response: Serialize,
    {
        let codec = self.shared.codec;
        let mut body = Vec::with_capacity(64);
        let written = codec.encode::<Q::Response>(answer, &mut body);
        let most = self.shared.client.max_payload().saturating_sub(4_096);
        let part = match written {
            Ok(()) if most > 0 && body.len() > most => {
                Err(format!("its answer takes {} bytes, the server allows {most}", body.len()))
            }
            Ok(()) => Ok(Part::Answer { codec: codec.number(), body: body.into() }),
            Err(problem) => Err(format!("its answer can't be written: {problem}")),
        };
        let part = part.unwrap_or_else(|reason| {
            self.shared.problem(format!("`{name}` answered `{}`: {reason}", Q::TYPE));
            Part::Declined(reason)
        });
        self.send(vec![(name.to_owned(), part)]);
    }

    fn all(&self, names: &[String], part: &Part) {
        self.send(names.iter().map(|name| (name.clone(), part.clone())).collect());
    }

    fn send(&self, parts: Vec<(String, Part)>) {
        let Self { shared, node, incarnation, id, request_type } = self;
        let (incarnation, id, request_type) = (*incarnation, *id, (*request_type).to_owned());
        let reply = Directed::Reply(Reply { incarnation, id, request_type, parts });
        let subject = shared.subjects.directed(node).into();
        if !shared.send(subject, wire::write(&reply)) {
            shared.problem(format!("an answer to node `{node}` could not be sent"));
        }
    }
}
