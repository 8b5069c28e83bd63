//! Putting a link together.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event as ClientEvent, Subject, Subscriber};
use bytes::Bytes;
use callboard::{Bus, Event, LinkStatus, Request};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::Span;

use crate::error::Error;
use crate::inbound::{Import, Receiver, Streams, Tail, receive};
use crate::link::{NatsLink, status};
use crate::node::{Incoming, Node, Times, listen_directed, listen_marks, listen_system};
use crate::outbound::{Echoes, Export, Limits, Outbox, Pump, pump, run_writer};
use crate::propagation::Propagation;
use crate::requests::{AskCommand, Asks, Serve, Served, Standins, ask};
use crate::shared::{CONTROL_CAPACITY, Parts, Shared};
use crate::subject::{Subjects, check_event_type};
use crate::wire::Codec;

/// How many messages of a subscription may wait for their task.
const SUBSCRIPTION_CAPACITY: usize = 4_096;

/// How many messages the client may hold that it has not written.
const CLIENT_CAPACITY: usize = 256;

/// The client asks the server for a sign of life this often, and gives up after the third time without
/// an answer.
const PING: Duration = Duration::from_millis(750);

/// How many events of a type may wait for their pump.
const PUMP_CAPACITY: usize = 65_536;

/// A packet takes no more events from this size on.
const PACKET: usize = 32 * 1024;

/// Puts a [`NatsLink`] together. Get one from [`NatsLink::builder`].
#[must_use = "a link is made only by `connect`"]
pub struct LinkBuilder {
    bus: Bus,
    url: String,
    namespace: String,
    node: Option<String>,
    codec: Codec,
    ring: usize,
    lifetime: Duration,
    beat: Duration,
    retry: bool,
    options: ConnectOptions,
    credentials: Option<String>,
    propagation: Propagation,
    exports: Vec<Exported>,
    imports: Vec<Imported>,
    asks: Vec<Asked>,
    serves: HashMap<&'static str, Box<dyn Served>>,
    twice: Option<(&'static str, &'static str)>,
}

type Task = BoxFuture<'static, ()>;

/// An exported type, and how its task begins.
struct Exported {
    event_type: &'static str,
    declare: Box<dyn FnOnce(&Outbox) -> Begin + Send>,
}

type Begin =
    Box<dyn FnOnce(&Bus, &Arc<Shared>, Option<Arc<Echoes>>, watch::Receiver<bool>) -> Task + Send>;

/// An imported type, and how its task begins.
struct Imported {
    event_type: &'static str,
    group: Option<String>,
    begin: Box<dyn FnOnce(Receiving) -> Task + Send>,
}

struct Receiving {
    shared: Arc<Shared>,
    messages: Subscriber,
    tails: mpsc::UnboundedReceiver<Tail>,
    streams: Arc<Streams>,
    echoes: Option<Arc<Echoes>>,
}

/// A request type that is asked, and how its task begins.
struct Asked {
    request_type: &'static str,
    begin: Box<dyn FnOnce(Arc<Shared>, mpsc::UnboundedReceiver<AskCommand>) -> Task + Send>,
}

impl LinkBuilder {
    pub(crate) fn new(bus: &Bus, url: String) -> Self {
        Self {
            bus: bus.clone(),
            url,
            namespace: "callboard".to_owned(),
            node: None,
            codec: Codec::default(),
            ring: 64 * 1024 * 1024,
            lifetime: Duration::from_secs(60),
            beat: Duration::from_millis(400),
            retry: false,
            options: ConnectOptions::new(),
            credentials: None,
            propagation: Propagation::default(),
            exports: Vec::new(),
            imports: Vec::new(),
            asks: Vec::new(),
            serves: HashMap::new(),
            twice: None,
        }
    }

    /// The namespace: links of one namespace hear each other. Default: `callboard`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The name of this node, which no other link of the namespace may have. Default: a random one.
    pub fn node(mut self, node: impl Into<String>) -> Self {
        self.node = Some(node.into());
        self
    }

    /// How events and requests are written. Nodes read both. Default: [`Codec::MessagePack`].
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// How many bytes of events may wait to be sent, in each of three rings: one for each
    /// [priority](Export::priority). As many may be sent and unconfirmed. Default: 64 MiB.
    pub fn ring_bytes(mut self, bytes: usize) -> Self {
        self.ring = bytes;
        self
    }

