//! Opening a subscription, and waiting on one.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use callboard::Bus;

use crate::events::{Message, Plain};

/// While another subscription to the type stays.
pub(crate) fn subscribe_and_drop(count: u64) -> u64 {
    let bus = Bus::new();
    let stays = bus.subscribe::<Plain>("stays");
    bus.start();
    for _ in 0..count {
        let goes = bus.subscriber("goes").late().subscribe::<Plain>();
        drop(goes);
    }
    let published = bus.publish(Plain::new(0));
    if published.delivered() == 1 && stays.len() == 1 { count } else { 0 }
}

pub(crate) fn cancel(count: u64) -> u64 {
    let bus = Bus::new();
    let mut reader = bus.subscribe::<Plain>("reader");
    bus.start();
    let mut context = Context::from_waker(Waker::noop());
    let mut pending = 0;
    for _ in 0..count {
        let recv = pin!(reader.recv());
        pending += u64::from(recv.poll(&mut context).is_pending());
    }
    pending
}

pub(crate) fn wake(count: u64) -> u64 {
    let bus = Bus::new();
    let mut reader = bus.subscribe::<Plain>("reader");
    bus.start();
    let mut context = Context::from_waker(Waker::noop());
    let mut received = 0;
    for value in 0..count {
        let mut recv = pin!(reader.recv());
        let waits = recv.as_mut().poll(&mut context).is_pending();
        bus.publish(Plain::new(value));
        let right = match recv.poll(&mut context) {
            Poll::Ready(Some(event)) => waits && event.value() == value,
            Poll::Ready(None) | Poll::Pending => false,
        };
        received += u64::from(right);
    }
    received
}
