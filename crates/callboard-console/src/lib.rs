//! A live web page of a running [`callboard`] bus: slow subscribers, losses and their reasons, the
//! flow of events, and advice.
//!
//! ```
//! use callboard::Bus;
//! use callboard_console::Console;
//!
//! let bus = Bus::new();
//! let console = Console::builder(&bus).bind("127.0.0.1:0").spawn()?;
//! println!("console: {}", console.url());      // open it in a browser
//! # Ok::<(), callboard_console::Error>(())
//! ```
//!
//! The console runs on its own thread, so the program may use any async runtime or none. The page
//! is one self-contained document that loads nothing from other servers and works offline. The
//! console is read-only.
//!
//! # For programs
//!
//! | path | content |
//! | --- | --- |
//! | `/` | the page |
//! | `/live` | server-sent events, see below |
//! | `/snapshot.json` | [`Bus::snapshot`](callboard::Bus::snapshot) |
//! | `/history.json` | the history: one point per second |
//! | `/diagnosis.txt` | [`Bus::diagnose`](callboard::Bus::diagnose) |
//! | `/metrics` | `Snapshot::record` in Prometheus's text format; with the feature `metrics` |
//! | `/graph.dot`, `/graph.mmd` | the [wiring](callboard::Wiring): which component publishes and hears what, for Graphviz and Mermaid |
//! | `/asyncapi.json` | the same with each type's documentation and fields, as an AsyncAPI 3.0 document |
//!
//! All paths answer `GET` and `HEAD`. After the bus was dropped, those that need it answer 410.
//!
//! The events of `/live` have JSON as their data:
//!
//! - `hello`, once: the title, the process and the settings.
//! - `state`, twice a second: the `snapshot`, its `findings`, a `verdict` in words, `rates` per
//!   second (a moving average over 2 s), the key of each subscription and link, and the `graph`.
//! - `history`, once a second: the newest point.
//! - `tail`, up to four times a second and only for `/live?tail=1`: some of the events, and how
//!   many before them were not shown.
//! - `gone`, when the bus was closed or dropped: the reason. The stream ends.
//!
//! A client that reads slowly misses states; the console does not queue them. One that does not
//! read for 5 s is disconnected. There are at most 128 connections, 64 of them event streams.
//!
//! # Cost for the bus
//!
//! The console takes one snapshot per second for the history, and two per second while a client
//! watches. If a snapshot takes long, the console takes fewer, so that snapshots use at most a
//! twentieth of the time.
//!
//! While a client watches the tail, the console also subscribes to everything: lossy, as `console`,
//! in each window of 250 ms only until it has the [number of events](ConsoleBuilder::tail_limit) to
//! show. It removes this subscription from all figures. One effect remains visible to the program:
//! while the console is subscribed, an event without another subscriber is not a [dead
//! letter](callboard::DeadLetter).
//!
//! # Security
//!
//! By default the console listens on the loopback interface, without a token. It refuses requests
//! whose `Host` is no loopback name, which prevents DNS rebinding, and requests that a page of
//! another site makes. Every user of the machine can open the page.
//!
//! [`allow_remote`](ConsoleBuilder::allow_remote) allows other addresses, and requires a token. The
//! tail shows the `Debug` of events: keep secrets out of it.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `metrics` | yes | `/metrics`, written by `metrics-exporter-prometheus` |
//!
//! # Dependencies
//!
//! The HTTP server is hyper. Axum is built on hyper and adds its router, tower and about ten more
//! crates, which a fixed list of paths does not need; and the limits on connections and slow
//! readers need hyper's own builder either way.

mod builder;
mod console;
mod error;
mod page;
mod server;
mod watch;

pub use builder::ConsoleBuilder;
pub use console::Console;
pub use error::Error;
