//! The counts of a snapshot as Prometheus reads them.

use callboard::Snapshot;
use hyper::body::Bytes;
use metrics_exporter_prometheus::PrometheusBuilder;

/// What [`Snapshot::record`] says, written down. The recorder lives for this one text: it has no
/// series of subscribers that are gone, and the program's own recorder is not touched.
pub(super) fn text(snapshot: &Snapshot) -> Bytes {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || snapshot.record());
    recorder.handle().render().into()
}
