//! What the current thread is handling: the cause of what it publishes, and the asker of what it
//! requests.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem;
use std::sync::Arc;

use super::{Invocation, Mailbox};
use crate::log::{Cause, Stamp};
use crate::sync::{isolate_for_message, thread_local};

/// What is being handled. The bus enters it around each poll of a served handler.
#[doc(hidden)]
#[derive(Default)]
pub struct Scope {
    origin: Origin,
    /// The name of the event's type; empty for none.
    event_type: &'static str,
    /// The subscription whose handler runs.
    server: Option<Arc<Mailbox>>,
    /// Made when it is first needed, except for calls.
    invocation: Option<Arc<Invocation>>,
}

/// A panic of a served handler.
#[derive(Debug)]
pub(crate) struct HandlerPanic {
    /// The type of the event that was being handled.
    pub(crate) event_type: &'static str,
    pub(crate) message: String,
}

/// Where a publication comes from.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Origin {
    /// The sequence of the event being handled; 0 for none.
    pub(crate) cause: u64,
    /// The publisher's number in the registry, 0 if it has no name; and, in the higher half, how far
    /// before the cause the first event of the chain is. Two numbers are handed on in registers,
    /// three are not.
    rest: u64,
}

impl Origin {
    pub(crate) fn caused_by(self, Cause { sequence, back }: Cause) -> Self {
        Self { cause: sequence, rest: u64::from(back) << 32 | u64::from(self.publisher()) }
    }

    pub(crate) fn published_by(self, publisher: u32) -> Self {
        Self { rest: self.rest >> 32 << 32 | u64::from(publisher), ..self }
    }

    /// What is said of the cause in the stamp of what comes from here.
    #[inline]
    pub(crate) fn cause(self) -> Cause {
        Cause { sequence: self.cause, back: (self.rest >> 32) as u32 }
    }

    /// The publisher's number in the registry; 0 if it has no name.
    #[inline]
    pub(crate) fn publisher(self) -> u32 {
        self.rest as u32
    }
}

thread_local! {
    static CURRENT: RefCell<Scope> = const {
        RefCell::new(Scope { origin: NOWHERE, event_type: "", server: None, invocation: None })
    };
    /// The origin of `CURRENT` once more: every publication reads it, and plain data is quicker
    /// to read.
    static ORIGIN: Cell<Origin> = const { Cell::new(NOWHERE) };
}

const NOWHERE: Origin = Origin { cause: 0, rest: 0 };

impl Scope {
    pub(crate) fn of_event(event_type: &'static str, stamp: &Stamp) -> Self {
        let origin = NOWHERE.caused_by(stamp.as_cause());
        Self { origin, event_type, ..Self::default() }
    }

    pub(crate) fn of_call(
        event_type: &'static str,
        stamp: &Stamp,
        invocation: Arc<Invocation>,
    ) -> Self {
        Self { invocation: Some(invocation), ..Self::of_event(event_type, stamp) }
    }

    /// The name of the type of the event that is handled.
    pub(crate) fn event_type(&self) -> &'static str {
        self.event_type
    }

    /// What is scheduled runs in this scope: nobody's handler, with the origin that it was scheduled
    /// with.
    pub(crate) fn scheduled(origin: Origin) -> Serving {
        Serving(Self { origin, ..Self::default() })
    }

    /// The handler of this subscription is about to run in this scope.
    pub(crate) fn serve(mut self, server: &Arc<Mailbox>, publisher: u32) -> Serving {
        self.origin = self.origin.published_by(publisher);
        self.server = Some(Arc::clone(server));
        if let Some(invocation) = &self.invocation {
            invocation.begin_handler();
        }
        Serving(self)
    }

    /// What is published in the current scope comes from there.
    #[inline]
    pub(crate) fn current_origin() -> Origin {
        ORIGIN.with(Cell::get)
    }

    /// What is requested in the current scope comes from there, and the asker is this; nobody,
    /// outside handlers and while the thread is being torn down.
    pub(crate) fn current_asker() -> (Origin, Option<Arc<Invocation>>) {
        let origin = Self::current_origin();
        if origin.cause == 0 {
            return (origin, None);
        }
        let asker = CURRENT.try_with(|current| current.borrow_mut().asker());
        (origin, asker.ok().flatten())
    }

    /// The subscription whose handler the current thread runs.
    pub(crate) fn current_server() -> Option<Arc<Mailbox>> {
        CURRENT.try_with(|current| current.borrow().server.clone()).ok().flatten()
    }

    fn asker(&mut self) -> Option<Arc<Invocation>> {
        let Self { origin, server, invocation, .. } = self;
        if let (None, Some(server)) = (&invocation, server) {
            let name = Arc::clone(&server.settings.name);
            *invocation = Some(Arc::new(Invocation::of_event(server.id, name, origin.cause)));
        }
        invocation.clone()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// The scope of a handler that runs, until this is dropped.
#[derive(Debug)]
pub(crate) struct Serving(Scope);

impl Serving {
    /// Runs a part of the handler in its scope, and behind a fence; `None` if it panicked, which is
    /// then noted of its subscriber.
    pub(crate) fn run<R>(&mut self, code: impl FnOnce() -> R) -> Option<R> {
        match isolate_for_message("a handler", || self.enter(code)) {
            Ok(value) => Some(value),
            Err(message) => {
                let Scope { event_type, server, .. } = &self.0;
                let panic = HandlerPanic { event_type, message };
                if let Some(server) = server {
                    server.inbox().attendance_mut().panicked(panic);
                }
                None
            }
        }
    }

    /// Runs `code` with this as the thread's current scope, then restores what was before.
    // The scope is moved there and back: a poll of a handler touches no reference count.
    pub(crate) fn enter<R>(&mut self, code: impl FnOnce() -> R) -> R {
        struct Restore<'a> {
            scope: &'a mut Scope,
            before: Origin,
        }
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                ORIGIN.with(|origin| origin.set(self.before));
                swap(self.scope);
            }
        }
        let origin = self.0.origin;
        swap(&mut self.0);
        let before = ORIGIN.with(|current| current.replace(origin));
        let _restore = Restore { scope: &mut self.0, before };
        code()
    }
}

/// Exchanges the thread's current scope for this one, unless the thread is being torn down.
fn swap(scope: &mut Scope) {
    let _ = CURRENT.try_with(|current| mem::swap(&mut *current.borrow_mut(), scope));
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(invocation) = &self.0.invocation {
            invocation.end_handler();
        }
    }
}
