//! OpenTelemetry's usual layer, with an exporter that keeps the spans in memory.

use std::collections::HashMap;
use std::fmt::Write;

use opentelemetry::trace::{SpanId, TraceId, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;

/// A `tracing` subscriber that exports every span once it is closed, and the spans that it has
/// exported. A program would use an exporter for its collector instead.
#[must_use]
pub fn in_memory() -> (impl tracing::Subscriber + Send + Sync, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    (Registry::default().with(layer), exporter)
}

/// The traces among `spans` as indented text, in a stable order: a line for each span, with the
/// subscriber's name if it is a handler's.
#[must_use]
pub fn trees(spans: &[SpanData]) -> Vec<String> {
    let mut traces: HashMap<TraceId, Vec<&SpanData>> = HashMap::new();
    for span in spans {
        traces.entry(span.span_context.trace_id()).or_default().push(span);
    }
    let mut trees: Vec<String> = traces.values().map(|spans| tree(spans)).collect();
    trees.sort();
    trees
}

fn tree(spans: &[&SpanData]) -> String {
    let known = |id: SpanId| spans.iter().any(|span| span.span_context.span_id() == id);
    let mut text = String::new();
    // A parent that was not exported would leave its children as roots of their own.
    let mut roots: Vec<&SpanData> =
        spans.iter().copied().filter(|span| !known(span.parent_span_id)).collect();
    roots.sort_by_key(|span| line(span));
    for root in roots {
        write_below(&mut text, spans, root, 0);
    }
    text
}

fn write_below(text: &mut String, spans: &[&SpanData], span: &SpanData, depth: usize) {
    let _ = writeln!(text, "{:width$}{}", "", line(span), width = depth * 2);
    let id = span.span_context.span_id();
    let mut children: Vec<&SpanData> =
        spans.iter().copied().filter(|span| span.parent_span_id == id).collect();
    children.sort_by_key(|span| line(span));
    for child in children {
        write_below(text, spans, child, depth + 1);
    }
}

fn line(span: &SpanData) -> String {
    match attribute(span, "messaging.consumer.group.name") {
        Some(subscriber) => format!("{} by {subscriber}", span.name),
        None => span.name.to_string(),
    }
}

/// An attribute of a span as text, if it has it.
#[must_use]
pub fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == key)?;
    Some(found.value.as_str().into_owned())
}
