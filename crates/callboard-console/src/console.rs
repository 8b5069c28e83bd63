//! The console's handle and its thread.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use callboard::{Bus, WeakBus};
use tokio::sync::oneshot;

use crate::builder::{ConsoleBuilder, Options};
use crate::server;
use crate::watch::Watch;

/// A running console: a live web page of a bus. Dropping the handle stops it.
///
/// The console holds a [`WeakBus`] and never keeps the bus open. When the bus is closed or dropped,
/// the page shows that, and the console continues to serve the history.
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
    /// Dropping it stops the thread.
    stop: Option<oneshot::Sender<()>>,
    /// The thread drops the other end when it ends.
    ended: oneshot::Receiver<()>,
}

impl Console {
    /// Returns a builder for a console of this bus.
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
            // Dropping the runtime closes the listener and all connections.
            drop(runtime);
            drop(ends);
        })?;
        Ok(Self { address, stop: Some(stop), ended })
    }

    /// The address that the console listens on. With port 0, it has the port that the system chose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page's URL for a browser on this machine. It does not contain the token.
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("http://{}/", SocketAddr::new(ip, self.address.port()))
    }

    /// Stops the console and waits until its connections and its port are closed. Dropping the
    /// console stops it without waiting.
    ///
    /// It can be awaited under any runtime.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after its first poll, the console still stops.
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
        // The result is always an error: the thread drops its end and sends nothing.
        let _ended = (&mut self.ended).await;
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("address", &self.address).finish_non_exhaustive()
    }
}
