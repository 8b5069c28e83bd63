//! Links over real servers: a file per promise.

#[path = "../support/mod.rs"]
mod support;

mod barrier;
mod cloudevents;
mod durable;
mod events;
mod requests;
mod world;
