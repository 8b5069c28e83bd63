//! Guarantees that hold whatever happens to the tokio runtime that the bus is used in.
#![cfg(feature = "tokio")]

use std::time::{Duration, Instant};

use callboard::{Bus, End, Event, FindingKind, RecvTimeoutError, Request};
use tokio::runtime::{Builder, Runtime};

use crate::support::in_time;

#[derive(Debug, Event)]
struct Tick;

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

/// A runtime that drives its timers on the thread that blocks in it, and one that does so
/// elsewhere.
fn runtimes() -> [Runtime; 2] {
    [Builder::new_current_thread(), Builder::new_multi_thread()]
        .map(|mut builder| builder.worker_threads(1).enable_time().build().unwrap())
}

/// The watch over an unstarted bus once ended with the runtime in which the first event was
/// published, and aborted the process.
#[test]
fn runtime_may_end_before_the_bus_is_started() {
    for runtime in runtimes() {
        let bus = Bus::new();
        let mut ticks = bus.subscribe::<Tick>("clock");
        runtime.block_on(async { bus.publish(Tick) });
        drop(runtime);
        bus.start();
        assert!(ticks.try_recv().is_ok());
    }
}

/// Its only thread is blocked, so the runtime can't tell when the timeout expires.
#[test]
fn blocking_calls_in_a_runtime_of_one_thread_end_in_time() {
    const SHORT: Duration = Duration::from_millis(1);
    in_time("blocking calls in runtimes", || {
        for runtime in runtimes() {
            runtime.block_on(async {
                let bus = Bus::builder().expect_subscribers(["absent"]).build().unwrap();
                let mut ticks = bus.subscribe::<Tick>("clock");
                assert_eq!(ticks.recv_timeout(SHORT).unwrap_err(), RecvTimeoutError::Timeout);
                let absent = bus.start_when_ready_blocking(SHORT).unwrap_err();
                assert!(absent.missing().eq(["absent"]));
                let _oracle = bus.responder::<Ask>("oracle");
                bus.start();
                let request = bus.request(Ask).expect(["oracle"]).timeout(SHORT);
                assert_eq!(request.gather_blocking().unwrap().end(), End::TimedOut);
            });
        }
    });
}

/// Paused time stands still while a thread is blocked, and may have been advanced far before.
#[test]
fn blocking_calls_in_paused_time_take_real_time() {
    const HOUR: Duration = Duration::from_secs(3_600);
    const SHORT: Duration = Duration::from_millis(20);
    in_time("blocking calls in paused time", || {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let bus = Bus::new();
            let mut ticks = bus.subscribe::<Tick>("clock");
            bus.start();
            tokio::time::advance(HOUR).await;
            let begun = Instant::now();
            assert_eq!(ticks.recv_timeout(SHORT).unwrap_err(), RecvTimeoutError::Timeout);
            assert!(begun.elapsed() >= SHORT);
            // A task that does not block waits on the runtime again, which lets no time pass.
            let _oracle = bus.subscriber("oracle").late().responder::<Ask>();
            let request = bus.request(Ask).expect(["oracle"]).timeout(HOUR);
            assert_eq!(request.gather().await.unwrap().end(), End::TimedOut);
        });
    });
}

/// The only thread of a runtime is treated specially: calls are counted by their line.
#[test]
fn blocking_calls_are_counted_where_nothing_else_can_run() {
    const SHORT: Duration = Duration::from_millis(1);
    in_time("blocking calls", || {
        let [current, several] = runtimes();
        let bus = Bus::new();
        let mut ticks = bus.subscribe::<Tick>("clock");
        let mut wait = || assert!(ticks.recv_timeout(SHORT).is_err());
        wait();
        several.block_on(async { wait() });
        assert_eq!(bus.snapshot().blocking_calls, [], "another thread drives what they wait for");
        current.block_on(async {
            wait();
            wait();
        });
        let calls = bus.snapshot().blocking_calls;
        assert_eq!(calls.len(), 1, "{calls:?}");
        assert_eq!((&*calls[0].call, calls[0].times), ("recv_timeout", 2));
        assert!(calls[0].call_site.contains("runtimes.rs:"), "{calls:?}");
        let finding = bus
            .diagnose()
            .findings
            .into_iter()
            .find(|it| it.kind == FindingKind::BlocksRuntime && it.culprit == "recv_timeout");
        assert!(finding.is_some_and(|it| it.seen.contains("2 times")));

        let moved = bus.clone();
        let blocking = async move {
            let receive = move || moved.subscribe::<Tick>("other").recv_timeout(SHORT).is_err();
            tokio::task::spawn_blocking(receive).await.unwrap()
        };
        assert!(current.block_on(blocking));
        assert_eq!(bus.snapshot().blocking_calls.len(), 1, "a thread of its own may block");
    });
}
