//! What the current thread is handling: the event that causes what is published meanwhile, and
//! the requests that wait for what is asked meanwhile.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::sync::Arc;

use super::Link;
use crate::sync::thread_local;

/// What is being handled. Entered around each poll of a served handler.
#[doc(hidden)]
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The sequence of the event being handled; 0 for none.
    pub(crate) cause: u64,
    /// The name of its type; empty for none.
    pub(crate) event_type: &'static str,
    pub(crate) ancestry: Option<Arc<Link>>,
}

thread_local! {
    static CURRENT: RefCell<Scope> = const {
        RefCell::new(Scope { cause: 0, event_type: "", ancestry: None })
    };
    /// The cause of `CURRENT` once more: every publication reads it, and a number is quicker read.
    static CAUSE: Cell<u64> = const { Cell::new(0) };
}

impl Scope {
    pub(crate) fn of_event(event_type: &'static str, sequence: u64) -> Self {
        Self { cause: sequence, event_type, ancestry: None }
    }

    pub(crate) fn of_call(event_type: &'static str, sequence: u64, link: Arc<Link>) -> Self {
        Self { cause: sequence, event_type, ancestry: Some(link) }
    }

    /// A handler is about to run in this scope.
    pub(crate) fn handle(self) -> Handling {
        if let Some(link) = &self.ancestry {
            link.begin_handler();
        }
        Handling(self)
    }

    /// What the current thread is handling; nothing, while the thread is being torn down.
    pub(crate) fn current() -> Self {
        CURRENT.try_with(|current| current.borrow().clone()).unwrap_or_default()
    }

    /// The sequence of the event the current thread is handling; 0 for none.
    #[inline]
    pub(crate) fn current_cause() -> u64 {
        CAUSE.with(Cell::get)
    }

    /// Runs `code` with this as the thread's current scope, then restores what was before.
    pub(crate) fn enter<R>(&self, code: impl FnOnce() -> R) -> R {
        struct Restore(Option<Scope>);
        impl Drop for Restore {
            fn drop(&mut self) {
                if let Some(before) = self.0.take() {
                    CAUSE.with(|cause| cause.set(before.cause));
                    drop(CURRENT.try_with(|current| current.replace(before)));
                }
            }
        }
        let before = CURRENT.try_with(|current| current.replace(self.clone()));
        CAUSE.with(|cause| cause.set(self.cause));
        let _restore = Restore(before.ok());
        code()
    }
}

/// The scope of a handler that runs, until this is dropped.
#[derive(Debug)]
pub(crate) struct Handling(Scope);

impl Deref for Handling {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.0
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        if let Some(link) = &self.0.ancestry {
            link.end_handler();
        }
    }
}
