//! The builder: settings, their checks, and binding the address.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

use callboard::{Bus, WeakBus};

use crate::console::Console;
use crate::error::{Error, Kind};

/// The longest history: one hour.
const MAX_HISTORY: Duration = Duration::from_secs(3_600);
/// The largest payload limit, in characters.
const MAX_PAYLOAD: usize = 4_096;
/// The largest tail limit, in events per window. With the largest payload limit a window has 4 MB.
const MAX_TAIL: usize = 1_024;
/// The allowed length of a token, in characters.
const TOKEN: std::ops::RangeInclusive<usize> = 16..=256;

/// The settings of a console.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) token: Option<String>,
    pub(crate) history: Duration,
    pub(crate) recently: Duration,
    pub(crate) payload_limit: usize,
    pub(crate) tail_limit: usize,
}

/// Builds a [`Console`]. Created by [`Console::builder`].
///
/// Each setter documents its default; [`spawn`](Self::spawn) checks all settings.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use callboard::Bus;
/// use callboard_console::Console;
///
/// let bus = Bus::new();
/// let console = Console::builder(&bus)
///     .bind("127.0.0.1:0")
///     .title("orders")
///     .history(Duration::from_secs(60))
///     .payload_limit(100)
///     .spawn()?;
/// assert!(console.address().ip().is_loopback());
/// # Ok::<(), callboard_console::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it ends in `spawn`"]
pub struct ConsoleBuilder {
    bus: WeakBus,
    bind: String,
    options: Options,
}

impl ConsoleBuilder {
    /// The default address: port 4870 of the loopback interface.
    pub const DEFAULT_BIND: &'static str = "127.0.0.1:4870";
    /// The default of [`history`](Self::history): ten minutes.
    pub const DEFAULT_HISTORY: Duration = Duration::from_secs(600);
    /// The default of [`recently`](Self::recently): one minute.
    pub const DEFAULT_RECENTLY: Duration = Duration::from_secs(60);
    /// The default of [`payload_limit`](Self::payload_limit), in characters.
    pub const DEFAULT_PAYLOAD_LIMIT: usize = 512;
    /// The default of [`tail_limit`](Self::tail_limit), in events.
    pub const DEFAULT_TAIL_LIMIT: usize = 256;

    pub(crate) fn new(bus: &Bus) -> Self {
        Self {
            bus: bus.downgrade(),
            bind: Self::DEFAULT_BIND.to_owned(),
            options: Options {
                title: program(),
                version: "0.0.0".to_owned(),
                token: None,
                history: Self::DEFAULT_HISTORY,
                recently: Self::DEFAULT_RECENTLY,
                payload_limit: Self::DEFAULT_PAYLOAD_LIMIT,
                tail_limit: Self::DEFAULT_TAIL_LIMIT,
            },
        }
    }

