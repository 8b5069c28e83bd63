//! Events of every shape: zero-sized, large, and with unusual alignment.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use callboard::{Bus, Delivery, Event};

use crate::support::{Census, Token, publish_all};

#[derive(Debug, Event)]
#[event(type = "shapes.empty")]
struct Empty;

#[derive(Debug, Event)]
#[event(type = "shapes.aligned")]
#[repr(align(128))]
struct Aligned(u8, #[expect(dead_code, reason = "it is counted")] Token);

#[derive(Debug, Event)]
#[event(type = "shapes.page")]
#[repr(align(4096))]
struct Page(u8);

#[derive(Debug, Event)]
#[event(type = "shapes.huge")]
struct Huge([u8; 1 << 18]);

#[derive(Debug, Event)]
#[event(type = "shapes.dropped")]
struct Counted;

static COUNTED: AtomicUsize = AtomicUsize::new(0);

impl Drop for Counted {
    fn drop(&mut self) {
        COUNTED.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn events_of_every_shape_come_as_they_were_sent() {
    // A large event is moved a few times, and without optimization each move is a copy.
    let roomy = thread::Builder::new().stack_size(1 << 26);
    roomy.spawn(send_every_shape).unwrap().join().unwrap();
}

fn send_every_shape() {
    let bus = Bus::new();
    let census = Census::default();
    let mut empty = bus.subscriber("empty").capacity(usize::MAX).subscribe::<Empty>();
    let mut aligned = bus.subscriber("aligned").capacity(usize::MAX).subscribe::<Aligned>();
    let mut page = bus.subscriber("page").capacity(usize::MAX).subscribe::<Page>();
    let mut huge = bus.subscriber("huge").capacity(usize::MAX).subscribe::<Huge>();
    bus.start();
    for round in 0..3_u8 {
        for byte in 0..100 {
            bus.publish(Empty);
            bus.publish(Aligned(byte, census.token()));
            bus.publish(Page(byte));
        }
        for byte in 0..5 {
            bus.publish(Huge([byte; 1 << 18]));
        }
        assert_eq!(empty.try_iter().count(), 100);
        let kept: Vec<Delivery<Aligned>> = aligned.try_iter().collect();
        assert_eq!(census.alive(), 100);
        assert!(kept.iter().map(|event| event.0).eq(0..100), "round {round}");
        assert!(kept.iter().all(|event| (&raw const **event).addr() % 128 == 0));
        let pages: Vec<Delivery<Page>> = page.try_iter().collect();
        assert!(pages.iter().map(|event| event.0).eq(0..100), "round {round}");
        assert!(pages.iter().all(|event| (&raw const **event).addr() % 4_096 == 0));
        let mut bytes = 0;
        while let Ok(batch) = huge.try_recv_batch() {
            for event in batch {
                assert!(event.0.iter().all(|byte| *byte == bytes));
                bytes += 1;
            }
        }
        assert_eq!(bytes, 5);
    }
    assert_eq!(census.alive(), 0);
}

#[test]
fn value_without_size_is_dropped_once() {
    let bus = Bus::new();
    let readers = || bus.subscriber("reader").capacity(usize::MAX).subscribe::<Counted>();
    let mut readers: Vec<_> = (0..3).map(|_| readers()).collect();
    bus.start();
    publish_all(&bus, (0..1_000).map(|_| Counted));
    let kept: Vec<_> = readers[0].try_iter().collect();
    let clones = kept.clone();
    drop(kept);
    while let Ok(batch) = readers[1].try_recv_batch() {
        batch.for_each(drop);
    }
    drop(readers);
    assert_eq!(COUNTED.load(Ordering::SeqCst), 0);
    drop(clones);
    assert_eq!(COUNTED.load(Ordering::SeqCst), 1_000);
}
