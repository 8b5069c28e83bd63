//! tokio's time, where there is a tokio.

use std::cell::Cell;
use std::time::Instant;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::relay::{Relay, is_unattended, sleep_of_system};
use super::{Clock, Sleep};
use crate::sync::{is_undriven, isolate};

/// Whether this thread alone drives a runtime: to park it stops everything on that runtime.
///
/// tokio does not say of a thread whether it drives its current-thread runtime or belongs to the
/// pool for blocking calls beside it, so the name of the pool's threads has to.
pub(crate) fn is_driven_by_this_thread() -> bool {
    let Ok(runtime) = Handle::try_current() else {
        return false;
    };
    let of_pool = || std::thread::current().name().is_some_and(|name| name.starts_with("tokio-rt"));
    runtime.runtime_flavor() == RuntimeFlavor::CurrentThread && !of_pool()
}

/// tokio's clock and timer inside a tokio runtime, the system's elsewhere.
///
/// The default clock with the feature `tokio`. Inside a runtime whose time is paused, time on
/// the bus is paused with it.
///
/// A call that blocks a thread of the runtime, as `recv_timeout` does, waits by the system's timer, for as
/// long as it takes in real time: a runtime of one thread could not drive its own meanwhile.
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
            /// This thread's runtime was found to have no timer.
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
