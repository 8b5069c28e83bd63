//! The primitives everything else is built from: a lock that does not poison, a list of waiting
//! tasks, a parked thread, and a fence around code that is not ours.
//!
//! This is the only place that names `std::sync`'s blocking types. Compiled with
//! `--cfg callboard_loom` it hands out loom's in their place, and the models of this crate's tests
//! run what is built from them in every order that matters. With `--cfg callboard_shuttle` it hands
//! out shuttle's, and `tests/scenarios` runs whole programs in many orders.

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

/// Whether a model checker takes the place of the system's threads: what is sized for speed is then
/// so small that a few events reach every edge.
pub(crate) const CHECKED: bool = cfg!(any(callboard_loom, callboard_shuttle));

/// A cache line of its own, so that what one thread writes often does not slow what others read
/// nearby. (64 bytes is the line of most machines; one that is fetched with its neighbour costs a
/// little, not correctness.)
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Padded<T>(pub(crate) T);
