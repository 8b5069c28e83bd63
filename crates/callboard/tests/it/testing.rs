//! `callboard::testing`: what users test their own components with.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard::testing::{ManualClock, Recorder, Sim, settle, settle_within};
use callboard::{Bus, Event, Request};

use crate::support::{Log, Wakes, panics, poll, poll_with};

#[derive(Debug, Event)]
#[event(type = "test.asked")]
struct Asked(u32);

#[derive(Debug, Event)]
#[event(type = "test.done")]
struct Done(u32);

#[derive(Debug, Request)]
#[request(type = "test.question", response = Done)]
struct Question;

/// Turns each `Asked` into a `Done`.
async fn worker(bus: Bus) {
    let asked = bus.subscribe::<Asked>("worker");
    asked
        .serve(async |asked| {
            bus.publish(Done(asked.0));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settle_waits_for_chains_of_components() {
    for round in 0..50 {
        let bus = Bus::new();
        let mut recorder = Recorder::attach(&bus);
        let mut done = bus.subscribe::<Done>("loop");
        let (count, counted) = (Arc::new(Mutex::new(0)), bus.clone());
        tokio::spawn({
            let count = Arc::clone(&count);
            async move {
                while let Some(done) = done.recv().await {
                    tokio::task::yield_now().await;
                    *count.lock().unwrap() += done.0;
                }
            }
        });
        let asked = bus.subscribe::<Asked>("worker");
        tokio::spawn(asked.serve(move |asked| {
            let bus = counted.clone();
            async move {
                tokio::task::yield_now().await;
                bus.publish(Done(asked.0));
            }
        }));
        bus.start();
        for n in 1..=10 {
            bus.publish(Asked(n));
        }
        settle(&bus).await.unwrap();
        assert_eq!(*count.lock().unwrap(), 55, "round {round}");
        assert_eq!(recorder.of::<Done>().len(), 10);
    }
}

#[tokio::test]
async fn settle_says_who_is_busy_and_with_what() {
    let short = Duration::from_millis(1);
    let bus = Bus::new();
    settle_within(&bus, short).await.expect("nothing waits for the start");
    bus.publish(Asked(0));
    let error = settle_within(&bus, short).await.unwrap_err();
    assert_eq!(error.busy(), ["1 event waiting for `start`"]);
    assert_eq!(error.to_string(), "not settled: 1 event waiting for `start`");
    let mut unread = bus.subscribe::<Asked>("unread");
    bus.start();
    let error = settle_within(&bus, short).await.unwrap_err();
    assert_eq!(error.busy(), ["`unread` has 1 event queued"]);
    let event = unread.recv().await;
    let error = settle_within(&bus, short).await.unwrap_err();
    assert_eq!(error.busy(), ["`unread` took an event and has not asked for the next"]);
    drop((event, unread));
    settle_within(&bus, short).await.unwrap();

    let _responder = bus.subscriber("silent").late().responder::<Question>();
    let mut gather = bus.request(Question).expect(["silent"]).gather();
    assert!(futures_lite::future::poll_once(&mut gather).await.is_none());
    let error = settle_within(&bus, short).await.unwrap_err();
    assert_eq!(error.busy()[0], "request `test.question` is open");
    drop(gather);
    settle_within(&bus, short).await.unwrap();
}

#[test]
fn settle_waits_for_handlers_and_says_how_many_run() {
    let mut sim = Sim::new(1);
    let bus = sim.bus();
    let asked = bus.subscribe::<Asked>("worker");
    let idle = bus.subscribe::<Done>("idle");
    let (resume, resumed) = (Arc::new(tokio::sync::Notify::new()), Log::new());
    sim.spawn("worker", {
        let resume = Arc::clone(&resume);
        asked.serve_concurrent(2, move |_asked| {
            let resume = Arc::clone(&resume);
            async move { resume.notified().await }
        })
    });
    sim.spawn("idle", idle.serve(async |_done| {}));
    bus.start();
    bus.publish(Asked(1));
    bus.publish(Asked(2));
    let settled = resumed.clone();
    sim.spawn("test", {
        let bus = bus.clone();
        async move {
            settled.push(settle(&bus).await.map_err(|error| error.to_string()));
            resume.notify_waiters();
            settled.push(settle(&bus).await.map_err(|error| error.to_string()));
        }
    });
    sim.run();
    let busy = "not settled: `worker` has 2 handlers running".to_owned();
    assert_eq!(resumed.take(), [Err(busy), Ok(())]);
}

#[test]
fn settle_is_told_of_the_end_of_a_request() {
    let bus = Bus::new();
    let mut oracle = bus.responder::<Question>("oracle");
    bus.start();
    let mut gather = bus.request(Question).expect(["oracle"]).gather();
    assert!(poll(&mut gather).is_pending());
    oracle.try_recv().unwrap().respond(Done(1));
    assert!(oracle.try_recv().is_err(), "it has nothing in hand");
    let (wakes, waker) = Wakes::new();
    let mut settling = pin!(settle(&bus));
    assert!(poll_with(&mut settling, &waker).is_pending(), "the request is open");
    assert!(poll(&mut gather).is_ready());
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut settling).is_ready());
}

/// The order in which three workers without dependencies happen to answer.
fn interleaving(seed: u64) -> Vec<u32> {
    let mut sim = Sim::new(seed);
    let bus = sim.bus();
    let mut recorder = Recorder::attach(&bus);
    for name in 0..3 {
        let mut asked = bus.subscribe::<Asked>(format!("worker-{name}"));
        let bus = bus.clone();
        sim.spawn("worker", async move {
            while let Some(asked) = asked.recv().await {
                bus.publish(Done(asked.0 * 10 + name));
            }
        });
    }
    bus.start();
    sim.run();
    for n in 0..4 {
        bus.publish(Asked(n));
    }
    sim.run();
    recorder.of::<Done>().iter().map(|done| done.0).collect()
}

#[test]
fn a_seed_is_a_run_and_seeds_differ() {
    let runs: Vec<_> = (0..20).map(interleaving).collect();
    assert_eq!(runs, (0..20).map(interleaving).collect::<Vec<_>>());
    assert!(runs.iter().any(|run| *run != runs[0]), "every seed gave the same interleaving");
}

#[test]
fn a_failing_seed_is_the_one_that_fails() {
    let mut seeds = Vec::new();
    let message = panics(|| {
        Sim::for_each_seed(0..10, |sim| {
            seeds.push(sim.seed());
            assert!(sim.seed() != 3, "{}", "seed three");
        });
    });
    assert_eq!((seeds.last(), message.as_str()), (Some(&3), "seed three"));
}

#[test]
fn a_sim_passes_time_only_when_nobody_has_anything_to_do() {
    let mut sim = Sim::new(7);
    let bus = sim.bus();
    let (began, clock) = (callboard::Clock::now(sim.clock()), sim.clock().clone());
    let took = Arc::new(Mutex::new(None));
    sim.spawn("asker", {
        let took = Arc::clone(&took);
        async move {
            let gather = bus.request(Question).expect(["nobody"]).timeout(Duration::from_secs(30));
            let end = gather.gather().await.unwrap().end();
            *took.lock().unwrap() = Some((end, callboard::Clock::now(&clock) - began));
        }
    });
    sim.run_ready();
    assert_eq!(*took.lock().unwrap(), None);
    assert_eq!(sim.running().collect::<Vec<_>>(), ["asker"]);
    sim.run();
    let expected = (callboard::End::TimedOut, Duration::from_secs(30));
    assert_eq!(*took.lock().unwrap(), Some(expected));
    assert_eq!(sim.running().count(), 0);
}

#[test]
fn components_settle_under_a_sim_too() {
    Sim::for_each_seed(0..50, |sim| {
        let bus = sim.bus();
        let mut recorder = Recorder::attach(&bus);
        sim.spawn("worker", worker(bus.clone()));
        sim.spawn("test", {
            let bus = bus.clone();
            async move {
                bus.start_when_ready(Duration::from_secs(1)).await.unwrap();
                bus.publish(Asked(1));
                settle(&bus).await.unwrap();
                bus.close_and_drain(Duration::from_secs(1)).await.unwrap();
            }
        });
        sim.run();
        assert_eq!(sim.running().count(), 0, "everybody ends");
        recorder.expect(["test.asked"]);
    });
}

#[test]
fn a_manual_clock_wakes_in_the_order_of_deadlines() {
    let clock = ManualClock::new();
    let woken = Arc::new(Mutex::new(Vec::new()));
    let mut sim = Sim::new(0);
    for seconds in [3, 1, 2] {
        let (clock, woken) = (clock.clone(), Arc::clone(&woken));
        sim.spawn("sleeper", async move {
            let deadline = callboard::Clock::now(&clock) + Duration::from_secs(seconds);
            callboard::Clock::sleep_until(&clock, deadline).await;
            woken.lock().unwrap().push(seconds);
        });
    }
    sim.run();
    assert_eq!(clock.advance_to_next(), Some(Duration::from_secs(1)));
    sim.run();
    assert_eq!(*woken.lock().unwrap(), [1]);
    clock.advance(Duration::from_secs(10));
    sim.run();
    assert_eq!(woken.lock().unwrap().len(), 3);
    assert_eq!(clock.advance_to_next(), None);
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn tokios_paused_time_is_the_buses_time() {
    let bus = Bus::new();
    let _silent = bus.responder::<Question>("silent");
    bus.start();
    let began = (tokio::time::Instant::now(), std::time::Instant::now());
    let gather = bus.request(Question).expect(["silent"]).timeout(Duration::from_secs(3600));
    assert_eq!(gather.await.unwrap().end(), callboard::End::TimedOut);
    assert!(began.0.elapsed() >= Duration::from_secs(3600));
    assert!(began.1.elapsed() < Duration::from_secs(60), "it did not really take an hour");
}

#[test]
fn a_sim_reaches_every_order_of_two_components() {
    let order = |seed| {
        let mut sim = Sim::new(seed);
        let bus = sim.bus();
        let mut recorder = Recorder::attach(&bus);
        for name in [10, 20] {
            let (asked, bus) = (bus.subscribe::<Asked>("component"), bus.clone());
            sim.spawn(
                "component",
                asked.serve(move |asked| {
                    bus.publish(Done(name + asked.0));
                    async {}
                }),
            );
        }
        bus.start();
        bus.publish(Asked(1));
        bus.publish(Asked(2));
        sim.run();
        recorder.of::<Done>().iter().map(|done| done.0).collect::<Vec<_>>()
    };
    let orders: std::collections::BTreeSet<_> = (0..300).map(order).collect();
    assert_eq!(orders.len(), 6, "two events each, in every order: {orders:?}");
}

#[test]
fn a_component_that_feeds_itself_is_stopped_and_named() {
    let mut sim = Sim::new(1);
    let bus = sim.bus();
    let asked = bus.subscribe::<Asked>("hydra");
    sim.spawn("hydra", {
        let bus = bus.clone();
        asked.serve(move |asked| {
            bus.publish(Asked(asked.0));
            async {}
        })
    });
    bus.start();
    bus.publish(Asked(1));
    assert!(panics(|| sim.run()).contains("`hydra` never comes to rest, seed 1"));
}

#[tokio::test]
async fn a_reader_that_feeds_itself_lets_others_run() {
    let bus = Bus::new();
    let mut asked = bus.subscribe::<Asked>("hydra");
    bus.start();
    bus.publish(Asked(0));
    let endless = async {
        while let Some(asked) = asked.recv().await {
            bus.publish(Asked(asked.0.wrapping_add(1)));
        }
    };
    let ended = tokio::time::timeout(Duration::from_millis(20), endless).await;
    assert!(ended.is_err(), "the timeout had its turn");
}
