//! Which replica runs which validator.
//!
//! Validator `i` is the business of replica `i mod n`, in the order of the names of the `n` replicas
//! that are there. Each replica decides for itself, by what its link sees; where two disagree for a
//! moment, a validator answers twice, or a pass fails and is repeated.

use std::collections::BTreeMap;

use callboard_nats::{LinkSnapshot, PeerState};
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinSet};

use crate::components::Parts;
use crate::events::VALIDATORS;

/// The replicas that are there, and the validators that the others run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    /// By name, this one included.
    others: BTreeMap<String, Vec<&'static str>>,
}

impl View {
    /// What the link of `node` sees.
    pub(super) fn of(node: &str, link: &LinkSnapshot) -> Self {
        let present = link.peers.iter().filter(|peer| peer.state == PeerState::Present);
        let offers = |components: &[String]| {
            VALIDATORS.into_iter().filter(|name| components.iter().any(|it| it == name)).collect()
        };
        let others = present.map(|peer| (peer.node.clone(), offers(&peer.components)));
        Self { others: others.chain([(node.to_owned(), Vec::new())]).collect() }
    }

    /// The names of the replicas.
    pub(super) fn nodes(&self) -> Vec<String> {
        self.others.keys().cloned().collect()
    }

    /// Whose business the validator at `place` is.
    fn owner(&self, place: usize) -> Option<&str> {
        self.others.keys().nth(place % self.others.len().max(1)).map(String::as_str)
    }

    /// The validators that `node` runs: its share and, of those it has begun, the ones that their
    /// owner does not run yet.
    fn share(&self, node: &str, running: &[&'static str]) -> Vec<&'static str> {
        let mine = |(place, name): (usize, &'static str)| {
            let owner = self.owner(place)?;
            let runs = self.others.get(owner).is_some_and(|names| names.contains(&name));
            (owner == node || (running.contains(&name) && !runs)).then_some(name)
        };
        VALIDATORS.into_iter().enumerate().filter_map(mine).collect()
    }
}

/// The validators that run here.
#[derive(Default)]
pub(super) struct Shares {
    running: BTreeMap<&'static str, AbortHandle>,
    tasks: JoinSet<()>,
}

impl Shares {
    /// Begins and ends validators, as `view` wants it.
    pub(super) fn change(&mut self, node: &str, view: &View, parts: &Parts, on: &Handle) {
        let share = view.share(node, &self.names());
        self.running.retain(|name, task| {
            let stays = share.contains(name);
            if !stays {
                task.abort();
            }
            stays
        });
        for name in share {
            let tasks = &mut self.tasks;
            self.running.entry(name).or_insert_with(|| tasks.spawn_on(parts.validator(name), on));
        }
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.running.keys().copied().collect()
    }

    /// Waits until a validator ends that should not.
    pub(super) async fn ended(&mut self) {
        loop {
            match self.tasks.join_next().await {
                Some(Err(error)) if error.is_cancelled() => {}
                Some(_) => return,
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(nodes: &[(&str, &[&'static str])]) -> View {
        let others = nodes.iter().map(|(node, names)| ((*node).to_owned(), names.to_vec()));
        View { others: others.collect() }
    }

    #[test]
    fn every_validator_is_the_business_of_one_replica() {
        for nodes in [&["a"][..], &["a", "b"], &["a", "b", "c"], &["a", "b", "c", "d"]] {
            let view = view(&nodes.iter().map(|node| (*node, &[][..])).collect::<Vec<_>>());
            let mut all: Vec<_> = nodes.iter().flat_map(|node| view.share(node, &[])).collect();
            let largest = nodes.iter().map(|node| view.share(node, &[]).len()).max();
            all.sort_unstable();
            assert_eq!(all, ["haproxy", "schema", "template"], "{nodes:?}");
            assert_eq!(largest, Some(3_usize.div_ceil(nodes.len())), "{nodes:?}");
        }
    }

    #[test]
    fn a_validator_is_kept_until_its_owner_runs_it() {
        let joining = view(&[("a", &[]), ("b", &[])]);
        assert_eq!(joining.share("a", &VALIDATORS), VALIDATORS);
        let joined = view(&[("a", &[]), ("b", &["template"])]);
        assert_eq!(joined.share("a", &VALIDATORS), ["schema", "haproxy"]);
    }
}
