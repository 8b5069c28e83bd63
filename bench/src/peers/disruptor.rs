//! `disruptor`: one ring, consumers on threads of its own that spin. It burns a core for each, so it
//! is shown beside the rows of threads, and is nobody's target.

use std::sync::mpsc;
use std::time::Instant;

use disruptor::{BusySpin, Producer, Sequence, build_single_producer};

use super::{Entry, ThreadRuns};
use crate::events::Message;
use crate::flow::{Sink, Tally};
use crate::harness::CAPACITY;
use crate::row::{Sample, Side};

const NAME: &str = "disruptor";

pub(super) fn threads<M: Message>() -> Entry<ThreadRuns> {
    let note = "spins: burns a core for each subscriber";
    let runs = ThreadRuns { fan_out: fan_out::<M>, latency: None };
    Entry { name: NAME, side: Side::Shown, note, runs }
}

fn fan_out<M: Message>(subscribers: usize, events: u64) -> Sample {
    let (done, ended) = mpsc::channel();
    let handler = || {
        let done = done.clone();
        let mut tally = Tally::default();
        move |message: &M, _: Sequence, _: bool| {
            tally.take(message);
            if tally.count == events {
                let _ = done.send((tally, Instant::now()));
            }
        }
    };
    let builder = build_single_producer(CAPACITY, || M::new(0), BusySpin);
    if subscribers == 1 {
        let producer = builder.handle_events_with(handler()).build();
        return publish::<M>(producer, &ended, subscribers, events);
    }
    let mut builder = builder.with_multi_consumer();
    for _ in 0..subscribers {
        builder = builder.handle_events_with(handler());
    }
    publish::<M>(builder.build(), &ended, subscribers, events)
}

fn publish<M: Message>(
    mut producer: impl Producer<M>,
    ended: &mpsc::Receiver<(Tally, Instant)>,
    subscribers: usize,
    events: u64,
) -> Sample {
    let begun = Instant::now();
    for value in 0..events {
        producer.publish(|slot| *slot = M::new(value));
    }
    let mut last = begun;
    for (tally, at) in ended.iter().take(subscribers) {
        tally.check(NAME, events);
        last = last.max(at);
    }
    Sample::per_event(last - begun, events)
}
