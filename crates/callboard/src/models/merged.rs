//! A reader that merges several logs without a lock: its order, its capacity, and its sleep.

use std::future::Future;
use std::task::{Context, Waker};

use loom::thread;

use super::bus::{EVER, started};
use super::harness::Model;
use super::watched::{Note, Plain, Question};
use crate::engine::{LentTaken, Scope, Taken};
use crate::event::{Abilities, Metadata};
use crate::registry::{Interest, MemberInterest, Role};
use crate::subscription::Member;
use crate::sync::block_on;
use crate::{AnyEvent, Bus, Call, Delivery, Event, EventSet, Priority, Received, Subscription};

/// A reader of everything. It has looked at the logs of notes and then of plain events.
fn reader(bus: &Bus, capacity: usize) -> Subscription<AnyEvent> {
    bus.publish(Note::new(0));
    bus.publish(Plain(0));
    let mut reader = bus.subscriber("reader").late().lossy().capacity(capacity).subscribe();
    assert_eq!(rest(&mut reader), "");
    reader
}

fn number(event: &AnyEvent) -> u64 {
    let plain = event.downcast_ref::<Plain>().map(|plain| plain.0);
    let slow = || event.downcast_ref::<Slow>().map(|slow| slow.0);
    let note = || event.downcast_ref::<Note>().map(Note::number);
    plain.or_else(slow).or_else(note).expect("there are three types")
}

/// The number, preceded by the missed count, as `-2-`.
fn shown(event: &AnyEvent) -> String {
    match event.missed() {
        0 => number(event).to_string(),
        missed => format!("-{missed}-{}", number(event)),
    }
}

/// The results of `times` looks, with a dot if there was no event.
fn takes(reader: &mut Subscription<AnyEvent>, times: usize) -> String {
    let mut take = || reader.try_recv().map_or_else(|_| ".".to_owned(), |event| shown(&event));
    (0..times).map(|_| take()).collect::<Vec<_>>().join(" ")
}

/// A thread that looks `times` times, and returns the reader with what it found.
fn spawn_reading(
    mut reader: Subscription<AnyEvent>,
    times: usize,
) -> thread::JoinHandle<(Subscription<AnyEvent>, String)> {
    thread::spawn(move || {
        let seen = takes(&mut reader, times);
        (reader, seen)
    })
}

/// All remaining events.
fn rest(reader: &mut Subscription<AnyEvent>) -> String {
    reader.try_iter().map(|event| shown(&event)).collect::<Vec<_>>().join(" ")
}

#[test]
fn events_of_two_logs_are_read_in_their_order() {
    Model::new("merged.order", &[". .", ". 1", "1 .", "1 2"]).at_least(1_000).preemptions(3).check(
        || {
            let bus = started();
            let reading = spawn_reading(reader(&bus, 9), 2);
            // The event published first is in the log that is looked at first.
            bus.publish(Note::new(1));
            bus.publish(Plain(2));
            let (mut reader, seen) = reading.join().unwrap();
            assert_eq!(format!("{seen} {}", rest(&mut reader)).replace(". ", "").trim(), "1 2");
            seen
        },
    );
}

#[test]
fn a_batch_of_two_logs_is_in_their_order() {
    Model::new("merged.batch", &["2", "2 3", "2 3 4"]).at_least(500).preemptions(3).check(|| {
        let bus = started();
        let mut reader = reader(&bus, 9);
        bus.publish(Plain(2));
        let reading = thread::spawn(move || {
            let batch =
                reader.try_recv_batch().map(|batch| batch.map(|it| shown(&it.keep())).collect());
            let seen: Vec<_> = batch.unwrap_or_default();
            (reader, seen)
        });
        bus.publish(Note::new(3));
        bus.publish(Plain(4));
        let (mut reader, seen) = reading.join().unwrap();
        let all = format!("{} {}", seen.join(" "), rest(&mut reader));
        assert_eq!(all.trim(), "2 3 4");
        seen.join(" ")
    });
}

#[test]
fn one_capacity_spans_two_logs() {
    // The first is read concurrently; if that made room, the second waits and the third is lost.
    let outcomes = &["0 1: 1 -1-3", "1 0: 1 2"];
    Model::new("merged.capacity", outcomes).at_least(50).check(|| {
        let bus = started();
        let reader = reader(&bus, 1);
        bus.publish(Note::new(1));
        let reading = spawn_reading(reader, 1);
        let second = bus.publish(Plain(2)).delivered();
        let (mut reader, first) = reading.join().unwrap();
        let third = bus.publish(Note::new(3)).delivered();
        format!("{second} {third}: {first} {}", rest(&mut reader))
    });
}

#[test]
fn an_urgent_event_in_the_queue_overtakes_those_in_logs() {
    Model::new("merged.urgent", &[". .", ". 1", ". 2", "1 .", "1 2", "2 1"])
        .at_least(500)
        .preemptions(3)
        .check(|| {
            let bus = started();
            let reading = spawn_reading(reader(&bus, 9), 2);
            bus.publish(Note::new(1));
            bus.publish_with(Plain(2), Priority::High);
            let (mut reader, seen) = reading.join().unwrap();
            let all = format!("{seen} {}", rest(&mut reader));
            assert!(["1", "2"].iter().all(|number| all.matches(number).count() == 1), "{all}");
            seen
        });
}

