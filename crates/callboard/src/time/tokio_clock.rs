//! tokio's time, inside a tokio runtime.

use std::cell::Cell;
use std::time::Instant;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::relay::{Relay, is_unattended, sleep_of_system};
use super::{Clock, Sleep};
use crate::sync::{is_undriven, isolate};

/// Whether this thread drives a current-thread runtime, so that parking it stops everything on that
/// runtime.
///
/// tokio doesn't tell whether a thread drives its current-thread runtime or belongs to its blocking
/// pool, so this checks the name of the pool's threads.
pub(crate) fn is_driven_by_this_thread() -> bool {
    let Ok(runtime) = Handle::try_current() else {
        return false;
    };
    let of_pool = || std::thread::current().name().is_some_and(|name| name.starts_with("tokio-rt"));
    runtime.runtime_flavor() == RuntimeFlavor::CurrentThread && !of_pool()
}

/// tokio's clock and timer inside a tokio runtime, and the system's outside.
///
/// This is the default clock with the feature `tokio`. Inside a runtime whose time is paused, time
/// on the bus is paused too.
///
/// A call that blocks a thread of the runtime, such as `recv_timeout`, waits on the system's timer,
/// in real time: a current-thread runtime could not drive its own timer during the call.
///
/// In a runtime built without `enable_time` it falls back to the system's timer; tokio then prints
/// the message of its panic, once per thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioClock;

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        thread_local! {
            /// Whether this thread's runtime was found to have no timer.
            static WITHOUT_TIMER: Cell<bool> = const { Cell::new(false) };
        }
        let usable = !WITHOUT_TIMER.get() && !is_undriven() && Handle::try_current().is_ok();
        let of_tokio = || tokio::time::sleep_until(deadline.into());
        match usable
            .then(|| isolate("tokio's timer", "the system's takes its place", of_tokio))
            .flatten()
        {
            Some(sleep) if is_unattended() => Sleep::from_future(Relay::spawn(sleep, deadline)),
            Some(sleep) => Sleep::from_future(sleep),
            None => {
                WITHOUT_TIMER.set(usable || WITHOUT_TIMER.get());
                sleep_of_system(deadline)
            }
        }
    }
}
