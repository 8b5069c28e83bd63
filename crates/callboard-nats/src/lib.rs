//! One [callboard] bus across processes and machines, over [NATS](https://nats.io).
//!
//! A [`NatsLink`] joins the buses of several processes, so that a component need not know whether
//! its peer is in the same process or in another datacentre. Types opt in:
//!
//! ```no_run
//! use callboard::{Bus, Event, Request};
//! use callboard_nats::NatsLink;
//! use serde::{Deserialize, Serialize};
//! use std::time::Duration;
//!
//! #[derive(Debug, Event, Serialize, Deserialize)]
//! struct ConfigParsed { version: u64 }
//!
//! #[derive(Debug, Event, Serialize, Deserialize)]
//! struct Verdict { valid: bool }
//!
//! #[derive(Debug, Request, Serialize, Deserialize)]
//! #[request(response = Verdict)]
//! struct ValidateConfig { version: u64 }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = Bus::builder().expect_responders(["schema"]).build()?;
//! let link = NatsLink::builder(&bus, "nats://127.0.0.1:4222")
//!     .namespace("shop")
//!     .node("eu-1")
//!     .export::<ConfigParsed>()
//!     .ask::<ValidateConfig>()
//!     .connect()
//!     .await?;
//! // Another process serves `ValidateConfig` with a responder named "schema".
//! bus.start_when_ready(Duration::from_secs(10)).await?;
//! let gathered = bus.request(ValidateConfig { version: 1 }).expect(["schema"]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//!
//! - A **node** is one link of one bus, with a unique name in a **namespace**.
//! - **Exported** events of this bus are published on the buses of all nodes that **import** their
//!   type. A link does not export imported events again.
//! - Requests of a type that is **asked** here reach the responders that they expect, on all nodes
//!   that **serve** it. Responders have proxies on this bus, under their own names: requests, rules
//!   and results work as within one process. A responder whose node is gone is
//!   [`Outcome::Gone`](callboard::Outcome::Gone); without a connection it is
//!   [`Outcome::Unreachable`](callboard::Outcome::Unreachable).
//! - A node is **present** once it and this one have verified the connection in both directions.
//!   Then its subscribers and responders sign in on this bus, so that
//!   [`start_when_ready`](callboard::Bus::start_when_ready) can wait for them by name; the node
//!   itself signs in as `@name`.
//!
//! # Delivery and loss
//!
//! Publishing never waits for the network. Exported events wait in a ring that is limited in bytes
//! and in time; events that do not fit are dropped and counted. Events that were sent but not
//! confirmed by the server are sent again over the next connection. The receiver drops duplicates
//! and counts missing events. So for each node, type and receiver, after any fault, *published =
//! delivered + dropped*, each drop with one [reason](LinkDrop). Events of one node and type are
//! never reordered or duplicated; between types there is no order. Events behind a gap wait until
//! the gap is filled or known to be a loss: usually for a heartbeat of their node, and at most 3
//! seconds.
//!
//! # Not supported
//!
//! Events are not stored, and a node that was away does not receive the events that it missed.
//! Nodes of different [versions of the format](LinkSnapshot::malformed) do not understand each
//! other. Cycles of requests across nodes are found if an answer waits for itself along one chain;
//! cycles closed by two simultaneous requests, from two nodes, end at their deadline;
//! [`LinkSnapshot::circles`] and the diagnosis of the bus then name them.

mod builder;
mod cloudevents;
#[cfg(feature = "jetstream")]
mod durable;
mod error;
mod guard;
mod inbound;
mod link;
mod node;
mod outbound;
mod propagation;
mod requests;
mod shared;
mod snapshot;
mod subject;
mod wire;

pub use builder::LinkBuilder;
#[cfg(feature = "jetstream")]
pub use durable::Position;
pub use error::Error;
pub use inbound::Import;
pub use link::NatsLink;
pub use outbound::Export;
pub use snapshot::{
    CloudEventsSnapshot, Drops, DurableSnapshot, ExportSnapshot, ImportSnapshot, LinkDrop,
    LinkSnapshot, LinkState, PeerSnapshot, PeerState,
};
pub use wire::Codec;
