//! The sampling task: adds a point to the history once a second, and computes a state twice a
//! second while a client watches.

use std::sync::Arc;
use std::time::Duration;

use callboard::Phase;
use tokio::time::{Instant, sleep_until};

use super::state::State;
use super::{Look, REST, Watch, event, lock};

/// The time between two states.
const STATE_EVERY: Duration = Duration::from_millis(500);
/// The time between two points of the history.
const POINT_EVERY: Duration = Duration::from_secs(1);
/// The least time between a client's connecting and its first state, however many connect.
const APART: Duration = Duration::from_millis(100);

/// Samples until the bus is dropped.
pub(crate) async fn beat(watch: Arc<Watch>) {
    let mut point_due = Instant::now();
    let mut state_due = point_due;
    loop {
        let watched = watch.state.receiver_count() > 0;
        let due = if watched { state_due.min(point_due) } else { point_due };
        tokio::select! {
            () = sleep_until(due) => {}
            () = watch.watched.notified(), if !watched => {
                sleep_until(state_due.min(Instant::now() + APART)).await;
                state_due = Instant::now();
            }
        }
        if watch.bus().is_none() {
            watch.gone.send_replace(Some("the bus was dropped"));
            return;
        }
        let Some(look) = watch.look() else {
            // The bus's clock panicked. Try again later.
            point_due = Instant::now() + POINT_EVERY;
            state_due = point_due;
            continue;
        };
        let snapshot = &look.diagnosis.snapshot;
        lock(&watch.rates).update(look.at, snapshot);
        lock(&watch.recent).update(look.at, snapshot);
        let now = Instant::now();
        let rest = look.cost * REST;
        if now >= point_due {
            let point = lock(&watch.history).add(look.at, snapshot);
            if watch.point.receiver_count() > 0 {
                watch.point.send_replace(event("history", &point));
            }
            point_due = next(point_due, now, POINT_EVERY, rest);
        }
        if watch.state.receiver_count() > 0 && now >= state_due {
            watch.state.send_replace(state(&watch, &look));
            state_due = next(state_due, now, STATE_EVERY, rest);
        }
        let closed = snapshot.phase == Phase::Closed;
        watch.gone.send_if_modified(|gone| closed && gone.replace("the bus was closed").is_none());
    }
}

/// The next time after `due`: one that is not past, and at least `rest` from now.
fn next(due: Instant, now: Instant, every: Duration, rest: Duration) -> Instant {
    let next = due + every;
    let next = if next < now { now + every } else { next };
    next.max(now + rest)
}

fn state(watch: &Watch, look: &Look) -> hyper::body::Bytes {
    let (rates, recent) = (lock(&watch.rates), lock(&watch.recent));
    event("state", &State::of(look, &rates, &recent, watch.options.recently))
}
