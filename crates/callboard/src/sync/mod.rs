//! The primitives everything else is built from: a lock that does not poison, a list of waiting
//! tasks, a parked thread, and a fence around code that is not ours.
//!
//! This is the only place that names `std::sync`'s blocking types, so that a model checker can
//! take their place.

mod isolate;
mod park;
mod wait_list;

pub(crate) use isolate::{discard, isolate};
pub use park::block_on;
pub(crate) use wait_list::{WaitList, Waiting};

pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};
pub(crate) use std::sync::{Arc, MutexGuard};

/// A cache line of its own, so that what one thread writes often does not slow what others read
/// nearby. (64 bytes is the line of most machines; one that is fetched with its neighbour costs a
/// little, not correctness.)
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Padded<T>(pub(crate) T);

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
