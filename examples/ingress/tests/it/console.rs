//! The page on which the controller can be watched.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use crate::support::controller::program;
use crate::support::{PATIENCE, eventually, sample, text};

/// A controller without HAProxy, that ends with the handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a controller on the sample site, and returns its first line.
fn start(out: &std::path::Path, options: &[&str]) -> (Running, String) {
    let mut command = program();
    command.arg("--site").arg(sample()).arg("--out").arg(out).args(["--haproxy", "none"]);
    let mut child = command.args(options).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is piped"));
    let running = Running(child);
    let mut line = String::new();
    lines.read_line(&mut line).expect("it says something");
    // Read on, so that it can write on.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    (running, line)
}

/// Asks a console for a path.
pub(crate) fn get(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("somebody listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("it answers");
    answer
}

/// The address in a line that tells it.
pub(crate) fn address(line: &str) -> String {
    let rest = line.split("http://").nth(1).unwrap_or_else(|| panic!("no address in {line}"));
    rest.split('/').next().unwrap_or_default().to_owned()
}

#[test]
fn its_address_comes_first_and_its_figures_are_those_of_the_controller() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let (_running, line) = start(out.path(), &["--console", "127.0.0.1:0"]);
    assert!(line.starts_with("console: http://127.0.0.1:"), "{line}");
    let address = address(&line);
    assert!(get(&address, "/").contains("<!doctype html>"));
    for component in ["reconciler", "deployer", "commentator", "metrics"] {
        let named = format!("\"name\":\"{component}\"");
        eventually(component, || get(&address, "/snapshot.json").contains(&named));
    }
    eventually("a pass", || {
        get(&address, "/metrics")
            .contains("callboard_published_total{event_type=\"reconcile.finished\"} 1")
    });
    assert!(get(&address, "/diagnosis.txt").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn json_tells_it_too() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let (_running, line) = start(out.path(), &["--console=127.0.0.1:0", "--json"]);
    let line: serde_json::Value = serde_json::from_str(&line).expect("one object per line");
    assert_eq!(line["event"], "console");
    let url = line["url"].as_str().unwrap_or_default();
    assert!(get(&address(url), "/").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn the_usual_port_may_be_taken() {
    // Whoever has it: this test, or a controller of another.
    let _taken = TcpListener::bind("127.0.0.1:4870");
    let out = tempfile::tempdir().expect("a temporary folder");
    let (_running, line) = start(out.path(), &[]);
    assert!(line.contains("(port 4870 is taken)"), "{line}");
    assert!(get(&address(&line), "/").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_place_that_was_asked_for_is_the_only_one() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let place = taken.local_addr().expect("its address").to_string();
    for (place, problem) in [(place.as_str(), "failed to bind"), ("0.0.0.0:0", "loopback")] {
        let out = tempfile::tempdir().expect("a temporary folder");
        let ended = program()
            .arg("--site")
            .arg(sample())
            .arg("--out")
            .arg(out.path())
            .args(["--haproxy", "none", "--console", place])
            .output()
            .expect("it runs");
        let told = text(&ended.stderr);
        assert!(!ended.status.success() && told.contains(problem), "{told}");
        assert!(told.contains(place), "{told}");
    }
}

#[test]
fn off_is_off_and_one_pass_has_none() {
    for options in [&["--console", "off"][..], &["--once"]] {
        let out = tempfile::tempdir().expect("a temporary folder");
        let (_running, line) = start(out.path(), options);
        assert!(line.contains("controller.started"), "{line}");
    }
}
