//! The state shared by the tasks of a link.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{Client, Subject};
use bytes::Bytes;
use callboard::WeakBus;
use futures_util::FutureExt;
use tokio::sync::mpsc;

use crate::cloudevents::Accounts;
use crate::inbound::{Nodes, Streams};
use crate::outbound::Outbox;
use crate::propagation::Propagation;
use crate::requests::{AskCommand, Chains, Served, Serving, Standins};
use crate::snapshot::LinkState;
use crate::subject::Subjects;
use crate::wire::Codec;

/// How many messages to other nodes may wait while the client accepts none.
pub(crate) const CONTROL_CAPACITY: usize = 4_096;

/// How many cycles are remembered.
const MOST_CIRCLES: usize = 16;

/// At most one problem is logged in this time.
const LOG_EVERY: Duration = Duration::from_millis(500);

/// How long the server may be silent, or missing, before requests fail because of it. In a cluster
/// the next connection takes milliseconds.
pub(crate) const UNREACHABLE: Duration = Duration::from_millis(1_500);

pub(crate) struct Shared {
    pub(crate) bus: WeakBus,
    /// The link's own name on the bus.
    pub(crate) name: String,
    pub(crate) subjects: Subjects,
    pub(crate) incarnation: u64,
    pub(crate) codec: Codec,
    pub(crate) propagation: Propagation,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) client: Client,
    /// The subject of this node's marks.
    pub(crate) marks: Subject,
    /// Messages that the client did not accept at once.
    pub(crate) control: mpsc::Sender<(Subject, Bytes)>,
    pub(crate) imports: Vec<Arc<Streams>>,
    /// The tasks that ask, by request type.
    pub(crate) asks: HashMap<&'static str, mpsc::UnboundedSender<AskCommand>>,
    /// The request types that this node's responders answer for others.
    pub(crate) serves: HashMap<&'static str, Box<dyn Served>>,
    pub(crate) chains: Chains,
    pub(crate) serving: Serving,
    pub(crate) cloudevents: Accounts,
    #[cfg(feature = "jetstream")]
    pub(crate) lanes: crate::durable::Lanes,
    pub(crate) standins: Arc<Standins>,
    /// The names of the present nodes.
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) began: Instant,
    /// The number of the connection, counted from 1.
    pub(crate) connection: AtomicU64,
    /// How often the client dropped a message because this process was too slow to receive.
    pub(crate) slow: AtomicU64,
    /// How many pumps have not ended; the bus may still have events for them.
    pumping: AtomicUsize,
    pub(crate) malformed: AtomicU64,
    pub(crate) conflicts: AtomicU64,
    status: Mutex<Status>,
}

/// The state of the connection.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) state: LinkState,
    pub(crate) since: Instant,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) last_problem: Option<String>,
    /// When another process last used this node's name.
    pub(crate) conflict: Option<Instant>,
    /// Cycles of requests across nodes that ended at their deadline, without duplicates.
    pub(crate) circles: Vec<String>,
    /// When a problem was last logged.
    logged: Option<Instant>,
}

impl Status {
    pub(crate) fn new() -> Mutex<Self> {
        let (state, since) = (LinkState::Connecting, Instant::now());
        Mutex::new(Self {
            state,
            since,
            round_trip: None,
            last_problem: None,
            conflict: None,
            circles: Vec::new(),
            logged: None,
        })
    }
}

