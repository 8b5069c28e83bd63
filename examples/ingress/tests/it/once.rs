//! One pass and out: what scripts and pipelines see.

use std::fs;
use std::path::Path;

use prometheus_parse::Value;

use crate::support::controller::program;
use crate::support::{haproxy_accepts, once, require_haproxy, sample, text};

/// A copy of the sample site, to be broken.
fn copy_of_sample(to: &Path) {
    for folder in ["templates", "resources"] {
        fs::create_dir_all(to.join(folder)).expect("folders can be made");
        for entry in fs::read_dir(sample().join(folder)).expect("the sample is there").flatten() {
            let name = Path::new(folder).join(entry.file_name());
            fs::copy(entry.path(), to.join(name)).expect("files can be copied");
        }
    }
    fs::copy(sample().join("controller.yaml"), to.join("controller.yaml"))
        .expect("files can be copied");
}

/// Replaces the first `from` in `file` of `site`.
fn edit(site: &Path, file: &str, from: &str, to: &str) {
    let path = site.join(file);
    let text = fs::read_to_string(&path).expect("the file is there");
    assert!(text.contains(from), "{file} has no `{from}`");
    fs::write(&path, text.replacen(from, to, 1)).expect("files can be written");
}

#[test]
fn the_sample_site_becomes_a_configuration_haproxy_accepts() {
    require_haproxy();
    let out = tempfile::tempdir().expect("a temporary folder");
    let output = once(&sample(), out.path(), &[]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    assert!(haproxy_accepts(&out.path().join("haproxy.cfg")));
    for step in [
        "controller.started",
        "config.validate",
        "haproxy -c",
        "deploy.succeeded",
        "reconcile.finished",
    ] {
        assert!(told.contains(step), "no {step} in\n{told}");
    }
    assert!(!told.contains('\u{1b}'), "plain when it is piped");
    check_metrics(&fs::read_to_string(out.path().join("metrics.prom")).expect("metrics"));
}

/// Reads the metrics as Prometheus does.
fn check_metrics(text: &str) {
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scrape = prometheus_parse::Scrape::parse(lines).expect("Prometheus reads it");
    let samples = |name: &str| {
        let samples: Vec<_> = scrape.samples.iter().filter(|it| it.metric == name).collect();
        assert!(!samples.is_empty(), "no {name} in\n{text}");
        assert!(scrape.docs.contains_key(name), "no help for {name}");
        samples
    };
    let value = |name: &str, label: &str, is: &str| {
        let samples = samples(name);
        let sample = samples.iter().find(|it| label.is_empty() || it.labels.get(label) == Some(is));
        match sample.map(|it| &it.value) {
            Some(Value::Counter(value) | Value::Gauge(value)) => *value,
            other => panic!("{name} of {is}: {other:?}"),
        }
    };
    assert_eq!(value("ingress_passes_total", "outcome", "finished"), 1.0);
    assert_eq!(value("ingress_passes_total", "outcome", "failed"), 0.0);
    assert_eq!(value("callboard_requests_total", "outcome", "met"), 1.0);
    assert_eq!(value("callboard_requests_total", "outcome", "timed_out"), 0.0);
    assert_eq!(value("callboard_published_total", "event_type", "deploy.succeeded"), 1.0);
    assert_eq!(value("callboard_queue_capacity", "subscriber", "metrics"), 10_000.0);
    assert!(value("callboard_delivered_total", "subscriber", "metrics") > 0.0);
    for sample in samples("callboard_dropped_total") {
        let loss =
            ["full", "oldest", "buffer_full"].contains(&sample.labels.get("reason").unwrap_or(""));
        assert!(!loss || matches!(sample.value, Value::Counter(0.0)), "{sample:?}");
    }
    for name in ["callboard_gather_seconds", "ingress_pass_seconds"] {
        let Value::Histogram(buckets) = &samples(name)[0].value else { panic!("{name}") };
        assert_eq!(buckets.last().map(|it| it.count), Some(1.0), "{name}");
    }
    for sample in &scrape.samples {
        let is_counter = matches!(sample.value, Value::Counter(_));
        assert_eq!(sample.metric.ends_with("_total"), is_counter, "{sample:?}");
    }
}

#[test]
fn a_thousand_ingresses_become_one_too() {
    require_haproxy();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let site = folder.path().join("site");
    let made = program()
        .args(["generate", "--ingresses", "1000"])
        .arg(&site)
        .output()
        .expect("the program runs");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let out = folder.path().join("out");
    let output = once(&site, &out, &[]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    assert!(told.contains("3000 routes to 1000 backends"), "{told}");
    assert!(haproxy_accepts(&out.join("haproxy.cfg")));
}

#[test]
fn without_haproxy_it_says_so_and_writes_the_file() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let output = once(&sample(), out.path(), &["--haproxy", "none"]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    assert_eq!(told.matches("no haproxy found").count(), 1, "{told}");
    assert!(out.path().join("haproxy.cfg").is_file());
}

#[test]
fn bad_input_ends_it_on_a_strict_site_with_the_place_and_the_reason() {
    for (file, from, to, expected) in [
        (
            "resources/blog.yaml",
            "name: ghost",
            "name: gost",
            "resources/blog.yaml:18: Ingress blog/blog: there is no Service blog/gost",
        ),
        ("resources/blog.yaml", "  rules:", "  rules: {", "resources/blog.yaml:"),
        (
            "resources/blog.yaml",
            "number: 2368",
            "number: web",
            "resources/blog.yaml:20: spec.rules[0].http.paths[0].backend.service.port.number: invalid type",
        ),
        ("templates/haproxy.cfg.j2", "{% endfor %}", "", "templates/haproxy.cfg.j2:"),
        ("templates/haproxy.cfg.j2", "mode http", "mode htpp", "templates/haproxy.cfg.j2:12:"),
        (
            "controller.yaml",
            "debounce: 200ms",
            "debounce: soon",
            "controller.yaml:12: debounce: `soon` is not a duration",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let site = folder.path().join("site");
        copy_of_sample(&site);
        edit(&site, "controller.yaml", "strict: false", "strict: true");
        edit(&site, file, from, to);
        let output = once(&site, &folder.path().join("out"), &[]);
        let reason = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{file}: {to}");
        assert!(reason.contains(expected), "{file}, {to}: {reason}");
        assert!(!folder.path().join("out/haproxy.cfg").exists(), "nothing bad goes live");
    }
}

#[test]
fn no_site_and_no_settings_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let output = once(&folder.path().join("nowhere"), &out, &[]);
    assert!(text(&output.stderr).contains("no site at"), "{}", text(&output.stderr));
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("a folder can be made");
    let output = once(&empty, &out, &[]);
    assert!(
        text(&output.stderr).contains("controller.yaml: cannot read it"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(1));
}