/// An event that is less urgent than the others.
#[derive(Debug)]
struct Slow(u64);

impl Event for Slow {
    const TYPE: &'static str = "slow";
    const ABILITIES: Abilities<Self> = Abilities::new().priority(Priority::Low);
}

#[test]
fn a_queue_and_the_logs_keep_the_order_of_each_priority() {
    Model::new("merged.lanes", &["1", "2"]).at_least(1_000).preemptions(3).check(|| {
        let bus = started();
        let reader = reader(&bus, 9);
        // Goes through the queue, as the next event.
        bus.publish_with(Plain(1), Priority::Low);
        let reading = spawn_reading(reader, 1);
        bus.publish_with(Slow(2), Priority::Normal);
        bus.publish(Note::new(3));
        let (mut reader, seen) = reading.join().unwrap();
        let all = format!("{seen} {}", rest(&mut reader));
        assert!(all.find('2') < all.find('3'), "{all}");
        seen
    });
}

/// A set that observes an event and answers a request.
#[derive(Debug)]
enum Desk {
    Seen(Delivery<Plain>),
    Asked(Call<Question>),
}

impl Received for Desk {
    fn metadata(&self) -> Metadata {
        match self {
            Self::Seen(event) => event.metadata(),
            Self::Asked(call) => Member::metadata(call),
        }
    }
}

impl EventSet for Desk {
    type Item = Self;
    type Ref<'a> = Self;
    type Lent<'a> = std::iter::Empty<Self>;

    fn lent(_: LentTaken<'_>) -> Self {
        unreachable!("no test reads it in batches")
    }

    fn keep(lent: Self) -> Self {
        lent
    }

    fn interest() -> Interest {
        Interest::members([
            MemberInterest::of::<Plain>(Role::Observe),
            MemberInterest::of::<Question>(Role::Respond),
        ])
    }

    fn item(taken: Taken) -> Self {
        match taken.member {
            0 => Self::Seen(Member::take(taken)),
            _ => Self::Asked(Member::take(taken)),
        }
    }

    fn scope(item: &Self) -> Scope {
        match item {
            Self::Seen(event) => Member::scope(event),
            Self::Asked(call) => Member::scope(call),
        }
    }
}

#[test]
fn a_request_that_is_taken_back_lets_no_later_one_overtake_an_event() {
    Model::new("merged.withdrawn", &["1", "2"]).at_least(100).preemptions(3).check(|| {
        let bus = started();
        let mut desk = bus.subscribe::<Desk>("desk");
        let ask = |number| {
            let request = bus.request(Question::new(number)).expect(["desk"]).timeout(EVER);
            let mut asked = Box::pin(request.gather());
            assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            asked
        };
        let first = ask(1);
        bus.publish(Plain(2));
        let _third = ask(3);
        let reading = thread::spawn(move || {
            desk.try_recv().map(|item| match item {
                Desk::Seen(plain) => plain.0,
                Desk::Asked(call) => call.number(),
            })
        });
        drop(first);
        reading.join().unwrap().expect("an event waits").to_string()
    });
}

#[test]
fn a_reader_of_everything_is_woken_by_a_type_that_is_new() {
    Model::new("merged.arrives", &["1"]).at_least(100).preemptions(3).check(|| {
        let bus = started();
        let mut reader = bus.subscriber("reader").late().subscribe::<AnyEvent>();
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Note::new(1)).delivered()
        });
        let event = block_on(reader.recv()).expect("the bus is open");
        assert_eq!(publisher.join().unwrap(), 1);
        shown(&event)
    });
}

#[test]
fn a_reader_of_two_logs_is_woken_by_either() {
    Model::new("merged.wakes", &["1 2", "2 1"]).at_least(100).preemptions(2).check(|| {
        let bus = started();
        let mut reader = reader(&bus, 9);
        let publishers = [0, 1].map(|index| {
            let bus = bus.clone();
            thread::spawn(move || {
                if index == 0 {
                    bus.publish(Note::new(1));
                } else {
                    bus.publish(Plain(2));
                }
            })
        });
        let mut next = || shown(&block_on(reader.recv()).expect("the bus is open"));
        let seen = [next(), next()].join(" ");
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        seen
    });
}

#[test]
fn who_waits_for_the_drain_sees_it() {
    Model::new("merged.drain", &["drained"]).at_least(200).preemptions(3).check(|| {
        let bus = started();
        let reader = reader(&bus, 9);
        bus.publish(Note::new(1));
        let reading = spawn_reading(reader, 1);
        block_on(bus.close_and_drain(EVER)).expect("it drains");
        let (_reader, seen) = reading.join().unwrap();
        assert_eq!(seen, "1");
        "drained"
    });
}
