//! `/metrics` as Prometheus reads it.

use std::collections::HashMap;

use std::future::Future;

use callboard::Bus;

use crate::client::{Tick, console, get};

/// A sample: its name, its labels, its value.
type Sample = (String, HashMap<String, String>, f64);

fn samples(text: &str) -> Vec<Sample> {
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scrape = prometheus_parse::Scrape::parse(lines).unwrap();
    let sample = |of: prometheus_parse::Sample| {
        let value = match of.value {
            prometheus_parse::Value::Counter(value) | prometheus_parse::Value::Gauge(value) => {
                value
            }
            // The sum and the count of a histogram have no type of their own.
            prometheus_parse::Value::Untyped(value) => value,
            prometheus_parse::Value::Histogram(buckets) => buckets.last()?.count,
            prometheus_parse::Value::Summary(_) => panic!("{} is a summary", of.metric),
        };
        let labels = of.labels.iter().map(|(name, value)| (name.clone(), value.clone()));
        Some((of.metric, labels.collect(), value))
    };
    scrape.samples.into_iter().filter_map(sample).collect()
}

#[test]
fn metrics_are_the_counts_of_the_snapshot() {
    let bus = Bus::new();
    let _slow = bus.subscriber("slow").capacity(2).subscribe::<Tick>();
    bus.start();
    (0..5).for_each(|number| _ = bus.publish(Tick(number)));
    let console = console(&bus);
    let answer = get(&console, "/metrics");
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let samples = samples(&answer.body);
    let find = |name: &str, label: &str, value: &str| {
        let fits = |of: &&Sample| of.0 == name && of.1.get(label).is_some_and(|it| it == value);
        samples.iter().find(fits).unwrap_or_else(|| panic!("{name} in {}", answer.body)).2
    };
    assert_eq!(find("callboard_published_total", "event_type", "tick"), 5.0);
    assert_eq!(find("callboard_queued", "subscriber", "slow"), 2.0);
    assert_eq!(find("callboard_dropped_total", "reason", "full"), 3.0);
}

#[test]
fn times_are_histograms_with_fixed_bounds() {
    let bus = Bus::new();
    let ticks = bus.subscribe::<Tick>("served");
    bus.start();
    (0..3).for_each(|number| _ = bus.publish(Tick(number)));
    let serving = std::pin::pin!(ticks.serve(async |_tick| {}));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(serving.poll(&mut context).is_pending());
    let console = console(&bus);
    let metrics = get(&console, "/metrics").body;
    let last = r#"callboard_handler_seconds_bucket{subscriber="served",le="+Inf"} 3"#;
    assert!(metrics.contains(last), "{metrics}");
}

#[test]
fn names_are_escaped() {
    let bus = Bus::new();
    let _odd = bus.subscribe::<Tick>("an \"odd\" \\ name");
    let console = console(&bus);
    let metrics = get(&console, "/metrics").body;
    assert!(metrics.contains(r#"{subscriber="an \"odd\" \\ name"}"#), "{metrics}");
}
