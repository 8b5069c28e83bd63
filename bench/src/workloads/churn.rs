//! Subscribing and leaving while another thread publishes and reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use callboard::Bus;
use tokio::sync::broadcast;

use crate::events::{Message, Plain};
use crate::harness::CAPACITY;
use crate::row::{Against, Column, Row, Sample, Turn};

pub(super) fn rows() -> Vec<Row> {
    let columns = &[Column { name: "", unit: "ns/pair" }];
    let row =
        Row::new("churn", "subscribes and drops, while a thread publishes and reads steadily")
            .columns(columns)
            .turn(Turn::Timed { least: 100, stretch: 1 })
            .ours("callboard", bus)
            .peer("tokio broadcast", tokio_broadcast)
            .goal("at most twice tokio broadcast", Against::BestPeer, 2.0);
    vec![row]
}

fn bus(pairs: u64) -> Sample {
    let bus = Bus::new();
    let mut steady = bus.subscriber("steady").capacity(CAPACITY).subscribe::<Plain>();
    bus.start();
    let publisher = bus.clone();
    let load = move |value| {
        publisher.publish(Plain::new(value));
        assert!(steady.try_recv().is_ok(), "an event was lost");
    };
    under_load(load, pairs, || {
        drop(bus.subscriber("visitor").capacity(CAPACITY).late().subscribe::<Plain>());
    })
}

fn tokio_broadcast(pairs: u64) -> Sample {
    let (sender, mut steady) = broadcast::channel(CAPACITY);
    let publisher = sender.clone();
    let load = move |value| {
        let _ = publisher.send(Plain::new(value));
        assert!(steady.try_recv().is_ok(), "an event was lost");
    };
    under_load(load, pairs, || drop(sender.subscribe()))
}

/// Does `pair` so often, while another thread does `load` again and again.
fn under_load(
    mut load: impl FnMut(u64) + Send + 'static,
    pairs: u64,
    mut pair: impl FnMut(),
) -> Sample {
    let running = Arc::new(AtomicBool::new(true));
    let loaded = Arc::new(AtomicBool::new(false));
    let thread = thread::spawn({
        let (running, loaded) = (Arc::clone(&running), Arc::clone(&loaded));
        move || {
            let mut value = 0;
            // Ordering: Relaxed; nothing else hangs on the two flags.
            while running.load(Ordering::Relaxed) {
                load(value);
                value += 1;
                loaded.store(true, Ordering::Relaxed);
            }
        }
    });
    while !loaded.load(Ordering::Relaxed) {
        thread::yield_now();
    }
    let begun = Instant::now();
    (0..pairs).for_each(|_| pair());
    let elapsed = begun.elapsed();
    running.store(false, Ordering::Relaxed);
    thread.join().expect("the load does not panic");
    Sample::per_event(elapsed, pairs)
}
