//! Builds the graph from a snapshot and the catalogue.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Relation, WiredComponent, WiredEdge, WiredType, Wiring};
use crate::catalogue::{CatalogueEntry, EventRole};
use crate::engine::DeadLetter;
use crate::event::{Event, Pattern};
use crate::snapshot::{InterestSnapshot, Snapshot, SubscriberSnapshot, TypeSnapshot};

pub(super) fn build(snapshot: &Snapshot, catalogue: &[CatalogueEntry]) -> Wiring {
    let mut graph = Graph::default();
    for entry in catalogue {
        graph.types.entry(entry.event_type.to_owned()).or_insert((entry.role.clone(), false));
    }
    for of in &snapshot.types {
        let known = graph.types.entry(of.event_type.clone()).or_insert((EventRole::Event, false));
        known.1 |= of.published > 0;
    }
    snapshot.subscribers.iter().for_each(|of| graph.subscriber(of));
    let answers = Answers::of(snapshot, catalogue);
    snapshot.types.iter().for_each(|of| graph.publishers(of, &answers));
    graph.replies(snapshot, &answers);
    graph.collect(catalogue);
    graph.finish()
}

#[derive(Default)]
struct Graph {
    /// The patterns of each component, and whether it hears everything.
    components: BTreeMap<String, (BTreeSet<String>, bool)>,
    /// The role of each type, and whether it was published.
    types: BTreeMap<String, (EventRole, bool)>,
    /// Whether each edge was seen.
    edges: BTreeMap<(String, String, Relation), bool>,
}

impl Graph {
    fn edge(&mut self, component: &str, event_type: &str, relation: Relation, seen: bool) {
        self.components.entry(component.to_owned()).or_default();
        let key = (component.to_owned(), event_type.to_owned(), relation);
        *self.edges.entry(key).or_default() |= seen;
    }

    fn subscriber(&mut self, of: &SubscriberSnapshot) {
        let (patterns, everything) = self.components.entry(of.name.clone()).or_default();
        match &of.interest {
            InterestSnapshot::Everything => *everything = true,
            InterestSnapshot::Matching(pattern) if pattern == ">" => *everything = true,
            InterestSnapshot::Matching(pattern) => {
                patterns.insert(pattern.clone());
                let Ok(pattern) = Pattern::new(pattern) else { return };
                let matched: Vec<_> =
                    self.types.keys().filter(|name| pattern.matches(name)).cloned().collect();
                for event_type in matched {
                    self.edge(&of.name, &event_type, Relation::Hears, was_offered(of, &event_type));
                }
            }
            InterestSnapshot::Types(types) => {
                for event_type in types {
                    let answers = of.answers.contains(event_type);
                    let relation = if answers { Relation::Answers } else { Relation::Hears };
                    self.edge(&of.name, event_type, relation, was_offered(of, event_type));
                }
            }
            InterestSnapshot::BadPattern(_) => {}
        }
    }

    fn publishers(&mut self, of: &TypeSnapshot, answers: &Answers<'_>) {
        let event_type = of.event_type.as_str();
        if event_type == DeadLetter::TYPE {
            self.edge(Wiring::BUS, event_type, Relation::Publishes, of.published > 0);
            return;
        }
        let responders = answers.responders.get(event_type);
        let unnamed = unnamed(of) > 0;
        for publisher in &of.publishers {
            let relation = match responders {
                Some(names) if names.contains_key(publisher.name.as_str()) => Relation::Replies,
                _ if of.request => Relation::Asks,
                _ => Relation::Publishes,
            };
            self.edge(&publisher.name, event_type, relation, publisher.published > 0);
        }
        let asked = responders.is_some_and(|names| names.values().any(|asked| *asked));
        if unnamed && (of.request || !asked) {
            let relation = if of.request { Relation::Asks } else { Relation::Publishes };
            self.edge(Wiring::UNNAMED, event_type, relation, true);
        }
    }

    /// Every responder gets a reply edge; unnamed answers count for all responders that were asked.
    fn replies(&mut self, snapshot: &Snapshot, answers: &Answers<'_>) {
        for (response, responders) in &answers.responders {
            let of_response = |of: &&TypeSnapshot| of.event_type == *response;
            let unnamed = snapshot.types.iter().filter(of_response).any(|of| unnamed(of) > 0);
            for (name, asked) in responders {
                self.edge(name, response, Relation::Replies, *asked && unnamed);
            }
        }
    }

    /// Adds an edge from each answer type to the components that ask for it.
    fn collect(&mut self, catalogue: &[CatalogueEntry]) {
        for (request, response) in requests(catalogue) {
            let answered = self.types.get(response).is_some_and(|(_, seen)| *seen);
            let asks = |(key, seen): (&(String, String, Relation), &bool)| {
                let asks = key.1 == request && key.2 == Relation::Asks;
                asks.then(|| (key.0.clone(), *seen))
            };
            let askers: Vec<_> = self.edges.iter().filter_map(asks).collect();
            for (asker, seen) in askers {
                self.edge(&asker, response, Relation::Collects, seen && answered);
            }
        }
    }

    fn finish(self) -> Wiring {
        let component = |(name, (patterns, hears_everything))| WiredComponent {
            name,
            patterns: BTreeSet::into_iter(patterns).collect(),
            hears_everything,
        };
        let of_type = |(event_type, (role, seen))| WiredType {
            event_type,
            role,
            seen,
            has_publisher: false,
            has_listener: false,
        };
        let edge = |((component, event_type, relation), seen)| WiredEdge {
            component,
            event_type,
            relation,
            seen,
        };
        let mut wiring = Wiring {
            components: self.components.into_iter().map(component).collect(),
            types: self.types.into_iter().map(of_type).collect(),
            edges: self.edges.into_iter().map(edge).collect(),
        };
        wiring.mark_orphans();
        wiring
    }
}

/// By answer type, the responders of the requests that it answers, and whether each was asked.
struct Answers<'a> {
    responders: HashMap<&'a str, BTreeMap<&'a str, bool>>,
}

impl<'a> Answers<'a> {
    fn of(snapshot: &'a Snapshot, catalogue: &[CatalogueEntry]) -> Self {
        let response: HashMap<&str, &'static str> = requests(catalogue).collect();
        let mut responders: HashMap<&str, BTreeMap<&str, bool>> = HashMap::new();
        for of in &snapshot.subscribers {
            for request in &of.answers {
                let Some(response) = response.get(request.as_str()) else { continue };
                let asked = responders.entry(response).or_default().entry(&of.name).or_default();
                *asked |= was_offered(of, request);
            }
        }
        Self { responders }
    }
}

/// The request types with their answer types.
fn requests(catalogue: &[CatalogueEntry]) -> impl Iterator<Item = (&'static str, &'static str)> {
    catalogue.iter().filter_map(|entry| match &entry.role {
        EventRole::Request { response } => Some((entry.event_type, *response)),
        _ => None,
    })
}

/// How many events of the type were published without a publisher name.
fn unnamed(of: &TypeSnapshot) -> u64 {
    let named: u64 = of.publishers.iter().map(|publisher| publisher.published).sum();
    of.published.saturating_sub(named)
}

fn was_offered(of: &SubscriberSnapshot, event_type: &str) -> bool {
    let mut accounts = of.accounts.iter();
    accounts.any(|account| account.event_type == event_type && account.ledger.offered > 0)
}
