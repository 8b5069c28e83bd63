//! The end of a bus, against the first operation on it.

use loom::thread;

use super::bus::{EVER, rest, started};
use super::harness::Model;
use super::watched::{Note, Question, is_alive};
use crate::sync::block_on;
use crate::{AnyEvent, Bus, End, Overflow};

/// Drops a clone on its own thread.
fn dropped(bus: &Bus) -> thread::JoinHandle<()> {
    let bus = bus.clone();
    thread::spawn(move || drop(bus))
}

#[test]
fn first_event_is_received_though_the_bus_is_dropped() {
    for (name, overflow) in
        [("end.publish.log", Overflow::DropNewest), ("end.publish.queue", Overflow::DropOldest)]
    {
        Model::new(name, &["1"]).at_least(71).preemptions(3).check(move || {
            let bus = started();
            let reader = bus.subscriber("reader").late().overflow(overflow);
            let mut reader = reader.subscribe::<Note>();
            let publisher = thread::spawn({
                let bus = bus.clone();
                move || drop((bus.publish(Note::new(1)), bus))
            });
            drop(bus);
            let received = block_on(reader.recv()).map(|note| note.number());
            assert!(block_on(reader.recv()).is_none());
            publisher.join().unwrap();
            received.unwrap_or_default().to_string()
        });
    }
}

#[test]
fn first_event_is_buffered_and_goes_with_the_bus() {
    Model::new("end.buffered", &["1"]).at_least(3).check(|| {
        let bus = Bus::new();
        let mut reader = bus.subscribe::<Note>("reader");
        let other = dropped(&bus);
        assert!(bus.publish(Note::new(1)).buffered());
        drop(bus);
        other.join().unwrap();
        assert!(!is_alive(1), "the reader does not keep what it never had");
        assert_eq!((rest(&mut reader), reader.ledger().offered), (String::new(), 0));
        "1"
    });
}

#[test]
fn first_event_of_a_type_meets_the_close() {
    Model::new("end.register_type", &["closed", "delivered"]).at_least(3).check(|| {
        let bus = started();
        let mut reader = bus.subscriber("reader").late().subscribe::<AnyEvent>();
        let closing = thread::spawn({
            let bus = bus.clone();
            move || bus.close()
        });
        let published = bus.publish(Note::new(1));
        closing.join().unwrap();
        let received = block_on(reader.recv()).is_some();
        assert_eq!((received, !received), (published.delivered() == 1, published.closed()));
        if received { "delivered" } else { "closed" }
    });
}

#[test]
fn reader_goes_with_its_events_while_the_bus_does() {
    for (name, overflow) in
        [("end.reader.log", Overflow::DropNewest), ("end.reader.queue", Overflow::DropOldest)]
    {
        Model::new(name, &["kept 1"]).at_least(6).check(move || {
            let bus = started();
            let reader = bus.subscriber("reader").late().overflow(overflow);
            let mut reader = reader.subscribe::<Note>();
            for number in [1, 2] {
                bus.publish(Note::new(number));
            }
            let kept = reader.try_recv().expect("it is there");
            let reading = thread::spawn(move || drop(reader));
            drop(bus);
            let kept = kept.number();
            reading.join().unwrap();
            format!("kept {kept}")
        });
    }
}

#[test]
fn first_request_meets_the_end_of_the_bus() {
    Model::new("end.request", &["closed", "not made"]).at_least(290).check(|| {
        let bus = started();
        let responder = bus.subscriber("responder").late().responder::<Question>();
        let gather = bus.request(Question::new(1)).expect(["responder"]).timeout(EVER).gather();
        let ending = thread::spawn(move || drop(bus));
        let ended = block_on(gather).map(|gathered| gathered.end());
        ending.join().unwrap();
        drop(responder);
        match ended {
            Ok(end) => {
                assert_eq!(end, End::Closed);
                "closed"
            }
            Err(_) => "not made",
        }
    });
}
