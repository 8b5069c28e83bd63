//! A client that stops reading, in a process of its own: its memory is measured.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use callboard::{Bus, Event};
use callboard_console::Console;

/// How long the client has to be let go.
const PATIENCE: Duration = Duration::from_secs(40);
/// What the console may hold at most, in megabytes. A window of this tail is four; what is made of it,
/// and sent of it, and the next one, are some times that.
const ALLOWED: u64 = 48;

/// An event that is shown with thousands of characters.
#[derive(Event)]
#[event(type = "large")]
struct Large;

impl fmt::Debug for Large {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&"x".repeat(5_000))
    }
}

/// What the process holds in memory, in megabytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

/// Sets a flag when it is dropped, so that a failure stops the publisher too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Watches the tail, and reads a little of it.
fn lazy(console: &Console) -> TcpStream {
    let address = console.address();
    let mut lazy = TcpStream::connect(address).unwrap();
    lazy.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(lazy, "GET /live?tail=1 HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut status = [0; 12];
    lazy.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    lazy
}

#[test]
fn a_client_that_stops_reading_costs_little_and_is_let_go() {
    let bus = Bus::new();
    let mut reader = bus.subscriber("reader").capacity(1_000).subscribe::<Large>();
    bus.start();
    let builder = Console::builder(&bus).bind("127.0.0.1:0").tail_limit(1_000).payload_limit(4_000);
    let console = builder.spawn().unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                (0..100).for_each(|_| _ = bus.publish(Large));
                while reader.try_recv().is_ok() {}
                std::thread::yield_now();
            }
        });
        let _stop = Stop(&stop);
        let before = resident();
        let mut lazy = lazy(&console);
        let (began, mut most) = (Instant::now(), before);
        // What it writes is of no interest, but fails when there is nobody to write to.
        while lazy.write_all(b"x").is_ok() {
            most = most.max(resident());
            assert!(began.elapsed() < PATIENCE, "it is not let go");
            std::thread::sleep(Duration::from_millis(10));
        }
        println!("let go after {:?}; {before} MB became {most}", began.elapsed());
        assert!(began.elapsed() > Duration::from_secs(4), "many windows were made for it");
        assert!(most < before + ALLOWED, "{before} MB became {most} MB");
    });
    let ledger = bus.snapshot().subscriber("reader").unwrap().ledger;
    assert_eq!(ledger.lost(), 0, "the bus did not notice");
}