    /// The address and port to listen on; port 0 lets the system choose a free one. Default:
    /// [`DEFAULT_BIND`](Self::DEFAULT_BIND).
    ///
    /// An address that other machines can reach needs [`allow_remote`](Self::allow_remote).
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.bind = address.into();
        self
    }

    /// Allows addresses that other machines can reach, and requires this token of every client.
    /// Default: loopback addresses only, without a token.
    ///
    /// A client sends the token as `Authorization: Bearer …`, or once as `?token=…`, which sets a
    /// cookie. The token has 16 to 256 letters, digits, `-`, `.`, `_` or `~`.
    ///
    /// The console speaks plain HTTP. On a network that others can read, put a TLS proxy in front
    /// of it or use a tunnel.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::Bus;
    /// use callboard_console::Console;
    ///
    /// let bus = Bus::new();
    /// let builder = Console::builder(&bus).bind("0.0.0.0:0");
    /// assert!(builder.clone().spawn().unwrap_err().is_remote());
    /// builder.allow_remote("aixaiThoh7eiquo0").spawn().unwrap();
    /// ```
    pub fn allow_remote(mut self, token: impl Into<String>) -> Self {
        self.options.token = Some(token.into());
        self
    }

    /// The title of the page. Default: the file name of the program.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.options.title = title.into();
        self
    }

    /// The version of the program, for `/asyncapi.json`. Default: `0.0.0`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.options.version = version.into();
        self
    }

    /// How long the console remembers the depth, rate and drops of each subscriber, at one point a
    /// second: 1 second to 1 hour. Default: [`DEFAULT_HISTORY`](Self::DEFAULT_HISTORY).
    ///
    /// Memory is bounded: a point contains at most 256 subscribers, those with the fullest queues
    /// and the most drops, and counts the others in `left_out`; and the history has at most 65,536
    /// samples in all, so that it is shorter with more than 109 subscribers.
    pub fn history(mut self, time: Duration) -> Self {
        self.options.history = time;
        self
    }

    /// How long a loss, a panic or a failed request makes the verdict "not well". After that time
    /// the page lists it as earlier, and all may be well again. A lasting problem, such as a
    /// blocked handler, counts until it ends. Default:
    /// [`DEFAULT_RECENTLY`](Self::DEFAULT_RECENTLY).
    pub fn recently(mut self, time: Duration) -> Self {
        self.options.recently = time;
        self
    }

    /// How much of an event's `Debug` the tail shows, in characters, 4,096 at most. Default:
    /// [`DEFAULT_PAYLOAD_LIMIT`](Self::DEFAULT_PAYLOAD_LIMIT).
    pub fn payload_limit(mut self, characters: usize) -> Self {
        self.options.payload_limit = characters;
        self
    }

    /// How many events the tail shows per window of 250 ms: 1 to 1,024. The console counts further
    /// events as missed. Default: [`DEFAULT_TAIL_LIMIT`](Self::DEFAULT_TAIL_LIMIT).
    pub fn tail_limit(mut self, events: usize) -> Self {
        self.options.tail_limit = events;
        self
    }

    /// Binds the address and starts the console's thread, which serves until the [`Console`] is
    /// dropped. It works without an async runtime.
    ///
    /// # Errors
    ///
    /// - The address cannot be parsed or resolved, or is in use.
    /// - The address can be reached from other machines, and [`allow_remote`](Self::allow_remote)
    ///   was not called.
    /// - The token, the history or a limit is out of its range.
    /// - The system cannot start another thread.
    pub fn spawn(self) -> Result<Console, Error> {
        let Self { bus, bind, options } = self;
        check(&options)?;
        let addresses = resolve(&bind)?;
        let remote = addresses.iter().find(|address| !address.ip().is_loopback());
        if let (Some(&address), None) = (remote, &options.token) {
            return Err(Error::new(Kind::Remote { bind, address }));
        }
        let listener = TcpListener::bind(&addresses[..])
            .map_err(|source| Error::new(Kind::Bind { bind, source }))?;
        // For the waterfall of requests.
        bus.upgrade().into_iter().for_each(|bus| bus.trace_requests(true));
        Console::run(bus, listener, options).map_err(|source| Error::new(Kind::Runtime { source }))
    }
}

impl std::fmt::Debug for ConsoleBuilder {
    /// Leaves out the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsoleBuilder")
            .field("bind", &self.bind)
            .field("title", &self.options.title)
            .field("remote", &self.options.token.is_some())
            .finish_non_exhaustive()
    }
}

fn check(options: &Options) -> Result<(), Error> {
    let Options { token, history, payload_limit, tail_limit, .. } = options;
    let setting = |problem| Err(Error::new(Kind::Setting { problem }));
    if let Some(problem) = token.as_deref().and_then(token_problem) {
        return Err(Error::new(Kind::Token { problem }));
    }
    if !(Duration::from_secs(1)..=MAX_HISTORY).contains(history) {
        return setting(format!("a history of {history:?}: give 1 s to {MAX_HISTORY:?}"));
    }
    if *payload_limit > MAX_PAYLOAD {
        return setting(format!(
            "a payload limit of {payload_limit} characters: give {MAX_PAYLOAD} at most"
        ));
    }
    if !(1..=MAX_TAIL).contains(tail_limit) {
        return setting(format!("a tail limit of {tail_limit} events: give 1 to {MAX_TAIL}"));
    }
    Ok(())
}

/// Describes what is wrong with a token, without repeating it: errors end up in logs.
fn token_problem(token: &str) -> Option<String> {
    let length = token.chars().count();
    if !TOKEN.contains(&length) {
        return Some(format!("has {length} characters"));
    }
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
    let odd = token.chars().find(|letter| !plain(*letter))?;
    Some(format!("has the character {odd:?}"))
}

fn resolve(bind: &str) -> Result<Vec<SocketAddr>, Error> {
    let unresolved = |source| Error::new(Kind::Unresolved { bind: bind.to_owned(), source });
    let addresses: Vec<_> =
        bind.to_socket_addrs().map_err(|source| unresolved(Some(source)))?.collect();
    if addresses.is_empty() { Err(unresolved(None)) } else { Ok(addresses) }
}

/// The name of the running program.
fn program() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(|path| path.file_stem());
    name.map_or_else(|| "callboard".to_owned(), |name| name.to_string_lossy().into_owned())
}
