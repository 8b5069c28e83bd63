//! The messages that a node sends unprompted: hello, probes and beats.

use std::time::Instant;

use super::peer::Peer;
use super::{Node, local};
use crate::snapshot::{LinkState, PeerState};
use crate::wire::{self, Beat, Header, Hello, Packer, PacketKind, System};

/// How often a tail is sent.
const REPEAT: u32 = 5;

impl Node {
    /// Announces what this node offers, if that has changed.
    pub(super) fn look_at_the_bus(&mut self) {
        let offer = local::offer(&self.shared);
        let same = offer.responders == self.hello.responders
            && offer.subscribers == self.hello.subscribers;
        if !same {
            let (incarnation, generation) = (self.shared.incarnation, self.hello.generation + 1);
            self.hello = Hello { incarnation, generation, ..offer };
            self.say_hello();
        }
    }

    pub(super) fn say_hello(&self) {
        let hello = System::Hello(self.hello.clone());
        self.shared.send(self.shared.subjects.system().into(), wire::write(&hello));
    }

    /// Sends probes on the subjects of events.
    pub(super) fn probe(&self) {
        let next = self.shared.outbox.next();
        for (event_type, schema, first) in next {
            let unheard = |peer: &Peer| peer.state != PeerState::Gone && peer.must_hear(event_type);
            if !self.peers.values().any(unheard) {
                continue;
            }
            let (codec, incarnation) = (self.shared.codec, self.shared.incarnation);
            let header = Header { kind: PacketKind::Probe, codec, incarnation, schema, first };
            let probe = Packer::new(&header, 0).finish();
            self.shared.send(self.shared.subjects.events(event_type).into(), probe.into());
        }
    }

    /// The tails that have changed recently: each is sent several times, in case a beat is lost.
    fn tails_to_say(&mut self) -> Vec<(&'static str, u64)> {
        let mut tails = self.shared.outbox.tails();
        tails.retain(|(name, last)| {
            let (said, times) = self.said.entry(name).or_default();
            if said != last {
                (*said, *times) = (*last, 0);
            }
            *times += 1;
            *times <= REPEAT
        });
        tails
    }

    pub(super) fn beat(&mut self) {
        let online = self.shared.state() == LinkState::Online;
        let tails = if online { self.tails_to_say() } else { Vec::new() };
        let (exports, now) = (&self.hello.exports, Instant::now());
        let heard_by = self
            .peers
            .values()
            .filter(|peer| peer.state != PeerState::Gone && peer.is_told(exports, now));
        let beat = System::Beat(Beat {
            incarnation: self.shared.incarnation,
            generation: self.hello.generation,
            tails: tails.into_iter().map(|(name, last)| (name.to_owned(), last)).collect(),
            heard_by: heard_by.map(|peer| peer.hello.incarnation).collect(),
        });
        self.shared.send(self.shared.subjects.system().into(), wire::write(&beat));
    }
}
