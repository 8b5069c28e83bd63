//! The console as its clients meet it: over real connections, byte by byte.

mod access;
mod client;
mod clients;
mod links;
mod live;
mod malformed;
#[cfg(feature = "metrics")]
mod metrics;
mod routes;
