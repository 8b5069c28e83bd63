//! What the bus says aloud: `tracing` events with the feature, nothing without it.

#[cfg(feature = "tracing")]
macro_rules! warning {
    ($($arg:tt)+) => { ::tracing::warn!(target: "callboard", $($arg)+) };
}

#[cfg(feature = "tracing")]
macro_rules! error {
    ($($arg:tt)+) => { ::tracing::error!(target: "callboard", $($arg)+) };
}

#[cfg(not(feature = "tracing"))]
macro_rules! warning {
    ($($arg:tt)+) => { { let _ = ::std::format_args!($($arg)+); } };
}

#[cfg(not(feature = "tracing"))]
macro_rules! error {
    ($($arg:tt)+) => { { let _ = ::std::format_args!($($arg)+); } };
}

pub(crate) use {error, warning};
