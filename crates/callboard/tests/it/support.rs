//! Shared test helpers: bounded patience, seeds, wakers that count, a manual clock.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use callboard::{Bus, Clock, Event, Sleep};

/// Whether a sanitizer makes everything slow.
const SLOW: bool = cfg!(any(callboard_asan, callboard_tsan));

/// How long anything may take before it counts as hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(if SLOW { 300 } else { 20 });

/// Runs `code` on its own thread, so that a deadlock fails with a message.
#[track_caller]
pub(crate) fn in_time<R: Send + 'static>(
    what: &str,
    code: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(code));
        drop(sender.send(result));
    });
    match receiver.recv_timeout(PATIENCE) {
        Ok(Ok(value)) => value,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => panic!("hangs: {what}"),
    }
}

/// The message of the panic that `code` ends with.
#[track_caller]
pub(crate) fn panics(code: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(code)).unwrap_err();
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

/// Runs a future on this thread; it panics if that takes too long.
#[track_caller]
pub(crate) fn soon<F: Future>(what: &str, future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "hangs: {what}");
        thread::park_timeout(left);
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never happens: {what}");
        thread::sleep(Duration::from_micros(200));
    }
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

/// Polls once.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Runs a test of this binary, by its full name, in a process of its own, since it may abort.
#[track_caller]
pub(crate) fn in_a_process(test: &str, code: impl FnOnce()) {
    const CHILD: &str = "CALLBOARD_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return code();
    }
    let program = std::env::current_exe().expect("the test binary knows its path");
    let mut child = Command::new(program);
    child.args(["--exact", "--nocapture", test]).env(CHILD, "1");
    let output = in_time("the child process", move || child.output());
    let output = output.expect("the child process starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed") || !output.status.success(), "no test `{test}`: {said}");
    assert!(
        output.status.success(),
        "the process ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Publishes events one after the other, ignoring the results.
pub(crate) fn publish_all<E: Event>(bus: &Bus, events: impl IntoIterator<Item = E>) {
    for event in events {
        bus.publish(event);
    }
}

/// Locks a mutex, ignoring poisoning.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaks a value, like `mem::forget`, but keeps it reachable for leak detectors.
pub(crate) fn forget<T>(value: T) {
    leak(value);
}

/// Leaks a value, like `Box::leak`, but keeps it reachable for leak detectors.
pub(crate) fn leak<'a, T>(value: T) -> &'a mut T {
    static LEAKED: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let leaked = Box::leak(Box::new(value));
    lock(&LEAKED).push((&raw mut *leaked).expose_provenance());
    leaked
}

/// A list that several owners append to.
#[derive(Debug)]
pub(crate) struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Log<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn push(&self, entry: T) {
        lock(&self.0).push(entry);
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut lock(&self.0))
    }
}

/// Random numbers (splitmix64) that print their seed if the test fails.
#[derive(Debug)]
pub(crate) struct Rng {
    seed: u64,
    state: u64,
}

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("it is below a usize")
    }

    pub(crate) fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }
}

impl Drop for Rng {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("seed of the failing run: {}", self.seed);
        }
    }
}

/// A waker that counts.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waker that runs a function.
pub(crate) fn waker_fn(code: impl Fn() + Send + Sync + 'static) -> Waker {
    struct Run<F>(F);
    impl<F: Fn() + Send + Sync> Wake for Run<F> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }
    Waker::from(Arc::new(Run(code)))
}

/// Counts the values that are alive by the tokens they hold.
#[derive(Debug, Default)]
pub(crate) struct Census(Arc<()>);

/// Part of a counted value.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    _counted: Arc<()>,
}

impl Census {
    pub(crate) fn token(&self) -> Token {
        Token { _counted: Arc::clone(&self.0) }
    }

    pub(crate) fn alive(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// Runs a function when it is dropped.
pub(crate) struct OnDrop(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl OnDrop {
    pub(crate) fn new(code: impl FnOnce() + Send + 'static) -> Self {
        Self(Mutex::new(Some(Box::new(code))))
    }

    pub(crate) fn nothing() -> Self {
        Self(Mutex::new(None))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        let code = lock(&self.0).take();
        if let Some(code) = code {
            code();
        }
    }
}

impl fmt::Debug for OnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnDrop")
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
pub(crate) struct HandClock(Arc<Mutex<Hands>>);

#[derive(Debug)]
struct Hands {
    now: Instant,
    sleepers: Vec<(Instant, Waker)>,
}

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Hands { now: Instant::now(), sleepers: Vec::new() })))
    }

    pub(crate) fn advance(&self, time: Duration) {
        let due: Vec<Waker> = {
            let mut hands = lock(&self.0);
            hands.now += time;
            let now = hands.now;
            let sleepers = std::mem::take(&mut hands.sleepers);
            let (due, asleep) = sleepers.into_iter().partition(|(at, _)| *at <= now);
            hands.sleepers = asleep;
            let due: Vec<(Instant, Waker)> = due;
            due.into_iter().map(|(_, waker)| waker).collect()
        };
        due.into_iter().for_each(Waker::wake);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Instant {
        lock(&self.0).now
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let clock = self.clone();
        Sleep::from_future(std::future::poll_fn(move |context| {
            let mut hands = lock(&clock.0);
            if hands.now >= deadline {
                return Poll::Ready(());
            }
            hands.sleepers.push((deadline, context.waker().clone()));
            Poll::Pending
        }))
    }
}
