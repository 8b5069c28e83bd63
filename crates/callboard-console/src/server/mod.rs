//! The HTTP server: accepts connections and limits the cost of each.

mod access;
mod live;
#[cfg(feature = "metrics")]
mod metrics;
mod routes;

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

use crate::watch::{Watch, beat, tap};
use access::Access;

/// The maximum number of connections. Further ones are closed at once.
const CONNECTIONS: usize = 128;
/// The maximum number of event streams among them.
const STREAMS: usize = 64;
/// The timeout for the head of a request, and for an idle connection.
const HEAD: Duration = Duration::from_secs(10);
/// A connection is closed when a write makes no progress for this long.
const STALLED: Duration = Duration::from_secs(5);
/// The maximum lifetime of a connection without an event stream.
const LIFETIME: Duration = Duration::from_secs(60);
/// How long such a connection has to finish its last answer.
const LAST_ANSWER: Duration = Duration::from_secs(10);
/// The size of hyper's buffers in bytes; a longer head is refused.
const BUFFER: usize = 16 * 1024;
/// The maximum number of headers of a request.
const HEADERS: usize = 64;

/// The state that all connections share.
struct Server {
    watch: Arc<Watch>,
    access: Access,
    streams: Arc<Semaphore>,
}

/// Serves until `stopped` completes.
pub(crate) async fn run(
    listener: StdListener,
    address: SocketAddr,
    watch: Arc<Watch>,
    stopped: oneshot::Receiver<()>,
) {
    // It fails only in a runtime without I/O.
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    tokio::spawn(beat(Arc::clone(&watch)));
    tokio::spawn(tap(Arc::clone(&watch)));
    let access = Access::new(address, watch.options.token.clone());
    let server = Arc::new(Server { watch, access, streams: Arc::new(Semaphore::new(STREAMS)) });
    tokio::select! {
        () = accept(&listener, &server) => {}
        _ = stopped => {}
    }
}

async fn accept(listener: &TcpListener, server: &Arc<Server>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else { continue };
                let server = Arc::clone(server);
                tokio::spawn(async move {
                    serve(socket, server).await;
                    drop(permit);
                });
            }
            // Usually the process has too many open files, which may pass.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Serves one connection. Errors concern only its client, and are dropped.
async fn serve(socket: TcpStream, server: Arc<Server>) {
    let mut socket = TimeoutStream::new(socket);
    socket.set_write_timeout(Some(STALLED));
    let streams = Arc::new(AtomicBool::new(false));
    let service = service_fn({
        let streams = Arc::clone(&streams);
        move |request| {
            let answer = routes::answer(&server, &request, &streams);
            async move { Ok::<_, Infallible>(answer) }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(Box::pin(socket)), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ended = &mut connection => return,
        () = sleep(LIFETIME) => {}
    }
    if streams.load(Ordering::Relaxed) {
        let _ended = connection.await;
    } else {
        connection.as_mut().graceful_shutdown();
        let _ended = timeout(LAST_ANSWER, connection).await;
    }
}
