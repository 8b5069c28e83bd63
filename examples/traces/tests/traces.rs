//! What is exported when OpenTelemetry's usual layer watches a bus that traces.

use std::future::pending;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use callboard::{AnyEvent, Bus, Call, Delivery, Event, EventSet, Received};
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
use traces::export::{attribute, in_memory, trees};
use traces::shop::{self, CountStock, InvoiceSent, OrderPlaced, Price, Quote, Stock};
use tracing::{Instrument, info_span};

/// The exporter of this process's one subscriber, for one test at a time.
fn exporter() -> MutexGuard<'static, InMemorySpanExporter> {
    static EXPORTER: OnceLock<Mutex<InMemorySpanExporter>> = OnceLock::new();
    let exporter = EXPORTER.get_or_init(|| {
        let (subscriber, exporter) = in_memory();
        tracing::subscriber::set_global_default(subscriber).expect("the first");
        Mutex::new(exporter)
    });
    let exporter = exporter.lock().unwrap_or_else(|poisoned| {
        exporter.clear_poison();
        poisoned.into_inner()
    });
    exporter.reset();
    exporter
}

fn exported(exporter: &InMemorySpanExporter) -> Vec<SpanData> {
    exporter.get_finished_spans().expect("the exporter works")
}

fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} in {spans:?}"))
}

fn traced() -> Bus {
    Bus::builder().trace(true).build().expect("the defaults are good")
}

/// Runs something of the shop's, and everything that follows from it.
fn run<F: Future<Output = ()>>(act: impl FnOnce(Bus) -> F) -> Vec<SpanData> {
    let exporter = exporter();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (bus, tasks) = shop::open().unwrap();
        act(bus.clone()).await;
        bus.drain(Duration::from_secs(10)).await.unwrap();
        for task in tasks {
            task.await.unwrap();
        }
    });
    exported(&exporter)
}

#[test]
fn event_handler_event_is_one_trace() {
    let spans = run(|bus| async move {
        info_span!("checkout").in_scope(|| bus.publish(OrderPlaced { item: "lamp" }));
    });
    let tree = "checkout
  publish order.placed
    process order.placed by billing
      publish invoice.sent
        process invoice.sent by archive
";
    assert_eq!(trees(&spans), [tree]);
}

#[test]
fn fan_out_of_a_request_is_one_tree() {
    let spans = run(|bus| async move {
        let answers = shop::quote(&bus).instrument(info_span!("compare carriers")).await;
        assert_eq!(answers, Ok(3));
    });
    let tree = "compare carriers
  request shipping.quote
    process shipping.quote by courier
      request stock.count
        process stock.count by warehouse
    process shipping.quote by express
    process shipping.quote by post
";
    assert_eq!(trees(&spans), [tree]);
    let request = named(&spans, "request shipping.quote");
    let events = request.events.iter().map(|event| event.name.as_ref());
    assert!(events.eq(["gathered"; 3]), "an event for each responder: {request:?}");
}

#[test]
fn spans_have_the_names_of_the_convention() {
    let spans = run(|bus| async move {
        bus.publish(OrderPlaced { item: "lamp" });
    });
    let publish = named(&spans, "publish order.placed");
    let process = named(&spans, "process order.placed");
    assert_eq!(
        (&publish.span_kind, &process.span_kind),
        (&SpanKind::Producer, &SpanKind::Consumer)
    );
    for (span, operation, kind) in [(publish, "publish", "send"), (process, "process", "process")] {
        for (key, value) in [
            ("messaging.system", "callboard"),
            ("messaging.destination.name", "order.placed"),
            ("messaging.operation.name", operation),
            ("messaging.operation.type", kind),
            ("messaging.message.id", "1"),
        ] {
            assert_eq!(attribute(span, key).as_deref(), Some(value), "{key} of {span:?}");
        }
    }
    let group = attribute(process, "messaging.consumer.group.name");
    assert_eq!(group.as_deref(), Some("billing"));
    assert_eq!(attribute(publish, "callboard.delivered").as_deref(), Some("1"));
}

#[test]
fn context_waits_in_the_start_buffer_and_crosses_threads() {
    let exporter = exporter();
    let bus = traced();
    let mut orders = bus.subscribe::<OrderPlaced>("billing");
    info_span!("checkout").in_scope(|| bus.publish(OrderPlaced { item: "lamp" }));
    bus.start();
    thread::spawn(move || {
        let order = orders.try_recv().unwrap();
        order.span().in_scope(|| info_span!("charge").in_scope(|| {}));
    })
    .join()
    .unwrap();
    let tree = "checkout
  publish order.placed
    process order.placed by billing
      charge
";
    assert_eq!(trees(&exported(&exporter)), [tree]);
}

