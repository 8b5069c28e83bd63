//! From the server to this bus: one task per imported type reads packets, keeps an account for each
//! node, and publishes the events.

mod held;
mod import;
mod streams;

pub use import::Import;
pub(crate) use import::{Receiver, publish, receive};
pub(crate) use streams::{Nodes, Streams, Tail};
