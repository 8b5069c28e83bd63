//! What is done in real time.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use callboard::{Bus, Event, Subscription};

use crate::{ROUNDS, WARM_UP, in_real_time};

/// Plain data.
#[derive(Debug, Event)]
struct Reading {
    number: u64,
    values: [f32; 4],
}

/// Another type, which has no subscriber.
#[derive(Debug, Event)]
struct Unheard;

/// Something to do, by name; it returns how many operations it did in real time.
pub(crate) type Scenario = (&'static str, fn() -> u64);

/// What is done.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("publish, and try_recv by three", one_by_one),
    ("publish, and recv of what is there", by_futures),
    ("publish several, and receive them as a batch", by_batches),
    ("publish to a full subscriber", to_a_full_one),
    ("publish to nobody", to_nobody),
    ("publish while two threads receive", beside_readers),
    ("keep and clone events, and let them go elsewhere", kept),
];

fn reading(number: u64) -> Reading {
    Reading { number, values: [0.5; 4] }
}

fn open(bus: &Bus, name: &str) -> Subscription<Reading> {
    bus.subscriber(name).capacity(50).subscribe()
}

/// Runs a round until everything has its size, and then in real time; `each` is how many operations a
/// round has.
fn measure(each: u64, mut round: impl FnMut(u64)) -> u64 {
    let (warm, end) = (WARM_UP as u64, (WARM_UP + ROUNDS) as u64);
    // Whoever follows the system calls is to see these, and none between the last two.
    let mark = |what: &str| assert!(!std::fs::exists(what).unwrap_or(false));
    mark("warming up");
    (0..warm).for_each(&mut round);
    mark("real time begins");
    (warm..end).for_each(|number| in_real_time(|| round(number)));
    mark("real time ends");
    each * ROUNDS as u64
}

fn one_by_one() -> u64 {
    let bus = Bus::new();
    let mut readers = ["a", "b", "c"].map(|name| open(&bus, name));
    bus.start();
    measure(7, |number| {
        assert_eq!(bus.publish(reading(number)).delivered(), 3);
        for reader in &mut readers {
            assert!(reader.try_recv().is_ok_and(|reading| reading.number == number));
            assert!(reader.try_recv().is_err());
        }
    })
}

fn by_futures() -> u64 {
    let bus = Bus::new();
    let mut reader = open(&bus, "reader");
    bus.start();
    measure(2, |number| {
        bus.publish(reading(number));
        let mut recv = pin!(reader.recv());
        let mut context = Context::from_waker(Waker::noop());
        let received = match recv.as_mut().poll(&mut context) {
            // Now and then it lets the executor see to others first.
            Poll::Pending => recv.poll(&mut context),
            ready => ready,
        };
        assert!(matches!(received, Poll::Ready(Some(reading)) if reading.number == number));
    })
}

fn by_batches() -> u64 {
    let bus = Bus::new();
    let mut reader = open(&bus, "reader");
    bus.start();
    measure(20, |number| {
        for _ in 0..10 {
            bus.publish(reading(number));
        }
        let mut received = 0;
        while let Ok(batch) = reader.try_recv_batch() {
            received += batch.map(|reading| reading.values.len()).sum::<usize>();
        }
        assert_eq!(received, 40);
    })
}

fn to_a_full_one() -> u64 {
    let bus = Bus::new();
    let _full = bus.subscriber("full").capacity(1).lossy().subscribe::<Reading>();
    let mut reader = open(&bus, "reader");
    bus.start();
    bus.publish(reading(0));
    assert!(reader.try_recv().is_ok());
    measure(2, |number| {
        assert_eq!(bus.publish(reading(number)).dropped(), 1);
        assert!(reader.try_recv().is_ok());
    })
}

fn to_nobody() -> u64 {
    let bus = Bus::new();
    bus.start();
    measure(1, |_| assert_eq!(bus.publish(Unheard).delivered(), 0))
}

/// Readers that keep up take no lock of the publisher's, so all three threads are in real time.
fn beside_readers() -> u64 {
    const MOST_WAITING: u64 = 40;
    const ALL: u64 = (WARM_UP + ROUNDS) as u64;
    let bus = Bus::new();
    let readers = ["a", "b"].map(|name| open(&bus, name));
    let received = [const { AtomicU64::new(0) }; 2];
    bus.start();
    thread::scope(|scope| {
        let received = &received;
        let threads = readers.into_iter().zip(received).map(|(mut reader, received)| {
            scope.spawn(move || {
                while received.load(Ordering::Relaxed) < ALL {
                    let took = in_real_time(|| reader.try_recv().is_ok());
                    if took {
                        received.fetch_add(1, Ordering::Release);
                    } else {
                        thread::yield_now();
                    }
                }
            })
        });
        let threads: Vec<_> = threads.collect();
        for number in 0..ALL {
            let behind = |it: &AtomicU64| number - it.load(Ordering::Acquire) >= MOST_WAITING;
            while received.iter().any(behind) {
                thread::yield_now();
            }
            let publish = || bus.publish(reading(number)).delivered();
            let delivered = if number < WARM_UP as u64 { publish() } else { in_real_time(publish) };
            assert_eq!(delivered, 2);
        }
        // To the end: what a thread still does after its scope is not of the next scenario.
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        ROUNDS as u64 + 2 * ALL
    })
}

fn kept() -> u64 {
    let bus = Bus::new();
    let mut readers = ["a", "b"].map(|name| open(&bus, name));
    bus.start();
    measure(4, |number| {
        bus.publish(reading(number));
        let [first, second] = readers.each_mut().map(|reader| reader.try_recv());
        let (Ok(first), Ok(second)) = (first, second) else { panic!("they are there") };
        let copy = first.clone();
        drop((first, second));
        assert_eq!(copy.number, number);
    })
}
