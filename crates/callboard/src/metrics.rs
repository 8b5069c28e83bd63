//! The bus's counts for the `metrics` facade.

use metrics::{counter, gauge};

use crate::snapshot::Snapshot;

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
    /// | `callboard_buffered` | gauge | |
    /// | `callboard_requests_open` | gauge | |
    /// | `callboard_requests_ended_total` | counter | |
    /// | `callboard_late_answers_total` | counter | |
    /// | `callboard_bytes` | gauge | |
    #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
    pub fn record(&self) {
        for of in &self.types {
            let event_type = of.event_type.clone();
            counter!("callboard_published_total", "event_type" => event_type.clone())
                .absolute(of.published);
            counter!("callboard_unheard_total", "event_type" => event_type).absolute(of.unheard);
        }
        for of in &self.subscribers {
            let name = || of.name.clone();
            counter!("callboard_delivered_total", "subscriber" => name())
                .absolute(of.ledger.delivered);
            for (reason, count) in of.ledger.drops() {
                let reason = reason.to_string();
                counter!("callboard_dropped_total", "subscriber" => name(), "reason" => reason)
                    .absolute(count);
            }
            gauge!("callboard_queued", "subscriber" => name()).set(of.queued as f64);
            gauge!("callboard_queue_high_water", "subscriber" => name()).set(of.high_water as f64);
            gauge!("callboard_handler_seconds_total", "subscriber" => name())
                .set(of.busy.as_secs_f64());
        }
        gauge!("callboard_buffered").set(self.buffer.queued as f64);
        gauge!("callboard_requests_open").set(self.requests.open.len() as f64);
        counter!("callboard_requests_ended_total").absolute(self.requests.ended);
        counter!("callboard_late_answers_total").absolute(self.requests.late);
        gauge!("callboard_bytes").set(self.bytes as f64);
    }
}
