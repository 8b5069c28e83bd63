//! The graph of components and event types, with the number of events along each edge.

use std::collections::BTreeMap;

use callboard::{InterestSnapshot, Snapshot, SubscriberSnapshot, TypeSnapshot};
use serde::Serialize;

use super::keys::keys;
use super::rates::{Rates, What, publishers};

/// The label of the node for publications without a name.
const UNNAMED: &str = "(unnamed)";

/// Components and event types, and the flow between them: component → type → component. Nodes and
/// edges are sorted, so the text forms have a stable order.
#[derive(Debug, Serialize)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) kind: NodeKind,
    pub(crate) label: String,
    /// Events per second: published, for a type; published and received, for a component.
    pub(crate) rate: f64,
    pub(crate) orphan: Option<&'static str>,
    pub(crate) queued: u64,
    /// The capacity of all subscriptions of a component; `None` without subscriptions.
    pub(crate) capacity: Option<u64>,
    /// How many events were lost.
    pub(crate) drops: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NodeKind {
    Component,
    Type,
}

#[derive(Debug, Serialize)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) rate: f64,
    pub(crate) total: u64,
    pub(crate) drops: u64,
    /// Whether an event has flowed along the edge; otherwise the edge is only declared.
    pub(crate) seen: bool,
}

/// A graph under construction.
#[derive(Default)]
struct Growing {
    nodes: BTreeMap<String, Node>,
    edges: BTreeMap<(String, String), Edge>,
}

impl Graph {
    pub(crate) fn of(snapshot: &Snapshot, rates: &Rates) -> Self {
        let mut graph = Growing::default();
        for of in &snapshot.types {
            graph.event_type(of, rates);
        }
        for (of, key) in snapshot.subscribers.iter().zip(keys(snapshot)) {
            graph.subscriber(of, &key, rates);
        }
        Self {
            nodes: graph.nodes.into_values().collect(),
            edges: graph.edges.into_values().collect(),
        }
    }
}

impl Growing {
    fn event_type(&mut self, of: &TypeSnapshot, rates: &Rates) {
        let name = of.event_type.as_str();
        let rate = rates.of(&What::Published(name.into()));
        let node = self.node(NodeKind::Type, name);
        node.rate = rate;
        node.queued += of.ledger.queued + of.buffered.queued;
        node.drops += of.ledger.lost() + of.buffered.lost();
        // Askers get their answers without a subscription.
        let waits = of.buffered.queued + of.buffered.lost();
        let to_askers = !of.request && of.ledger.offered == 0 && of.published > of.unheard + waits;
        node.orphan = if of.published == 0 && of.publishers.is_empty() {
            Some("no publisher")
        } else if of.published > 0 && of.subscribers + of.responders == 0 && !to_askers {
            Some("no subscriber")
        } else {
            None
        };
        for (by, published) in publishers(of) {
            let rate = rates.of(&What::PublishedBy(by.into(), name.into()));
            let by = if by.is_empty() { UNNAMED } else { by };
            let node = self.node(NodeKind::Component, by);
            node.rate += rate;
            self.edge(id(NodeKind::Component, by), id(NodeKind::Type, name), rate, published, 0);
        }
    }

    fn subscriber(&mut self, of: &SubscriberSnapshot, key: &str, rates: &Rates) {
        let node = self.node(NodeKind::Component, &of.name);
        node.rate += rates.of(&What::Delivered(key.into()));
        node.queued += of.queued as u64;
        let capacity = node.capacity.unwrap_or_default().saturating_add(of.capacity as u64);
        node.capacity = Some(capacity);
        node.drops += of.ledger.lost();
        let to = id(NodeKind::Component, &of.name);
        if let InterestSnapshot::Types(types) = &of.interest {
            for name in types {
                self.node(NodeKind::Type, name);
                self.edge(id(NodeKind::Type, name), to.clone(), 0.0, 0, 0);
            }
        }
        for account in &of.accounts {
            let name = account.event_type.as_str();
            let rate = rates.of(&What::DeliveredOf(key.into(), name.into()));
            let (total, drops) = (account.ledger.offered, account.ledger.lost());
            if total > 0 {
                self.node(NodeKind::Type, name);
                self.edge(id(NodeKind::Type, name), to.clone(), rate, total, drops);
            }
        }
    }

    fn node(&mut self, kind: NodeKind, label: &str) -> &mut Node {
        let id = id(kind, label);
        self.nodes.entry(id.clone()).or_insert_with(|| Node {
            id,
            kind,
            label: label.to_owned(),
            rate: 0.0,
            orphan: None,
            queued: 0,
            capacity: None,
            drops: 0,
        })
    }

    fn edge(&mut self, from: String, to: String, rate: f64, total: u64, drops: u64) {
        let edge = self.edges.entry((from.clone(), to.clone())).or_insert_with(|| Edge {
            from,
            to,
            rate: 0.0,
            total: 0,
            drops: 0,
            seen: false,
        });
        edge.rate += rate;
        edge.total += total;
        edge.drops += drops;
        edge.seen |= total > 0;
    }
}

fn id(kind: NodeKind, label: &str) -> String {
    match kind {
        NodeKind::Component => format!("c:{label}"),
        NodeKind::Type => format!("t:{label}"),
    }
}

#[cfg(test)]
mod tests {
    use callboard::{Bus, Event, Request};

    use super::*;

    #[derive(Debug, Event)]
    struct Tick;

    #[derive(Debug, Event)]
    struct Tock;

    #[derive(Debug, Request)]
    #[request(response = Price)]
    struct AskPrice;

    #[derive(Debug, Event)]
    struct Price;

    #[tokio::test]
    async fn orphans_have_no_publisher_or_nobody_who_gets_them() {
        let bus = Bus::new();
        let mut pricing = bus.responder::<AskPrice>("pricing");
        let orphans = || {
            let graph = Graph::of(&bus.snapshot(), &Rates::default());
            let orphans = graph.nodes.into_iter().filter_map(|of| Some((of.label, of.orphan?)));
            orphans.collect::<Vec<_>>()
        };
        let named = |name: &str, what| (name.to_owned(), what);
        bus.publish(Tick);
        let _declared = bus.publisher::<Tock>("clock");
        let waiting = [named("ask.price", "no publisher"), named("tick", "no subscriber")];
        assert_eq!(orphans(), waiting);
        bus.start();
        let asking = bus.request(AskPrice).expect(["pricing"]).gather();
        let answering = async { pricing.recv().await.map(|call| call.respond(Price)) };
        let (answer, answered) = tokio::join!(asking, answering);
        assert!(answer.is_ok() && answered.is_some());
        assert_eq!(orphans(), [named("tick", "no subscriber")]);
    }
}
