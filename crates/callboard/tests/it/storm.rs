//! Promises 2, 4, 5 and 9 at once: readers that come, go, fall behind and catch up while others
//! publish get every event in order or a report of its loss, and nothing is leaked.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use callboard::{Bus, Delivery, Event, Subscription};

use crate::support::{Census, Rng, Token, in_time};

/// An event that must be dropped, by publisher and number.
#[derive(Debug, Event)]
struct Note {
    publisher: usize,
    number: u64,
    _token: Token,
}

const PUBLISHERS: usize = 2;
const EACH: u64 = 4_000;
const CAPACITIES: [usize; 3] = [1, 10, 200];

#[test]
fn storm_of_readers_that_come_go_and_fall_behind_loses_and_invents_nothing() {
    for seed in 0..3 {
        let census = in_time("the storm", move || storm(seed));
        assert_eq!(census.alive(), 0, "seed {seed}");
    }
}

fn storm(seed: u64) -> Census {
    let (bus, census) = (Bus::new(), Census::default());
    bus.start();
    let done = AtomicBool::new(false);
    let begin = Barrier::new(PUBLISHERS + CAPACITIES.len());
    thread::scope(|scope| {
        let (bus, census, done, begin) = (&bus, &census, &done, &begin);
        for capacity in CAPACITIES {
            scope.spawn(move || {
                let mut reader = Reader::new(bus, capacity, seed);
                begin.wait();
                reader.run(done);
            });
        }
        let publishers: [_; PUBLISHERS] = std::array::from_fn(|publisher| {
            scope.spawn(move || {
                begin.wait();
                for number in 0..EACH {
                    bus.publish(Note { publisher, number, _token: census.token() });
                    if number % 64 == 0 {
                        thread::yield_now();
                    }
                }
            })
        });
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        done.store(true, Ordering::SeqCst);
    });
    census
}

/// A reader that uses every way of reading, and sometimes leaves and comes back.
struct Reader<'a> {
    bus: &'a Bus,
    capacity: usize,
    seed: u64,
    rng: Rng,
    notes: Subscription<Note>,
    kept: Vec<Delivery<Note>>,
    /// The last number of each publisher.
    last: BTreeMap<usize, u64>,
    /// How many events this subscription got, and how many were reported as missed.
    got: u64,
    missed: u64,
}

impl<'a> Reader<'a> {
    fn new(bus: &'a Bus, capacity: usize, seed: u64) -> Self {
        let rng = Rng::new(seed * 1_000 + capacity as u64);
        let notes = subscribe(bus, capacity);
        let (kept, last) = (Vec::new(), BTreeMap::new());
        Self { bus, capacity, seed, rng, notes, kept, last, got: 0, missed: 0 }
    }

    fn run(&mut self, done: &AtomicBool) {
        loop {
            let ended = done.load(Ordering::SeqCst);
            let seen = self.read();
            let nothing = seen.is_empty();
            seen.into_iter().for_each(|(publisher, number, missed)| {
                let before = self.last.insert(publisher, number);
                let in_order = before.is_none_or(|before| before < number);
                assert!(in_order, "seed {}: {before:?} then {number}", self.seed);
                self.got += 1;
                self.missed += missed;
            });
            assert!(self.notes.len() <= self.capacity);
            if ended && nothing && self.notes.is_empty() {
                break;
            }
            if self.rng.one_in(300) {
                self.come_back();
            }
            if self.rng.one_in(20) {
                thread::yield_now();
            }
        }
        let ledger = self.notes.ledger();
        assert!(ledger.balances());
        assert_eq!((ledger.delivered, ledger.queued), (self.got, 0));
        assert_eq!(ledger.dropped_total(), self.missed + self.notes.pending_missed());
    }

    fn come_back(&mut self) {
        let ledger = self.notes.ledger();
        assert!(ledger.balances());
        assert_eq!(ledger.delivered, self.got);
        self.notes = subscribe(self.bus, self.capacity);
        (self.got, self.missed) = (0, 0);
    }

    /// Reads in one of the ways: publisher, number and losses of each event.
    fn read(&mut self) -> Vec<(usize, u64, u64)> {
        let Self { rng, notes, kept, .. } = self;
        let mut seen = Vec::new();
        let mut see = |note: &Note, missed: u64| seen.push((note.publisher, note.number, missed));
        match rng.below(4) {
            0 => {
                if let Ok(note) = notes.try_recv() {
                    see(&note, note.missed());
                    if rng.one_in(4) {
                        kept.push(note);
                    }
                }
            }
            1 => {
                for note in notes.try_iter().take(rng.below(80)) {
                    see(&note, note.missed());
                }
            }
            2 => {
                if let Ok(batch) = notes.try_recv_batch() {
                    for note in batch.take(rng.below(40)) {
                        see(&note, note.missed());
                        if rng.one_in(8) {
                            kept.push(note.keep());
                        }
                    }
                }
            }
            _ => {
                if let Ok(note) = notes.recv_timeout(Duration::from_micros(50)) {
                    see(&note, note.missed());
                }
            }
        }
        if kept.len() > 30 {
            kept.swap_remove(rng.below(30));
        }
        seen
    }
}

fn subscribe(bus: &Bus, capacity: usize) -> Subscription<Note> {
    bus.subscriber("reader").late().capacity(capacity).lossy().subscribe()
}
