//! The handle of a console, and the thread that it runs on.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use callboard::{Bus, WeakBus};
use tokio::sync::oneshot;

use crate::builder::{ConsoleBuilder, Options};
use crate::server;
use crate::watch::Watch;

/// A live web page of a running bus. It is served until this handle is dropped.
///
/// It never keeps the bus open: when the last [`Bus`] is dropped, or the bus is closed, the page says
/// so, and the console goes on serving what it remembers.
///
/// # Examples
///
/// ```
/// use callboard::Bus;
/// use callboard_console::Console;
///
/// let bus = Bus::new();
/// let console = Console::builder(&bus).bind("127.0.0.1:0").spawn()?;
/// println!("console: {}", console.url());
/// assert!(console.url().starts_with("http://127.0.0.1:"));
/// # Ok::<(), callboard_console::Error>(())
/// ```
#[must_use = "a console that is dropped stops serving"]
pub struct Console {
    address: SocketAddr,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<()>>,
    /// Closed by the thread as it ends.
    ended: oneshot::Receiver<()>,
}

impl Console {
    /// Builds a console of this bus.
    pub fn builder(bus: &Bus) -> ConsoleBuilder {
        ConsoleBuilder::new(bus)
    }

    pub(crate) fn run(bus: WeakBus, listener: TcpListener, options: Options) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let (ends, ended) = oneshot::channel();
        let watch = Arc::new(Watch::new(bus, options));
        std::thread::Builder::new().name("callboard-console".to_owned()).spawn(move || {
            runtime.block_on(server::run(listener, address, watch, stopped));
            // The runtime first: with it go the listener and all connections.
            drop(runtime);
            drop(ends);
        })?;
        Ok(Self { address, stop: Some(stop), ended })
    }

    /// The address it listens on, with the port that the system chose if that was left to it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a browser of this machine wants it. It has no token.
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("http://{}/", SocketAddr::new(ip, self.address.port()))
    }

    /// Stops serving, and waits until the port is free and the thread's work has ended. Dropping the
    /// console stops it too, without waiting.
    ///
    /// It works under any runtime, and without.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has told the console to stop, and does not wait for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::TcpListener;
    ///
    /// use callboard::Bus;
    /// use callboard_console::Console;
    ///
    /// # callboard::testing::block_on(async {
    /// let bus = Bus::new();
    /// let console = Console::builder(&bus).bind("127.0.0.1:0").spawn().unwrap();
    /// let address = console.address();
    /// assert!(TcpListener::bind(address).is_err());
    /// console.shutdown().await;
    /// assert!(TcpListener::bind(address).is_ok());
    /// # });
    /// ```
    pub async fn shutdown(mut self) {
        self.stop = None;
        // An error is what is expected: the other end is only dropped.
        let _ended = (&mut self.ended).await;
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("address", &self.address).finish_non_exhaustive()
    }
}
