//! A client that does exactly what a test says, right or wrong.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use callboard::{Bus, Event};
use callboard_console::{Console, ConsoleBuilder};
use serde_json::Value;

/// How long a condition has to come true.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An event of the tests.
#[derive(Debug, Event)]
#[event(type = "tick")]
pub(crate) struct Tick(#[expect(dead_code, reason = "shown by Debug")] pub(crate) u64);

/// A console on a port of its own.
pub(crate) fn console(bus: &Bus) -> Console {
    start(Console::builder(bus))
}

/// The same, built otherwise.
pub(crate) fn start(builder: ConsoleBuilder) -> Console {
    builder.bind("127.0.0.1:0").spawn().unwrap()
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Asks for a path as a browser of this machine does.
pub(crate) fn get(console: &Console, path: &str) -> Answer {
    let address = console.address();
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"))
}

/// Asks for a path with these header lines and no others.
pub(crate) fn get_with(console: &Console, path: &str, headers: &[&str]) -> Answer {
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    ask(console.address(), &request)
}

/// Sends a request, and reads all of the answer.
pub(crate) fn ask(address: SocketAddr, request: &str) -> Answer {
    let answer = exchange(address, request.as_bytes()).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_lowercase(), value.to_owned())
    };
    Answer { status, headers: lines.map(header).collect(), body: body.to_owned() }
}

/// Sends bytes, and reads until the other side closes. That it closes without having read everything
/// is no error.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut socket = connect(address);
    let _closed_early = socket.write_all(bytes);
    let mut answer = Vec::new();
    match socket.read_to_end(&mut answer) {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(answer),
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// An event stream.
pub(crate) struct Stream {
    socket: BufReader<TcpStream>,
}

impl Stream {
    /// Begins to watch.
    pub(crate) fn open(console: &Console, path: &str) -> Self {
        let address = console.address();
        let mut socket = connect(address);
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        let mut socket = BufReader::new(socket);
        let mut line = String::new();
        socket.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        while line != "\r\n" {
            line.clear();
            socket.read_line(&mut line).unwrap();
        }
        Self { socket }
    }

    /// The next event; `None` at the end. Each event is a chunk.
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        let mut size = String::new();
        self.socket.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        self.socket.read_exact(&mut chunk).unwrap();
        if size == 0 {
            return None;
        }
        let chunk = String::from_utf8(chunk).unwrap();
        let (name, data) = chunk.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        Some((name.to_owned(), serde_json::from_str(data.trim_end()).unwrap()))
    }

    /// The next event of this name that fits.
    pub(crate) fn find(&mut self, name: &str, mut fits: impl FnMut(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "no `{name}` that fits");
            match self.next() {
                Some((other, value)) if other == name && fits(&value) => return value,
                Some(_) => {}
                None => panic!("no `{name}` before the end"),
            }
        }
    }
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(2));
    }
}
