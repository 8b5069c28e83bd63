//! What an open request still waits for, as the wait-for graph asks.

use std::sync::Arc;

use super::Request;
use super::exchange::{Exchange, State};
use super::parts::{Player, Stage};
use super::rule::Rule;
use crate::engine::{Candidate, Pending};
use crate::event::TypeInfo;
use crate::registry::Phase;

impl<Q: Request> Exchange<Q> {
    /// What the request still waits for.
    pub(super) fn pending(&self) -> Pending {
        let registry = self.core.registry();
        let mut state = self.state.lock();
        let responders = registry.find(TypeInfo::of::<Q>()).map(|entry| &entry.responders);
        let by_name = |name: &str| {
            let all = responders.into_iter().flat_map(|route| route.mailboxes());
            let present: Vec<_> = all.filter(|it| *it.settings.name == *name).cloned().collect();
            match registry.phase {
                Phase::Buffering if present.is_empty() => vec![Candidate::Unknown],
                _ => present.into_iter().map(Candidate::Queued).collect(),
            }
        };
        let by_number = |mailbox: u64| match registry.listeners.get(&mailbox) {
            Some(listener) => Candidate::Queued(Arc::clone(&listener.mailbox)),
            None => Candidate::Unknown,
        };
        let parts = state.candidates(|name, player| match player.stage {
            Stage::Waiting => by_name(name),
            Stage::Queued => vec![by_number(player.mailbox)],
            Stage::Handling => vec![Candidate::Handling(player.mailbox)],
            _ => Vec::new(),
        });
        if !state.dispatched {
            let sighted = parts.iter().flatten().filter(|it| matches!(it, Candidate::Queued(_)));
            state.sighted = state.sighted.max(sighted.count());
        }
        // The asker is about to judge an answer, which may be all it wants.
        let undecided = self.rule == Rule::Until && state.recheck;
        let ends = state.end.is_some() || registry.phase == Phase::Closed;
        let needs =
            if ends || undecided { 0 } else { self.rule.needs(state.responded, parts.len()) };
        Pending { needs, parts }
    }
}

impl<R: 'static> State<R> {
    /// The candidates for the answer of each expected responder that may still answer.
    fn candidates(
        &self,
        candidate: impl Fn(&str, &Player) -> Vec<Candidate>,
    ) -> Vec<Vec<Candidate>> {
        let unanswered =
            self.parts.named().enumerate().filter(|(_, (_, part))| part.answer.is_none());
        let candidates = unanswered.map(|(place, (name, part))| {
            let namesakes = self.others.iter().filter(|other| other.namesake == Some(place));
            let players = std::iter::once(&part.player).chain(namesakes.map(|other| &other.player));
            players.flat_map(|player| candidate(name, player)).collect()
        });
        candidates.filter(|candidates: &Vec<_>| !candidates.is_empty()).collect()
    }
}
