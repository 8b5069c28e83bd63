//! HAProxy as the controller knows it: a binary, its messages, its master process.

pub(crate) mod binary;
pub(crate) mod master;
pub(crate) mod messages;
pub(crate) mod process;
