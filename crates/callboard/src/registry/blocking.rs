//! Detection of calls that park a runtime's only thread.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::Location;

use super::Core;
use crate::sync::block_on;
use crate::time::is_driven_by_this_thread;

/// The calls that parked the only thread of a runtime: the count of each, by name and location.
pub(crate) type BlockingCalls = BTreeMap<(&'static str, &'static Location<'static>), u64>;

impl Core {
    /// Runs a future to completion on this thread, for the blocking call `call`.
    ///
    /// If the thread drives a current-thread runtime, nothing else on that runtime can run until
    /// then; that is counted and, the first time, logged.
    pub(crate) fn block_on<F: Future>(
        &self,
        call: &'static str,
        site: &'static Location<'static>,
        future: F,
    ) -> F::Output {
        if is_driven_by_this_thread() {
            self.note_blocking(call, site);
        }
        block_on(future)
    }

    #[cold]
    fn note_blocking(&self, call: &'static str, site: &'static Location<'static>) {
        let first = {
            let mut calls = self.blocking_calls.lock();
            let count = calls.entry((call, site)).or_default();
            *count += 1;
            *count == 1
        };
        if first {
            crate::report::say!(
                warn,
                "`{call}` at {site} blocks the only thread of a current-thread runtime: nothing \
                 else on that runtime runs meanwhile, and what waits for it never ends; await the \
                 async form, or call it from a thread of its own",
            );
        }
    }
}
