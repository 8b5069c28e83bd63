//! Several servers with routes between them.

use std::collections::BTreeSet;

use super::binary::Binary;
use super::ports::Port;
use super::server::{Server, default_config};
use super::{monitoring, wait_for};

/// A cluster whose servers are killed and restarted one by one.
#[derive(Debug)]
pub(crate) struct Cluster {
    nodes: Vec<Server>,
    _routes: Vec<Port>,
}

impl Cluster {
    /// Starts `count` servers with JetStream, and waits until each has a route to every other and
    /// they have elected a leader. Servers tell clients the addresses of all. `None` if there is no
    /// `nats-server`.
    pub(crate) fn start(count: usize) -> Option<Self> {
        Self::start_with(count, "")
    }

    /// As [`start`](Self::start), with servers that do not tell clients each other's addresses:
    /// for clients that are to reach each server through a proxy only.
    pub(crate) fn start_unadvertised(count: usize) -> Option<Self> {
        Self::start_with(count, "no_advertise: true")
    }

    fn start_with(count: usize, options: &str) -> Option<Self> {
        let common = default_config(Binary::find()?);
        let routes: Vec<Port> = (0..count).map(|_| Port::take()).collect();
        let urls: Vec<String> =
            routes.iter().map(|it| format!("nats://127.0.0.1:{}", it.number())).collect();
        let urls = urls.join(", ");
        let mut nodes = Vec::new();
        for route in &routes {
            let listen = route.number();
            nodes.push(Server::start_with(&format!(
                "{common}cluster {{\n  name: test\n  listen: 127.0.0.1:{listen}\n  \
                 routes: [{urls}]\n  {options}\n}}\n"
            ))?);
        }
        let cluster = Self { nodes, _routes: routes };
        cluster.wait_until_linked();
        Some(cluster)
    }

    /// Where clients connect: the address of every server.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Server::url).collect()
    }

    /// One of the servers.
    pub(crate) fn node(&self, index: usize) -> &Server {
        &self.nodes[index]
    }

    /// One of the servers, to be killed or to be waited for.
    pub(crate) fn node_mut(&mut self, index: usize) -> &mut Server {
        &mut self.nodes[index]
    }

    /// Kills one of the servers with SIGKILL.
    pub(crate) fn kill(&mut self, index: usize) {
        self.nodes[index].kill();
    }

    /// Restarts one of the servers, and waits until the living servers are linked again.
    pub(crate) fn restart(&mut self, index: usize) {
        self.nodes[index].restart();
        self.wait_until_linked();
    }

    /// Waits until every living server has a route to every other one and, if they are a majority,
    /// all know the same leader of JetStream, which is alive. Frozen servers must be resumed first.
    pub(crate) fn wait_until_linked(&self) {
        let alive: Vec<&Server> = self.nodes.iter().filter(|it| it.is_alive()).collect();
        let names: BTreeSet<String> = alive.iter().map(|it| it.name().to_owned()).collect();
        for node in &alive {
            let mut others = names.clone();
            others.remove(node.name());
            wait_for("the routes of a cluster", || {
                (monitoring::routes(node.monitoring_port())? == others).then_some(())
            });
        }
        if alive.len() * 2 <= self.nodes.len() {
            return;
        }
        wait_for("a leader of the cluster", || {
            let leaders: Option<BTreeSet<String>> =
                alive.iter().map(|it| monitoring::leader(it.monitoring_port())).collect();
            let leaders = leaders?;
            (leaders.len() == 1 && leaders.is_subset(&names)).then_some(())
        });
    }
}
