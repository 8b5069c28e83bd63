//! Nodes in processes of their own, to be frozen and killed: this test binary, run once more.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use callboard::Bus;
use callboard_nats::{LinkBuilder, NatsLink};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::{Value, json};
use tokio::io::AsyncBufReadExt;

use crate::support::PATIENCE;
use crate::world::{LONG, Order, order};

/// What a process says begins with this; the test harness says other things.
const SAID: &str = "node says ";

/// How many nodes start together, and how many events each publishes before.
pub(crate) const CROWD: usize = 5;
const FIRST: u64 = 20;

/// A node in a process of its own.
pub(crate) struct Process {
    child: Child,
    orders: ChildStdin,
    said: mpsc::Receiver<Value>,
}

impl Process {
    /// Starts a node that does this: `publish`, `subscribe`, `take` or `join`.
    pub(crate) fn start(role: &str, name: &str, url: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "faults::processes::a_node_of_its_own", "--ignored", "--nocapture"])
            .env("CALLBOARD_NODE", format!("{role} {name} {url}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (say, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let Some((_, json)) = line.split_once(SAID) else { continue };
                if say.send(serde_json::from_str(json).unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { child, orders, said }
    }

    /// What the process says next.
    pub(crate) fn says(&self) -> Value {
        tokio::task::block_in_place(|| self.said.recv_timeout(PATIENCE))
            .expect("the process says something")
    }

    /// A picture of its link and, for a subscriber, how many events have `arrived`.
    pub(crate) fn snapshot(&mut self) -> Value {
        writeln!(self.orders, "snapshot").unwrap();
        self.says()
    }

    /// Waits until the picture is as wanted.
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        crate::support::wait_for(what, || Some(self.snapshot()).filter(&wanted))
    }

    /// Stops publishing.
    pub(crate) fn finish(&mut self) {
        writeln!(self.orders, "finish").unwrap();
    }

    /// SIGSTOP. Returns when it stands still.
    pub(crate) fn freeze(&self) {
        let process = self.signal(Signal::STOP);
        waitid(WaitId::Pid(process), WaitIdOptions::STOPPED).unwrap();
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) -> Pid {
        let process = Pid::from_child(&self.child);
        kill_process(process, signal).unwrap();
        process
    }

    /// The memory that it uses, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        1_024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    }
}

impl Drop for Process {
    /// SIGKILL.
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(what: &Value) {
    println!("{SAID}{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a process that other tests start"]
async fn a_node_of_its_own() {
    let Ok(task) = std::env::var("CALLBOARD_NODE") else { return };
    let [role, name, url] = task.split(' ').collect::<Vec<_>>()[..] else { panic!("{task}") };
    let builder = |bus: &Bus| NatsLink::builder(bus, url).namespace("test").node(name);
    match role {
        "publish" => publish(builder).await,
        "subscribe" => subscribe(builder, true).await,
        "take" => subscribe(builder, false).await,
        "join" => join(builder, name).await,
        _ => panic!("{role}"),
    }
}

/// Publishes until it is told to finish.
async fn publish(builder: impl Fn(&Bus) -> LinkBuilder) {
    let bus = Bus::new();
    bus.start();
    let link = builder(&bus).export::<Order>().connect().await.unwrap();
    link.wait_until(|link| !link.peers.is_empty() && link.peers.iter().all(is_present)).await;
    let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let (mut id, mut publishing) = (0, true);
    loop {
        tokio::select! {
            _ = tick.tick(), if publishing => {
                (id..id + 20).for_each(|id| _ = bus.publish(order(id)));
                id += 20;
            }
            line = lines.next_line() => match line.unwrap().as_deref() {
                Some("snapshot") => say(&json!({ "link": link.snapshot() })),
                Some("finish") => publishing = false,
                _ => return,
            },
        }
    }
}

fn is_present(peer: &callboard_nats::PeerSnapshot) -> bool {
    peer.state == callboard_nats::PeerState::Present
}

/// Takes orders. If it `checks`, they must come once and in order, from one start of one publisher.
async fn subscribe(builder: impl Fn(&Bus) -> LinkBuilder, checks: bool) {
    let bus = Bus::new();
    bus.start();
    let mut inbox = bus.subscriber("audit").capacity(1_000_000).subscribe::<Order>();
    let link = builder(&bus).import::<Order>().connect().await.unwrap();
    let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    let (mut next, mut arrived) = (0, 0);
    loop {
        tokio::select! {
            biased;
            order = inbox.recv() => {
                let order = order.unwrap();
                assert!(!checks || order.id >= next && order.missed() == 0, "{} after {next}", order.id);
                (next, arrived) = (order.id + 1, arrived + 1);
            }
            line = lines.next_line() => match line.unwrap().as_deref() {
                Some("snapshot") => {
                    say(&json!({ "link": link.snapshot(), "arrived": arrived }));
                }
                _ => return,
            },
        }
    }
}

/// Starts together with the others, and misses no event of any.
async fn join(builder: impl Fn(&Bus) -> LinkBuilder, name: &str) {
    let others = (0..CROWD).map(|it| format!("n{it}")).filter(|it| it != name);
    let expected = others.map(|it| format!("audit-{it}"));
    let bus = Bus::builder().expect_subscribers(expected).build().unwrap();
    let mut inbox = bus.subscriber(format!("audit-{name}")).capacity(1_000).subscribe::<Order>();
    for id in 0..FIRST {
        bus.publish(Order { id, text: name.to_owned() });
    }
    let link = builder(&bus).export::<Order>().import::<Order>().connect().await.unwrap();
    if let Err(error) = bus.start_when_ready(LONG).await {
        return say(&json!({ "error": error.to_string(), "link": link.snapshot() }));
    }
    let mut next = std::collections::BTreeMap::<String, u64>::new();
    for _ in 0..FIRST * CROWD as u64 {
        let Ok(order) = tokio::time::timeout(LONG, inbox.recv()).await else {
            return say(&json!({ "error": format!("{next:?}"), "link": link.snapshot() }));
        };
        let order = order.unwrap();
        let next = next.entry(order.text.clone()).or_default();
        assert_eq!(order.id, *next, "from {}", order.text);
        *next += 1;
    }
    // An event arrives a moment before it is in the account.
    let counted = |link: &callboard_nats::LinkSnapshot| {
        link.imports.iter().map(|of| of.delivered).sum::<u64>() == FIRST * (CROWD as u64 - 1)
    };
    let _counted = tokio::time::timeout(LONG, link.wait_until(counted)).await;
    say(&json!({ "link": link.snapshot() }));
    // The others may still wait for what is theirs.
    let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    let _ended = lines.next_line().await;
}
