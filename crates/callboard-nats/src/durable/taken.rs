//! Waiting until the subscribers of a type have taken the published events.

use std::time::Duration;

use callboard::{Bus, Event, Importance, Phase};

use crate::shared::Shared;

/// The first and the longest pause between two checks. Each pause is twice the one before, since a
/// check takes a snapshot of the bus, and a lane may wait for hours.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

/// Waits until the bus runs, the type has a subscriber, and each has room for one more event;
/// `false` once the bus is gone. Lossy subscribers don't count, and neither does the link.
pub(super) async fn has_room<E: Event>(shared: &Shared) -> bool {
    wait::<E>(shared, |of| of.free > 0 || of.capacity == 0).await
}

/// Waits until each subscriber has taken the published events; `false` once the bus is gone.
pub(super) async fn is_taken<E: Event>(shared: &Shared) -> bool {
    wait::<E>(shared, |of| of.queued == 0).await
}

/// A subscriber of the type.
struct Listening {
    capacity: usize,
    free: usize,
    /// How many events of the type are queued for it.
    queued: u64,
}

async fn wait<E: Event>(shared: &Shared, done: impl Fn(&Listening) -> bool) -> bool {
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(bus) = shared.bus.upgrade() else { return false };
        let listening = listening::<E>(&bus, &shared.name);
        match bus.phase() {
            Phase::Closed => return false,
            Phase::Running if !listening.is_empty() && listening.iter().all(&done) => return true,
            _ => {}
        }
        drop(bus);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn listening<E: Event>(bus: &Bus, own: &str) -> Vec<Listening> {
    let snapshot = bus.snapshot();
    let critical = snapshot
        .subscribers
        .into_iter()
        .filter(|of| of.importance == Importance::Critical && of.name != own);
    let listening = critical.filter_map(|of| {
        let account = of.accounts.iter().find(|account| account.event_type == E::TYPE)?;
        let free = of.capacity.saturating_sub(of.queued);
        Some(Listening { capacity: of.capacity, free, queued: account.ledger.queued })
    });
    listening.collect()
}
