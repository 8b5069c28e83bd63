//! The start barrier: starting, pausing, and waiting until all expected components have signed in.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::bus::Bus;
use crate::error::StartError;
use crate::registry::Phase;
use crate::report::count;

/// The result of a start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// How many buffered events were replayed.
    pub replayed: usize,
    /// How many events were dropped since the last start because the buffer was full.
    pub dropped: usize,
}

impl Started {
    /// How many buffered events were replayed.
    pub fn replayed(&self) -> usize {
        self.replayed
    }

    /// How many events were dropped since the last start because the buffer was full.
    pub fn dropped(&self) -> usize {
        self.dropped
    }
}

impl fmt::Display for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} replayed, {} dropped", count(self.replayed, "event"), self.dropped)
    }
}

impl Bus {
    /// Starts the bus, or resumes it after [`pause`](Self::pause): buffered events are replayed, in
    /// order, to all subscribers, before any event of the same priority that is published later. A
    /// replay may exceed a subscription's capacity.
    ///
    /// Starting a running or closed bus does nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick;
    ///
    /// let bus = Bus::builder().pre_start_capacity(2).build()?;
    /// let ticks = bus.subscriber("clock").capacity(1).subscribe::<Tick>();
    /// for _ in 0..3 {
    ///     bus.publish(Tick);
    /// }
    /// let started = bus.start();
    /// assert_eq!((started.replayed, started.dropped), (2, 1));
    /// assert_eq!(ticks.len(), 2);
    /// assert_eq!(bus.start().replayed, 0, "it runs already");
    /// # Ok::<(), callboard::BuildError>(())
    /// ```
    pub fn start(&self) -> Started {
        let after = self.core().age();
        let core = self.core();
        let (replayed, dropped) = core.with(|registry, deferred| registry.start(after, deferred));
        self.core().stop_watch();
        self.core().changed.notify_all();
        Started { replayed, dropped }
    }

    /// Waits until all expected components (see
    /// [`expect_subscribers`](crate::BusBuilder::expect_subscribers)) have signed in, then
    /// [starts](Self::start).
    ///
    /// # Errors
    ///
    /// If `timeout` passes first: the missing components. The bus then continues to buffer, and
    /// this may be called again. Or if the bus is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the bus unstarted.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event};
    /// # use std::time::Duration;
    /// # #[derive(Debug, Event)]
    /// # struct Tick;
    /// # callboard::testing::block_on(async {
    /// let bus = Bus::builder().expect_subscribers(["a", "b"]).build()?;
    /// let _a = bus.subscribe::<Tick>("a");
    /// let error = bus.start_when_ready(Duration::from_millis(1)).await.unwrap_err();
    /// assert!(error.missing().eq(["b"]));
    ///
    /// let _b = bus.subscribe::<Tick>("b");
    /// assert!(bus.start_when_ready(Duration::from_millis(1)).await.is_ok());
    /// # Ok::<(), callboard::BuildError>(())
    /// # }).unwrap();
    /// ```
    pub async fn start_when_ready(&self, timeout: Duration) -> Result<Started, StartError> {
        let core = self.core();
        let ready = || match (self.phase(), core.missing()) {
            (Phase::Closed, _) => Ok(Err(StartError::Closed)),
            (_, missing) if missing.is_empty() => Ok(Ok(self.start())),
            (_, missing) => Err(StartError::NotReady { missing }),
        };
        core.wait_until(timeout, ready).await?
    }

    /// Like [`start_when_ready`](Self::start_when_ready), but parks the thread.
    ///
    /// # Errors
    ///
    /// As [`start_when_ready`](Self::start_when_ready).
    #[track_caller]
    pub fn start_when_ready_blocking(&self, timeout: Duration) -> Result<Started, StartError> {
        let starting = self.start_when_ready(timeout);
        self.core().block_on("start_when_ready_blocking", Location::caller(), starting)
    }

    /// Returns to buffering: events published from now on are kept until [`start`](Self::start).
    /// Subscribers continue to receive their queued events. Pausing a buffering or closed bus does
    /// nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event, Phase};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick;
    ///
    /// let bus = Bus::new();
    /// let ticks = bus.subscribe::<Tick>("clock");
    /// bus.start();
    /// bus.pause();
    /// assert_eq!(bus.phase(), Phase::Buffering);
    /// bus.publish(Tick);
    /// assert!(ticks.is_empty());
    /// bus.start();
    /// assert_eq!(ticks.len(), 1);
    /// ```
    pub fn pause(&self) {
        self.core().registry().pause();
    }
}
