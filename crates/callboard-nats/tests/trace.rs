//! A trace crosses a link: what follows from an event on another node is part of the event's trace.

// One process has one `tracing` subscriber: this test has a binary of its own.

#[path = "support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::time::Duration;

use callboard::{Bus, Delivery, Event, Request};
use callboard_nats::{LinkBuilder, NatsLink, PeerState};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use serde::{Deserialize, Serialize};
use tracing::{Instrument, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

#[derive(Debug, Event, Serialize, Deserialize)]
struct Placed;

#[derive(Debug, Event, Serialize, Deserialize)]
struct Billed;

#[derive(Debug, Event, Serialize, Deserialize)]
struct Price;

#[derive(Debug, Request, Serialize, Deserialize)]
#[request(response = Price)]
struct Quote;

/// The context of the current span, as a `traceparent`.
fn inject() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove("traceparent")
}

/// A span that continues a `traceparent`.
fn extract(traceparent: &str) -> Span {
    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    let span = info_span!("over the link");
    let _set = span.set_parent(TraceContextPropagator::new().extract(&carrier));
    span
}

async fn link(bus: &Bus, url: &str, node: &str, types: fn(LinkBuilder) -> LinkBuilder) -> NatsLink {
    let builder = NatsLink::builder(bus, url).node(node).propagate(inject, extract);
    types(builder).connect().await.unwrap()
}

/// The names of a span of this name and of those above it: the longest such path.
fn path(spans: &[SpanData], name: &str) -> Vec<String> {
    let above = |span: &&SpanData| {
        let parent = span.parent_span_id;
        spans.iter().find(|other| other.span_context.span_id() == parent)
    };
    let named = spans.iter().filter(|span| span.name == name);
    let paths = named.map(|span| {
        let path = std::iter::successors(Some(span), above);
        path.map(|span| span.name.to_string()).collect::<Vec<_>>()
    });
    paths.max_by_key(Vec::len).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_requests_continue_their_trace_on_the_other_node() {
    let Some(server) = support::Server::start() else { return };
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();

    let bus = || Bus::builder().trace(true).build().unwrap();
    let (a, b) = (bus(), bus());
    let mut billed = a.subscribe::<Billed>("archive");
    let placed = b.subscribe::<Placed>("billing");
    let weak = b.downgrade();
    let billing = tokio::spawn(placed.serve(move |_: Delivery<Placed>| {
        let bus = weak.upgrade();
        async move { _ = bus.map(|bus| bus.publish(Billed)) }
    }));
    let quotes = tokio::spawn(b.responder::<Quote>("post").serve(async |call| call.respond(Price)));
    a.start();
    b.start();
    let at_a = link(&a, &server.url(), "a", |link| {
        link.export::<Placed>().import::<Billed>().ask::<Quote>()
    })
    .await;
    let at_b = link(&b, &server.url(), "b", |link| {
        link.import::<Placed>().export::<Billed>().serve::<Quote>()
    })
    .await;
    for link in [&at_a, &at_b] {
        let met =
            link.wait_until(|link| link.peers.iter().any(|of| of.state == PeerState::Present));
        tokio::time::timeout(support::PATIENCE, met).await.unwrap();
    }
    support::wait_for("the stand-in", || a.snapshot().subscriber("post").map(drop));

    info_span!("checkout").in_scope(|| a.publish(Placed));
    let received = tokio::time::timeout(support::PATIENCE, billed.recv()).await.unwrap().unwrap();
    // The span of a publication is open until its reader has done with it.
    drop((received, billed));
    let asking = a.request(Quote).expect(["post"]).timeout(Duration::from_secs(20)).gather();
    let gathered = asking.instrument(info_span!("compare")).await.unwrap();
    assert!(gathered.is_complete());

    at_a.close(Duration::from_secs(10)).await.unwrap();
    at_b.close(Duration::from_secs(10)).await.unwrap();
    b.drain(Duration::from_secs(10)).await.unwrap();
    billing.await.unwrap();
    quotes.await.unwrap();

    let spans = exporter.get_finished_spans().unwrap();
    let expected = [
        "publish billed",
        "over the link",
        "process billed",
        "publish billed",
        "process placed",
        "publish placed",
        "over the link",
        "process placed",
        "publish placed",
        "checkout",
    ];
    assert_eq!(path(&spans, "publish billed"), expected);
    let expected = [
        "process quote",
        "request quote",
        "over the link",
        "process quote",
        "request quote",
        "compare",
    ];
    assert_eq!(path(&spans, "process quote"), expected);
}