/// A console, a recorder or a component's state may keep an event for ever: the trace that it came
/// from is complete as soon as its reader asks for the next event.
#[test]
fn kept_delivery_holds_up_no_trace() {
    let exporter = exporter();
    let bus = traced();
    let mut orders = bus.subscribe::<OrderPlaced>("billing");
    let mut everything = bus.subscribe::<AnyEvent>("console");
    bus.start();
    bus.publish(OrderPlaced { item: "lamp" });
    let (order, seen) = (orders.try_recv().unwrap(), everything.try_recv().unwrap());
    assert!(exported(&exporter).is_empty(), "both may still continue it");
    assert!(orders.try_recv().is_err());
    drop(order.span());
    assert_eq!(trees(&exported(&exporter)), ["process order.placed by billing\n"]);
    assert!(everything.try_recv().is_err());
    let spans = exported(&exporter);
    assert!(spans.iter().any(|span| span.name == "publish order.placed"), "{spans:?}");
    drop((order, seen));
}

#[test]
fn served_handler_that_keeps_its_event_holds_up_no_trace() {
    let exporter = exporter();
    let bus = traced();
    let orders = bus.subscribe::<OrderPlaced>("billing");
    bus.start();
    bus.publish(OrderPlaced { item: "lamp" });
    let mut kept: Vec<Delivery<OrderPlaced>> = Vec::new();
    let mut serving = Box::pin(orders.serve_async(async |order| kept.push(order)));
    let polled = serving.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    let tree = "publish order.placed\n  process order.placed by billing\n";
    assert_eq!(trees(&exported(&exporter)), [tree]);
    drop(serving);
    assert_eq!(kept.len(), 1);
}

#[test]
fn dropped_and_retained_events_hold_up_no_trace() {
    #[derive(Debug, Event)]
    #[event(retain)]
    struct Leader;

    let exporter = exporter();
    let bus = traced();
    bus.start();
    let full = bus.subscriber("full").late().lossy().capacity(0).subscribe::<OrderPlaced>();
    bus.publish(OrderPlaced { item: "lamp" });
    bus.publish(Leader);
    let spans = exported(&exporter);
    assert_eq!(trees(&spans), ["publish leader\n", "publish order.placed\n"]);
    let dropped = attribute(named(&spans, "publish order.placed"), "callboard.dropped");
    assert_eq!(dropped.as_deref(), Some("1"));

    exporter.reset();
    let mut late = bus.subscriber("late").late().with_retained().subscribe::<Leader>();
    let leader = late.try_recv().unwrap();
    drop(leader.span());
    assert_eq!(trees(&exported(&exporter)), ["process leader by late\n"], "a trace of its own");
    drop(full);
}

#[test]
fn closing_and_unsubscribing_release_contexts() {
    let exporter = exporter();
    let bus = traced();
    bus.publish(InvoiceSent);
    assert!(exported(&exporter).is_empty(), "it waits for the start");
    bus.close();
    assert_eq!(exported(&exporter).len(), 1);

    let bus = traced();
    let orders = bus.subscribe::<OrderPlaced>("billing");
    bus.start();
    bus.publish(OrderPlaced { item: "lamp" });
    assert_eq!(exported(&exporter).len(), 1, "it waits for its reader");
    drop(orders);
    assert_eq!(exported(&exporter).len(), 2);
}

#[test]
fn every_way_of_receiving_continues_the_trace() {
    #[derive(Debug, EventSet)]
    enum Inbox {
        Order(Delivery<OrderPlaced>),
        Count(Call<CountStock>),
    }

    let exporter = exporter();
    let bus = traced();
    let mut inbox = bus.subscribe::<Inbox>("warehouse");
    let mut many = bus.subscribe::<OrderPlaced>("many");
    let mut batch = bus.subscribe::<OrderPlaced>("batch");
    bus.start();
    for _ in 0..2 {
        bus.publish(OrderPlaced { item: "lamp" });
    }
    for item in inbox.try_iter() {
        match &item {
            Inbox::Order(order) => assert_eq!(order.item, "lamp"),
            Inbox::Count(call) => panic!("{call:?}"),
        }
        drop(item.span());
    }
    let mut orders = Vec::new();
    assert_eq!(callboard::testing::block_on(many.recv_many(&mut orders, 10)), 2);
    orders.iter().for_each(|order| drop(order.span()));
    assert!(many.try_recv().is_err());
    for order in batch.try_recv_batch().unwrap() {
        drop(order.span());
    }
    let tree = "publish order.placed
  process order.placed by batch
  process order.placed by many
  process order.placed by warehouse
";
    assert_eq!(trees(&exported(&exporter)), [tree, tree]);
}

