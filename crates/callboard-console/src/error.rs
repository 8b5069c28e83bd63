//! The error of starting a console.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why [`spawn`](crate::ConsoleBuilder::spawn) failed.
///
/// # Examples
///
/// ```
/// use callboard::Bus;
/// use callboard_console::Console;
///
/// let bus = Bus::new();
/// let error = Console::builder(&bus).bind("0.0.0.0:0").spawn().unwrap_err();
/// assert!(error.is_remote());
/// assert!(error.to_string().contains("allow_remote"));
/// ```
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Unresolved { bind: String, source: Option<io::Error> },
    Remote { bind: String, address: SocketAddr },
    Token { problem: String },
    Setting { problem: String },
    Bind { bind: String, source: io::Error },
    Runtime { source: io::Error },
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(kind)
    }

    /// Whether the address is already in use.
    #[must_use]
    pub fn is_address_in_use(&self) -> bool {
        matches!(&self.0, Kind::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
    }

    /// Whether the address can be reached from other machines, and
    /// [`allow_remote`](crate::ConsoleBuilder::allow_remote) was not called.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        matches!(&self.0, Kind::Remote { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Unresolved { bind, source: Some(source) } => write!(
                f,
                "console: `{bind}` is no address: {source}; write it like `127.0.0.1:4870`"
            ),
            Kind::Unresolved { bind, source: None } => {
                write!(f, "console: `{bind}` stands for no address; write it like `127.0.0.1:4870`")
            }
            Kind::Remote { bind, address } => write!(
                f,
                "console: `{bind}` is {address}, which other machines can reach; bind to a loopback \
                 address like `127.0.0.1:4870`, or call `allow_remote` with a token"
            ),
            Kind::Token { problem } => write!(
                f,
                "console: the token {problem}; use 16 to 256 letters, digits, `-`, `.`, `_` or `~`"
            ),
            Kind::Setting { problem } => write!(f, "console: {problem}"),
            Kind::Bind { bind, source } => {
                write!(f, "console: failed to bind to `{bind}`: {source}")
            }
            Kind::Runtime { source } => write!(f, "console: failed to start its thread: {source}"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Kind::Unresolved { source, .. } => source.as_ref().map(|source| source as _),
            Kind::Bind { source, .. } | Kind::Runtime { source } => Some(source),
            Kind::Remote { .. } | Kind::Token { .. } | Kind::Setting { .. } => None,
        }
    }
}
