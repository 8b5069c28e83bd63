//! Synchronization primitives: a lock without poisoning, a list of waiting tasks, thread parking,
//! and isolation of user code.
//!
//! Only this module names `std::sync`'s blocking types. With `--cfg callboard_loom` it exports
//! loom's types instead, and the models in this crate's tests run code built on them in every
//! relevant order. With `--cfg callboard_shuttle` it exports shuttle's, and `tests/scenarios` runs
//! whole programs in many orders.

mod isolate;
#[cfg(any(callboard_loom, callboard_shuttle))]
mod model;
mod park;
pub(crate) mod process;
mod wait_list;

#[cfg(callboard_loom)]
pub(crate) use isolate::PanicOfModel;
pub(crate) use isolate::{discard, discard_any, isolate, isolate_for_message, wake};
pub use park::block_on;
#[cfg(feature = "tokio")]
pub(crate) use park::is_undriven;
pub(crate) use park::undriven;
pub(crate) use wait_list::{WaitList, Waiting};

pub(crate) use std::sync::atomic::Ordering;

#[cfg(any(callboard_loom, callboard_shuttle))]
use model as primitives;
#[cfg(not(any(callboard_loom, callboard_shuttle)))]
use process as primitives;

#[cfg(any(callboard_loom, callboard_shuttle))]
pub(crate) use model::checker;
pub(crate) use primitives::{
    Access, Arc, AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Mutex,
    MutexGuard, OnceLock, alloc, dealloc, fence, fence_of_model, process_wide, thread_local,
};

/// Whether a model checker replaces the system's threads. Sizes chosen for speed are then so small
/// that a few events reach every edge case.
pub(crate) const CHECKED: bool = cfg!(any(callboard_loom, callboard_shuttle));

/// Aligns a value to its own cache line, so that frequent writes don't slow reads of its
/// neighbours. (64 bytes is the line size of most machines; larger or paired lines only cost some
/// speed.)
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Padded<T>(pub(crate) T);