/// The parts of a [`Shared`].
pub(crate) struct Parts {
    pub(crate) bus: WeakBus,
    pub(crate) name: String,
    pub(crate) subjects: Subjects,
    pub(crate) incarnation: u64,
    pub(crate) codec: Codec,
    pub(crate) propagation: Propagation,
    pub(crate) outbox: Outbox,
    pub(crate) client: Client,
    pub(crate) control: mpsc::Sender<(Subject, Bytes)>,
    pub(crate) imports: Vec<Arc<Streams>>,
    pub(crate) asks: HashMap<&'static str, mpsc::UnboundedSender<AskCommand>>,
    pub(crate) serves: HashMap<&'static str, Box<dyn Served>>,
    pub(crate) standins: Arc<Standins>,
    /// The names of the present nodes.
    pub(crate) nodes: Arc<Nodes>,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { bus, name, subjects, incarnation, codec, propagation, outbox, .. } = parts;
        Self {
            bus,
            name,
            marks: subjects.marks().into(),
            subjects,
            incarnation,
            codec,
            propagation,
            outbox: Arc::new(outbox),
            client: parts.client,
            control: parts.control,
            imports: parts.imports,
            asks: parts.asks,
            serves: parts.serves,
            chains: Chains::default(),
            serving: Serving::default(),
            cloudevents: Accounts::default(),
            #[cfg(feature = "jetstream")]
            lanes: crate::durable::Lanes::default(),
            standins: parts.standins,
            nodes: parts.nodes,
            began: Instant::now(),
            connection: AtomicU64::new(0),
            slow: AtomicU64::new(0),
            pumping: AtomicUsize::new(0),
            malformed: AtomicU64::new(0),
            conflicts: AtomicU64::new(0),
            status: Status::new(),
        }
    }

    pub(crate) fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and notifies about it.
    pub(crate) fn set_state(&self, state: LinkState) {
        let mut status = self.status();
        if status.state == state || status.state == LinkState::Closed {
            return;
        }
        let before = std::mem::replace(&mut status.state, state);
        status.since = Instant::now();
        drop(status);
        tracing::info!(node = self.subjects.node(), %before, %state, "link");
    }

    pub(crate) fn state(&self) -> LinkState {
        self.status().state
    }

    /// Whether the server has been silent for too long to wait for it.
    pub(crate) fn is_unreachable(&self) -> bool {
        let status = self.status();
        match status.state {
            LinkState::Closed => true,
            // The server has already been silent for that long.
            LinkState::Stalled => true,
            LinkState::Disconnected => status.since.elapsed() > UNREACHABLE,
            _ => false,
        }
    }

    /// Records a problem.
    pub(crate) fn problem(&self, problem: String) {
        let mut status = self.status();
        if status.last_problem.as_ref() == Some(&problem) {
            return;
        }
        status.last_problem = Some(problem.clone());
        // Garbage from a foreign client must not fill the log.
        let logs = status.logged.is_none_or(|logged| logged.elapsed() >= LOG_EVERY);
        if logs {
            status.logged = Some(Instant::now());
        }
        // Logging runs user code, so it happens without the lock.
        drop(status);
        if logs {
            tracing::warn!(node = self.subjects.node(), "link: {problem}");
        }
    }

    /// Records a message that can't be read, or that has no sender.
    pub(crate) fn malformed(&self, subject: &str, why: &str) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
        self.problem(format!("a message on `{subject}` was dropped: {why}"));
    }

    /// Records that another process uses this node's name.
    pub(crate) fn conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
        self.status().conflict = Some(Instant::now());
        let node = self.subjects.node();
        self.problem(format!("another process is linked as node `{node}`: give it another name"));
    }

    /// Events and bytes that wait to be sent, and that wait to be confirmed.
    pub(crate) fn waiting(&self) -> [(u64, usize); 2] {
        let waiting = self.outbox.waiting();
        #[cfg(feature = "jetstream")]
        let waiting = {
            let stored = self.lanes.waiting();
            [0, 1].map(|it| (waiting[it].0 + stored[it].0, waiting[it].1 + stored[it].1))
        };
        waiting
    }

    /// Counts a pump until it ends, even by a panic.
    pub(crate) fn pump(
        self: &Arc<Self>,
        pump: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        self.pumping.fetch_add(1, Ordering::Relaxed);
        let counted = Pumping(Arc::clone(self));
        async move {
            pump.await;
            drop(counted);
        }
    }

    /// Whether the pumps have taken everything that a closed bus had for the link.
    pub(crate) fn has_pumped(&self) -> bool {
        self.pumping.load(Ordering::Acquire) == 0
    }

    /// Whether the servers have received everything.
    pub(crate) fn is_sent(&self) -> bool {
        #[cfg(feature = "jetstream")]
        if !self.lanes.is_stored() {
            return false;
        }
        self.outbox.is_empty()
    }

    /// Records a request that was given up and may have been in a cycle across nodes.
    pub(crate) fn circle(&self, request_type: &str, circle: &str) {
        let circle = format!("`{request_type}`: {circle}");
        let mut status = self.status();
        if !status.circles.contains(&circle) && status.circles.len() < MOST_CIRCLES {
            status.circles.push(circle);
        }
    }

    /// Whether an asker with this name is a request received over this link.
    pub(crate) fn is_own(&self, asker: &str) -> bool {
        asker.strip_prefix(&*self.name).is_some_and(|rest| rest.starts_with('/'))
    }

    /// A number that identifies the client's connection.
    pub(crate) fn session(&self) -> u64 {
        let info = self.client.server_info();
        let mut hasher = DefaultHasher::new();
        (info.server_id, info.client_id).hash(&mut hasher);
        hasher.finish()
    }

    /// The contents of the mark with this number, which confirms packets sent in this session.
    pub(crate) fn mark(&self, mark: u64, session: u64) -> [u8; 32] {
        let mut bytes = [0; 32];
        let sent = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let numbers = [self.incarnation, mark, sent, session];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// Sends a message that is not an event, without waiting. Returns whether it was accepted.
    pub(crate) fn send(&self, subject: Subject, bytes: Bytes) -> bool {
        let sending = self.client.publish(subject.clone(), bytes.clone());
        // Without tokio's budget, which would sometimes make this fail although there is capacity.
        match tokio::task::unconstrained(sending).now_or_never() {
            Some(sent) => sent.is_ok(),
            None => self.control.try_send((subject, bytes)).is_ok(),
        }
    }
}

/// A pump that is counted.
struct Pumping(Arc<Shared>);

impl Drop for Pumping {
    fn drop(&mut self) {
        // Ordering: Release pairs with the Acquire in `has_pumped`; the events it took are in an
        // outbox.
        self.0.pumping.fetch_sub(1, Ordering::Release);
    }
}
