//! Loopback ports for servers that are killed and restarted in the same place.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// The range to choose from. It lies below the range from which Linux takes the local ports of
/// outgoing connections: a client that reconnects to a dead server there can take the server's
/// port, and even connect to itself.
const FIRST: u16 = 10_240;
const COUNT: u16 = 20_000;

/// A port of the loopback interface, not given to anybody else until this is dropped, even while
/// nothing listens on it.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    /// Locked against other test processes; the lock ends with the process.
    _lock: File,
}

impl Port {
    /// Takes a port on which nothing listens.
    ///
    /// # Panics
    /// When none is free.
    pub(super) fn take() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let folder = std::env::temp_dir().join("callboard-nats-ports");
        fs::create_dir_all(&folder).expect("failed to create the folder of port locks");
        // Processes begin at different ports, so that they seldom try the same one.
        let first = (std::process::id() % u32::from(COUNT)) as u16;
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let offset = (u32::from(first) * 101 + u32::from(step)) % u32::from(COUNT);
            let number = FIRST + offset as u16;
            let lock = File::create(folder.join(number.to_string()));
            let Ok(lock) = lock else { continue };
            if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Self { number, _lock: lock };
            }
        }
        panic!("none of {COUNT} ports is free");
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }
}
