//! The log.

mod block;
mod gauge;
mod pool;
mod reader;
mod stamp;
mod writer;

pub(crate) use block::{Held, Kept, Shape};
pub(crate) use gauge::Gauge;
pub(crate) use reader::{Lent, Stretch, Tap};
pub(crate) use stamp::Stamp;
pub(crate) use writer::{Log, Standing};
