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
//! For each responder of a present node, a proxy with the same name signs in on this bus. It passes
//! the calls that expect it to that node, which turns them into a request on its own bus. So the
//! rules, the outcomes and the deadlines are those of the bus, on both sides.
//!
//! An [`Ask`](crate::wire::Ask) lists the requests that wait for it. If it returns to a node that
//! sent one of those, the request is made on behalf of that one, and the bus finds the cycle.
//! Cycles closed by two simultaneous requests, from two sides, end at their deadline.

mod ask;
mod chains;
mod serve;

pub(crate) use ask::{AskCommand, Asks, Standins, ask};
pub(crate) use chains::Chains;
pub(crate) use serve::{Serve, Served, Serving};
