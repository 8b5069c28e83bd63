//! One callboard bus across processes and machines, over NATS.
