//! A running controller whose narrative the test can wait for.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use super::{PATIENCE, Site, eventually, require_haproxy};

/// The program under test.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress"));
    command.stdin(Stdio::null());
    command
}

/// The narrative so far, and the bell for a new line.
type Told = Arc<(Mutex<Vec<Value>>, Condvar)>;

/// A controller that watches a site. It and its HAProxy end with the handle.
pub(crate) struct Controller {
    child: Child,
    told: Told,
    pid_file: PathBuf,
    /// How many lines earlier waits have gone past.
    read: usize,
}

impl Controller {
    /// Starts a controller on `site`, and waits until its configuration is in force.
    pub(crate) fn start(site: &Site) -> Self {
        let mut controller = Self::start_only(site);
        controller.wait("reconcile.finished", "");
        controller
    }

    /// Starts a controller on `site`.
    pub(crate) fn start_only(site: &Site) -> Self {
        Self::start_with(site, &site.out(), &require_haproxy(), &[])
    }

    /// Starts a controller on `site` with another output folder, HAProxy and more options.
    pub(crate) fn start_with(site: &Site, out: &Path, haproxy: &Path, more: &[&str]) -> Self {
        let mut child = program()
            .arg("--site")
            .arg(site.path())
            .arg("--out")
            .arg(out)
            .arg("--haproxy")
            .arg(haproxy)
            .arg("--json")
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let told: Told = Arc::default();
        let telling = Arc::clone(&told);
        let stdout = child.stdout.take().expect("its output is piped");
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                let mut lines = telling.0.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push(value);
                telling.1.notify_all();
            }
        });
        Self { child, told, pid_file: out.join("run/haproxy.pid"), read: 0 }
    }

    /// Waits for the next `event` whose message or problems contain `part`, and returns both, the
    /// problems in lines of their own.
    pub(crate) fn wait(&mut self, event: &str, part: &str) -> String {
        let line = self.wait_for(&format!("`{event}` with `{part}`"), |line| {
            line["event"] == event && text_of(line).contains(part)
        });
        text_of(&line)
    }

    /// Waits for the next line that is `wanted`, and returns it.
    pub(crate) fn wait_for(&mut self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let (lines, bell) = &*self.told;
        let mut lines = lines.lock().expect("nobody panics with it");
        loop {
            while let Some(line) = lines.get(self.read) {
                self.read += 1;
                if wanted(line) {
                    return line.clone();
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let all = || lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            assert!(!left.is_zero(), "no {what} in {PATIENCE:?}:\n{}", all());
            lines = bell.wait_timeout(lines, left).expect("nobody panics with it").0;
        }
    }

    /// The pid of HAProxy's master.
    pub(crate) fn haproxy(&self) -> Pid {
        let text = std::fs::read_to_string(&self.pid_file).expect("a pid file");
        let pid = text.trim().parse().ok().and_then(Pid::from_raw);
        pid.expect("a pid")
    }

    /// Kills the controller as a crash does, and leaves its HAProxy alone.
    pub(crate) fn crash(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it was running");
        // What `drop` would do is not to be done.
        self.pid_file = PathBuf::new();
    }

    /// Asks the controller to end, and waits for it.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_exit().expect("it ends in time")
    }

    fn signal(&self, what: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, what);
        }
    }

    fn wait_exit(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::TERM);
            if self.wait_exit().is_none() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        let pid = std::fs::read_to_string(&self.pid_file).ok();
        let pid = pid.and_then(|text| Pid::from_raw(text.trim().parse().ok()?));
        if let Some(pid) = pid.filter(|pid| is_haproxy(*pid)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The message of a line of the narrative, and a line for each of its problems.
pub(crate) fn text_of(line: &Value) -> String {
    let message = line["message"].as_str().unwrap_or_default().to_owned();
    let problems = line["problems"].as_array().into_iter().flatten();
    problems.fold(message, |text, problem| {
        let part = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        let line = problem["line"].as_u64().map_or_else(String::new, |line| format!(":{line}"));
        text + &format!("\n{}{line}: {}", part("file"), part("reason"))
    })
}

/// Waits until the process `pid` is gone.
pub(crate) fn gone(pid: Pid) {
    eventually("the process ends", || test_kill_process(pid).is_err() || !is_haproxy(pid));
}

fn is_haproxy(pid: Pid) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero()));
    name.is_ok_and(|name| name.trim() == "haproxy")
}
