//! The task that keeps a link together: the connection, the other nodes, and the handshake with
//! them.
//!
//! A node is *present* when both have verified the connection in both directions. Each probes the
//! subject of every type that it exports and the other imports, the other acknowledges each probe,
//! and each lists in its beats the nodes that have acknowledged everything. This is necessary,
//! since in a cluster a subscription is known to its own server long before it is known to the
//! others.
//!
//! Beats also carry the last sequence sent, by type, so that losses at the end of a stream are
//! noticed.

mod connection;
mod inbox;
mod local;
mod peer;
#[cfg(test)]
mod traffic;
mod voice;

pub(crate) use inbox::{Incoming, listen_directed, listen_marks, listen_system};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::Phase;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use self::connection::Connection;
use self::peer::Peer;
use crate::inbound::Tail;
use crate::requests::AskCommand;
use crate::shared::Shared;
use crate::snapshot::{LinkState, PeerSnapshot, PeerState};
use crate::wire::{self, Directed, Hello, System};

/// How often the task ticks.
const TICK: Duration = Duration::from_millis(25);

/// How often a probe is repeated until it is acknowledged.
const PROBE: Duration = Duration::from_millis(100);

/// How often a node repeats its hello while another does not know it.
const HELLO: Duration = Duration::from_secs(1);

/// How many nodes are remembered; nodes that are gone are removed first.
const MOST_PEERS: usize = 4_096;

/// If the task did not run for this long, the process was stopped, and the silence of other nodes
/// in that time does not count.
const PAUSE: Duration = Duration::from_millis(700);

/// The times of a link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// The interval of a node's heartbeats.
    pub(crate) beat: Duration,
    /// How long a node may be silent.
    pub(crate) gone: Duration,
    /// How long a new connection waits for the nodes that were present before.
    pub(crate) regroup: Duration,
}

impl Times {
    /// The times of a link with this heartbeat.
    pub(crate) fn of(beat: Duration) -> Self {
        Self { beat, gone: beat * 13 / 4, regroup: Duration::from_millis(1_500) }
    }
}

/// The state of the node's task.
pub(crate) struct Node {
    shared: Arc<Shared>,
    times: Times,
    connection: Connection,
    peers: BTreeMap<String, Peer>,
    /// What this node offers, as announced last.
    hello: Hello,
    tails: BTreeMap<&'static str, mpsc::Sender<Tail>>,
    /// The tails that were sent last, and how often.
    said: BTreeMap<&'static str, (u64, u32)>,
    beaten: Option<Instant>,
    greeted: Option<Instant>,
    probed: Option<Instant>,
    looked: Option<Instant>,
    ticked: Instant,
    /// A snapshot of the peers.
    pub(crate) picture: watch::Sender<Vec<PeerSnapshot>>,
}

impl Node {
    pub(crate) fn new(
        shared: Arc<Shared>,
        times: Times,
        gate: watch::Sender<u64>,
        tails: BTreeMap<&'static str, mpsc::Sender<Tail>>,
        picture: watch::Sender<Vec<PeerSnapshot>>,
    ) -> Self {
        let hello = Hello { incarnation: shared.incarnation, ..local::offer(&shared) };
        Self {
            connection: Connection::new(Arc::clone(&shared), gate),
            shared,
            times,
            peers: BTreeMap::new(),
            hello,
            tails,
            said: BTreeMap::new(),
            beaten: None,
            greeted: None,
            probed: None,
            looked: None,
            ticked: Instant::now(),
            picture,
        }
    }

