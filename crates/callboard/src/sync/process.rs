//! The standard library's primitives. What belongs to the process, such as its timer, is made of
//! these also where a model checker takes their place.

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
/// No code of a user ever runs while one is held, so a panic can't leave the value half changed,
/// and there is nothing that poisoning could protect.
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

/// Stands beside memory that is read and written by address, and says so to a model checker. Here
/// it is nothing.
#[derive(Debug)]
pub(crate) struct Access;

impl Access {
    pub(crate) fn new() -> Self {
        Self
    }

    /// The memory, or this part of it, is read.
    #[inline(always)]
    pub(crate) fn read<'a, T>(&self, part: &'a T) -> &'a T {
        part
    }

    /// The memory is written, or what lies there is dropped.
    #[inline(always)]
    pub(crate) fn write(&self) {}
}

/// Makes a SeqCst operation of this thread one for the model checker too. Here it is one already.
#[inline(always)]
pub(crate) fn fence_of_model() {}
