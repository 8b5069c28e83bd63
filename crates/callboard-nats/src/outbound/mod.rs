//! From this bus to the server: an exported type's events are encoded by a pump of their own, wait in
//! the outbox, and are packed and sent by one writer. The publisher has long gone on.

mod export;
mod outbox;
mod writer;

pub use export::Export;
pub(crate) use export::{Echoes, Pump, pump};
#[cfg(feature = "jetstream")]
pub(crate) use outbox::Offline;
pub(crate) use outbox::{Limits, Outbox};
pub(crate) use writer::write as run_writer;
