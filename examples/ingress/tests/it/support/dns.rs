//! A name server that knows one name.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// The type of a question for an IPv4 address.
const A: [u8; 2] = [0, 1];
/// The code for a name that does not exist.
const NO_SUCH_NAME: u8 = 3;

/// A running name server. Ends when it is dropped.
pub(crate) struct NameServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// Starts a server that knows `name`, which is the loopback address.
    pub(crate) fn start(name: &str) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = socket.local_addr().expect("its address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let known: Vec<u8> = name
            .split('.')
            .flat_map(|label| {
                let length = u8::try_from(label.len()).expect("labels are short");
                std::iter::once(length).chain(label.bytes())
            })
            .chain([0])
            .collect();
        let thread = std::thread::spawn(move || {
            let mut packet = [0; 1_500];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                if let Some(answer) = answer(&packet[..length], &known) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { address, stop, thread: Some(thread) }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes it.
        if let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
            let _ = socket.send_to(&[0], self.address);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The answer to `packet`, which asks one question; none to what is no question.
fn answer(packet: &[u8], known: &[u8]) -> Option<Vec<u8>> {
    let id = packet.get(..2)?;
    let name_end = 12 + packet.get(12..)?.iter().position(|byte| *byte == 0)? + 1;
    let question = packet.get(12..name_end + 4)?;
    let (name, kind) = (&question[..name_end - 12], &question[name_end - 12..name_end - 10]);
    let is_known = name.eq_ignore_ascii_case(known);
    let has_address = is_known && kind == A;
    let mut answer = id.to_vec();
    // A response, recursion available; one question, perhaps one answer.
    answer.extend([0x81, 0x80 | if is_known { 0 } else { NO_SUCH_NAME }]);
    answer.extend([0, 1, 0, u8::from(has_address), 0, 0, 0, 0]);
    answer.extend(question);
    if has_address {
        // The name of the question, an address in the Internet class, for 60 seconds.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}
