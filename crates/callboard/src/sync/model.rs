//! The model checker's primitives. Each operation is a step of a model, which loom runs in every
//! relevant order, and shuttle in many. They only work inside a model.

use std::sync::atomic::Ordering;

pub(crate) use checker::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence,
};
pub(crate) use checker::sync::{Arc, MutexGuard};
#[cfg(callboard_loom)]
pub(crate) use loom as checker;
#[cfg(callboard_loom)]
pub(crate) use loom::alloc::{alloc, dealloc};
#[cfg(callboard_shuttle)]
pub(crate) use shuttle as checker;

#[cfg(callboard_shuttle)]
pub(crate) use super::process::{Access, alloc, dealloc};

macro_rules! locals {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = const $value:block;)*) => {
        $crate::sync::checker::thread_local! {
            $($(#[$attribute])* static $name: $type = $value;)*
        }
    };
}
pub(crate) use locals as thread_local;

macro_rules! statics {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
        $crate::sync::checker::lazy_static! {
            $($(#[$attribute])* static ref $name: $type = $value;)*
        }
    };
}
pub(crate) use statics as process_wide;

/// Like [`process::Mutex`](super::process::Mutex).
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(checker::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(checker::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Like `std::sync::OnceLock`: a thread that finds a value sees the writes made before it was set.
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

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let value = self.value.get_or_init(make);
        self.set.store(true, Ordering::Release);
        value
    }
}

/// Like [`process::Access`](super::process::Access): the model fails if a write is unordered with
/// another access.
#[cfg(callboard_loom)]
#[derive(Debug)]
pub(crate) struct Access(loom::cell::UnsafeCell<()>);

#[cfg(callboard_loom)]
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

/// loom treats a SeqCst access as AcqRel; only its fences have a total order.
pub(crate) fn fence_of_model() {
    fence(Ordering::SeqCst);
}

/// Like `std::thread`. The checkers have this too, but loom's takes a late unpark for the wake of a
/// later, unrelated wait, and shuttle's wakes spuriously.
pub(crate) mod thread {
    use std::sync::{Arc, PoisonError};

    use super::checker::sync::{Condvar, Mutex};

    #[derive(Debug, Clone, Default)]
    pub(crate) struct Thread(Arc<(Mutex<bool>, Condvar)>);

    super::checker::thread_local! {
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
