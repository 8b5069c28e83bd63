//! Parking a thread until a future is ready.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::primitives::thread::{self, Thread};
use super::{AtomicBool, Ordering, thread_local};

struct Parker {
    thread: Thread,
    /// Set by a wake, cleared by the thread before it polls. So a wake during a poll is not lost,
    /// and an unrelated unpark does not count as a wake.
    notified: AtomicBool,
}

thread_local! {
    /// The thread's parker, while no future uses it.
    static SPARE: Cell<Option<Arc<Parker>>> = const { Cell::new(None) };
}

impl Parker {
    fn new() -> Arc<Self> {
        Arc::new(Self { thread: thread::current(), notified: AtomicBool::new(false) })
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Ordering: Release pairs with the Acquire in `block_on`; writes before the wake are
        // visible to the poll that follows it.
        if !self.notified.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}

/// Runs a future to completion on this thread, parking the thread while it is pending.
///
/// # Examples
///
/// ```
/// assert_eq!(callboard::testing::block_on(async { 1 + 1 }), 2);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    undriven(|| park_until(future))
}

fn park_until<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    // A nested call finds none and creates its own. A stale wake of an earlier future costs one
    // extra poll.
    let parker = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_else(Parker::new);
    let waker = Waker::from(Arc::clone(&parker));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            let _ = SPARE.try_with(|spare| spare.set(Some(parker)));
            return output;
        }
        // Ordering: Acquire pairs with the Release in `wake_by_ref`.
        while !parker.notified.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// Runs code for which no runtime drives a timer: this thread parks, or the runtime may end first.
#[cfg(feature = "tokio")]
pub(crate) fn undriven<R>(code: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            UNDRIVEN.set(self.0);
        }
    }
    let _restore = Restore(UNDRIVEN.replace(true));
    code()
}

#[cfg(feature = "tokio")]
std::thread_local! {
    static UNDRIVEN: Cell<bool> = const { Cell::new(false) };
}

/// Whether the caller is within [`undriven`] code.
#[cfg(feature = "tokio")]
pub(crate) fn is_undriven() -> bool {
    UNDRIVEN.get()
}

/// Runs `code` as it is, since there is no runtime.
#[cfg(not(feature = "tokio"))]
pub(crate) fn undriven<R>(code: impl FnOnce() -> R) -> R {
    code()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;
    use std::thread;

    use super::block_on;

    /// A future that is pending once and woken by another thread.
    fn woken_elsewhere(mut between: impl FnMut()) -> impl Future<Output = ()> {
        let mut begun = false;
        poll_fn(move |context| {
            if std::mem::replace(&mut begun, true) {
                return Poll::Ready(());
            }
            let waker = context.waker().clone();
            let thread = thread::spawn(move || waker.wake());
            between();
            thread.join().expect("waking does not panic");
            Poll::Pending
        })
    }

    #[test]
    fn nested_calls_lose_no_wakeup() {
        for _ in 0..100 {
            block_on(woken_elsewhere(|| block_on(woken_elsewhere(|| {}))));
        }
    }

    #[test]
    fn panic_in_a_future_leaves_the_thread_a_parker() {
        let panics = || block_on(async { panic!("expected") });
        assert!(std::panic::catch_unwind(panics).is_err());
        block_on(woken_elsewhere(|| {}));
    }
}