    /// Runs until the incoming channel is closed.
    pub(crate) async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                incoming = incoming.recv() => match incoming {
                    Some(incoming) => self.take(incoming),
                    None => return,
                },
                _ = tick.tick() => {
                    self.tick();
                    if self.is_over() {
                        return self.leave();
                    }
                }
            }
        }
    }

    /// Handles a new connection: nodes that heard this one before may not any more.
    fn reconnected(&mut self) {
        self.peers.values_mut().for_each(Peer::forget_heard);
        self.say_hello();
    }

    /// Whether the bus is closed, and everything that it had for the link is sent.
    fn is_over(&self) -> bool {
        let bus = self.shared.bus.upgrade();
        let closed = bus.is_none_or(|bus| bus.phase() == Phase::Closed);
        closed && self.shared.has_pumped() && self.shared.is_sent()
    }

    /// Notifies the other nodes that this one leaves.
    fn leave(&self) {
        let bye = System::Bye { incarnation: self.shared.incarnation };
        self.shared.send(self.shared.subjects.system().into(), wire::write(&bye));
        self.shared.set_state(LinkState::Closed);
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Client(event) => {
                if self.connection.client(&event) {
                    self.reconnected();
                }
            }
            Incoming::Mark { mark, round_trip } => self.connection.mark(mark, round_trip),
            Incoming::System { node, system } => self.system(node, system),
            Incoming::Directed { node, directed } => self.directed(node, directed),
        }
    }

    fn system(&mut self, node: String, system: System) {
        match system {
            System::Hello(hello) => self.hello(node, hello),
            System::Beat(beat) => {
                let known = self.peers.get_mut(&node);
                let known = known.filter(|peer| peer.is_of(beat.incarnation));
                let Some(peer) = known.filter(|peer| peer.state != PeerState::Gone) else {
                    return self.ask_who(&node);
                };
                if peer.hello.generation < beat.generation {
                    self.ask_who(&node);
                }
                let own = self.shared.incarnation;
                if let Some(peer) = self.peers.get_mut(&node) {
                    peer.beat(&beat, own);
                }
                for (event_type, last) in beat.tails {
                    if last > wire::MOST_SEQUENCE {
                        continue;
                    }
                    if let Some(tails) = self.tails.get(&*event_type) {
                        let (origin, incarnation) = (node.clone(), beat.incarnation);
                        // The receiver is busy, or has ended with its subscription.
                        let _said_again = tails.try_send(Tail { origin, incarnation, last });
                    }
                }
                self.join(&node);
            }
            System::Bye { incarnation } => {
                if self.peers.get(&node).is_some_and(|peer| peer.is_of(incarnation)) {
                    self.lose(&node, "it has left");
                }
            }
        }
    }

    fn directed(&mut self, node: String, directed: Directed) {
        match directed {
            Directed::Who => {
                let hello = Directed::Hello(self.hello.clone());
                self.shared.send(self.shared.subjects.directed(&node).into(), wire::write(&hello));
            }
            Directed::Hello(hello) => self.hello(node, hello),
            Directed::Heard { incarnation, event_type } => {
                if incarnation != self.shared.incarnation {
                    return;
                }
                if let Some(peer) = self.peers.get_mut(&node) {
                    peer.heard(event_type, &self.hello.exports);
                    self.join(&node);
                }
            }
            Directed::Ask(_) | Directed::Withdraw { .. } | Directed::Reply(_) => {
                unreachable!("these are taken where they come in")
            }
        }
    }

    /// Handles a node's announcement of what it offers.
    fn hello(&mut self, node: String, hello: Hello) {
        // It may have missed the last beats.
        self.said.clear();
        let before = self.peers.get(&node).map(|peer| (peer.hello.incarnation, peer.state));
        let here = before.filter(|(_, state)| *state != PeerState::Gone);
        if here.is_some_and(|(incarnation, _)| incarnation == hello.incarnation) {
            if let Some(peer) = self.peers.get_mut(&node) {
                peer.renew(hello);
            }
            self.offer_locally(&node);
            return self.join(&node);
        }
        if here.is_some() {
            self.lose(&node, "it was started anew");
        }
        if before.is_none() && self.peers.len() >= MOST_PEERS && !self.forget_one() {
            return self
                .shared
                .problem(format!("node `{node}` is one too many: {MOST_PEERS} are known"));
        }
        self.shared.nodes.come(&node);
        self.peers.insert(node.clone(), Peer::new(hello));
        // Makes it learn of this node at once.
        self.directed(node.clone(), Directed::Who);
        self.probed = None;
        self.join(&node);
    }

    /// Removes a node that is gone. Returns whether there was one.
    fn forget_one(&mut self) -> bool {
        let gone = self.peers.iter().find(|(_, peer)| peer.state == PeerState::Gone);
        let gone = gone.map(|(node, _)| node.clone());
        gone.is_some_and(|node| self.peers.remove(&node).is_some())
    }

    fn ask_who(&mut self, node: &str) {
        self.shared.send(self.shared.subjects.directed(node).into(), wire::write(&Directed::Who));
    }

    /// Marks a node as present if both hear each other.
    fn join(&mut self, node: &str) {
        let exports = &self.hello.exports;
        let Some(peer) = self.peers.get_mut(node) else { return };
        if peer.state != PeerState::Joining || !peer.is_mutual(exports) {
            return;
        }
        peer.state = PeerState::Present;
        tracing::info!(node = self.shared.subjects.node(), peer = node, "link: present");
        self.offer_locally(node);
    }

    /// Signs a present node's components in on this bus.
    fn offer_locally(&mut self, node: &str) {
        let Some(peer) = self.peers.get_mut(node).filter(|peer| peer.state == PeerState::Present)
        else {
            return;
        };
        if let Some(bus) = self.shared.bus.upgrade() {
            peer.sign_in(&bus, node);
        }
        for (request_type, asks) in &self.shared.asks {
            let names = peer.hello.responders.get(*request_type).cloned().unwrap_or_default();
            let _ended = asks.send(AskCommand::Present { node: node.into(), names });
        }
    }

    /// Handles a node that is gone.
    fn lose(&mut self, node: &str, why: &str) {
        let Some(peer) = self.peers.get_mut(node) else { return };
        peer.lose();
        self.shared.nodes.go(node);
        tracing::info!(node = self.shared.subjects.node(), peer = node, "link: gone: {why}");
        for asks in self.shared.asks.values() {
            let _ended = asks.send(AskCommand::Gone { node: node.into() });
        }
        self.shared.serving.gone(node);
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let paused = now.duration_since(self.ticked) > PAUSE;
        self.ticked = now;
        if self.connection.compare() {
            self.reconnected();
        }
        let connected = self.connection.is_up();
        if paused || !self.connection.is_answered(now) {
            self.peers.values_mut().for_each(|peer| peer.last_heard = now);
        }
        let silent = |peer: &Peer| {
            peer.state != PeerState::Gone && now.duration_since(peer.last_heard) > self.times.gone
        };
        let gone: Vec<_> = self.peers.iter().filter(|(_, peer)| silent(peer)).collect();
        let gone: Vec<_> = gone.into_iter().map(|(node, _)| node.clone()).collect();
        gone.iter().for_each(|node| self.lose(node, "it was not heard for too long"));

        let exports = &self.hello.exports;
        let waits = self
            .peers
            .values()
            .any(|peer| peer.state == PeerState::Present && !peer.hears_everything(exports));
        self.connection.tick(&self.times, waits, paused);
        if !connected {
            self.show(now);
            return;
        }
        let due = |last: Option<Instant>, every| last.is_none_or(|last| now - last >= every);
        let starting = self.peers.values().any(|peer| peer.state == PeerState::Joining);
        let look = if starting { PROBE } else { self.times.beat };
        if due(self.looked, look) {
            self.looked = Some(now);
            self.look_at_the_bus();
        }
        if starting && due(self.greeted, HELLO) {
            self.greeted = Some(now);
            self.say_hello();
        }
        if due(self.probed, PROBE) {
            self.probed = Some(now);
            self.probe();
        }
        let beat = if starting { self.times.beat.min(PROBE) } else { self.times.beat };
        if due(self.beaten, beat) {
            self.beaten = Some(now);
            self.beat();
        }
        self.show(now);
    }

    fn show(&self, now: Instant) {
        let peers = self.peers.iter().map(|(node, peer)| peer.picture(node, now));
        self.picture.send_replace(peers.collect());
    }
}
