//! Waiting until everybody has drained.

use std::fmt;
use std::time::{Duration, Instant};

use crate::bus::Bus;
use crate::engine::Holds;
use crate::registry::Phase;

/// How long [`settle`] waits, on the bus's clock.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Who had not settled in time, and what they still had to do; see [`settle`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    busy: Vec<String>,
}

impl Unsettled {
    /// Each with its name and what it still had to do.
    #[must_use]
    pub fn busy(&self) -> &[String] {
        &self.busy
    }
}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not settled: {}", self.busy.join("; "))
    }
}

impl std::error::Error for Unsettled {}

/// Waits, for up to 5 seconds, until everybody has drained: no event is queued, no request is
/// open, no handler runs, and every hand-written loop has come back for its next event. What the
/// components publish meanwhile is waited for too.
///
/// An event that a [`Paced`](crate::Paced) subscription holds back counts once its time has come, or
/// the bus is closed; a [scheduled](crate::Bus::publish_after) one once it was published.
///
/// A subscription that a test holds itself takes part: read it to its end first, or use a
/// [`Recorder`](super::Recorder), which does not.
///
/// # Errors
///
/// If somebody is still busy: who, and with what.
///
/// # Cancel safety
///
/// Dropping the future only stops the waiting.
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

/// [`settle`] with another timeout.
///
/// # Errors
///
/// As [`settle`].
pub async fn settle_within(bus: &Bus, timeout: Duration) -> Result<(), Unsettled> {
    let settled = || match busy(bus) {
        busy if busy.is_empty() => Ok(()),
        busy => Err(Unsettled { busy }),
    };
    bus.core().wait_until(timeout, settled).await
}

fn busy(bus: &Bus) -> Vec<String> {
    let readers = busy_readers(bus);
    // Looked for behind the readers: one that was queued with none of them then is still open now.
    let open = bus.core().requests.list();
    let requests = open.iter().map(|ticket| ticket.status().info.name);
    requests.map(|name| format!("request `{name}` is open")).chain(readers).collect()
}

fn busy_readers(bus: &Bus) -> Vec<String> {
    let mut busy = Vec::new();
    // Before the lock is taken: a clock is the user's code.
    let now = bus.core().now();
    let registry = bus.core().registry();
    if registry.phase == Phase::Buffering && registry.buffer.inbox.len() > 0 {
        busy.push(format!("{} events wait for `start`", registry.buffer.inbox.len()));
    }
    for listener in registry.listeners.values() {
        let queued = registry.figures(&listener.mailbox).queued;
        let (attendance, in_hand) = listener.mailbox.attendance();
        let handling = attendance.handling;
        let name = &listener.mailbox.settings.name;
        if listener.mailbox.settings.bystander {
            continue;
        }
        if queued > 0 {
            busy.push(format!("`{name}` has {queued} events queued"));
        } else if handling > 0 {
            busy.push(format!("`{name}` has {handling} handlers running"));
        } else if in_hand {
            busy.push(format!("`{name}` took an event and has not asked for the next"));
        } else if is_due(attendance.holds, registry.phase, now) {
            busy.push(format!("`{name}` has not asked for the event that was held back for it"));
        }
    }
    busy
}

/// Whether a reader that is asked hands out what it holds back.
fn is_due(holds: Holds, phase: Phase, now: Option<Instant>) -> bool {
    match holds {
        Holds::Nothing => false,
        Holds::Due => true,
        Holds::Until(at) => phase == Phase::Closed || now.is_some_and(|now| at <= now),
        Holds::UntilClosed => phase == Phase::Closed,
    }
}
