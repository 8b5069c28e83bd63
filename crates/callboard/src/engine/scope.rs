//! The event that the current thread is handling: the cause of its publications, and the asker of
//! its requests.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem;
use std::sync::Arc;

use super::{Invocation, Mailbox};
use crate::event::TypeInfo;
use crate::log::{Cause, Stamp};
use crate::outcome::PanicSnapshot;
use crate::sync::{isolate_for_message, thread_local};
use crate::trace::{Context, Handling};

/// The event being handled. The bus enters the scope around each poll of a served handler.
#[doc(hidden)]
#[derive(Default)]
pub struct Scope {
    /// The bus of the handler; 0 for none.
    bus: usize,
    origin: Origin,
    /// The event's type.
    info: Option<&'static TypeInfo>,
    /// The subscription whose handler runs.
    server: Option<Arc<Mailbox>>,
    /// Created when first needed, except for calls.
    invocation: Option<Arc<Invocation>>,
}

/// Where a publication comes from.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Origin {
    /// The sequence of the event being handled; 0 for none.
    pub(crate) cause: u64,
    /// The publisher, in the lower half, and the distance from the cause back to the first event of
    /// the chain, in the upper half. Two numbers are passed in registers, three are not.
    rest: u64,
}

/// The lower 14 bits: the publisher's number in the registry, 0 if unnamed. The upper 18: one plus the
/// number of the type of the event that it handles, 0 if none or too large.
const NAME_BITS: u32 = 14;
const NAME_MASK: u32 = (1 << NAME_BITS) - 1;

impl Origin {
    pub(crate) fn caused_by(self, Cause { sequence, back }: Cause) -> Self {
        Self { cause: sequence, rest: u64::from(back) << 32 | u64::from(self.publisher()) }
    }

    /// Sets the publisher, by its number.
    pub(crate) fn published_by(self, name: u32) -> Self {
        let rest = self.rest & !u64::from(NAME_MASK) | u64::from(name & NAME_MASK);
        Self { rest, ..self }
    }

    /// Notes that the publisher handles an event of the type of this number.
    fn handling(self, type_number: usize) -> Self {
        let number = u32::try_from(type_number + 1).ok();
        let bits = number.filter(|number| *number < 1 << (32 - NAME_BITS)).unwrap_or(0);
        let others = self.rest & !u64::from(!NAME_MASK);
        Self { rest: others | u64::from(bits << NAME_BITS), ..self }
    }

    /// The number of a publisher's name, and of the type that it handled, if any.
    pub(crate) fn split(publisher: u32) -> (u32, Option<usize>) {
        (publisher & NAME_MASK, (publisher >> NAME_BITS).checked_sub(1).map(|it| it as usize))
    }

    /// Whether the publisher is known.
    pub(crate) fn is_named(self) -> bool {
        Self::split(self.publisher()).0 != 0
    }

    /// The cause of publications from here, for their stamps.
    #[inline]
    pub(crate) fn cause(self) -> Cause {
        Cause { sequence: self.cause, back: (self.rest >> 32) as u32 }
    }

    /// The publisher, to be [split](Self::split); 0 if unknown.
    #[inline]
    pub(crate) fn publisher(self) -> u32 {
        self.rest as u32
    }
}

thread_local! {
    static CURRENT: RefCell<Scope> = const {
        RefCell::new(Scope { bus: 0, origin: NOWHERE, info: None, server: None, invocation: None })
    };
    /// A copy of the bus and the origin of `CURRENT`: every publication reads it, and plain data is
    /// faster to read.
    static ORIGIN: Cell<(usize, Origin)> = const { Cell::new((0, NOWHERE)) };
}

const NOWHERE: Origin = Origin { cause: 0, rest: 0 };

impl Scope {
    pub(crate) fn of_event(info: &'static TypeInfo, stamp: &Stamp) -> Self {
        let origin = NOWHERE.caused_by(stamp.as_cause());
        Self { origin, info: Some(info), ..Self::default() }
    }

    pub(crate) fn of_call(
        info: &'static TypeInfo,
        stamp: &Stamp,
        invocation: Arc<Invocation>,
    ) -> Self {
        Self { invocation: Some(invocation), ..Self::of_event(info, stamp) }
    }

