//! The log.

mod block;
mod gauge;
mod handle;
mod pool;
mod reader;
mod slot;
mod stamp;
mod writer;

pub(crate) use block::Shape;
pub(crate) use gauge::Gauge;
pub(crate) use handle::{Held, Kept, Lent};
pub(crate) use reader::{Stretch, Tap};
pub(crate) use stamp::Stamp;
pub(crate) use writer::{Log, Standing};
