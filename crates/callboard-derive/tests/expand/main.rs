//! What the derives make of correct items.
//!
//! The lints are those an application might deny: no expansion may trip one.
#![deny(
    deprecated,
    missing_docs,
    unreachable_pub,
    unused,
    unused_lifetimes,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]

mod contract;
mod crate_option;
mod hygiene;
mod lints;
mod names;
mod options;
mod responses;
mod sets;
mod stand_in;
mod written_by_macros;
