//! The bus's counts for the `metrics` facade.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics::{counter, gauge};

use crate::overflow::{Dropped, Ledger};
use crate::snapshot::Snapshot;

/// The subscriptions of one name.
#[derive(Default)]
struct Total {
    ledger: Ledger,
    queued: usize,
    high_water: usize,
    busy: Duration,
    panics: u64,
}

impl Snapshot {
    /// Hands the snapshot's counts to the recorder of the `metrics` facade. Call it as often as
    /// they should be fresh.
    ///
    /// | name | kind | labels |
    /// | --- | --- | --- |
    /// | `callboard_published_total` | counter | `event_type` |
    /// | `callboard_unheard_total` | counter | `event_type` |
    /// | `callboard_delivered_total` | counter | `subscriber` |
    /// | `callboard_dropped_total` | counter | `subscriber`, `reason` |
    /// | `callboard_queued` | gauge | `subscriber` |
    /// | `callboard_queue_high_water` | gauge | `subscriber` |
    /// | `callboard_handler_seconds_total` | gauge | `subscriber` |
    /// | `callboard_handler_panics_total` | counter | `subscriber` |
    /// | `callboard_buffered` | gauge | |
    /// | `callboard_requests_open` | gauge | |
    /// | `callboard_requests_ended_total` | counter | |
    /// | `callboard_late_answers_total` | counter | |
    /// | `callboard_bytes` | gauge | |
    ///
    /// Subscriptions of one name are one `subscriber`: their counts are added, and the greatest of their
    /// high waters is told. What the start buffer dropped is there under its own name, `(start buffer)`.
    #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
    pub fn record(&self) {
        // Types may share a name, and so may subscriptions: a label stands for all of them.
        let mut types: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        let mut totals: BTreeMap<&str, Total> = BTreeMap::new();
        for of in &self.types {
            let (published, unheard) = types.entry(&of.event_type).or_default();
            (*published, *unheard) = (*published + of.published, *unheard + of.unheard);
            totals.entry(Dropped::BUFFER).or_default().ledger.add(&of.buffered);
        }
        for of in &self.subscribers {
            let total = totals.entry(&of.name).or_default();
            total.ledger.add(&of.ledger);
            total.queued += of.queued;
            total.high_water = total.high_water.max(of.high_water);
            total.busy = total.busy.saturating_add(of.busy);
            total.panics += of.panics;
        }
        for (event_type, (published, unheard)) in types {
            let event_type = || event_type.to_owned();
            counter!("callboard_published_total", "event_type" => event_type()).absolute(published);
            counter!("callboard_unheard_total", "event_type" => event_type()).absolute(unheard);
        }
        for (name, of) in totals {
            let name = || name.to_owned();
            for (reason, count) in of.ledger.drops() {
                let reason = reason.to_string();
                counter!("callboard_dropped_total", "subscriber" => name(), "reason" => reason)
                    .absolute(count);
            }
            if name() == Dropped::BUFFER {
                continue;
            }
            counter!("callboard_delivered_total", "subscriber" => name())
                .absolute(of.ledger.delivered);
            gauge!("callboard_queued", "subscriber" => name()).set(of.queued as f64);
            gauge!("callboard_queue_high_water", "subscriber" => name()).set(of.high_water as f64);
            gauge!("callboard_handler_seconds_total", "subscriber" => name())
                .set(of.busy.as_secs_f64());
            counter!("callboard_handler_panics_total", "subscriber" => name()).absolute(of.panics);
        }
        gauge!("callboard_buffered").set(self.buffer.queued as f64);
        gauge!("callboard_requests_open").set(self.requests.open.len() as f64);
        counter!("callboard_requests_ended_total").absolute(self.requests.ended);
        counter!("callboard_late_answers_total").absolute(self.requests.late);
        gauge!("callboard_bytes").set(self.bytes as f64);
    }
}
