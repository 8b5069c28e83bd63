//! A `nats-server` for the replicas of this machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// How long it may take to start.
const START: Duration = Duration::from_secs(10);
/// How long it may take to end.
const END: Duration = Duration::from_secs(3);

/// How to get one.
const NONE: &str = "there is no nats-server: `cargo xtask test --only install` gets one, \
                    and NATS_SERVER may name another";

/// A server with JetStream on a free port of this machine.
pub(super) struct Server {
    pub(super) url: String,
    child: Child,
    /// What it stores; removed with it.
    _folder: TempDir,
}

impl Server {
    /// Starts it, and waits until it accepts clients.
    pub(super) async fn start() -> Result<Self, String> {
        let binary = find().ok_or(NONE)?;
        let failed = |error: std::io::Error| format!("cannot start {}: {error}", binary.display());
        let folder = tempfile::tempdir().map_err(failed)?;
        let shown = folder.path().display();
        // A whole site travels in one message.
        let text = format!(
            "listen: \"127.0.0.1:-1\"\nports_file_dir: \"{shown}\"\nmax_payload: 32MB\n\
             jetstream {{ store_dir: \"{shown}\" }}\n"
        );
        let config = folder.path().join("nats.conf");
        std::fs::write(&config, text).map_err(failed)?;
        let mut command = child(&binary);
        command.arg("--config").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(failed)?;
        let url = tokio::select! {
            url = timeout(START, ports(folder.path())) => url.map_err(|_| "it does not say its port".to_owned()),
            ended = child.wait() => Err(format!("it ended: {}", ended.map_err(failed)?)),
        };
        let url = url.map_err(|why| format!("{} does not start: {why}", binary.display()))?;
        Ok(Self { url, child, _folder: folder })
    }

    /// Waits until it ends by itself.
    pub(super) async fn ended(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Ends it.
    pub(super) async fn stop(mut self) {
        signal(self.child.id(), Signal::TERM);
        if timeout(END, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// What a server writes into its folder of ports.
#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
}

async fn ports(folder: &Path) -> String {
    let read = || {
        let mut files = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        let file = files.find(|path| path.extension().is_some_and(|end| end == "ports"))?;
        let ports: Ports = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        ports.nats.into_iter().next()
    };
    loop {
        match read() {
            Some(url) => return url,
            None => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// The server that `NATS_SERVER` names, or in the target folder, or in the search path.
fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("NATS_SERVER").filter(|it| !it.is_empty()) {
        return Some(named.into());
    }
    let here = std::env::current_exe().unwrap_or_default();
    let target = here.ancestors().skip(1).map(|folder| folder.join("nats/bin/nats-server"));
    let search = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::split_paths(&search).map(|folder| folder.join("nats-server"));
    let debian = PathBuf::from("/usr/sbin/nats-server");
    target.chain(path).chain([debian]).find(|path| path.is_file())
}

/// A command whose process is asked to end when this one is gone, however it ended, and hears no
/// Ctrl-C of the terminal: this one ends it in its turn.
pub(super) fn child(program: &Path) -> Command {
    let search = std::env::var_os("PATH").unwrap_or_default();
    // It replaces itself by the program. Linux sends the signal when the thread ends that started
    // the child, which is the main one.
    let setpriv = std::env::split_paths(&search).map(|folder| folder.join("setpriv"));
    let mut command = match setpriv.filter(|_| cfg!(target_os = "linux")).find(|it| it.is_file()) {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.process_group(0).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Sends a signal to a process that has not been waited for.
pub(super) fn signal(pid: Option<u32>, what: Signal) {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // The only failure is that it is gone.
        let _ = kill_process(pid, what);
    }
}
