//! Starts a server and replicas as child processes, and passes on what they tell.
//!
//! A replica that is killed is not started again: the others take over its work. The supervisor only
//! ends the HAProxy that it left behind, which would go on to serve what was in force then.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::ChildStdout;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::server::{Server, child, signal};
use crate::app::asked_to_end;
use crate::cli::{Mode, Options, Place};
use crate::logic::layout::Layout;
use crate::logic::line::Format;

/// How long the replicas have to end.
const END: Duration = Duration::from_secs(25);
/// After one pass of the leader: how long the others have to follow.
const FOLLOW: Duration = Duration::from_secs(10);

/// Runs that many replicas until it is asked to end, or for one pass.
pub(crate) fn run(options: &Options, replicas: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        let mut server = Server::start().await?;
        let outcome = supervise(options, replicas, &mut server).await;
        server.stop().await;
        outcome
    })
}

async fn supervise(options: &Options, count: usize, server: &mut Server) -> Result<(), String> {
    let mut cluster = Cluster::start(options, count, &server.url)?;
    let outcome = tokio::select! {
        outcome = cluster.watch(options.mode) => outcome,
        signal = asked_to_end() => signal.map(drop),
        () = server.ended() => Err("nats-server ended".to_owned()),
    };
    let ended = tokio::select! {
        ended = cluster.end() => ended,
        again = asked_to_end() => again.and_then(|how| Err(format!("{how}: not waiting any longer"))),
    };
    cluster.clear().await;
    outcome.and(ended)
}

struct Replica {
    node: String,
    layout: Layout,
    /// None once it has ended.
    pid: Option<u32>,
    /// Whether it has told where its console is, or has none.
    shown: bool,
}

/// What happens to a replica.
enum Happened {
    Told(usize, String),
    Ended(usize, ExitStatus),
}

struct Cluster {
    replicas: Vec<Replica>,
    news: mpsc::Receiver<Happened>,
    /// Ends the processes when it is dropped.
    children: JoinSet<()>,
    format: Format,
    /// What waits until all consoles are told.
    held: Vec<(usize, String)>,
    /// Where the server is.
    url: String,
}

