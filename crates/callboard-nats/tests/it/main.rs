//! Links over real servers: a file per promise.

#[path = "../support/mod.rs"]
mod support;

mod barrier;
mod cloudevents;
mod durable;
mod events;
mod faults;
mod foreign;
mod holes;
mod hostile;
mod mishaps;
mod offline;
mod requests;
mod schema;
mod security;
mod world;
