//! Traces with the feature `tracing`: spans under the target `callboard::trace`, with the names of
//! OpenTelemetry's semantic conventions for messaging.

use std::fmt::{self, Display};
use std::sync::{Arc, Weak};

use tracing::field::{Empty, display};
use tracing::span::{Entered, Id};
use tracing::{Dispatch, Span, debug, dispatcher, info_span};

use crate::report::{Line, catch};

/// Runs a `tracing` subscriber's code. If it panics, only its span is lost.
fn fenced<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch(code, |_| ()).ok()
}

/// Formats a field's text on one line, as in the log.
fn line(text: &dyn Display) -> String {
    Line(format_args!("{text}")).to_string()
}

/// A span whose drop, which may close it, has panics caught.
#[derive(Debug)]
struct Fenced(Option<Span>);

impl Fenced {
    fn new(make: impl FnOnce() -> Span) -> Self {
        Self(fenced(make))
    }

    fn record(&self, write: impl FnOnce(&Span)) {
        if let Some(span) = &self.0 {
            fenced(|| write(span));
        }
    }

    /// Runs `code` in the span; if entering fails, without it.
    fn enter<R>(&self, code: impl FnOnce() -> R) -> R {
        let span = self.0.as_ref();
        let _inside = Inside(span.and_then(|span| fenced(|| span.enter())));
        code()
    }
}

/// A guard that is in a span until it is dropped.
struct Inside<'a>(Option<Entered<'a>>);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let entered = self.0.take();
        fenced(|| drop(entered));
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        let span = self.0.take();
        fenced(|| drop(span));
    }
}

/// The span that an event comes from; empty on a bus that does not trace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context(Option<Arc<Fenced>>);

impl Context {
    /// The publisher's current span, if any.
    pub(crate) fn current(traces: bool) -> Self {
        Self(traces.then(|| Arc::new(Fenced::new(Span::current))))
    }

    /// This span or, if it is filtered out, the publisher's.
    fn of(span: &Fenced) -> Self {
        let own = span.0.as_ref().filter(|span| !span.is_disabled());
        let origin = || own.map_or_else(Span::current, Span::clone);
        Self(Some(Arc::new(Fenced::new(origin))))
    }

    #[inline]
    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Drops the span of a retained event, which would keep its trace open. Another context of the
    /// event has the span too.
    pub(crate) fn sever(&mut self) {
        if let Some(origin) = &mut self.0 {
            *origin = Arc::new(Fenced(None));
        }
    }
}

/// Creates a span that continues another one, with the `tracing` subscriber of that span, since
/// other subscribers don't know it. Without a span to continue, it begins a trace.
fn continued(origin: Option<&Span>, make: impl Fn(Option<Id>) -> Span) -> Span {
    let with = |(id, dispatch): (&Id, &Dispatch)| {
        dispatcher::with_default(dispatch, || make(Some(id.clone())))
    };
    origin.and_then(|origin| origin.with_subscriber(with)).unwrap_or_else(|| make(None))
}

/// A publication: its span is open while the event is accepted, and then for as long as the event's
/// context is kept.
#[derive(Debug)]
pub(crate) struct PublishSpan(Option<Fenced>);

impl PublishSpan {
    #[inline]
    pub(crate) fn begin(traces: bool, event_type: &'static str) -> Self {
        if traces { Self::of(event_type) } else { Self(None) }
    }

    #[cold]
    fn of(event_type: &'static str) -> Self {
        let span = || {
            info_span!(
                target: "callboard::trace",
                "publish",
                otel.name = %line(&format_args!("publish {event_type}")),
                otel.kind = "producer",
                messaging.system = "callboard",
                messaging.operation.name = "publish",
                "messaging.operation.type" = "send",
                messaging.destination.name = %line(&event_type),
                messaging.message.id = Empty,
                callboard.delivered = Empty,
                callboard.dropped = Empty,
                "error.type" = Empty,
            )
        };
        Self(Some(Fenced::new(span)))
    }

    /// The context that travels with the event.
    pub(crate) fn context(&self) -> Context {
        self.0.as_ref().map_or_else(Context::default, Context::of)
    }

    /// Records the outcome of the publication; `sequence` is 0 if the event has no number.
    pub(crate) fn end(self, sequence: u64, delivered: usize, dropped: usize, closed: bool) {
        let Some(span) = self.0 else { return };
        span.record(|span| {
            if sequence != 0 {
                span.record("messaging.message.id", display(sequence));
            }
            span.record("callboard.delivered", delivered as u64);
            span.record("callboard.dropped", dropped as u64);
            if closed {
                span.record("error.type", "closed");
            }
        });
    }
}

/// A received event's weak reference to the context that its reader holds.
#[derive(Clone)]
pub(crate) struct Trail {
    context: Weak<Fenced>,
    subscriber: Arc<str>,
}

impl Trail {
    pub(crate) fn new(context: &Context, subscriber: &Arc<str>) -> Self {
        let context = context.0.as_ref().map_or_else(Weak::new, Arc::downgrade);
        Self { context, subscriber: Arc::clone(subscriber) }
    }

