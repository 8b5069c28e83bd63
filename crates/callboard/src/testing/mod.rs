//! What users need to test their own components.
//!
//! - [`Recorder`] keeps everything that is published; [`expect`](Recorder::expect) checks it for a
//!   subsequence and [`expect_only`](Recorder::expect_only) for the whole.
//! - [`settle`] waits until every subscriber has drained, so tests need no sleeps.
//! - [`ManualClock`] is a clock that a test moves.
//! - [`Sim`] runs components one at a time, in an order that follows a seed, on a clock that jumps
//!   to the next timeout: the same seed is the same run.
//! - [`assert_wiring`] compares who publishes and hears what with a file.
//! - [`block_on`] runs a future without a runtime.
//!
//! # Examples
//!
//! A component under test, started as it would be in earnest:
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
