//! The builder of buses with other settings than the defaults.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::bus::Bus;
use crate::engine::{BusClock, DropCallback, Slow, SlowCallback};
use crate::error::BuildError;
use crate::overflow::Dropped;
use crate::registry::{CoreSettings, Jitter, Role};
use crate::time::Clock;

/// Builds a bus with other settings than the defaults. Created by [`Bus::builder`].
///
/// # Examples
///
/// ```
/// use callboard::Bus;
///
/// let bus = Bus::builder()
///     .pre_start_capacity(200)
///     .expect_subscribers(["reconciler", "renderer"])
///     .expect_responders(["schema"])
///     .on_drop(|dropped| eprintln!("{dropped}"))
///     .build()?;
///
/// let error = Bus::builder().pre_start_capacity(0).build().unwrap_err();
/// assert!(error.to_string().contains("pre_start_capacity(0)"));
/// # Ok::<(), callboard::BuildError>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct BusBuilder {
    settings: CoreSettings,
    on_drop: Option<DropCallback>,
    on_slow: Option<SlowCallback>,
}

impl Bus {
    /// Returns a builder for a bus with other settings than the defaults.
    pub fn builder() -> BusBuilder {
        BusBuilder { settings: CoreSettings::default(), on_drop: None, on_slow: None }
    }
}

impl BusBuilder {
    /// How many events the bus holds while it buffers; coalescing events count once per key.
    /// Default: [`Bus::DEFAULT_PRE_START_CAPACITY`].
    pub fn pre_start_capacity(mut self, events: usize) -> Self {
        self.settings.pre_start_capacity = events;
        self
    }

    /// Adds names of subscribers that [`start_when_ready`](Bus::start_when_ready) waits for.
    /// Default: none.
    pub fn expect_subscribers(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.expect(Role::Observe, names)
    }

    /// Adds names of responders that [`start_when_ready`](Bus::start_when_ready) waits for.
    /// Default: none.
    pub fn expect_responders(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.expect(Role::Respond, names)
    }

    pub(crate) fn jitter(mut self, jitter: Jitter) -> Self {
        self.settings.jitter = Some(jitter);
        self
    }

    fn expect(mut self, role: Role, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let names = names.into_iter().map(|name| (role, name.as_ref().to_owned()));
        self.settings.expected.extend(names);
        self
    }

    /// Whether the bus keeps time: when each event was published and how long it was queued, the
    /// age of the oldest event in each queue, and how long hand-written loops take. Default: no,
    /// since reading a clock costs more than publishing.
    pub fn timestamps(mut self, keep: bool) -> Self {
        self.settings.timestamps = keep;
        self
    }

    /// Whether the bus traces: publications, handlers and requests have `tracing` spans, under the
    /// target `callboard::trace`, and a handler's span is a child of the span in which its event
    /// was published, even across tasks and threads. Default: no, since every event then carries a
    /// reference to its publisher's span, and each reader has its own queue instead of the shared
    /// log of a type.
    ///
    /// The [guide](crate::guide::watching) lists the spans and their fields. Hand-written loops
    /// create the handler's span with [`Received::span`](crate::Received::span);
    /// [`serve`](crate::Subscription::serve) does so itself.
    #[cfg(feature = "tracing")]
    pub fn trace(mut self, trace: bool) -> Self {
        self.settings.trace = trace;
        self
    }

    /// The clock of the bus. Default: [`SystemClock`](crate::SystemClock), or with the feature
    /// `tokio` `TokioClock`.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = BusClock::new(clock);
        self
    }

    /// The callback for each critical drop; see [`Bus::on_drop`]. Default: none.
    pub fn on_drop(mut self, callback: impl Fn(&Dropped) + Send + Sync + 'static) -> Self {
        self.on_drop = Some(Arc::new(callback));
        self
    }

    /// The callback for subscribers that fall behind or catch up; see [`Bus::on_slow`]. Default:
    /// none.
    pub fn on_slow(mut self, callback: impl Fn(&Slow) + Send + Sync + 'static) -> Self {
        self.on_slow = Some(Arc::new(callback));
        self
    }

    /// Builds the bus.
    ///
    /// # Errors
    ///
    /// If the pre-start capacity is 0, or an expected name is empty or given twice; the error
    /// names the argument.
    pub fn build(self) -> Result<Bus, BuildError> {
        if self.settings.pre_start_capacity == 0 {
            return Err(BuildError::NoPreStartCapacity);
        }
        check_names(&self.settings.expected)?;
        let bus = Bus::with_settings(self.settings);
        if let Some(callback) = self.on_drop {
            bus.core().hooks.set_on_drop(callback);
        }
        if let Some(callback) = self.on_slow {
            bus.core().slow.set(callback);
        }
        Ok(bus)
    }
}

fn check_names(expected: &[(Role, String)]) -> Result<(), BuildError> {
    let mut seen = HashSet::new();
    for (role, name) in expected {
        let argument = match role {
            Role::Observe => "expect_subscribers",
            Role::Respond => "expect_responders",
        };
        if name.is_empty() {
            return Err(BuildError::EmptyName { argument });
        }
        if !seen.insert((role, name)) {
            return Err(BuildError::DuplicateName { argument, name: name.clone() });
        }
    }
    Ok(())
}

impl fmt::Debug for BusBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CoreSettings { pre_start_capacity, expected, timestamps, trace, clock, .. } =
            &self.settings;
        let names = |wanted: Role| {
            let names = expected.iter().filter(move |(role, _)| *role == wanted);
            names.map(|(_, name)| name.as_str()).collect::<Vec<_>>()
        };
        f.debug_struct("BusBuilder")
            .field("pre_start_capacity", pre_start_capacity)
            .field("expect_subscribers", &names(Role::Observe))
            .field("expect_responders", &names(Role::Respond))
            .field("timestamps", timestamps)
            .field("trace", trace)
            .field("clock", clock)
            .finish_non_exhaustive()
    }
}
