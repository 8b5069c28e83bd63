//! A synthetic bus: twenty components, fifty event types, and events on demand.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use callboard::{AnyEvent, Bus, Event, SubscriberSnapshot};
use callboard_console::Console;

const NAMES: [&str; 50] = [
    "a.0", "a.1", "a.2", "a.3", "a.4", "b.0", "b.1", "b.2", "b.3", "b.4", "c.0", "c.1", "c.2",
    "c.3", "c.4", "d.0", "d.1", "d.2", "d.3", "d.4", "e.0", "e.1", "e.2", "e.3", "e.4", "f.0",
    "f.1", "f.2", "f.3", "f.4", "g.0", "g.1", "g.2", "g.3", "g.4", "h.0", "h.1", "h.2", "h.3",
    "h.4", "i.0", "i.1", "i.2", "i.3", "i.4", "j.0", "j.1", "j.2", "j.3", "j.4",
];

/// An event of the type with this number.
#[derive(Clone, Debug)]
pub(crate) struct Made<const N: usize>(
    #[expect(dead_code, reason = "shown by Debug")] pub(crate) u64,
);

impl<const N: usize> Event for Made<N> {
    const TYPE: &'static str = NAMES[N];
}

/// A bus that keeps time, and its console.
pub(crate) fn watched() -> (Bus, Console) {
    let bus = Bus::builder().timestamps(true).build().unwrap();
    let console = console_of(&bus, "127.0.0.1:0");
    (bus, console)
}

pub(crate) fn console_of(bus: &Bus, address: &str) -> Console {
    Console::builder(bus).bind(address).title("test").spawn().unwrap()
}

/// Twenty components publish fifty types and hear each other, until this is dropped.
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    publisher: Option<JoinHandle<()>>,
}

/// Publishes these events of its type.
type Source = Box<dyn Fn(Range<u64>) + Send>;

macro_rules! publishers {
    ($bus:expr; $($number:literal)*) => {
        vec![$({
            let publisher = $bus.publisher::<Made<$number>>(&format!("{}-service", &NAMES[$number][..1]));
            Box::new(move |ids: Range<u64>| { publisher.publish_all(ids.map(Made)); }) as Source
        }),*]
    };
}

impl Traffic {
    /// Publishes this many events a second, the more at once the more they are.
    pub(crate) fn start(bus: &Bus, rate: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for letter in 'a'..='j' {
            let subscriber = bus.subscriber(format!("{letter}-view")).capacity(10_000);
            let mut inbox = subscriber.subscribe_matching(format!("{letter}.*"));
            std::thread::spawn(move || while inbox.blocking_recv().is_some() {});
        }
        bus.start();
        let publishers = publishers!(bus;
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24
            25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49);
        let stopped = Arc::clone(&stop);
        let publisher = std::thread::spawn(move || {
            let began = Instant::now();
            let batch = rate.div_ceil(20_000);
            for (number, id) in (0..).step_by(batch as usize).enumerate() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                publishers[number % publishers.len()](id..id + batch);
                let due = Duration::from_secs_f64((id + batch) as f64 / rate as f64);
                let early = due.saturating_sub(began.elapsed());
                if early > Duration::from_millis(2) {
                    std::thread::park_timeout(early);
                }
            }
        });
        Self { stop, publisher: Some(publisher) }
    }

    /// Stops publishing, and waits until everything was received.
    pub(crate) fn stop(&mut self, bus: &Bus) {
        self.stop.store(true, Ordering::Relaxed);
        self.publisher.take().into_iter().for_each(|publisher| publisher.join().unwrap());
        let waits = |of: &SubscriberSnapshot| of.name.ends_with("-view") && of.queued > 0;
        while bus.snapshot().subscribers.iter().any(waits) {
            std::thread::yield_now();
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A subscriber of everything that takes what comes, on a thread of its own.
pub(crate) fn listen(bus: &Bus, name: &str) {
    let mut inbox = bus.subscriber(name).capacity(10_000).subscribe::<AnyEvent>();
    std::thread::spawn(move || while inbox.blocking_recv().is_some() {});
}
