//! A HAProxy of our own, in master-worker mode: started, watched, stopped.

use std::collections::VecDeque;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

use super::super::files::{Access, write_atomic};
use super::super::layout::Layout;
use super::binary::Binary;
use super::master;
use super::messages::{Alert, alerts};

/// How many lines of HAProxy's output are remembered.
const REMEMBERED: usize = 200;

/// Why HAProxy did not start or load.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It said why.
    Refused(Vec<Alert>),
    /// It could not be run or asked.
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A running master process. Dropping the handle leaves it running: use [`Proxy::stop`].
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    /// The master's pid.
    pub(crate) pid: u32,
    output: Arc<Mutex<VecDeque<String>>>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Proxy {
    /// Starts HAProxy on the configuration of `layout` and waits until it serves.
    ///
    /// A HAProxy that an earlier controller left behind hands over its listeners and retires, so
    /// its clients notice nothing.
    pub(crate) async fn start(
        binary: &Binary,
        layout: &Layout,
        limit: Duration,
    ) -> Result<Self, Failure> {
        let left_behind = master::processes(&layout.master_socket).await.ok();
        let mut command = Command::new(&binary.path);
        command
            .arg("-W")
            .arg("-S")
            .arg(format!("{},mode,600", layout.master_socket.display()))
            .arg("-p")
            .arg(&layout.pid_file)
            .arg("-f")
            .arg(&layout.config)
            // Ctrl-C is for the controller; it stops its proxy in good order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if left_behind.is_some() {
            keep_addresses(layout).await;
            command.arg("-x").arg(&layout.stats_socket);
        }
        let mut child = command.spawn()?;
        let pid = child.id().unwrap_or_default();
        let output = Arc::new(Mutex::new(VecDeque::new()));
        let reader =
            child.stderr.take().map(|stderr| tokio::spawn(remember(stderr, Arc::clone(&output))));
        let (sender, exit) = watch::channel(None);
        tokio::spawn(async move {
            if let Ok(status) = child.wait().await {
                // Its last words, before anybody hears that it is gone.
                if let Some(reader) = reader {
                    let _ = timeout(Duration::from_millis(200), reader).await;
                }
                let _ = sender.send(Some(status));
            }
        });
        let proxy = Self { pid, output, exit };
        let ours = async {
            loop {
                let found = master::wait_ready(&layout.master_socket, limit).await?;
                if found.master == pid {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let ready = tokio::select! {
            ready = timeout(limit, ours) => ready.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
            status = proxy.exited() => return Err(proxy.refusal(&format!("haproxy ended with {status}"))),
        };
        if let Err(error) = ready {
            proxy.signal(Signal::KILL);
            return Err(Failure::Io(error));
        }
        if let Some(old) = left_behind {
            signal(old.master, Signal::USR1);
        }
        Ok(proxy)
    }

    /// Loads the configuration again, without losing a connection.
    pub(crate) async fn reload(&self, layout: &Layout, limit: Duration) -> Result<u32, Failure> {
        self.lines().clear();
        keep_addresses(layout).await;
        let outcome = tokio::select! {
            outcome = master::reload(&layout.master_socket, limit) => outcome?,
            status = self.exited() => return Err(self.refusal(&format!("haproxy ended with {status}"))),
        };
        match outcome {
            master::Reload::Loaded(worker) => Ok(worker),
            master::Reload::Refused => {
                // The reason was written before the refusal showed; its reader may be a moment late.
                for _ in 0..20 {
                    if self.lines().iter().any(|line| line.starts_with("[ALERT]")) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(self.refusal("haproxy refused to reload and gave no reason"))
            }
        }
    }

    /// Makes a HAProxy that somebody else runs on `layout` load it; none if there is none.
    pub(crate) async fn reload_other(
        layout: &Layout,
        limit: Duration,
    ) -> Result<Option<u32>, Failure> {
        if let Err(error) = master::processes(&layout.master_socket).await
            && matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
        {
            return Ok(None);
        }
        keep_addresses(layout).await;
        match master::reload(&layout.master_socket, limit).await? {
            master::Reload::Loaded(worker) => Ok(Some(worker)),
            master::Reload::Refused => Err(Failure::Refused(vec![Alert {
                line: None,
                message: "the running haproxy refused to reload; its own log says why".to_owned(),
            }])),
        }
    }

    /// Waits until the process is gone.
    pub(crate) async fn exited(&self) -> String {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await.map(|status| *status) {
            Ok(Some(status)) => status.to_string(),
            _ => "an unknown status".to_owned(),
        }
    }

    /// Lets requests in flight finish, for `grace`; then ends it.
    pub(crate) async fn stop(&self, grace: Duration) {
        for (what, patience) in [
            (Signal::USR1, grace),
            (Signal::TERM, Duration::from_secs(2)),
            (Signal::KILL, Duration::from_secs(2)),
        ] {
            self.signal(what);
            if timeout(patience, self.exited()).await.is_ok() {
                return;
            }
        }
    }

    fn signal(&self, what: Signal) {
        // Once it has been waited for, its pid may be somebody else's.
        if self.exit.borrow().is_none() {
            signal(self.pid, what);
        }
    }

    /// What it complained about, or `otherwise`.
    fn refusal(&self, otherwise: &str) -> Failure {
        let text = self.lines().iter().fold(String::new(), |text, line| text + line + "\n");
        let mut found = alerts(&text);
        if found.is_empty() {
            found.push(Alert { line: None, message: otherwise.to_owned() });
        }
        Failure::Refused(found)
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Saves the addresses that the running worker has resolved. The next worker starts with them.
async fn keep_addresses(layout: &Layout) {
    if let Ok(state) = master::server_state(&layout.stats_socket).await {
        // Without the file the new worker answers 503 until it has resolved the names itself.
        let _ = write_atomic(&layout.server_state, state.as_bytes(), Access::Public);
    }
}

fn signal(pid: u32, what: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // The only failure is that it is gone, which is what a signal is for.
        let _ = kill_process(pid, what);
    }
}

async fn remember(stderr: impl AsyncRead + Unpin, output: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        if output.len() == REMEMBERED {
            output.pop_front();
        }
        output.push_back(line);
    }
}
