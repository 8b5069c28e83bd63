//! The model checker's primitives: what they do is a step of a model, which loom runs in every
//! order that matters. They work inside a model only.

pub(crate) use loom::alloc::{alloc, dealloc};
pub(crate) use loom::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence,
};
pub(crate) use loom::sync::{Arc, MutexGuard};
use std::sync::atomic::Ordering;

macro_rules! locals {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = const $value:block;)*) => {
        loom::thread_local! { $($(#[$attribute])* static $name: $type = $value;)* }
    };
}
pub(crate) use locals as thread_local;

/// As [`process::Mutex`](super::process::Mutex).
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// As `std::sync::OnceLock`: whoever finds a value sees what was done before it was set.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    set: AtomicBool,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self { set: AtomicBool::new(false), value: std::sync::OnceLock::new() }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.set.load(Ordering::Acquire).then(|| self.value.get()).flatten()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.set.store(true, Ordering::Release);
        Ok(())
    }
}

/// As [`process::Access`](super::process::Access): the model fails where a write has no order with
/// another access.
#[derive(Debug)]
pub(crate) struct Access(loom::cell::UnsafeCell<()>);

impl Access {
    pub(crate) fn new() -> Self {
        Self(loom::cell::UnsafeCell::new(()))
    }

    pub(crate) fn read<'a, T>(&self, part: &'a T) -> &'a T {
        self.0.with(|_| part)
    }

    pub(crate) fn write(&self) {
        self.0.with_mut(|_| ());
    }
}

/// loom takes an access that is SeqCst for one that acquires and releases; only its fences are in
/// one order.
pub(crate) fn fence_of_model() {
    fence(Ordering::SeqCst);
}

/// As `std::thread`. loom has this too, but there a wake that comes late, when the thread waits for
/// something else, is mistaken for that.
pub(crate) mod thread {
    use std::sync::{Arc, PoisonError};

    use loom::sync::{Condvar, Mutex};

    #[derive(Debug, Clone, Default)]
    pub(crate) struct Thread(Arc<(Mutex<bool>, Condvar)>);

    loom::thread_local! {
        static CURRENT: Thread = Thread::default();
    }

    pub(crate) fn current() -> Thread {
        CURRENT.with(Clone::clone)
    }

    pub(crate) fn park() {
        let Thread(thread) = current();
        let mut woken = thread.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*woken {
            woken = thread.1.wait(woken).unwrap_or_else(PoisonError::into_inner);
        }
        *woken = false;
    }

    impl Thread {
        pub(crate) fn unpark(&self) {
            *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.0.1.notify_one();
        }
    }
}
