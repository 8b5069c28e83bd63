//! The standard library's primitives. Process-wide state, such as the timer, uses these even under
//! a model checker.

#![cfg_attr(
    any(callboard_loom, callboard_shuttle),
    allow(dead_code, unused_imports, unused_macros, reason = "a model has its own")
)]

pub(crate) use std::alloc::{alloc, dealloc};
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence,
};
pub(crate) use std::sync::{Arc, Condvar, MutexGuard, OnceLock};
pub(crate) use std::thread;
pub(crate) use std::thread_local;

/// Declares a static of the whole process.
macro_rules! statics {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
        $($(#[$attribute])* static $name: $type = $value;)*
    };
}
pub(crate) use statics as process_wide;

/// A mutual exclusion lock without poisoning.
///
/// No user code runs while one is held, so a panic can't leave the value half changed, and
/// poisoning would protect nothing.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Reports reads and writes of adjacent raw memory to a model checker. Here it does nothing.
#[derive(Debug)]
pub(crate) struct Access;

impl Access {
    pub(crate) fn new() -> Self {
        Self
    }

    /// Reports a read of the memory, or of this part of it.
    #[inline(always)]
    pub(crate) fn read<'a, T>(&self, part: &'a T) -> &'a T {
        part
    }

    /// Reports a write to the memory, or a drop of its contents.
    #[inline(always)]
    pub(crate) fn write(&self) {}
}

/// Makes a SeqCst operation sequentially consistent for the model checker too. Here it already is.
#[inline(always)]
pub(crate) fn fence_of_model() {}
