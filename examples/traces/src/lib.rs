//! A small shop whose components talk over a bus that traces, and the traces of it as OpenTelemetry
//! exports them.

pub mod export;
pub mod shop;
