//! Requests across nodes.
//!
//! ```text
//!   this bus                                                    another node's bus
//!
//!   gather ──► stand-in "schema" ── Ask ──────────────────────► gather of "schema" ──► responder
//!     ▲            │  (Call, open)                                  │
//!     └── respond ─┴──────────────────────────── Reply ◄────────────┘
//! ```
//!
//! For each responder of another node that is present, a stand-in of the same name signs in on this
//! bus. It hands the calls that are expected of it to that node, which makes a request of them on its
//! own bus. So the rules, the outcomes and the deadlines are the bus's, on both sides.
//!
//! An [`Ask`](crate::wire::Ask) says which requests wait for it. Where it comes back to a node that one
//! of those came from, the request is made in that one's place, and the bus finds the circle. Circles
//! that are closed by two requests at once, from two sides, end at their deadline.

mod ask;
mod chains;
mod serve;

pub(crate) use ask::{AskCommand, Asks, Standins, ask};
pub(crate) use chains::Chains;
pub(crate) use serve::{Serve, Served, Serving};
