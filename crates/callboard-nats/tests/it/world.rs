//! Buses, links, and what travels between them.

use std::time::Duration;

use callboard::{Bus, Event, Request};
use callboard_nats::{LinkBuilder, LinkSnapshot, NatsLink, PeerState};
use serde::{Deserialize, Serialize};

use crate::support::PATIENCE;

#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(type = "order.placed")]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) text: String,
}

#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(type = "order.paid")]
pub(crate) struct Paid {
    pub(crate) id: u64,
}

#[derive(Debug, Event, Serialize, Deserialize, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) by: String,
}

#[derive(Debug, Request, Serialize, Deserialize)]
#[request(type = "order.check", response = Verdict)]
pub(crate) struct Check {
    pub(crate) id: u64,
}

pub(crate) fn order(id: u64) -> Order {
    Order { id, text: format!("order {id}") }
}

/// A process, as far as the others see.
pub(crate) struct Node {
    pub(crate) bus: Bus,
    pub(crate) link: NatsLink,
}

impl Node {
    /// A node of this name whose bus has started.
    pub(crate) async fn start(
        url: &str,
        name: &str,
        build: impl FnOnce(LinkBuilder) -> LinkBuilder,
    ) -> Self {
        let bus = Bus::new();
        bus.start();
        Self::on(bus, url, name, build).await
    }

    /// A node of this name on this bus.
    pub(crate) async fn on(
        bus: Bus,
        url: &str,
        name: &str,
        build: impl FnOnce(LinkBuilder) -> LinkBuilder,
    ) -> Self {
        let builder = NatsLink::builder(&bus, url).namespace("test").node(name);
        let link = build(builder).connect().await.unwrap();
        Self { bus, link }
    }

    /// Waits until the picture of the link is as wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl FnMut(&LinkSnapshot) -> bool) {
        let waiting = self.link.wait_until(wanted);
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("waited {PATIENCE:?} for {what}: {:#?}", self.link.snapshot());
        }
    }

    /// Waits until these nodes are present.
    pub(crate) async fn meets(&self, others: &[&str]) {
        let present = |link: &LinkSnapshot, name: &str| {
            link.peer(name).is_some_and(|peer| peer.state == PeerState::Present)
        };
        let what = format!("{others:?} to be present");
        self.until(&what, |link| others.iter().all(|name| present(link, name))).await;
    }

    /// Waits until another node's responder can be asked on this bus: a node is present before it has
    /// said what it offers.
    pub(crate) fn has_stand_in(&self, responder: &str) {
        let stand_in = || self.bus.snapshot().subscriber(responder).map(|_| ());
        crate::support::wait_for("the stand-in", stand_in);
    }

    pub(crate) fn assert_balanced(&self) {
        let snapshot = self.link.snapshot();
        assert!(snapshot.balances(), "{snapshot:#?}");
    }
}

/// What a future returns, if it does so in good time.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(PATIENCE, future).await;
    in_time.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
}

/// Longer than anything takes that ends.
pub(crate) const LONG: Duration = Duration::from_secs(20);
