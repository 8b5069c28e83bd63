//! Traces without the feature `tracing`: nothing.

/// See the type of the same name in `spans`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context(());

impl Context {
    pub(crate) fn current(_traces: bool) -> Self {
        Self(())
    }

    #[inline]
    pub(crate) fn is_some(&self) -> bool {
        false
    }

    pub(crate) fn sever(&mut self) {}
}

/// See the type of the same name in `spans`.
#[derive(Debug)]
pub(crate) struct PublishSpan;

impl PublishSpan {
    pub(crate) fn begin(_traces: bool, _event_type: &'static str) -> Self {
        Self
    }

    pub(crate) fn context(&self) -> Context {
        Context(())
    }

    pub(crate) fn end(self, _sequence: u64, _delivered: usize, _dropped: usize, _closed: bool) {}
}

/// See the type of the same name in `spans`.
#[derive(Debug, Clone)]
pub(crate) struct Trail;

impl Trail {
    pub(crate) fn new(_context: &Context, _subscriber: &std::sync::Arc<str>) -> Self {
        Self
    }
}

/// See the type of the same name in `spans`.
#[derive(Debug, Default)]
pub(crate) struct Handling(());

impl Handling {
    #[inline]
    pub(crate) fn begin(
        _context: Context,
        _event_type: &'static str,
        _subscriber: &str,
        _sequence: u64,
    ) -> Self {
        Self(())
    }

    #[inline]
    pub(crate) fn enter<R>(&self, code: impl FnOnce() -> R) -> R {
        code()
    }

    pub(crate) fn panicked(&self) {}
}

/// See the type of the same name in `spans`.
#[derive(Debug, Default)]
pub(crate) struct Inquiry(());

impl Inquiry {
    pub(crate) fn begin(_traces: bool, _event_type: &'static str, _expected: usize) -> Self {
        Self(())
    }

    pub(crate) fn context(&self) -> Context {
        Context(())
    }

    #[inline]
    pub(crate) fn enter<R>(&self, code: impl FnOnce() -> R) -> R {
        code()
    }

    pub(crate) fn is_some(&self) -> bool {
        false
    }

    pub(crate) fn number(&self, _sequence: u64) {}

    pub(crate) fn outcome(&self, _responder: &str, _outcome: &dyn std::fmt::Display) {}

    pub(crate) fn end(&mut self, _responded: usize, _failed: Option<&dyn std::fmt::Display>) {}
}
