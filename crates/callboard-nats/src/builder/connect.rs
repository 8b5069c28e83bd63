//! Connecting, and starting every task.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Event as ClientEvent, Subject};
use bytes::Bytes;
use callboard::LinkStatus;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::LinkBuilder;
use super::lane::{Asked, Begun, EchoesOf, Imported, Receiving, Start, subscribe};
use super::types::Types;
use crate::error::Error;
use crate::inbound::{Nodes, Streams};
use crate::link::{NatsLink, status};
use crate::node::{Incoming, Node, Times, listen_directed, listen_marks, listen_system};
use crate::outbound::{Echoes, Limits, Outbox, run_writer};
use crate::requests::Standins;
use crate::shared::{CONTROL_CAPACITY, Parts, Shared};
use crate::subject::Subjects;

/// How many messages of a subscription may wait for their task.
const SUBSCRIPTION_CAPACITY: usize = 4_096;

/// How many unwritten messages the client may hold.
const CLIENT_CAPACITY: usize = 256;

/// How often the client pings the server; it gives up after the third ping without an answer.
const PING: Duration = Duration::from_millis(750);

/// The size from which on a packet takes no more events.
const PACKET: usize = 32 * 1024;

/// How many tails may wait until a type's packets are taken. Dropped ones are repeated.
const TAILS: usize = 1_024;

impl LinkBuilder {
    /// Connects to the server, and starts the link.
    ///
    /// # Errors
    ///
    /// If a name is invalid, a type was given twice, there is no server (see
    /// [`retry_on_initial_connect`](Self::retry_on_initial_connect)), or it refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future creates no link.
    pub async fn connect(mut self) -> Result<NatsLink, Error> {
        if let Some(wrong) = self.types.wrong.take() {
            return Err(wrong);
        }
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::no_runtime());
        }
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
        if self.lifetime.is_zero() {
            return Err(Error::bad("lifetime", "0ns", "longer than nothing, such as a minute"));
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
        let Types { exports, imports, asks, serves, lanes, .. } = self.types;
        let incarnation = random();
        let limits = Limits { bytes: self.ring, lifetime: self.lifetime, packet: PACKET };
        let outbox = Outbox::new(limits, self.codec, incarnation);
        let event_subjects: Vec<Subject> =
            exports.iter().map(|of| subjects.events(of.event_type).into()).collect();
        let exports: Vec<_> =
            exports.into_iter().map(|of| (of.event_type, (of.declare)(&outbox))).collect();
        let nodes = Arc::<Nodes>::default();
        let streams = |of: &Imported| {
            let (shares, nodes) = (of.group.is_some(), Arc::clone(&nodes));
            Arc::new(Streams::new(of.event_type, shares, nodes))
        };
        let streams: Vec<_> = imports.iter().map(streams).collect();
        let (mut to_asks, mut begin_asks) = (HashMap::new(), Vec::new());
        for Asked { request_type, begin } in asks {
            let (commands, receiver) = mpsc::unbounded_channel();
            to_asks.insert(request_type, commands);
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
            imports: streams.clone(),
            asks: to_asks,
            serves,
            standins: Arc::new(Standins::default()),
            nodes,
        }));

        let (mut tasks, mut pumps) = (JoinSet::new(), JoinSet::new());
        let system = subscribe(&client, shared.subjects.all_system(), None).await?;
        let directed = subscribe(&client, shared.subjects.all_directed(), None).await?;
        let marks = subscribe(&client, shared.subjects.marks(), None).await?;
        tasks.spawn(listen_system(system, Arc::clone(&shared), to_node.clone()));
        tasks.spawn(listen_directed(directed, Arc::clone(&shared), to_node.clone()));
        tasks.spawn(listen_marks(marks, Arc::clone(&shared), to_node));
        tasks.spawn(relay(client.clone(), control_queue));

        let (ending, ended) = watch::channel(false);
        let start = |echoes| Start {
            shared: Arc::clone(&shared),
            echoes,
            ending: ended.clone(),
            #[cfg(feature = "jetstream")]
            retry: self.retry,
        };
        let mut echoes: HashMap<&'static str, Arc<Echoes>> = HashMap::new();
        let mut to_tails = BTreeMap::new();
        for (Imported { event_type, group, begin }, streams) in imports.into_iter().zip(streams) {
            let subject = shared.subjects.all_events(event_type);
            let messages = subscribe(&client, subject, group).await?;
            let (to_tail, tails) = mpsc::channel(TAILS);
            to_tails.insert(event_type, to_tail);
            let both = exports.iter().any(|(exported, _)| *exported == event_type);
            let echoes = both.then(|| Arc::clone(echoes.entry(event_type).or_default()));
            tasks.spawn(begin(start(echoes), Receiving { messages, tails, streams }));
        }
        for (event_type, begin) in exports {
            begin(start(echoes.get(event_type).cloned()))
                .map(|pump| pumps.spawn(shared.pump(pump)));
        }
        for (begin, commands) in begin_asks {
            tasks.spawn(begin(Arc::clone(&shared), commands));
        }
        let echoes = EchoesOf::new(&lanes);
        for lane in lanes {
            let start = start(echoes.of(&lane));
            let begun: Begun = (lane.begin)(start).await?;
            begun.pumps.into_iter().for_each(|pump| _ = pumps.spawn(shared.pump(pump)));
            begun.tasks.into_iter().for_each(|task| _ = tasks.spawn(task));
        }
        let (gate, open) = watch::channel(0);
        tasks.spawn(run_writer(Arc::clone(&shared), client, event_subjects, open));
        let (picture, peers) = watch::channel(Vec::new());
        let node = Node::new(Arc::clone(&shared), Times::of(self.beat), gate, to_tails, picture);
        tasks.spawn(node.run(incoming));
        let (probed, seen) = (Arc::downgrade(&shared), peers.clone());
        let _attached = self.bus.attach_link(move || match probed.upgrade() {
            Some(shared) => status(&shared, seen.borrow().clone()),
            None => LinkStatus::new("nats", "closed"),
        });
        Ok(NatsLink { shared, peers, ending, pumps, _attached, _tasks: tasks })
    }
}

/// Sends the messages that the client did not accept at once.
async fn relay(client: Client, mut queue: mpsc::Receiver<(Subject, Bytes)>) {
    while let Some((subject, bytes)) = queue.recv().await {
        // This only fails if the link has ended.
        let _sent = client.publish(subject, bytes).await;
    }
}

/// A number that is almost certainly unique among links. If the system has no randomness, it is
/// derived from the address of a new allocation and the time.
fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let time = time.map_or(0, |time| time.subsec_nanos());
        (std::ptr::from_ref(&*Box::new(0_u8)).addr() as u64) << 32 ^ u64::from(time)
    })
}
