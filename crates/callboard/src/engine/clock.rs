//! The clock of a bus, as the bus reads it.

use std::any::TypeId;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use crate::log::Moment;
use crate::sync::isolate;
use crate::time::{Clock, DefaultClock, SystemClock};

/// The clock of a bus.
#[derive(Clone)]
pub(crate) struct BusClock {
    clock: Arc<dyn Clock>,
    /// Whether it is one of the crate's own clocks, which don't panic. To catch the panic of a
    /// user's takes half as many instructions as to read the time.
    trusted: bool,
}

impl BusClock {
    pub(crate) fn new<C: Clock>(clock: C) -> Self {
        let own = [TypeId::of::<SystemClock>(), TypeId::of::<DefaultClock>()];
        Self { clock: Arc::new(clock), trusted: own.contains(&TypeId::of::<C>()) }
    }

    /// The current time, unless the clock panics.
    #[inline]
    pub(crate) fn read(&self) -> Option<Instant> {
        if self.trusted {
            return Some(self.clock.now());
        }
        isolate("the clock", "what asked it goes on without the time", || self.clock.now())
    }

    /// The current time, unless the clock panics.
    #[inline]
    pub(crate) fn moment(&self) -> Moment {
        self.read().map_or(Moment::NONE, Moment::at)
    }
}

impl fmt::Debug for BusClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clock.fmt(f)
    }
}

impl Default for BusClock {
    fn default() -> Self {
        Self::new(DefaultClock)
    }
}

impl Deref for BusClock {
    type Target = dyn Clock;

    fn deref(&self) -> &Self::Target {
        &*self.clock
    }
}
