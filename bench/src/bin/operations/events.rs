//! What is sent. An event is made from a number and gives it back, so that what arrives can be
//! checked.

use std::hint::black_box;

use callboard::{Coalesce, Delivery, Event, EventSet};

pub(crate) trait Message: Event {
    fn new(value: u64) -> Self;
    fn value(&self) -> u64;
}

/// 32 bytes of plain data.
#[derive(Debug, Event)]
#[event(type = "operations.plain")]
pub(crate) struct Plain([u64; 4]);

/// An event that owns 64 bytes on the heap.
#[derive(Debug, Event)]
#[event(type = "operations.heap")]
pub(crate) struct Heap(Vec<u64>);

/// 32 bytes of plain data, and a key of its own.
#[derive(Debug, Event)]
#[event(type = "operations.keyed")]
pub(crate) struct Keyed([u64; 4]);

impl Coalesce for Keyed {
    type Key = u64;

    fn key(&self) -> u64 {
        self.0[0]
    }
}

/// A component's inbox of two types.
#[derive(Debug, EventSet)]
pub(crate) enum Inbox {
    Plain(Delivery<Plain>),
    Heap(Delivery<Heap>),
}

impl Message for Plain {
    fn new(value: u64) -> Self {
        Self(black_box([value; 4]))
    }

    fn value(&self) -> u64 {
        self.0[3]
    }
}

impl Message for Keyed {
    fn new(value: u64) -> Self {
        Self(black_box([value; 4]))
    }

    fn value(&self) -> u64 {
        self.0[3]
    }
}

impl Message for Heap {
    fn new(value: u64) -> Self {
        Self(vec![black_box(value); 8])
    }

    fn value(&self) -> u64 {
        self.0[7]
    }
}
