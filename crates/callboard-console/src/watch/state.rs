//! The `state` event.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use callboard::{Finding, Snapshot};
use serde::Serialize;

use super::Look;
use super::graph::Graph;
use super::keys::{keys, link_keys};
use super::rates::{Rates, Totals, What, lost_by};
use super::recent::Recent;
use super::verdict::Verdict;

/// The data of the `state` event.
#[derive(Serialize)]
pub(super) struct State<'a> {
    at_ms: u64,
    snapshot: &'a Snapshot,
    findings: &'a [Finding],
    verdict: Verdict,
    rates: RatesOut<'a>,
    subscribers: Vec<Named<'a>>,
    links: Vec<Named<'a>>,
    graph: Graph,
}

#[derive(Serialize)]
struct RatesOut<'a> {
    #[serde(flatten)]
    totals: Totals,
    types: BTreeMap<&'a str, f64>,
    subscribers: BTreeMap<Arc<str>, SubscriberRates>,
    links: BTreeMap<Arc<str>, LinkRates>,
}

#[derive(Serialize)]
struct SubscriberRates {
    delivered: f64,
    dropped: f64,
}

#[derive(Serialize)]
struct LinkRates {
    sent: f64,
    received: f64,
    dropped: f64,
}

/// The key of a subscription or a link, and its place in the snapshot.
#[derive(Serialize)]
struct Named<'a> {
    key: Arc<str>,
    name: &'a str,
    index: usize,
}

impl<'a> State<'a> {
    pub(super) fn of(look: &'a Look, rates: &Rates, recent: &Recent, recently: Duration) -> Self {
        let snapshot = &look.diagnosis.snapshot;
        let keys = keys(snapshot);
        let named = snapshot.subscribers.iter().zip(&keys).enumerate();
        let subscribers =
            named.map(|(index, (of, key))| Named { key: Arc::clone(key), name: &of.name, index });
        let types = snapshot.types.iter().map(|of| {
            let name = of.event_type.as_str();
            (name, rates.of(&What::Published(name.into())))
        });
        let of_subscribers = snapshot.subscribers.iter().zip(&keys).map(|(of, key)| {
            let delivered = rates.of(&What::Delivered(Arc::clone(key)));
            let dropped = rates.of(&lost_by(of, Arc::clone(key)));
            (Arc::clone(key), SubscriberRates { delivered, dropped })
        });
        let link_keys = link_keys(snapshot);
        let links = snapshot.links.iter().zip(&link_keys).enumerate();
        let links =
            links.map(|(index, (of, key))| Named { key: Arc::clone(key), name: &of.name, index });
        let of_links = link_keys.iter().map(|key| {
            let rate = |what: fn(Arc<str>) -> What| rates.of(&what(Arc::clone(key)));
            let (sent, received) = (rate(What::Sent), rate(What::Arrived));
            (Arc::clone(key), LinkRates { sent, received, dropped: rate(What::LostByLink) })
        });
        Self {
            at_ms: look.at.as_millis() as u64,
            snapshot,
            findings: &look.diagnosis.findings,
            verdict: Verdict::of(&look.diagnosis, &rates.totals(), recent, recently),
            rates: RatesOut {
                totals: rates.totals(),
                types: types.collect(),
                subscribers: of_subscribers.collect(),
                links: of_links.collect(),
            },
            subscribers: subscribers.collect(),
            links: links.collect(),
            graph: Graph::of(snapshot, rates),
        }
    }
}