    /// The span of handling the event.
    pub(crate) fn span(&self, event_type: &'static str, sequence: u64) -> Span {
        let origin = Context(self.context.upgrade());
        let span = || process(&origin, event_type, &self.subscriber, sequence);
        fenced(span).unwrap_or_else(Span::none)
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trail").field(&self.subscriber).finish()
    }
}

/// The span of handling an event or, if that is filtered out, the span that the event comes from.
fn process(context: &Context, event_type: &'static str, subscriber: &str, sequence: u64) -> Span {
    let origin = context.0.as_ref().and_then(|origin| origin.0.as_ref());
    let span = continued(origin, |parent| {
        info_span!(
            target: "callboard::trace",
            parent: parent,
            "process",
            otel.name = %line(&format_args!("process {event_type}")),
            otel.kind = "consumer",
            messaging.system = "callboard",
            messaging.operation.name = "process",
            "messaging.operation.type" = "process",
            messaging.destination.name = %line(&event_type),
            messaging.message.id = %sequence,
            messaging.consumer.group.name = %line(&subscriber),
            "error.type" = Empty,
        )
    });
    match origin {
        Some(origin) if span.is_disabled() => origin.clone(),
        _ => span,
    }
}

/// The span of a running served handler.
#[derive(Debug, Default)]
pub(crate) struct Handling(Option<Box<Fenced>>);

impl Handling {
    #[inline]
    pub(crate) fn begin(
        context: Context,
        event_type: &'static str,
        subscriber: &str,
        sequence: u64,
    ) -> Self {
        if context.is_some() {
            Self::of(&context, event_type, subscriber, sequence)
        } else {
            Self(None)
        }
    }

    #[cold]
    fn of(context: &Context, event_type: &'static str, subscriber: &str, sequence: u64) -> Self {
        let span = || process(context, event_type, subscriber, sequence);
        Self(Some(Box::new(Fenced::new(span))))
    }

    /// Runs a part of the handler in its span.
    #[inline]
    pub(crate) fn enter<R>(&self, code: impl FnOnce() -> R) -> R {
        match &self.0 {
            Some(span) => span.enter(code),
            None => code(),
        }
    }

    #[cold]
    pub(crate) fn panicked(&self) {
        if let Some(span) = &self.0 {
            span.record(|span| {
                span.record("error.type", "panic");
            });
        }
    }
}

/// The span of a request, from its first poll until its asker has the answers.
#[derive(Debug, Default)]
pub(crate) struct Inquiry(Option<Box<Fenced>>);

impl Inquiry {
    #[inline]
    pub(crate) fn begin(traces: bool, event_type: &'static str, expected: usize) -> Self {
        if traces { Self::of(event_type, expected) } else { Self(None) }
    }

    #[cold]
    fn of(event_type: &'static str, expected: usize) -> Self {
        let span = || {
            info_span!(
                target: "callboard::trace",
                "request",
                otel.name = %line(&format_args!("request {event_type}")),
                otel.kind = "producer",
                messaging.system = "callboard",
                messaging.operation.name = "request",
                "messaging.operation.type" = "send",
                messaging.destination.name = %line(&event_type),
                messaging.message.id = Empty,
                callboard.expected = expected as u64,
                callboard.responded = Empty,
                "error.type" = Empty,
            )
        };
        Self(Some(Box::new(Fenced::new(span))))
    }

    /// The context that travels with the request.
    pub(crate) fn context(&self) -> Context {
        self.0.as_ref().map_or_else(Context::default, |span| Context::of(span))
    }

    /// Runs a poll of the request in its span.
    pub(crate) fn enter<R>(&self, code: impl FnOnce() -> R) -> R {
        match &self.0 {
            Some(span) => span.enter(code),
            None => code(),
        }
    }

    #[inline]
    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Records the request's sequence number.
    pub(crate) fn number(&self, sequence: u64) {
        if let Some(span) = &self.0 {
            span.record(|span| {
                span.record("messaging.message.id", display(sequence));
            });
        }
    }

    /// Records the outcome of one responder.
    pub(crate) fn outcome(&self, responder: &str, outcome: &dyn Display) {
        if let Some(span) = &self.0 {
            span.record(|span| {
                debug!(
                    target: "callboard::trace",
                    parent: span,
                    responder = %line(&responder),
                    outcome = %line(outcome),
                    "gathered",
                );
            });
        }
    }

    /// Records the result; `failed` says why the rule was not met.
    #[cold]
    pub(crate) fn end(&mut self, responded: usize, failed: Option<&dyn Display>) {
        let Some(span) = self.0.take() else { return };
        span.record(|span| {
            span.record("callboard.responded", responded as u64);
            if let Some(failed) = failed {
                span.record("error.type", line(failed).as_str());
            }
        });
    }
}

impl Drop for Inquiry {
    /// Records that the asker dropped the future.
    fn drop(&mut self) {
        if self.is_some() {
            self.end(0, Some(&"cancelled"));
        }
    }
}
