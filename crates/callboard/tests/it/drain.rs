//! Orderly shutdown: handlers may publish and ask during a drain, all others are refused.

use std::time::Duration;

use callboard::{Bus, Call, Event, Phase, Request, RequestError};

use crate::support::{Log, PATIENCE, eventually, in_time, poll, soon};

#[derive(Debug, Event)]
struct Count(u32);

#[derive(Debug, Event)]
struct Last;

#[derive(Debug, Event)]
struct Noise;

#[derive(Debug, Request)]
#[request(response = Last)]
struct Ask;

const BRIEFLY: Duration = Duration::from_millis(20);

/// A thread that publishes the next lower number for each number, down to 0.
fn count_down(bus: &Bus) -> std::thread::JoinHandle<()> {
    let (numbers, bus) = (bus.subscribe::<Count>("countdown"), bus.clone());
    std::thread::spawn(move || {
        soon(
            "counting",
            numbers.serve(|count| {
                match count.0 {
                    0 => bus.publish(Last),
                    n => bus.publish(Count(n - 1)),
                };
                async {}
            }),
        );
    })
}

#[test]
fn handlers_publish_what_follows_and_nobody_else_does() {
    in_time("a drain", || {
        let bus = Bus::new();
        let counting = count_down(&bus);
        let mut last = bus.subscribe::<Last>("last");
        let outsider = bus.subscribe::<Last>("outsider");
        bus.start();
        bus.publish(Count(1_000));
        let draining = std::thread::spawn({
            let bus = bus.clone();
            move || soon("the drain", bus.drain(PATIENCE))
        });
        // The drain can't end before this has been read.
        eventually("the drain", || bus.publish(Noise).closed());
        assert_eq!(bus.phase(), Phase::Running, "it closes only in the end");
        assert_eq!(
            bus.request(Ask).expect(["nobody"]).gather_blocking().unwrap_err(),
            RequestError::Closed
        );
        assert!(bus.publisher::<Count>("outside").publish(Count(0)).closed());
        drop(outsider);
        assert!(last.blocking_recv().is_some(), "the end of the chain");
        assert!(last.blocking_recv().is_none(), "and nothing more");
        draining.join().unwrap().unwrap();
        counting.join().unwrap();
        assert_eq!(bus.phase(), Phase::Closed);
        assert!(bus.snapshot().balances() && bus.snapshot().refused >= 3);
    });
}

#[test]
fn nested_requests_and_hand_written_loops_count_as_handlers() {
    in_time("a drain with a nested request", || {
        let bus = Bus::new();
        let (numbers, mut oracle) =
            (bus.subscribe::<Count>("asks"), bus.responder::<Ask>("oracle"));
        let mut last = bus.subscribe::<Last>("last");
        bus.start();
        bus.publish(Count(1));
        let outcomes = Log::new();
        let asking = std::thread::spawn({
            let (bus, outcomes) = (bus.clone(), outcomes.clone());
            move || {
                soon(
                    "asking",
                    numbers.serve(|_| {
                        let (asked, outcomes) = (bus.ask(Ask).of("oracle"), outcomes.clone());
                        async move { outcomes.push(asked.await.is_ok()) }
                    }),
                );
            }
        });
        let draining = std::thread::spawn({
            let bus = bus.clone();
            move || soon("the drain", bus.drain(PATIENCE))
        });
        let call: Call<Ask> = oracle.blocking_recv().unwrap();
        eventually("the drain", || bus.publish(Noise).closed());
        assert!(!bus.publish_caused_by(Last, call.sequence()).closed(), "it says what it handles");
        call.respond(Last);
        assert_eq!(last.iter().count(), 2, "what the loop published, and the answer");
        draining.join().unwrap().unwrap();
        asking.join().unwrap();
        assert_eq!(outcomes.take(), [true]);
    });
}

#[test]
fn drain_that_is_held_up_says_by_what_and_closes_all_the_same() {
    in_time("a drain that is held up", || {
        let bus = Bus::new();
        let stuck = bus.subscribe::<Count>("stuck");
        let _silent = bus.responder::<Ask>("silent");
        bus.start();
        bus.publish(Count(1));
        let mut open = bus.request(Ask).expect(["silent"]).gather();
        assert!(poll(&mut open).is_pending());
        bus.pause();
        bus.publish(Count(2));
        let error = soon("the drain", bus.drain(BRIEFLY)).unwrap_err();
        let names: Vec<_> = error.unfinished().iter().map(|it| &*it.subscriber).collect();
        assert_eq!(names, ["stuck", "silent"]);
        assert_eq!((error.open_requests(), error.buffered()), (&["ask".to_owned()][..], 1));
        let says = error.to_string();
        assert!(says.ends_with("request `ask` is open, 1 event waiting for `start`"), "{says}");
        assert_eq!(bus.phase(), Phase::Closed);
        drop((stuck, open));
    });
}

#[test]
fn bus_that_was_never_started_drains_once_it_is() {
    in_time("a drain before the start", || {
        let bus = Bus::new();
        assert!(soon("an empty bus", Bus::new().drain(BRIEFLY)).is_ok());
        let mut counts = bus.subscribe::<Count>("counts");
        bus.publish(Count(1));
        let mut draining = Box::pin(bus.drain(PATIENCE));
        assert!(poll(&mut draining).is_pending());
        bus.start();
        assert!(poll(&mut draining).is_pending());
        assert_eq!(counts.try_recv().unwrap().0, 1);
        soon("the drain", draining).unwrap();
        assert!(counts.try_recv().is_err());
    });
}

#[test]
fn drain_may_be_given_up_and_taken_up_again() {
    in_time("two drains", || {
        let bus = Bus::new();
        let mut counts = bus.subscribe::<Count>("counts");
        bus.start();
        bus.publish(Count(1));
        let mut first = Box::pin(bus.drain(PATIENCE));
        assert!(poll(&mut first).is_pending());
        drop(first);
        assert!(bus.publish(Count(2)).closed(), "it goes on refusing");
        drop(counts.try_recv());
        soon("the second drain", bus.drain(PATIENCE)).unwrap();
        soon("a drain of a closed bus", bus.drain(BRIEFLY)).unwrap();
        assert!(bus.publish(Count(3)).closed());
    });
}

#[test]
fn recorder_holds_up_no_drain() {
    let bus = Bus::new();
    let recorder = callboard::testing::Recorder::attach(&bus);
    bus.start();
    bus.publish(Count(1));
    soon("the drain", bus.drain(BRIEFLY)).unwrap();
    drop(recorder);
}