    /// How long an event may wait to be sent. Default: 60 seconds.
    pub fn ring_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How often this node shows that it is there. One that was silent for a little more than three
    /// times as long is gone: all nodes of a namespace should agree. Default: 400 ms.
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.beat = every;
        self
    }

    /// If there is no server, `connect` succeeds nevertheless, and the link connects when there is
    /// one. Default: it fails.
    pub fn retry_on_initial_connect(mut self) -> Self {
        self.retry = true;
        self
    }

    /// Credentials as NATS's tools write them, with a JWT and an NKEY, from this file.
    pub fn credentials_file(mut self, path: impl Into<String>) -> Self {
        self.credentials = Some(path.into());
        self
    }

    /// The client's own options, for TLS, an NKEY, a password and so on. What the link depends on (the
    /// times, capacities and callbacks) it sets itself.
    ///
    /// This is async-nats's type: a new major version of that is one of this crate.
    pub fn options(mut self, options: ConnectOptions) -> Self {
        self.options = options;
        self
    }

    /// Carries trace contexts: `inject` is called within the span of an event or a request that
    /// leaves and returns what is to travel, a `traceparent` for example; `extract` is given that
    /// where it arrives, and returns the span in which the event is published or the request made.
    pub fn propagate(
        mut self,
        inject: impl Fn() -> Option<String> + Send + Sync + 'static,
        extract: impl Fn(&str) -> Span + Send + Sync + 'static,
    ) -> Self {
        let (inject, extract) = (Some(Box::new(inject) as _), Some(Box::new(extract) as _));
        self.propagation = Propagation { inject, extract };
        self
    }

    /// Events of this type are sent to the nodes that import it.
    pub fn export<E: Event + Serialize>(self) -> Self {
        self.export_with::<E>(Export::new())
    }

    /// [`export`](Self::export), with other than the defaults.
    pub fn export_with<E: Event + Serialize>(mut self, export: Export<E>) -> Self {
        self.note_twice("exported", E::TYPE, |of| {
            of.exports.iter().any(|it| it.event_type == E::TYPE)
        });
        let declare = move |outbox: &Outbox| -> Begin {
            let of = outbox.declare(E::TYPE, export.version, export.offline);
            Box::new(move |bus, shared, echoes, ending| {
                let subscriber = bus.subscriber(&*shared.name).capacity(PUMP_CAPACITY).late();
                let inbox = subscriber.subscribe::<E>();
                let outbox = Arc::clone(&shared.outbox);
                Box::pin(pump(Pump { inbox, outbox, of, export, echoes, ending }, Arc::clone(shared)))
            })
        };
        self.exports.push(Exported { event_type: E::TYPE, declare: Box::new(declare) });
        self
    }

    /// Events of this type, of other nodes, are published on this bus.
    pub fn import<E: Event + DeserializeOwned>(self) -> Self {
        self.import_with::<E>(Import::new())
    }

    /// [`import`](Self::import), where the nodes of a group share the events: each goes to one of
    /// them.
    pub fn import_shared<E: Event + DeserializeOwned>(self, group: impl Into<String>) -> Self {
        self.import_with::<E>(Import::new().group(group))
    }

    /// [`import`](Self::import), with other than the defaults.
    pub fn import_with<E: Event + DeserializeOwned>(mut self, import: Import<E>) -> Self {
        self.note_twice("imported", E::TYPE, |of| {
            of.imports.iter().any(|it| it.event_type == E::TYPE)
        });
        let group = import.group.clone();
        let begin = move |receiving: Receiving| -> Task {
            let Receiving { shared, messages, tails, streams, echoes } = receiving;
            Box::pin(receive(Receiver { messages, tails, streams, import, echoes }, shared))
        };
        self.imports.push(Imported { event_type: E::TYPE, group, begin: Box::new(begin) });
        self
    }

    /// The responders of this bus answer the requests of other nodes of this type.
    pub fn serve<Q>(mut self) -> Self
    where
        Q: Request + DeserializeOwned,
        Q::Response: Serialize,
    {
        self.note_twice("served", Q::TYPE, |of| of.serves.contains_key(Q::TYPE));
        self.serves.insert(Q::TYPE, Box::new(Serve::<Q>::new()));
        self
    }

    /// The requests of this bus of this type reach the responders of other nodes.
    pub fn ask<Q>(mut self) -> Self
    where
        Q: Request + Serialize,
        Q::Response: DeserializeOwned,
    {
        self.note_twice("asked", Q::TYPE, |of| of.asks.iter().any(|it| it.request_type == Q::TYPE));
        let begin = |shared: Arc<Shared>, commands| -> Task {
            let asks = Asks::<Q>::new(commands, Arc::clone(&shared.standins));
            Box::pin(ask(asks, shared))
        };
        self.asks.push(Asked { request_type: Q::TYPE, begin: Box::new(begin) });
        self
    }

    fn note_twice(
        &mut self,
        what: &'static str,
        name: &'static str,
        is_there: impl FnOnce(&Self) -> bool,
    ) {
        if self.twice.is_none() && is_there(self) {
            self.twice = Some((what, name));
        }
    }

    /// Connects to the server, and begins.
    ///
    /// # Errors
    ///
    /// If a name is no name, a type was given twice, there is no server
    /// (see [`retry_on_initial_connect`](Self::retry_on_initial_connect)), or it refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no link.
    pub async fn connect(mut self) -> Result<NatsLink, Error> {
        if let Some((what, event_type)) = self.twice {
            return Err(Error::twice(what, event_type));
        }
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::no_runtime());
        }
        let names = self.exports.iter().map(|of| of.event_type);
        let names = names.chain(self.imports.iter().map(|of| of.event_type));
        names.chain(self.asks.iter().map(|of| of.request_type)).try_for_each(check_event_type)?;
        if self.beat < Duration::from_millis(10) || self.beat > Duration::from_secs(600) {
            let right = "from 10 milliseconds to 10 minutes";
            return Err(Error::bad("heartbeat", format!("{:?}", self.beat), right));
        }
        if self.ring < 1_024 {
            return Err(Error::bad(
                "size of the ring",
                self.ring.to_string(),
                "at least 1024 bytes",
            ));
        }
        let node = self.node.take().unwrap_or_else(|| format!("{:016x}", random()));
        let subjects = Subjects::new(&self.namespace, &node)?;
        let (to_node, incoming) = mpsc::channel(4_096);
        let client = self.client(&subjects, to_node.clone()).await?;
        self.begin(subjects, client, to_node, incoming).await
    }

    async fn client(
        &mut self,
        subjects: &Subjects,
        to_node: mpsc::Sender<Incoming>,
    ) -> Result<Client, Error> {
        let mut options = std::mem::take(&mut self.options);
        if let Some(path) = self.credentials.take() {
            options = options
                .credentials_file(&path)
                .await
                .map_err(|source| Error::credentials(path, source))?;
        }
        let node = subjects.node();
        options = options
            .name(format!("callboard {node}"))
            .custom_inbox_prefix(format!("_INBOX_{node}"))
            .ping_interval(PING)
            .subscription_capacity(SUBSCRIPTION_CAPACITY)
            .client_capacity(CLIENT_CAPACITY)
            .max_reconnects(None)
            .reconnect_delay_callback(|attempts| {
                // 10, 20, 40 … 320 milliseconds.
                let shift = u32::try_from(attempts).unwrap_or(u32::MAX).min(5);
                Duration::from_millis(10 << shift)
            })
            .event_callback(move |event: ClientEvent| {
                let to_node = to_node.clone();
                // The link may have ended.
                async move { _ = to_node.send(Incoming::Client(event)).await }
            });
        if self.retry {
            options = options.retry_on_initial_connect();
        }
        let urls: Vec<&str> = self.url.split(',').map(str::trim).collect();
        let connected = options.connect(&urls[..]).await;
        connected.map_err(|source| Error::connect(&self.url, source))
    }

    async fn begin(
        self,
        subjects: Subjects,
        client: Client,
        to_node: mpsc::Sender<Incoming>,
        incoming: mpsc::Receiver<Incoming>,
    ) -> Result<NatsLink, Error> {
        let incarnation = random();
        let limits = Limits { bytes: self.ring, lifetime: self.lifetime, packet: PACKET };
        let outbox = Outbox::new(limits, self.codec, incarnation);
        let event_subjects: Vec<Subject> =
            self.exports.iter().map(|of| subjects.events(of.event_type).into()).collect();
        let exported: Vec<_> = self.exports.iter().map(|of| of.event_type).collect();
        let begin_exports: Vec<_> =
            self.exports.into_iter().map(|of| (of.event_type, (of.declare)(&outbox))).collect();
        let streams = |of: &Imported| Arc::new(Streams::new(of.event_type, of.group.is_some()));
        let imports: Vec<_> = self.imports.iter().map(streams).collect();
        let (mut asks, mut begin_asks) = (HashMap::new(), Vec::new());
        for Asked { request_type, begin } in self.asks {
            let (commands, receiver) = mpsc::unbounded_channel();
            asks.insert(request_type, commands);
            begin_asks.push((begin, receiver));
        }
        let (control, control_queue) = mpsc::channel(CONTROL_CAPACITY);
        let shared = Arc::new(Shared::new(Parts {
            bus: self.bus.downgrade(),
            name: format!("nats:{}", subjects.node()),
            subjects,
            incarnation,
            codec: self.codec,
            propagation: self.propagation,
            outbox,
            client: client.clone(),
            control,
            imports: imports.clone(),
            asks,
            serves: self.serves,
            standins: Arc::new(Standins::default()),
        }));

        let (mut tasks, mut pumps) = (JoinSet::new(), JoinSet::new());
        let subscribe = |subject: String| subscribe(&client, subject, None);
        let system = subscribe(shared.subjects.all_system()).await?;
        let directed = subscribe(shared.subjects.all_directed()).await?;
        let marks = subscribe(shared.subjects.marks()).await?;
        tasks.spawn(listen_system(system, Arc::clone(&shared), to_node.clone()));
        tasks.spawn(listen_directed(directed, Arc::clone(&shared), to_node.clone()));
        tasks.spawn(listen_marks(marks, Arc::clone(&shared), to_node));
        tasks.spawn(relay(client.clone(), control_queue));

        let mut echoes: HashMap<&'static str, Arc<Echoes>> = HashMap::new();
        let mut to_tails = BTreeMap::new();
        for (Imported { event_type, group, begin }, streams) in
            self.imports.into_iter().zip(imports)
        {
            let subject = shared.subjects.all_events(event_type);
            let messages = self::subscribe(&client, subject, group).await?;
            let (tails, receiver) = mpsc::unbounded_channel();
            to_tails.insert(event_type, tails);
            let both = exported.contains(&event_type);
            let echoes = both.then(|| Arc::clone(echoes.entry(event_type).or_default()));
            let shared = Arc::clone(&shared);
            tasks.spawn(begin(Receiving { shared, messages, tails: receiver, streams, echoes }));
        }
        let (ending, ended) = watch::channel(false);
        for (event_type, begin) in begin_exports {
            let echoes = echoes.get(event_type).cloned();
            pumps.spawn(begin(&self.bus, &shared, echoes, ended.clone()));
        }
        for (begin, commands) in begin_asks {
            tasks.spawn(begin(Arc::clone(&shared), commands));
        }
        let (gate, open) = watch::channel(0);
        tasks.spawn(run_writer(Arc::clone(&shared), client, event_subjects, open));
        let times = Times {
            beat: self.beat,
            gone: self.beat * 13 / 4,
            regroup: Duration::from_millis(1_500),
            unreachable: Duration::from_millis(1_500),
        };
        let (picture, peers) = watch::channel(Vec::new());
        let node = Node::new(Arc::clone(&shared), times, gate, to_tails, picture);
        tasks.spawn(node.run(incoming));
        let (probed, seen) = (Arc::downgrade(&shared), peers.clone());
        let _attached = self.bus.attach_link(move || match probed.upgrade() {
            Some(shared) => status(&shared, seen.borrow().clone()),
            None => LinkStatus::new("nats", "closed"),
        });
        Ok(NatsLink { shared, peers, ending, pumps, _attached, _tasks: tasks })
    }
}

