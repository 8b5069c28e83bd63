//! The state of another node.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use callboard::{AnyEvent, Bus, Subscription};

use crate::snapshot::{PeerSnapshot, PeerState};
use crate::wire::{Beat, Hello};

/// How long a node is notified that it hears this one. It repeats its hello, once a second, until
/// it knows.
const TOLD: Duration = Duration::from_secs(5);

/// The proxies of another node's components subscribe to this and the node's name; nothing is
/// published there.
pub(super) const PRESENCE: &str = "callboard.nats.presence";

/// What this node knows of another one.
pub(super) struct Peer {
    pub(super) hello: Hello,
    pub(super) state: PeerState,
    pub(super) last_heard: Instant,
    /// The types whose probes it has acknowledged, over this connection.
    heard: HashSet<String>,
    /// Whether it has reported that this node acknowledged all of its probes.
    is_heard: bool,
    /// Until when it is notified that it hears this node.
    told_until: Instant,
    /// Its components, signed in on this bus.
    components: Vec<(String, Subscription<AnyEvent>)>,
}

impl Peer {
    pub(super) fn new(hello: Hello) -> Self {
        Self {
            hello,
            state: PeerState::Joining,
            last_heard: Instant::now(),
            heard: HashSet::new(),
            is_heard: false,
            told_until: Instant::now() + TOLD,
            components: Vec::new(),
        }
    }

    pub(super) fn is_of(&self, incarnation: u64) -> bool {
        self.hello.incarnation == incarnation
    }

    /// Updates what it offers.
    pub(super) fn renew(&mut self, hello: Hello) {
        self.last_heard = Instant::now();
        self.told_until = self.last_heard + TOLD;
        if hello.generation >= self.hello.generation {
            self.hello = hello;
        }
    }

    pub(super) fn beat(&mut self, beat: &Beat, own: u64) {
        self.last_heard = Instant::now();
        self.is_heard |= beat.heard_by.contains(&own);
    }

    /// Records that it acknowledged a probe of this type, if that is one of `exports`.
    pub(super) fn heard(&mut self, event_type: String, exports: &[String]) {
        self.last_heard = Instant::now();
        self.told_until = self.last_heard + TOLD;
        if exports.contains(&event_type) {
            self.heard.insert(event_type);
        }
    }

    /// Forgets acknowledgements after a new connection.
    pub(super) fn forget_heard(&mut self) {
        self.heard.clear();
        self.last_heard = Instant::now();
    }

    /// Whether it imports this type and has not acknowledged its probe.
    pub(super) fn must_hear(&self, event_type: &str) -> bool {
        self.hello.imports.iter().any(|of| of == event_type) && !self.heard.contains(event_type)
    }

    pub(super) fn hears_everything(&self, exports: &[String]) -> bool {
        !exports.iter().any(|event_type| self.must_hear(event_type))
    }

    /// Whether to notify it that it hears everything of this node: for some time after its hello,
    /// so that beats don't name every node forever.
    pub(super) fn is_told(&self, exports: &[String], now: Instant) -> bool {
        now < self.told_until && self.hears_everything(exports)
    }

    /// Whether both hear each other.
    pub(super) fn is_mutual(&self, exports: &[String]) -> bool {
        self.is_heard && self.hears_everything(exports)
    }

    /// Signs its subscribers in on this bus under their names, and the node itself as `@node`. Its
    /// responders have separate proxies.
    pub(super) fn sign_in(&mut self, bus: &Bus, node: &str) {
        let names = &self.hello.subscribers;
        self.components.retain(|(name, _)| name.starts_with('@') || names.contains(name));
        let (pattern, node) = (format!("{PRESENCE}.{node}"), format!("@{node}"));
        for name in std::iter::once(&node).chain(names) {
            if !self.components.iter().any(|(of, _)| of == name) {
                let subscriber = bus.subscriber(&**name).late();
                let presence = subscriber.subscribe_matching(&*pattern);
                self.components.push((name.clone(), presence));
            }
        }
    }

    pub(super) fn lose(&mut self) {
        self.state = PeerState::Gone;
        self.heard.clear();
        self.is_heard = false;
        self.components.clear();
    }

    pub(super) fn picture(&self, node: &str, now: Instant) -> PeerSnapshot {
        let responders = self.hello.responders.values().flatten();
        let mut components: Vec<_> =
            self.hello.subscribers.iter().chain(responders).cloned().collect();
        components.sort_unstable();
        components.dedup();
        PeerSnapshot {
            node: node.to_owned(),
            incarnation: self.hello.incarnation,
            state: self.state,
            heard: now.saturating_duration_since(self.last_heard),
            components,
        }
    }
}