impl Cluster {
    fn start(options: &Options, count: usize, url: &str) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot start a replica: {error}");
        let program = std::env::current_exe().map_err(failed)?;
        // One pass is over before anybody could look.
        let consoles = options.mode == Mode::Watch && options.console != Place::Off;
        let (sender, news) = mpsc::channel(1_000);
        let (mut replicas, mut children) = (Vec::new(), JoinSet::new());
        for place in 0..count {
            let node = format!("eu-{}", place + 1);
            let layout = Layout::create(&options.out.join(&node)).map_err(failed)?;
            let mut command = child(&program);
            command.arg("--site").arg(&options.site).arg("--out").arg(&layout.out);
            command.args(["--node", &node, "--nats", url, "--cluster", &count.to_string()]);
            command.args(arguments(options, place)?);
            if std::io::stdout().is_terminal() {
                command.env("CLICOLOR_FORCE", "1");
            }
            let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
            let (pid, stdout) = (child.id(), child.stdout.take());
            let sender = sender.clone();
            children.spawn(async move {
                read(place, stdout, &sender).await;
                let status = child.wait().await.unwrap_or_default();
                let _ = sender.send(Happened::Ended(place, status)).await;
            });
            replicas.push(Replica { node, layout, pid, shown: !consoles });
        }
        let format = options.format;
        let (held, url) = (Vec::new(), url.to_owned());
        let mut cluster = Self { replicas, news, children, format, held, url };
        cluster.introduce();
        Ok(cluster)
    }

    /// Passes on what the replicas tell until none is left or, after one pass, until it is done.
    async fn watch(&mut self, mode: Mode) -> Result<(), String> {
        loop {
            let (place, status) = self.next_end().await;
            let Replica { node, layout, .. } = &self.replicas[place];
            match mode {
                Mode::Once if !status.success() => {
                    return Err(format!("{node} ended with {status}"));
                }
                Mode::Once => {
                    // It was the leader, or followed one; the others follow.
                    let _ = timeout(FOLLOW, self.all_ended()).await;
                    return Ok(());
                }
                Mode::Watch => {
                    anstream::eprintln!("ingress: {node} ended with {status}");
                    retire(layout);
                    if self.is_over() {
                        return Err("no replica is left".to_owned());
                    }
                }
            }
        }
    }

    /// Asks every replica to end, and waits for them.
    async fn end(&mut self) -> Result<(), String> {
        for replica in &self.replicas {
            signal(replica.pid, Signal::TERM);
        }
        let in_time = timeout(END, self.all_ended()).await;
        in_time.map_err(|_| "a replica did not end in time".to_owned())
    }

    /// Kills those that have not ended, and ends what they leave behind.
    async fn clear(&mut self) {
        self.children.shutdown().await;
        for replica in self.replicas.iter().filter(|it| it.pid.is_some()) {
            retire(&replica.layout);
        }
    }

    async fn all_ended(&mut self) {
        while !self.is_over() {
            self.next_end().await;
        }
    }

    fn is_over(&self) -> bool {
        self.replicas.iter().all(|it| it.pid.is_none())
    }

    /// Passes lines on until a replica ends.
    async fn next_end(&mut self) -> (usize, ExitStatus) {
        loop {
            match self.news.recv().await {
                Some(Happened::Told(place, line)) => self.tell(place, line),
                Some(Happened::Ended(place, status)) => {
                    let replica = &mut self.replicas[place];
                    (replica.pid, replica.shown) = (None, true);
                    self.release();
                    return (place, status);
                }
                // Each replica ends once, and then nobody asks any more.
                None => std::future::pending().await,
            }
        }
    }

    /// Tells what is needed to kill a replica, and to start another.
    fn introduce(&mut self) {
        for (place, replica) in self.replicas.iter().enumerate() {
            let (pid, url) = (replica.pid.unwrap_or_default(), &self.url);
            let message = format!("pid {pid}, over {url}");
            let line = match self.format {
                Format::Human => format!("replica: {message}"),
                Format::Json => {
                    json!({"event": "replica", "pid": pid, "nats": url, "message": message})
                        .to_string()
                }
            };
            self.held.push((place, line));
        }
        self.release();
    }

    /// Writes a line: those that tell a console first, whichever replica is slow.
    fn tell(&mut self, place: usize, line: String) {
        let is_console = !std::mem::replace(&mut self.replicas[place].shown, true);
        if is_console {
            self.write(place, &line);
            self.release();
        } else if self.replicas.iter().all(|it| it.shown) {
            self.write(place, &line);
        } else {
            self.held.push((place, line));
        }
    }

    /// Writes what waited for the consoles, if all are told.
    fn release(&mut self) {
        if self.replicas.iter().all(|it| it.shown) {
            for (place, line) in std::mem::take(&mut self.held) {
                self.write(place, &line);
            }
        }
    }

    fn write(&self, place: usize, line: &str) {
        let node = &self.replicas[place].node;
        let line = match self.format {
            Format::Human => format!("{node}  {line}"),
            Format::Json => named(node, line),
        };
        // Nobody reads any more: there is nobody to tell.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

/// The options that a replica is given on.
fn arguments(options: &Options, place: usize) -> Result<Vec<OsString>, String> {
    let mut arguments: Vec<OsString> = Vec::new();
    if let Some(haproxy) = &options.haproxy {
        arguments.extend(["--haproxy".into(), haproxy.into()]);
    }
    if options.mode == Mode::Once {
        arguments.push("--once".into());
    }
    if options.format == Format::Json {
        arguments.push("--json".into());
    }
    let console = match &options.console {
        Place::Off => Some("off".to_owned()),
        // The first one is where that of a single controller is.
        Place::Usual if place == 0 || options.mode == Mode::Once => None,
        Place::Usual => Some("127.0.0.1:0".to_owned()),
        Place::At(first) => {
            let mut address: SocketAddr =
                first.parse().map_err(|_| format!("`{first}` is no address for a console"))?;
            if let (port @ 1.., Ok(place)) = (address.port(), u16::try_from(place)) {
                address.set_port(port.saturating_add(place));
            }
            Some(address.to_string())
        }
    };
    arguments.extend(console.into_iter().flat_map(|place| ["--console".into(), place.into()]));
    Ok(arguments)
}

async fn read(place: usize, stdout: Option<ChildStdout>, news: &mpsc::Sender<Happened>) {
    let Some(stdout) = stdout else { return };
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // The supervisor is gone, and with it the replica.
        let _ = news.send(Happened::Told(place, line)).await;
    }
}

/// A line of JSON, with the replica's name.
fn named(node: &str, line: &str) -> String {
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line) else {
        return line.to_owned();
    };
    let name = ("replica".to_owned(), Value::from(node));
    Value::Object([name].into_iter().chain(fields).collect()).to_string()
}

/// Ends the HAProxy of a replica that was killed, once its requests are finished.
fn retire(layout: &Layout) {
    let pid = std::fs::read_to_string(&layout.pid_file).ok();
    let pid: Option<u32> = pid.and_then(|text| text.trim().parse().ok());
    // Its number may be somebody else's by now.
    let name = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
    if name.is_some_and(|name| name.trim() == "haproxy") {
        signal(pid, Signal::USR1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_gets_the_name_of_its_replica() {
        let line = named("eu-1", r#"{"event":"x","n":1}"#);
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&line["replica"], &line["n"]), (&Value::from("eu-1"), &Value::from(1)));
        assert_eq!(named("eu-1", "no object"), "no object");
    }
}
