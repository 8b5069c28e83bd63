//! Adapters in tokio runtimes, and from one to another.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use callboard::Bus;
use tokio::runtime::Builder;
use tokio::time::Instant;

use super::{SECOND, Tick};
use crate::support::in_time;

#[tokio::test(start_paused = true)]
async fn adapters_follow_paused_time() {
    let bus = Bus::new();
    let mut debounced = bus.subscribe::<Tick>("debounced").debounce(60 * SECOND, 600 * SECOND);
    let mut throttled = bus.subscribe::<Tick>("throttled").throttle(60 * SECOND);
    bus.start();
    let began = Instant::now();
    bus.publish(Tick(1));
    assert_eq!(throttled.recv().await.unwrap().0, 1);
    assert_eq!(began.elapsed(), Duration::ZERO);
    bus.publish(Tick(2));
    assert_eq!(throttled.recv().await.unwrap().0, 2);
    assert_eq!(began.elapsed(), 60 * SECOND);
    let burst = debounced.recv().await.unwrap();
    assert_eq!((burst.0, burst.merged(), began.elapsed()), (2, 1, 120 * SECOND));
}

/// tokio's sleeps are driven by their runtime, and panic after it has ended.
#[test]
fn adapter_may_move_between_runtimes_and_threads() {
    in_time("an adapter that moves", || {
        let runtime = || Builder::new_current_thread().enable_time().build().unwrap();
        let bus = Bus::new();
        let quiet = Duration::from_millis(5);
        let mut paced = bus.subscribe::<Tick>("clock").debounce(quiet, SECOND);
        bus.start();
        let begin_in_a_runtime = |paced: &mut callboard::Paced<Tick>, number| {
            bus.publish(Tick(number));
            runtime().block_on(async {
                let mut recv = pin!(paced.recv());
                assert!(recv.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            });
        };
        begin_in_a_runtime(&mut paced, 1);
        assert_eq!(runtime().block_on(paced.recv()).unwrap().0, 1);
        begin_in_a_runtime(&mut paced, 2);
        assert_eq!(paced.blocking_recv().unwrap().0, 2);
        begin_in_a_runtime(&mut paced, 3);
        // Also when blocking the only thread of a runtime.
        runtime().block_on(async { assert_eq!(paced.blocking_recv().unwrap().0, 3) });
    });
}
