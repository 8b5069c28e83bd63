//! How a peer is driven: what it has to offer, and the loops that use it, the same for all.

mod ask;
mod latency;
mod queue;
mod tasks;
mod threads;
mod transport;

pub(crate) use ask::{Ask, ask};
pub(crate) use latency::{GAP, idle, percentiles, task_latency, thread_latency};
pub(crate) use queue::{cycle, cycle_on, full};
pub(crate) use tasks::{Stalled, runtime, tasks, tasks_beside};
pub(crate) use threads::threads;
pub(crate) use transport::{
    Channel, Each, Ends, Queue, TaskChannel, TaskTransport, ThreadChannel, ThreadTransport,
    Transport,
};

/// How many events every subscriber of every contestant may hold.
pub(crate) const CAPACITY: usize = 1_024;

/// How many events a batch has at most, where the contestant is asked for a number.
pub(crate) const BATCH: usize = 256;
