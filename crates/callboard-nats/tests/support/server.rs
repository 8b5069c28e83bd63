//! One `nats-server` process.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tempfile::TempDir;

use super::binary::Binary;
use super::ports::Port;
use super::{monitoring, process, wait_for};

/// How often a server is started at other ports, when a foreign program takes one meanwhile.
const ATTEMPTS: usize = 5;

/// The variable that holds the folder of a server's own store. (On the command line it would clash
/// with a configuration that names a folder, too.)
const STORE: &str = "CB_STORE";

/// A server on the loopback interface, with ports and a store of its own. Dropping it kills the
/// process; the death of the test process does so, too.
#[derive(Debug)]
pub(crate) struct Server {
    binary: &'static Binary,
    name: String,
    client: Port,
    monitor: Port,
    environment: Vec<(String, String)>,
    /// Holds the configuration, the log and JetStream's store.
    folder: TempDir,
    /// `None` while the server is dead.
    child: Option<Child>,
}

impl Server {
    /// Starts a server with JetStream that never stalls a publisher, and waits until it accepts
    /// clients. `None` if there is no `nats-server`.
    pub(crate) fn start() -> Option<Self> {
        let binary = Binary::find()?;
        Self::start_with(&default_config(binary))
    }

    /// Starts a server with the text of a configuration file. The addresses and the server's name
    /// are set on the command line, which has precedence over the text. JetStream is to keep its
    /// store in `$CB_STORE`.
    ///
    /// # Panics
    /// When the server refuses the configuration.
    pub(crate) fn start_with(config: &str) -> Option<Self> {
        Self::start_in(config, &[])
    }

    /// As [`start_with`](Self::start_with), with environment variables for the configuration to
    /// refer to.
    pub(crate) fn start_in(config: &str, environment: &[(&str, &str)]) -> Option<Self> {
        let binary = Binary::find()?;
        let stored = !config.contains("jetstream") || config.contains("$CB_STORE");
        assert!(stored, "servers would share a store: `store_dir: $CB_STORE` gives each its own");
        let mut failure = String::new();
        for _ in 0..ATTEMPTS {
            let mut server = Self::new(binary, environment);
            fs::write(server.config(), config).expect("failed to write the configuration");
            match server.launch() {
                Ok(()) => return Some(server),
                Err(error) => failure = error,
            }
            if !failure.contains("address already in use") {
                break;
            }
        }
        panic!("nats-server does not start: {failure}");
    }

    /// A server that has its ports and its folder, and has not been started.
    fn new(binary: &'static Binary, environment: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            binary,
            name: format!("test-{}-{count}", std::process::id()),
            client: Port::take(),
            monitor: Port::take(),
            environment: environment.iter().map(owned).collect(),
            folder: folder(),
            child: None,
        }
    }

    /// Starts the process and waits until it, and nobody else, accepts clients.
    fn launch(&mut self) -> Result<(), String> {
        assert!(self.child.is_none(), "the server {} is running", self.name);
        let log = File::options().create(true).append(true).open(self.log_file());
        let log = log.map_err(|error| format!("failed to open its log: {error}"))?;
        let mut command = process::command(&self.binary.path);
        command
            .args(["--addr", "127.0.0.1", "--name", &self.name])
            .args(["--port", &self.client.number().to_string()])
            .args(["--http_port", &self.monitor.number().to_string()])
            .arg("--config")
            .arg(self.config())
            .env(STORE, self.folder.path().join("store"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = process::spawn(command);
        self.child = Some(child.map_err(|error| format!("failed to run it: {error}"))?);
        let ready = wait_for("the server to accept clients", || {
            let ended = self.child.as_mut().and_then(|it| it.try_wait().transpose());
            if ended.is_some() {
                return Some(false);
            }
            (monitoring::name(self.port())? == self.name).then_some(true)
        });
        if ready {
            return Ok(());
        }
        self.child = None;
        Err(self.log())
    }

    /// Where clients connect.
    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// The host and the port of [`url`](Self::url).
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    pub(crate) fn port(&self) -> u16 {
        self.client.number()
    }

    /// What the server calls itself.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The port of the monitoring pages.
    pub(crate) fn monitoring_port(&self) -> u16 {
        self.monitor.number()
    }

    /// Whether the process has not been killed. A stopped process is alive.
    pub(crate) fn is_alive(&self) -> bool {
        self.child.is_some()
    }

    /// What the server has logged, over all restarts.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Kills the process with SIGKILL and waits until it is gone. Does nothing if it is.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("failed to kill the server");
            child.wait().expect("failed to wait for the server");
        }
    }

    /// Kills the server if it is alive, and starts it at the same ports with the same store.
    ///
    /// # Panics
    /// When it does not start.
    pub(crate) fn restart(&mut self) {
        self.kill();
        if let Err(log) = self.launch() {
            panic!("nats-server does not restart: {log}");
        }
    }

    /// Freezes the process with SIGSTOP: connections stay open, and nothing moves. Returns when its
    /// last thread stands still, which is later than the signal.
    pub(crate) fn stop(&self) {
        let process = self.signal(Signal::STOP);
        waitid(WaitId::Pid(process), WaitIdOptions::STOPPED).expect("failed to wait for the stop");
    }

    /// Continues a process after [`stop`](Self::stop).
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Lets the server announce that it shuts down, close its clients' connections and end.
    /// [`wait_for_end`](Self::wait_for_end) waits for the end.
    pub(crate) fn lame_duck(&self) {
        self.signal(Signal::USR2);
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait_for_end(&mut self) {
        let Some(child) = &mut self.child else { return };
        wait_for("the server to end", || child.try_wait().expect("failed to ask for its end"));
        self.child = None;
    }

    fn signal(&self, signal: Signal) -> Pid {
        let child = self.child.as_ref().expect("the server is dead");
        let process = Pid::from_child(child);
        kill_process(process, signal).expect("failed to send a signal");
        process
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("nats.conf")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A folder in cargo's target folder, where those of killed test processes stay. The benchmark, which
/// uses this module too, is no test to cargo: its folders are among the system's temporary files.
pub(super) fn folder() -> TempDir {
    let folder = match option_env!("CARGO_TARGET_TMPDIR") {
        Some(target) => TempDir::new_in(target),
        None => tempfile::tempdir(),
    };
    folder.expect("failed to create a folder")
}

/// What a test's server is configured with.
pub(super) fn default_config(binary: &Binary) -> String {
    // A lame duck keeps its clients for the grace period, then closes one at a time.
    let common = "jetstream { store_dir: $CB_STORE }\nlame_duck_grace_period: \"100ms\"\n";
    if binary.can_disable_stalls() {
        format!("{common}no_fast_producer_stall: true\n")
    } else {
        common.to_owned()
    }
}