    /// The type of the event that is handled.
    pub(crate) fn info(&self) -> Option<&'static TypeInfo> {
        self.info
    }

    /// The scope of a scheduled publication on this bus: no handler's, with the origin that it was
    /// scheduled with.
    pub(crate) fn scheduled(bus: usize, origin: Origin) -> Serving {
        Serving { scope: Self { bus, origin, ..Self::default() }, span: Handling::default() }
    }

    /// Prepares to run this subscription's handler in this scope, for an event of this bus that has
    /// this context. `type_number` is that of the event, if the bus has met the type.
    pub(crate) fn serve(
        mut self,
        bus: usize,
        server: &Arc<Mailbox>,
        publisher: u32,
        context: Context,
        type_number: Option<usize>,
    ) -> Serving {
        let (cause, event_type) = (self.origin.cause, self.info.map_or("", |info| info.name));
        let span = Handling::begin(context, event_type, &server.settings.name, cause);
        self.origin = self.origin.published_by(publisher);
        if let Some(number) = type_number {
            self.origin = self.origin.handling(number);
        }
        (self.bus, self.server) = (bus, Some(Arc::clone(server)));
        if let Some(invocation) = &self.invocation {
            invocation.begin_handler();
        }
        Serving { scope: self, span }
    }

    /// The origin of publications on this bus in the current scope. Its numbers mean nothing on
    /// another bus, where they come from nowhere.
    #[inline]
    pub(crate) fn current_origin(bus: usize) -> Origin {
        let (of, origin) = ORIGIN.with(Cell::get);
        if of == bus { origin } else { NOWHERE }
    }

    /// The asker of requests in the current scope, on any bus. There is none outside handlers and
    /// while the thread is being torn down.
    pub(crate) fn current_asker() -> Option<Arc<Invocation>> {
        if ORIGIN.with(Cell::get).1.cause == 0 {
            return None;
        }
        CURRENT.try_with(|current| current.borrow_mut().asker()).ok().flatten()
    }

    /// The subscription whose handler the current thread runs.
    pub(crate) fn current_server() -> Option<Arc<Mailbox>> {
        CURRENT.try_with(|current| current.borrow().server.clone()).ok().flatten()
    }

    /// Records a panic of the handler that runs in this scope.
    #[cold]
    fn note_panic(&self, message: String) {
        let Self { info, server, origin, .. } = self;
        let Some(server) = server else { return };
        let event_type = info.map_or("", |info| info.name);
        let (name, sequence) = (&server.settings.name, origin.cause);
        crate::report::say!(
            error,
            "`{name}` panicked on `{event_type}` #{sequence}: {message}; it goes on with the next \
             event"
        );
        let panic = PanicSnapshot { event_type: event_type.to_owned(), message };
        server.inbox().handler_stats_mut().panicked(panic);
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

/// The scope of a running handler, until it is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    scope: Scope,
    span: Handling,
}

impl Serving {
    /// Runs a part of the handler in its scope, and catches panics: returns `None` if it panicked,
    /// which is then recorded for its subscriber.
    pub(crate) fn run<R>(&mut self, code: impl FnOnce() -> R) -> Option<R> {
        match isolate_for_message(|| self.enter(code)) {
            Ok(value) => Some(value),
            Err(message) => {
                self.span.panicked();
                self.scope.note_panic(message);
                None
            }
        }
    }

    /// Runs `code` in its span, with this as the thread's current scope, then restores the previous
    /// one.
    // The scope is moved there and back: a poll of a handler touches no reference count.
    pub(crate) fn enter<R>(&mut self, code: impl FnOnce() -> R) -> R {
        struct Restore<'a> {
            scope: &'a mut Scope,
            before: (usize, Origin),
        }
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                ORIGIN.with(|origin| origin.set(self.before));
                swap(self.scope);
            }
        }
        let Self { scope, span } = self;
        let current = (scope.bus, scope.origin);
        swap(scope);
        let before = ORIGIN.with(|origin| origin.replace(current));
        let _restore = Restore { scope, before };
        span.enter(code)
    }
}

/// Exchanges the thread's current scope for this one, unless the thread is being torn down.
fn swap(scope: &mut Scope) {
    let _ = CURRENT.try_with(|current| mem::swap(&mut *current.borrow_mut(), scope));
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(invocation) = &self.scope.invocation {
            invocation.end_handler();
        }
    }
}
