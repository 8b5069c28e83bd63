//! The counts of a snapshot in Prometheus's text format.

use callboard::Snapshot;
use hyper::body::Bytes;
use metrics_exporter_prometheus::PrometheusBuilder;

/// Writes what [`Snapshot::record`] records. The recorder is used once, so that subscribers that have
/// ended leave no series behind; the program's global recorder is not used.
pub(super) fn text(snapshot: &Snapshot) -> Bytes {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || snapshot.record());
    recorder.handle().render().into()
}
