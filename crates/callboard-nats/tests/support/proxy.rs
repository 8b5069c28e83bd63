//! A TCP proxy that fails on demand. It runs on a thread of its own, so a test may block its own
//! runtime meanwhile.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, tcp};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::ports::Port;

/// How much is read at once, and how many such pieces are under way in each direction. A reader
/// that stops reading stops the sender after 1 MiB and what the kernel buffers.
const PIECE: usize = 16 * 1024;
const UNDER_WAY: usize = 64;

/// A proxy in front of one server. Each function returns after the change is in force.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: Port,
    orders: Option<UnboundedSender<(Order, mpsc::Sender<()>)>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Order {
    Cut,
    Freeze,
    Delay(Duration),
    Throttle(NonZeroU32),
    Heal,
}

/// How bytes pass.
#[derive(Debug, Clone, Copy, Default)]
struct Passage {
    frozen: bool,
    delay: Duration,
    /// In bytes per second.
    rate: Option<NonZeroU32>,
}

impl Proxy {
    /// Starts a proxy to an address such as `127.0.0.1:4222`.
    pub(crate) fn to(address: &str) -> Self {
        let server: SocketAddr = address.parse().expect("the address of a server");
        let port = Port::take();
        let number = port.number();
        let (orders, inbox) = tokio::sync::mpsc::unbounded_channel();
        let (ready, started) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("failed to build a runtime").block_on(run(number, server, inbox, ready));
        });
        started.recv().expect("the proxy failed to start");
        Self { port, orders: Some(orders), thread: Some(thread) }
    }

    /// Where clients connect.
    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// The host and the port of [`url`](Self::url).
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }

    /// Drops all connections, and refuses new ones.
    pub(crate) fn cut(&self) {
        self.order(Order::Cut);
    }

    /// Keeps connections open and accepts new ones, but passes nothing in either direction. What
    /// arrives meanwhile passes after [`heal`](Self::heal).
    pub(crate) fn freeze(&self) {
        self.order(Order::Freeze);
    }

    /// Passes every byte this much later, in either direction.
    pub(crate) fn delay(&self, delay: Duration) {
        self.order(Order::Delay(delay));
    }

    /// Passes so many bytes per second, for each connection and direction.
    ///
    /// # Panics
    /// When the rate is zero.
    pub(crate) fn throttle(&self, rate: u32) {
        let rate = NonZeroU32::new(rate).expect("a rate above zero; freeze passes nothing");
        self.order(Order::Throttle(rate));
    }

    /// Accepts and passes everything again, without delay.
    pub(crate) fn heal(&self) {
        self.order(Order::Heal);
    }

    fn order(&self, order: Order) {
        let (done, wait) = mpsc::channel();
        let orders = self.orders.as_ref().expect("the proxy is running");
        orders.send((order, done)).expect("the proxy has ended");
        wait.recv().expect("the proxy has ended");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The thread ends when the channel closes.
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // Its panic has already failed the function that was waiting for it.
            let _ = thread.join();
        }
    }
}

async fn run(
    port: u16,
    server: SocketAddr,
    mut orders: UnboundedReceiver<(Order, mpsc::Sender<()>)>,
    ready: mpsc::Sender<()>,
) {
    let passage = watch::Sender::new(Passage::default());
    let mut listener = Some(listen(port).await);
    let mut connections = JoinSet::new();
    // The test may have ended already.
    let _ = ready.send(());
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => {
                let Some((order, done)) = order else { return };
                match order {
                    Order::Cut => {
                        listener = None;
                        connections.shutdown().await;
                    }
                    Order::Freeze => passage.send_modify(|it| it.frozen = true),
                    Order::Delay(delay) => passage.send_modify(|it| it.delay = delay),
                    Order::Throttle(rate) => passage.send_modify(|it| it.rate = Some(rate)),
                    Order::Heal => {
                        passage.send_replace(Passage::default());
                        if listener.is_none() {
                            listener = Some(listen(port).await);
                        }
                    }
                }
                let _ = done.send(());
            }
            client = accept(listener.as_ref()) => {
                connections.spawn(connect(client, server, passage.subscribe()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn listen(port: u16) -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("failed to listen as a proxy")
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    match listener {
        Some(listener) => listener.accept().await.expect("failed to accept as a proxy").0,
        None => std::future::pending().await,
    }
}

/// Passes bytes in both directions until one end closes or fails.
async fn connect(
    client: TcpStream,
    server: SocketAddr,
    passage: watch::Receiver<Passage>,
) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        pass(from_client, to_server, passage.clone()),
        pass(from_server, to_client, passage)
    )?;
    Ok(())
}

/// Passes bytes in one direction: one half reads and says when each piece is due, the other waits
/// for that and writes.
async fn pass(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    mut passage: watch::Receiver<Passage>,
) -> io::Result<()> {
    let (pieces, mut due) = tokio::sync::mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let now = passage.clone();
    let read = async move {
        loop {
            let mut piece = vec![0; PIECE];
            let length = from.read(&mut piece).await?;
            piece.truncate(length);
            let when = Instant::now() + now.borrow().delay;
            if length == 0 || pieces.send((when, piece)).await.is_err() {
                return Ok::<(), io::Error>(());
            }
        }
    };
    let write = async move {
        while let Some((when, piece)) = due.recv().await {
            tokio::time::sleep_until(when).await;
            write(&mut to, &piece, &mut passage).await?;
        }
        thawed(&mut passage).await;
        to.shutdown().await
    };
    tokio::try_join!(read, write)?;
    Ok(())
}

/// Writes a piece, at the rate in force and not while frozen.
async fn write(
    to: &mut tcp::OwnedWriteHalf,
    mut piece: &[u8],
    passage: &mut watch::Receiver<Passage>,
) -> io::Result<()> {
    while !piece.is_empty() {
        thawed(passage).await;
        let rate = passage.borrow().rate;
        // A slow passage is even, too: twenty writes a second.
        let most = rate.map_or(PIECE, |it| (it.get() as usize / 20).max(1));
        let part = &piece[..piece.len().min(most)];
        let written = tokio::select! {
            biased;
            _ = passage.wait_for(|it| it.frozen) => continue,
            written = to.write(part) => written?,
        };
        piece = &piece[written..];
        if let Some(rate) = rate {
            let pause = Duration::from_secs_f64(written as f64 / f64::from(rate.get()));
            tokio::time::sleep(pause).await;
        }
    }
    Ok(())
}

/// Waits while the passage is frozen. The end of the proxy is the end of this task.
async fn thawed(passage: &mut watch::Receiver<Passage>) {
    let _ = passage.wait_for(|it| !it.frozen).await;
}
