//! A bus with a console: attached, watched, and watched with the tail of its events.

use std::io::{Read, Write};
use std::net::TcpStream;

use callboard::{Bus, Subscription};
use callboard_console::Console;

use crate::events::Plain;
use crate::harness::{CAPACITY, cycle_on};
use crate::row::{Against, Row, Sample, Turn};

/// The same without a console.
const WITHOUT: &str = "callboard, without a console";

/// What is done with the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watching {
    /// There is none.
    Without,
    /// Nobody is connected.
    Attached,
    /// A client reads this event stream.
    Stream(&'static str),
}

pub(super) fn rows() -> Vec<Row> {
    let states = [
        ("attached", "to which nobody is connected", Watching::Attached),
        ("watched", "whose page somebody watches", Watching::Stream("/live")),
        ("tail", "whose tail of events somebody watches", Watching::Stream("/live?tail=1")),
    ];
    let row = |(name, about, watching)| {
        let about = format!("one thread publishes and receives, on a bus with a console {about}");
        Row::new(format!("console-{name}"), about)
            // Long enough for what the console does twice a second.
            .turn(Turn::Timed { least: 1_000, stretch: 6 })
            .ours(format!("callboard, console {name}"), contestant(watching))
            .baseline(WITHOUT, "", contestant(Watching::Without))
            .goal("within 5 % of none", Against::BestOf(&[WITHOUT]), 1.05)
    };
    states.map(row).into()
}

/// One bus for all turns: a console begins slowly.
fn contestant(watching: Watching) -> impl FnMut(u64) -> Sample {
    let mut watched = None;
    move |events| {
        let Watched { bus, subscription, .. } =
            watched.get_or_insert_with(|| Watched::open(watching));
        cycle_on(bus, subscription, events)
    }
}

struct Watched {
    bus: Bus,
    subscription: Subscription<Plain>,
    _console: Option<Console>,
}

impl Watched {
    fn open(watching: Watching) -> Self {
        let bus = Bus::new();
        let subscription = bus.subscriber("reader").capacity(CAPACITY).subscribe::<Plain>();
        bus.start();
        let attach = || Console::builder(&bus).bind("127.0.0.1:0").spawn().expect("a free port");
        let console = (watching != Watching::Without).then(attach);
        if let (Some(console), Watching::Stream(path)) = (&console, watching) {
            let address = console.address();
            let mut socket = TcpStream::connect(address).expect("the console listens");
            write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("it reads");
            std::thread::spawn(move || {
                let mut read = vec![0; 64 * 1024];
                while socket.read(&mut read).is_ok_and(|bytes| bytes > 0) {}
            });
        }
        Self { bus, subscription, _console: console }
    }
}
