//! Waiting until every subscriber has drained.

use std::fmt;
use std::time::{Duration, Instant};

use crate::bus::Bus;
use crate::engine::Holds;
use crate::registry::{Busy, Phase};
use crate::report::{count, first_of};

/// How long [`settle`] waits, on the bus's clock.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The components that did not settle in time, and their remaining work; see [`settle`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    busy: Vec<String>,
}

impl Unsettled {
    /// One text per component, with its name and its remaining work.
    #[must_use]
    pub fn busy(&self) -> &[String] {
        &self.busy
    }
}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not settled: {}", first_of(self.busy.iter(), "; "))
    }
}

impl std::error::Error for Unsettled {}

/// Waits, for up to 5 seconds, until every subscriber has drained: no event is queued, no request
/// is open, no handler runs, and every hand-written loop has asked for its next event. This
/// includes events that the components publish during the wait.
///
/// An event held back by a [`Paced`](crate::Paced) subscription counts once it is due or the bus is
/// closed; a [scheduled](crate::Bus::publish_after) one once it was published.
///
/// A subscription held by the test itself counts too: drain it first, or use a
/// [`Recorder`](super::Recorder), which does not count.
///
/// # Errors
///
/// If a component is still busy: which one, and with what. Fails at once if a served handler of the
/// bus calls it, since that would wait for itself.
///
/// # Cancel safety
///
/// Dropping the future only stops waiting.
///
/// # Examples
///
/// ```
/// use callboard::testing::settle;
/// use callboard::{Bus, Event};
///
/// #[derive(Debug, Event)]
/// struct Tick;
///
/// # callboard::testing::block_on(async {
/// let bus = Bus::new();
/// let ticks = bus.subscribe::<Tick>("clock");
/// bus.start();
/// bus.publish(Tick);
/// std::thread::spawn(|| callboard::testing::block_on(ticks.serve(async |_tick| {})));
/// settle(&bus).await?;
/// assert_eq!(bus.snapshot().subscriber("clock").unwrap().ledger.delivered, 1);
/// # Ok::<(), callboard::testing::Unsettled>(())
/// # }).unwrap();
/// ```
pub async fn settle(bus: &Bus) -> Result<(), Unsettled> {
    settle_within(bus, SETTLE_TIMEOUT).await
}

/// Like [`settle`], with another timeout.
///
/// # Errors
///
/// As [`settle`].
pub async fn settle_within(bus: &Bus, timeout: Duration) -> Result<(), Unsettled> {
    let settled = || match busy(bus) {
        busy if busy.is_empty() => Ok(()),
        busy => Err(Unsettled { busy }),
    };
    if bus.core().calling_handler().is_some() {
        return settled();
    }
    bus.core().wait_until(timeout, settled).await
}

fn busy(bus: &Bus) -> Vec<String> {
    let core = bus.core();
    if let Some(name) = core.calling_handler() {
        return vec![format!("`{name}` waits in its own handler for that handler to end")];
    }
    // Before locking, since a clock is user code.
    let now = core.now();
    let (phase, buffered, readers) = {
        let registry = core.registry();
        (registry.phase, registry.buffered(), registry.busy())
    };
    let buffered =
        (buffered > 0).then(|| format!("{} waiting for `start`", count(buffered, "event")));
    let readers = readers.into_iter().filter_map(|of| {
        let Busy { name, queued, handling, .. } = &of;
        Some(if *queued > 0 {
            format!("`{name}` has {} queued", count(*queued, "event"))
        } else if *handling > 0 {
            format!("`{name}` has {} running", count(*handling, "handler"))
        } else if of.in_hand {
            format!("`{name}` took an event and has not asked for the next")
        } else if is_due(of.holds, phase, now) {
            format!("`{name}` has not asked for the event that was held back for it")
        } else {
            return None;
        })
    });
    let mut busy: Vec<String> = buffered.into_iter().chain(readers).collect();
    // Checked after the readers: a request that was in none of their queues then is still open now.
    let requests = core.open_requests().into_iter();
    busy.splice(0..0, requests.map(|name| format!("request `{name}` is open")));
    busy
}

/// Whether a reader, if polled, would return what it holds back.
fn is_due(holds: Holds, phase: Phase, now: Option<Instant>) -> bool {
    match holds {
        Holds::Nothing => false,
        Holds::Due => true,
        Holds::Until(at) => phase == Phase::Closed || now.is_some_and(|now| at <= now),
        Holds::UntilClosed => phase == Phase::Closed,
    }
}
