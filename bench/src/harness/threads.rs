//! Publishers and subscribers as threads.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use super::ThreadTransport;
use crate::events::Message;
use crate::flow::{Flow, Gate, Tally, Ticket};
use crate::row::Sample;

/// Publishes `events` events from one thread, and has every subscriber's thread receive each.
///
/// Measured as the rows with tasks are.
pub(crate) fn threads<M: Message, T: ThreadTransport<M>>(
    subscribers: usize,
    events: u64,
) -> Sample {
    let (mut publisher, receivers) = T::open(subscribers);
    let gate = Gate::new(super::CAPACITY, subscribers);
    let ready = Arc::new(Barrier::new(subscribers + 1));
    let readers: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(index, mut subscriber)| {
            let (gate, ready) = (Arc::clone(&gate), Arc::clone(&ready));
            thread::spawn(move || {
                let mut tally = Tally::default();
                ready.wait();
                while tally.count < events {
                    T::blocking_receive(&mut subscriber, &mut tally);
                    if T::FLOW == Flow::Gated {
                        gate.report(index, tally.count);
                    }
                }
                (tally, Instant::now())
            })
        })
        .collect();

    ready.wait();
    let begun = Instant::now();
    let mut ticket = Ticket::new(gate);
    for value in 0..events {
        if T::FLOW == Flow::Gated {
            ticket.blocking_pass();
        }
        T::blocking_publish(&mut publisher, M::new(value));
    }
    let mut ended = begun;
    for reader in readers {
        let (tally, at) = reader.join().expect("a reader does not panic");
        tally.check(T::NAME, events);
        ended = ended.max(at);
    }
    Sample::per_event(ended - begun, events)
}
