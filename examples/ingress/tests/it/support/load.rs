//! Requests through the proxy: one, or a light and constant stream of them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Asks for `/` of `app.example.com` at `port`; the body, or what went wrong.
pub(crate) fn get(port: u16) -> Result<String, String> {
    match ask(port, "app.example.com", "/")? {
        (200, body) => Ok(body),
        (status, _) => Err(format!("answer: {status}")),
    }
}

/// Asks for `path` of `host` at `port`; the status and the body, or what went wrong.
pub(crate) fn ask(port: u16, host: &str, path: &str) -> Result<(u16, String), String> {
    let fail = |what: &str, error: std::io::Error| format!("{what}: {error}");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let timeout = Duration::from_secs(5);
    let mut stream =
        TcpStream::connect_timeout(&address, timeout).map_err(|error| fail("connect", error))?;
    stream.set_read_timeout(Some(timeout)).map_err(|error| fail("set up", error))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(|error| fail("send", error))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| fail("receive", error))?;
    let parts = answer.split_once("\r\n\r\n").and_then(|(head, body)| {
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        Some((status, body.to_owned()))
    });
    parts.ok_or_else(|| format!("answer: {:?}", answer.lines().next()))
}

/// A stream of requests, one every few milliseconds, each on a connection of its own.
pub(crate) struct Load {
    counts: Arc<Mutex<BTreeMap<Result<String, String>, usize>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// Starts asking at `port`.
    pub(crate) fn start(port: u16) -> Self {
        let counts = Arc::new(Mutex::new(BTreeMap::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (count, stopped) = (Arc::clone(&counts), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let outcome = get(port);
                *count.lock().expect("counting does not panic").entry(outcome).or_default() += 1;
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        Self { counts, stop, thread: Some(thread) }
    }

    /// How many answers were `body` so far.
    pub(crate) fn answers(&self, body: &str) -> usize {
        let counts = self.counts.lock().expect("counting does not panic");
        counts.get(&Ok(body.to_owned())).copied().unwrap_or(0)
    }

    /// Ends the stream, and fails if a request did.
    pub(crate) fn finish_without_failure(mut self) {
        self.end();
        let counts = self.counts.lock().expect("counting does not panic").clone();
        let failed: Vec<_> = counts.iter().filter(|(outcome, _)| outcome.is_err()).collect();
        assert!(failed.is_empty(), "{failed:?} of {counts:?}");
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
    }
}
