//! Capturing what the bus logs.

use std::fmt;
use std::sync::LazyLock;

use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, dispatcher, span};

use crate::support::Log;

/// A listener to the program's log.
pub(crate) trait Listener: 'static + Send + Sync {
    fn asked(&self) {}
    fn told(&self, level: Level, what: String);
}

impl Listener for Log<(Level, String)> {
    fn told(&self, level: Level, what: String) {
        self.push((level, what));
    }
}

/// Runs `code` with a listener to what is logged on this thread.
///
/// With a single listener, `tracing` first asks the thread that reaches a message whether it is
/// wanted. That may be a thread of another test without a listener; then the message is never
/// delivered again. So there is always a second listener, which ignores everything.
pub(crate) fn listening<R>(listener: impl Listener, code: impl FnOnce() -> R) -> R {
    static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Ear(Log::new())));
    LazyLock::force(&ANOTHER);
    dispatcher::with_default(&Dispatch::new(Ear(listener)), code)
}

/// What the bus logs on this thread while `code` runs.
pub(crate) fn said(code: impl FnOnce()) -> Vec<String> {
    said_as(code).into_iter().map(|(_, what)| what).collect()
}

/// Like [`said`], with the levels.
pub(crate) fn said_as(code: impl FnOnce()) -> Vec<(Level, String)> {
    let log = Log::new();
    listening(log.clone(), code);
    log.take()
}

struct Ear<L>(L);

impl<L: Listener> Subscriber for Ear<L> {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.asked();
        metadata.target() == "callboard"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.told(*event.metadata().level(), message.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
