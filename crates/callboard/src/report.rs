//! What the bus says aloud: `tracing` events with the feature, nothing without it.

/// Says something at a level of `tracing`'s. Never under a lock: whoever listens is the user's.
macro_rules! say {
    ($level:ident, $($arg:tt)+) => {{
        #[cfg(feature = "tracing")]
        ::tracing::$level!(target: "callboard", $($arg)+);
        #[cfg(not(feature = "tracing"))]
        let _ = ::std::format_args!($($arg)+);
    }};
}

pub(crate) use say;