impl fmt::Debug for LinkBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exports: Vec<_> = self.exports.iter().map(|of| of.event_type).collect();
        let imports: Vec<_> = self.imports.iter().map(|of| of.event_type).collect();
        f.debug_struct("LinkBuilder")
            .field("url", &self.url)
            .field("namespace", &self.namespace)
            .field("node", &self.node)
            .field("exports", &exports)
            .field("imports", &imports)
            .finish_non_exhaustive()
    }
}

async fn subscribe(
    client: &Client,
    subject: String,
    group: Option<String>,
) -> Result<Subscriber, Error> {
    let subscribed = match group {
        Some(group) => client.queue_subscribe(subject.clone(), group).await,
        None => client.subscribe(subject.clone()).await,
    };
    subscribed.map_err(|source| Error::subscribe(subject, source))
}

/// Sends what the client did not take at once.
async fn relay(client: Client, mut queue: mpsc::Receiver<(Subject, Bytes)>) {
    while let Some((subject, bytes)) = queue.recv().await {
        // The connection is gone for good only if the link is.
        let _sent = client.publish(subject, bytes).await;
    }
}

/// A number that no other link has, in all likelihood. If the system has no randomness, it is the
/// address of a fresh allocation and the time.
fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let time = time.map_or(0, |time| time.subsec_nanos());
        (std::ptr::from_ref(&*Box::new(0_u8)).addr() as u64) << 32 ^ u64::from(time)
    })
}