#[test]
fn concurrent_handlers_keep_to_their_own_traces() {
    let spans = run(|bus| async move {
        let mut orders = Vec::new();
        for _ in 0..3 {
            orders.push(bus.publish(OrderPlaced { item: "lamp" }));
        }
        assert!(orders.iter().all(|order| order.delivered() == 1));
    });
    let trees = trees(&spans);
    let tree = "publish order.placed
  process order.placed by billing
    publish invoice.sent
      process invoice.sent by archive
";
    assert_eq!(trees, [tree; 3]);
}

#[test]
fn request_says_how_it_failed_and_that_it_was_given_up() {
    let exporter = exporter();
    let bus = traced();
    let mut courier = bus.responder::<Quote>("courier");
    bus.start();
    let request = bus.request(Quote).expect(["courier", "nobody"]);
    callboard::testing::block_on(async {
        let gathered = request.gather().await.unwrap();
        assert!(!gathered.is_complete());
    });
    let error =
        |spans: &[SpanData]| attribute(named(spans, "request shipping.quote"), "error.type");
    assert_eq!(error(&exported(&exporter)).as_deref(), Some("out of reach"));

    exporter.reset();
    assert!(courier.try_recv().is_err(), "it was withdrawn");
    let mut given_up = Box::pin(bus.request(Quote).expect(["courier"]).gather());
    assert!(given_up.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(given_up);
    assert_eq!(error(&exported(&exporter)).as_deref(), Some("cancelled"));
}

#[test]
fn panicking_handler_fails_its_span() {
    let exporter = exporter();
    let bus = traced();
    let orders = bus.subscribe::<OrderPlaced>("billing");
    bus.start();
    bus.publish(OrderPlaced { item: "lamp" });
    bus.close();
    callboard::testing::block_on(orders.serve(async |order| panic!("no {}", order.item)));
    let error = attribute(named(&exported(&exporter), "process order.placed"), "error.type");
    assert_eq!(error.as_deref(), Some("panic"));
}

#[test]
fn bus_that_does_not_trace_has_no_spans() {
    let exporter = exporter();
    let bus = Bus::new();
    let mut orders = bus.subscribe::<OrderPlaced>("billing");
    let mut warehouse = bus.responder::<CountStock>("warehouse");
    bus.start();
    bus.publish(OrderPlaced { item: "lamp" });
    let order = orders.try_recv().unwrap();
    assert!(order.span().is_disabled());
    let asked = thread::spawn({
        let bus = bus.clone();
        move || bus.request(CountStock).expect(["warehouse"]).gather_blocking().is_ok()
    });
    warehouse.blocking_recv().unwrap().respond(Stock(1));
    assert!(asked.join().unwrap());
    assert!(exported(&exporter).is_empty());
}

/// Where the bus's own spans are filtered out, a handler's spans are still in the trace of its event.
#[test]
fn without_the_bus_s_spans_handlers_continue_their_publisher() {
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::FilterFn;

    let _one_at_a_time = exporter();
    let (subscriber, exporter) = in_memory();
    let others = FilterFn::new(|metadata| metadata.target() != "callboard::trace");
    let subscriber = others.with_subscriber(subscriber);
    tracing::subscriber::with_default(subscriber, || {
        let bus = traced();
        let orders = bus.subscribe::<OrderPlaced>("billing");
        bus.start();
        info_span!("checkout").in_scope(|| bus.publish(OrderPlaced { item: "lamp" }));
        bus.close();
        callboard::testing::block_on(orders.serve(async |_| info_span!("charge").in_scope(|| {})));
        assert_eq!(trees(&exported(&exporter)), ["checkout\n  charge\n"]);
    });
}

#[test]
fn answers_continue_their_responder() {
    let exporter = exporter();
    let bus = traced();
    let courier = bus.responder::<Quote>("courier");
    let mut prices = bus.subscribe::<Price>("statistics");
    bus.start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let serving = courier.serve(async |call| call.respond(Price(7)));
        let asked = bus.request(Quote).expect(["courier"]).gather();
        tokio::select! {
            () = serving => {}
            gathered = asked => assert!(gathered.unwrap().is_complete()),
            () = pending() => {}
        }
    });
    drop(prices.try_recv().unwrap().span());
    assert!(prices.try_recv().is_err());
    let tree = "request shipping.quote
  process shipping.quote by courier
    process price by statistics
";
    assert_eq!(trees(&exported(&exporter)), [tree]);
}
