//! Tools for testing components.
//!
//! - [`Recorder`] keeps all published events; [`expect`](Recorder::expect) checks them for a
//!   subsequence and [`expect_only`](Recorder::expect_only) for an exact match.
//! - [`settle`] waits until every subscriber has drained, so that tests need no sleeps.
//! - [`ManualClock`] is a clock that a test advances.
//! - [`Sim`] runs components one at a time, in an order determined by a seed, on a clock that jumps
//!   to the next timeout. The same seed gives the same run.
//! - [`assert_wiring`] compares the wiring of a program with a file.
//! - [`block_on`] runs a future without a runtime.
//!
//! # Examples
//!
//! A component under test, started as in production:
//!
//! ```
//! use callboard::testing::{Recorder, Sim};
//! use callboard::{Bus, Event};
//!
//! #[derive(Debug, Event)]
//! struct ConfigParsed { version: u64 }
//! #[derive(Debug, Event)]
//! struct Deployed { version: u64 }
//!
//! async fn deployer(bus: Bus) {
//!     let configs = bus.subscribe::<ConfigParsed>("deployer");
//!     configs.serve(async |config| { bus.publish(Deployed { version: config.version }); }).await;
//! }
//!
//! Sim::for_each_seed(0..20, |sim| {
//!     let bus = sim.bus();
//!     let mut recorder = Recorder::attach(&bus);
//!     sim.spawn("deployer", deployer(bus.clone()));
//!     sim.run();
//!     bus.start();
//!     bus.publish(ConfigParsed { version: 7 });
//!     sim.run();
//!     recorder.expect_only(["config.parsed", "deployed"]);
//!     assert_eq!(recorder.of::<Deployed>()[0].version, 7);
//! });
//! ```

mod manual_clock;
mod recorder;
mod settle;
mod sim;
mod wiring;

pub use crate::sync::block_on;
pub use manual_clock::ManualClock;
pub use recorder::{Matcher, Recorder};
pub use settle::{Unsettled, settle, settle_within};
pub use sim::Sim;
pub use wiring::assert_wiring;
