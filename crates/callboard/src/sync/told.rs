//! The lock under ThreadSanitizer, which is told what it orders.
//!
//! The standard library's own is not instrumented: the sanitizer does not see that what was done
//! under it comes before what is done under it next.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LockResult, PoisonError, WaitTimeoutResult};
use std::time::Duration;

/// As the lock that it stands for.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T> {
    /// How often it was unlocked.
    unlocked: AtomicUsize,
    lock: std::sync::Mutex<T>,
}

/// Holds the lock.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    // Before the guard, so that it is dropped while the lock is still held.
    turn: Turn<'a>,
    guard: std::sync::MutexGuard<'a, T>,
}

/// From when the lock is taken until it is given up.
#[derive(Debug)]
struct Turn<'a>(&'a AtomicUsize);

/// As the standard library's.
#[derive(Debug, Default)]
pub(crate) struct Condvar(std::sync::Condvar);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { unlocked: AtomicUsize::new(0), lock: std::sync::Mutex::new(value) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard { turn: Turn::begin(&self.unlocked), guard }
    }
}

impl<'a> Turn<'a> {
    fn begin(unlocked: &'a AtomicUsize) -> Self {
        // Ordering: Acquire pairs with the Release in `drop`.
        unlocked.load(Ordering::Acquire);
        Self(unlocked)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Ordering: Release pairs with the Acquire in `begin`.
        self.0.fetch_add(1, Ordering::Release);
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        nap: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let MutexGuard { turn, guard } = guard;
        let unlocked = turn.0;
        drop(turn);
        let woken = self.0.wait_timeout(guard, nap);
        let (guard, result) = woken.unwrap_or_else(PoisonError::into_inner);
        Ok((MutexGuard { turn: Turn::begin(unlocked), guard }, result))
    }
}
