//! The controller's console in a browser.
//!
//! The browser is driven by what drives it in the console's own tests.

#[expect(dead_code, reason = "the console's own tests press, write and scroll")]
#[path = "../../../../crates/callboard-console/tests/browser/browser.rs"]
mod browser;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use browser::look_at;

/// A controller, which ends with the handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a controller on the sample site, without HAProxy, and returns where its console is.
fn start(out: &Path) -> (Running, String) {
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("site");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress"));
    command.arg("--site").arg(site).arg("--out").arg(out);
    command.args(["--haproxy", "none", "--console", "127.0.0.1:0"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is piped"));
    let running = Running(child);
    let mut line = String::new();
    lines.read_line(&mut line).expect("it says something");
    // Read on, so that it can write on.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    let url = line.trim().strip_prefix("console: ").expect("the console comes first");
    (running, url.to_owned())
}

#[test]
fn console_shows_the_controllers_components_passes_and_requests() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let (_running, url) = start(out.path());
    look_at(async |view| {
        view.open(&url).await;
        view.until("document.querySelector('#phase [aria-current]').textContent === 'running'")
            .await;
        // What the page shows is what the controller says of itself. Nothing happens after the first
        // pass: the site does not change.
        view.get(
            "window.told = null;
            setInterval(async () => told = await (await fetch('/snapshot.json')).json(), 100);",
        )
        .await;
        view.until(
            "told?.types.some((of) => of.event_type === 'reconcile.finished' && of.published > 0)",
        )
        .await;
        let rows = "Object.fromEntries([...document.querySelectorAll('tr.subscriber')].map((row) =>
            [row.dataset.key.split('#')[0], true]))";
        let told = "Object.fromEntries(told.subscribers.map((of) => [of.name, true]))";
        let sorted = |of: &str| format!("JSON.stringify(Object.keys({of}).sort())");
        view.until(&format!("{} === {}", sorted(rows), sorted(told))).await;
        for component in ["reconciler", "deployer", "commentator", "metrics"] {
            let row = format!("document.querySelector('[data-key={component}]') !== null");
            assert_eq!(view.get(&row).await, json!(true), "{component}");
        }
        let published = "told.types.reduce((all, of) => all + of.published, 0)";
        let note = "document.querySelector('[data-figure=published] .note').textContent";
        view.until(&format!("{note}.replace(/,/g, '') === `${{{published}}} in all`")).await;
        let asked = "told.requests.recent.map((of) => of.event_type)";
        view.until(&format!(
            "{asked}.length > 0 && {asked}.every((name) =>
                document.getElementById('request-list').textContent.includes(name))"
        ))
        .await;
        let types = "document.querySelectorAll('#graph-drawing .node.type').length";
        view.until(&format!("{types} > 5")).await;
        assert_eq!(view.text("#heading").await, "All is well");
        assert!(view.text("#startup-words").await.starts_with("Started "));
    });
}
