//! The error of creating a link.

use std::fmt;

/// Why a link could not be created.
///
/// Once created, a link has no errors: it reconnects automatically, and its
/// [snapshot](crate::NatsLink::snapshot) counts lost events.
#[derive(Debug)]
pub struct Error(Box<Kind>);

#[derive(Debug)]
enum Kind {
    Bad {
        what: &'static str,
        value: String,
        right: &'static str,
    },
    Twice {
        what: &'static str,
        event_type: &'static str,
    },
    NoRuntime,
    Connect {
        url: String,
        source: async_nats::ConnectError,
    },
    Credentials {
        path: String,
        source: std::io::Error,
    },
    #[cfg(feature = "jetstream")]
    Stream {
        name: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    Subscribe {
        subject: String,
        source: async_nats::SubscribeError,
    },
}

impl Error {
    pub(crate) fn bad(what: &'static str, value: impl Into<String>, right: &'static str) -> Self {
        Self(Box::new(Kind::Bad { what, value: value.into(), right }))
    }

    pub(crate) fn twice(what: &'static str, event_type: &'static str) -> Self {
        Self(Box::new(Kind::Twice { what, event_type }))
    }

    pub(crate) fn no_runtime() -> Self {
        Self(Box::new(Kind::NoRuntime))
    }

    pub(crate) fn connect(url: &str, source: async_nats::ConnectError) -> Self {
        Self(Box::new(Kind::Connect { url: url.to_owned(), source }))
    }

    pub(crate) fn credentials(path: String, source: std::io::Error) -> Self {
        Self(Box::new(Kind::Credentials { path, source }))
    }

    #[cfg(feature = "jetstream")]
    pub(crate) fn stream(
        name: String,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self(Box::new(Kind::Stream { name, source: source.into() }))
    }

    pub(crate) fn subscribe(subject: String, source: async_nats::SubscribeError) -> Self {
        Self(Box::new(Kind::Subscribe { subject, source }))
    }

    /// Whether a value given to the builder is wrong; otherwise the server is not reachable, or
    /// refused.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(*self.0, Kind::Bad { .. } | Kind::Twice { .. } | Kind::NoRuntime)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Bad { what, value, right } => {
                write!(f, "`{value}` is no {what}: it must be {right}")
            }
            Kind::Twice { what, event_type } => write!(f, "`{event_type}` is {what} twice"),
            Kind::NoRuntime => f.write_str("`connect` must be called within a tokio runtime"),
            Kind::Connect { url, source } => write!(f, "failed to connect to `{url}`: {source}"),
            Kind::Credentials { path, source } => {
                write!(f, "failed to read credentials from `{path}`: {source}")
            }
            #[cfg(feature = "jetstream")]
            Kind::Stream { name, source } => {
                write!(f, "failed to set up stream `{name}`: {source}")
            }
            Kind::Subscribe { subject, source } => {
                write!(f, "failed to subscribe to `{subject}`: {source}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Kind::Connect { source, .. } => Some(source),
            Kind::Credentials { source, .. } => Some(source),
            Kind::Subscribe { source, .. } => Some(source),
            #[cfg(feature = "jetstream")]
            Kind::Stream { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
