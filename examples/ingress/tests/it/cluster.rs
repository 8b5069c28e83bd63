//! Several replicas over a real nats-server: one decides, all check and serve, and the work of one
//! that is killed is done by the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::console::{address, get};
use crate::support::controller::{gone, program, text_of};
use crate::support::{
    Backend, Controller, Site, eventually, has_nats_server, once, require_haproxy, sample, serves,
    text,
};

/// A supervisor and its replicas.
struct Cluster {
    told: Controller,
    pids: BTreeMap<String, Pid>,
    nats: String,
    leader: String,
    /// The addresses of the consoles, by replica.
    consoles: BTreeMap<String, String>,
}

impl Cluster {
    /// Starts replicas on `site`, and waits until each has the first configuration in force.
    fn start(site: &Site, haproxy: &std::path::Path, replicas: usize) -> Self {
        let count = replicas.to_string();
        let options = ["--cluster", &count, "--console=127.0.0.1:0"];
        let mut told = Controller::start_with(site, &site.out(), haproxy, &options);
        let mut pids = BTreeMap::new();
        let mut consoles = BTreeMap::new();
        let mut nats = String::new();
        while pids.len() < replicas {
            told.wait_for("every replica", |line| {
                if line["event"] == "console" {
                    assert!(pids.is_empty(), "the consoles come first");
                    consoles.insert(field(line, "replica"), address(&field(line, "url")));
                }
                line["event"] == "replica" && {
                    let pid = line["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
                    let pid = pid.and_then(Pid::from_raw).expect("a pid");
                    nats = field(line, "nats");
                    pids.insert(field(line, "replica"), pid).is_none()
                }
            });
        }
        assert_eq!(consoles.len(), replicas);
        let deployed = told.wait_for("a deployment", |line| line["event"] == "cluster.deployed");
        let leader = field(&deployed, "node");
        let mut cluster = Self { told, pids, nats, leader, consoles };
        cluster.followed(replicas - 1);
        cluster
    }

    /// Waits until as many replicas have said of themselves that they follow.
    fn followed(&mut self, count: usize) {
        let mut nodes = Vec::new();
        while nodes.len() < count {
            let line = self.told.wait_for("a follower", |line| {
                line["event"] == "cluster.followed" && line["node"] == line["replica"]
            });
            let node = field(&line, "node");
            assert!(!nodes.contains(&node), "{node} follows twice");
            nodes.push(node);
        }
    }

    /// Waits until a replica tells such an event; the replica.
    fn wait(&mut self, event: &str, part: &str) -> String {
        let line = self.told.wait_for(&format!("`{event}` with `{part}`"), |line| {
            line["event"] == event && text_of(line).contains(part)
        });
        field(&line, "replica")
    }

    /// Waits until the replica that leads has done a pass; the replica.
    fn finished(&mut self) -> String {
        self.wait("reconcile.finished", "")
    }

    /// Whether the leader's bus has one responder of this name, which is of that replica.
    fn leader_asks(&self, responder: &str, node: &str) -> bool {
        let answer = get(&self.consoles[&self.leader], "/snapshot.json");
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        let Ok(snapshot) = serde_json::from_str::<Value>(body) else { return false };
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let subscribers = list(&snapshot["subscribers"]);
        let named: Vec<_> = subscribers.iter().filter(|of| of["name"] == responder).collect();
        // The leader's own one may still be there, and the stand-in not yet: it signs in by the link.
        let by_link = |of: &Value| of["call_site"].as_str().is_some_and(|it| it.contains("nats"));
        let stand_in = matches!(named[..], [only] if by_link(only));
        let peers: Vec<_> =
            list(&snapshot["links"]).iter().flat_map(|link| list(&link["peers"])).collect();
        let mut offering =
            peers.iter().filter(|peer| list(&peer["components"]).iter().any(|it| it == responder));
        // The stand-in of the one that had it before is gone once that offers it no longer.
        let only = offering.next().is_some_and(|peer| peer["name"] == node);
        stand_in && only && offering.next().is_none()
    }

    /// Kills a replica, and waits until its HAProxy is gone too.
    fn kill(&mut self, site: &Site, node: &str) {
        let file = site.out().join(node).join("run/haproxy.pid");
        let haproxy = fs::read_to_string(file).expect("a pid file");
        let haproxy = haproxy.trim().parse().ok().and_then(Pid::from_raw).expect("a pid");
        let pid = self.pids.remove(node).expect("a replica that lives");
        kill_process(pid, Signal::KILL).expect("it can be killed");
        gone(haproxy);
    }
}

fn field(line: &Value, name: &str) -> String {
    line[name].as_str().unwrap_or_else(|| panic!("no {name} in {line}")).to_owned()
}

fn site() -> (Backend, Backend, Site) {
    let (blue, green) = (Backend::start("blue"), Backend::start("green"));
    let site = Site::new(&blue, &green);
    (blue, green, site)
}

#[test]
fn three_replicas_check_a_change_together_and_all_serve_it() {
    if !has_nats_server() {
        return;
    }
    let (_blue, _green, site) = site();
    let mut cluster = Cluster::start(&site, &require_haproxy(), 3);
    serves(site.port, "blue");
    site.route_to("green");
    // A verdict is told where the validator runs, and by the leader, who asked.
    let leader = cluster.leader.clone();
    let mut by = BTreeMap::new();
    while by.len() < 2 {
        let line = cluster.told.wait_for("verdicts of both followers", |line| {
            line["event"] == "config.verdict" && line["replica"] != leader.as_str()
        });
        let message = field(&line, "message");
        let validator = message.split(':').next().unwrap_or_default();
        let before = by.insert(field(&line, "replica"), validator.to_owned());
        assert_eq!(before, None, "two validators on one follower");
    }
    let validators: BTreeSet<_> = by.values().collect();
    assert_eq!(validators.len(), 2, "{by:?}");
    assert_eq!(cluster.finished(), cluster.leader);
    cluster.followed(2);
    for node in ["eu-1", "eu-2", "eu-3"] {
        let config = fs::read_to_string(site.out().join(node).join("haproxy.cfg")).expect("it");
        let others = ["eu-1", "eu-2", "eu-3"].into_iter().filter(|other| *other != node);
        assert!(config.contains(&format!("/{node}/")), "{config}");
        for other in others {
            assert!(!config.contains(&format!("/{other}/")), "{node} has paths of {other}");
        }
    }
    serves(site.port, "green");
    assert!(cluster.told.terminate().success());
}

#[test]
fn when_the_leader_is_killed_another_one_deploys_the_next_change() {
    if !has_nats_server() {
        return;
    }
    let (_blue, _green, site) = site();
    let mut cluster = Cluster::start(&site, &require_haproxy(), 3);
    let old = cluster.leader.clone();
    cluster.kill(&site, &old);
    site.route_to("green");
    let elected = cluster.told.wait_for("another leader", |line| {
        line["event"] == "cluster.leader" && line["node"] != old.as_str()
    });
    let new = field(&elected, "node");
    assert_eq!(cluster.finished(), new);
    cluster.followed(1);
    serves(site.port, "green");
    // It goes on, with the two that are left.
    site.route_to("blue");
    assert_eq!(cluster.finished(), new);
    cluster.followed(1);
    serves(site.port, "blue");
}

#[test]
fn a_leader_that_stood_still_steps_down_and_follows() {
    if !has_nats_server() {
        return;
    }
    let (_blue, _green, site) = site();
    let mut cluster = Cluster::start(&site, &require_haproxy(), 3);
    let old = cluster.leader.clone();
    kill_process(cluster.pids[&old], Signal::STOP).expect("it can be stopped");
    site.route_to("green");
    let new = cluster.finished();
    assert_ne!(new, old);
    kill_process(cluster.pids[&old], Signal::CONT).expect("it can go on");
    let stepped_down = cluster.wait("cluster.stepped_down", "");
    assert_eq!(stepped_down, old);
    let follows = format!("{old} follows");
    cluster.told.wait_for("the old leader to follow", |line| {
        line["replica"] == old.as_str() && text_of(line).contains(&follows)
    });
    serves(site.port, "green");
}

#[test]
fn when_a_follower_is_killed_its_pass_is_repeated_and_its_validator_moves() {
    if !has_nats_server() {
        return;
    }
    let (_blue, _green, site) = site();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let hold = folder.path().join("hold");
    let haproxy = holding(&folder.path().join("haproxy"), &hold);
    let mut cluster = Cluster::start(&site, &haproxy, 2);
    // A third one joins. It comes last in the order of names, and so runs the third validator.
    let out = folder.path().join("eu-9");
    let options = ["--node", "eu-9", "--nats", &cluster.nats, "--console=off"];
    let mut third = Controller::start_with(&site, &out, &haproxy, &options);
    third.wait("cluster.followed", "eu-9 follows");
    // Until then it was the first one's.
    cluster.told.wait_for("the first one to hand it over", |line| {
        let has = |field: &str, name| {
            line[field].as_array().is_some_and(|names| names.iter().any(|it| it == name))
        };
        let is_first = line["event"] == "cluster.changed" && line["replica"] == "eu-1";
        is_first && has("nodes", "eu-9") && !has("validators", "haproxy")
    });
    eventually("the leader to know only the new one", || cluster.leader_asks("haproxy", "eu-9"));

    fs::write(&hold, "").expect("a file can be written");
    site.route_to("green");
    third.wait("config.validate", "");
    let orphan = third.haproxy();
    third.crash();
    let _ = kill_process(orphan, Signal::KILL);
    cluster.told.wait("reconcile.failed", "validator `haproxy` did not answer: gone");
    fs::remove_file(&hold).expect("it is there");
    assert_eq!(cluster.finished(), cluster.leader);
    cluster.followed(1);
    serves(site.port, "green");
}

/// A HAProxy whose checks wait for as long as `hold` is there.
fn holding(path: &std::path::Path, hold: &std::path::Path) -> PathBuf {
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = -c ]; then while [ -e '{}' ]; do sleep 0.05; done; fi\n\
         exec '{}' \"$@\"\n",
        hold.display(),
        require_haproxy().display()
    );
    fs::write(path, script).expect("a script can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it can be run");
    path.to_owned()
}

#[test]
fn one_pass_of_three_replicas_writes_three_configurations() {
    if !has_nats_server() {
        return;
    }
    let out = tempfile::tempdir().expect("a temporary folder");
    let output = once(&sample(), out.path(), &["--haproxy", "none", "--cluster", "3"]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    for node in ["eu-1", "eu-2", "eu-3"] {
        assert!(out.path().join(node).join("haproxy.cfg").is_file(), "{node}: {told}");
    }
    assert!(told.contains("every validator agreed") && !told.contains("not valid"), "{told}");
}

#[test]
fn without_a_server_a_cluster_says_how_to_get_one() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut command = program();
    command.args(["--cluster", "3"]).arg("--out").arg(out.path());
    let ended = command.env("NATS_SERVER", "/nonexistent").output().expect("it runs");
    assert!(!ended.status.success());
    let told = text(&ended.stderr);
    assert!(told.contains("/nonexistent"), "{told}");
}
