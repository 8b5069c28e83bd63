//! A live web page of a running [`callboard`] bus: who is slow, what is lost and why, what flows
//! where, and what to do about it.
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
//! The console runs on a thread of its own, so the program may use any runtime or none. The page is
//! one self-contained document: it loads nothing from elsewhere, and works offline. Nothing on it
//! changes the bus.
//!
//! # For programs
//!
//! | path | what it is |
//! | --- | --- |
//! | `/` | the page |
//! | `/live` | server-sent events: `hello`, `state`, `history`, with `?tail=1` also `tail`, and `gone` |
//! | `/snapshot.json` | [`Bus::snapshot`](callboard::Bus::snapshot), now |
//! | `/history.json` | what is remembered: a point a second |
//! | `/diagnosis.txt` | [`Bus::diagnose`](callboard::Bus::diagnose) in words |
//! | `/metrics` | `Snapshot::record` as Prometheus reads it, with the feature `metrics` |
//! | `/graph.dot`, `/graph.mmd` | who publishes and receives what, for Graphviz and Mermaid |
//!
//! # What it costs the bus
//!
//! One snapshot a second for the history, and two a second while somebody watches. On a bus whose
//! snapshots take long the pace slows down, so that they take a twentieth of the time at most. Only
//! while the tail is watched does the console subscribe: to everything, as `console`, lossy, and for
//! no longer in each quarter of a second than it takes to get
//! [some events](ConsoleBuilder::tail_limit) to show.
//!
//! # Who may look
//!
//! By default the console listens on the loopback interface only, and answers requests for a loopback
//! name only, so that no web page can read it by DNS rebinding. Anybody with an account on the machine
//! can look. [`allow_remote`](ConsoleBuilder::allow_remote) opens it to other machines, for those who
//! know a token. Payloads are shown as their `Debug`: what must not be seen should not be in it.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `metrics` | yes | `/metrics`, by the text format of `metrics-exporter-prometheus` |
//!
//! # Dependencies
//!
//! HTTP is hyper's. Axum stands on hyper too, and would add its router, tower and ten more crates for
//! ten fixed paths, without the limits on connections and slow readers that hyper has to be given
//! anyway.

mod builder;
mod console;
mod error;
mod page;
mod server;
mod watch;

pub use builder::ConsoleBuilder;
pub use console::Console;
pub use error::Error;
