//! A client that is no link, and knows the format.

use async_nats::{Client, ConnectOptions};
use serde::Serialize;

use crate::world::Order;

/// Publishes what it likes.
pub(crate) struct Foreign(pub(crate) Client);

impl Foreign {
    pub(crate) async fn connect(url: &str) -> Self {
        Self(ConnectOptions::new().connect(url).await.unwrap())
    }

    pub(crate) async fn publish(&self, subject: &str, payload: Vec<u8>) {
        self.0.publish(format!("cb.test.{subject}"), payload.into()).await.unwrap();
    }

    /// Waits until the server has all of it.
    pub(crate) async fn flush(&self) {
        self.0.flush().await.unwrap();
    }

    /// What is said in MessagePack, as links do to each other.
    pub(crate) async fn say(&self, subject: &str, message: &impl Serialize) {
        self.publish(subject, rmp_serde::to_vec_named(message).unwrap()).await;
    }
}

/// A packet of orders, the first of which has this sequence and, as its id, too.
pub(crate) fn packet(incarnation: u64, first: u64, orders: &[Order]) -> Vec<u8> {
    let mut bytes = header(0, incarnation, first);
    for order in orders {
        let body = rmp_serde::to_vec_named(order).unwrap();
        bytes.push(0);
        varint(&mut bytes, body.len() as u64);
        bytes.extend(body);
    }
    bytes
}

/// Version 1, this kind, MessagePack, schema 1.
pub(crate) fn header(kind: u8, incarnation: u64, first: u64) -> Vec<u8> {
    let mut bytes = vec![1, kind, 0];
    bytes.extend(incarnation.to_le_bytes());
    bytes.push(1);
    varint(&mut bytes, first);
    bytes
}

pub(crate) fn varint(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}
