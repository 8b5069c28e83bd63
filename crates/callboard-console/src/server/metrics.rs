//! The counts of a snapshot in Prometheus's text format.

use callboard::Snapshot;
use hyper::body::Bytes;
use metrics_exporter_prometheus::PrometheusBuilder;

/// The upper bounds of the histograms' buckets, in seconds: 1, 2.5 and 5 for each power of ten.
const BOUNDS: [f64; 17] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0, 10.0,
];

/// Writes what [`Snapshot::record`] records. The recorder is used once, so that subscribers that
/// have ended leave no series behind; the program's global recorder is not used.
pub(super) fn text(snapshot: &Snapshot) -> Bytes {
    // Fixed bounds, so that the histograms of several programs can be added up.
    let builder = PrometheusBuilder::new().set_buckets(&BOUNDS);
    let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
    metrics::with_local_recorder(&recorder, || snapshot.record());
    recorder.handle().render().into()
}
