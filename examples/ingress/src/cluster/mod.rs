//! Several replicas of the controller that work as one, over NATS. All that is about that is here.
//!
//! - Each replica watches the site and runs a HAProxy. One of them leads (`election`): it alone runs
//!   the components that decide, which are the reconciler, the renderer and the executor.
//! - The validators are spread over the replicas (`shares`). The executor's request reaches them
//!   wherever they are.
//! - What the leader has put in force the others put in force too, without deciding anything.
//! - All that has a runtime of its own: a replica that computes must not seem to be gone.
//! - `supervisor` starts a server and replicas as child processes.

mod election;
pub(crate) mod events;
mod server;
mod shares;
pub(crate) mod supervisor;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use callboard::{Bus, Delivery, EventSet, Subscription};
use callboard_nats::NatsLink;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::election::Election;
use self::events::{ClusterChanged, ConfigDeployed, ConfigFollowed, LeaderElected, SteppedDown};
use self::shares::{Shares, View};
use crate::components::{Parts, publishes};
use crate::events::{
    ControllerStarted, ControllerStopping, DeployRequested, DeploySucceeded, Inputs,
    ResourcesWanted, ValidateConfig,
};
use crate::logic::inventory::Inventory;

/// Its name on the bus.
pub(crate) const NAME: &str = "cluster";

/// How long a replica waits for the others before it begins without them.
const TOGETHER: Duration = Duration::from_secs(5);
/// How long what it has to tell the others may take at the end.
const CLOSE: Duration = Duration::from_secs(2);

/// One replica of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    /// Its name.
    pub(crate) node: String,
    /// Where the server is.
    pub(crate) nats: String,
    /// How many replicas there are to be.
    pub(crate) of: usize,
}

#[derive(Debug, EventSet)]
enum Inbox {
    Started(Delivery<ControllerStarted>),
    Deployed(Delivery<ConfigDeployed>),
    Requested(Delivery<DeployRequested>),
    Succeeded(Delivery<DeploySucceeded>),
    Stopping(Delivery<ControllerStopping>),
}

/// Makes this bus one of several, and begins this replica's share of the validators.
///
/// The rest runs when the bus has started.
pub(crate) async fn join(
    bus: &Bus,
    replica: &Replica,
    parts: Parts,
) -> Result<impl Future<Output = ()> + Send + use<>, String> {
    let (tells, joined) = oneshot::channel();
    let (mut ends, ended) = oneshot::channel::<()>();
    let joining = Member::join(bus.clone(), replica.clone(), parts, Handle::current());
    let run = async move {
        match joining.await {
            Ok(joined) => {
                let _ = tells.send(Ok(()));
                joined.run().await;
            }
            Err(error) => _ = tells.send(Err(error)),
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    let until_dropped = async move {
        tokio::select! {
            () = run => {}
            () = ends.closed() => {}
        }
    };
    let thread = std::thread::Builder::new().name(NAME.to_owned());
    let started = thread.spawn(move || runtime.block_on(until_dropped));
    started.map_err(|error| format!("cannot start: {error}"))?;
    joined.await.unwrap_or_else(|_| Err("cannot join the cluster".to_owned()))?;
    Ok(async move { _ = ended.await })
}

#[derive(Debug, EventSet)]
enum Settled {
    Deployed(Delivery<ConfigDeployed>),
    Followed(Delivery<ConfigFollowed>),
}

/// Waits until this replica has told the others what it has in force: as the leader, or as one that
/// follows.
pub(crate) fn settled(bus: &Bus, replica: &Replica) -> impl Future<Output = ()> + Send + use<> {
    let mut inbox = bus.subscriber(format!("{NAME}.settled")).subscribe::<Settled>();
    let node = replica.node.clone();
    async move {
        while let Some(item) = inbox.recv().await {
            let of = match &item {
                Settled::Deployed(it) => &it.node,
                Settled::Followed(it) => &it.node,
            };
            if *of == node {
                return;
            }
        }
    }
}

struct Member {
    bus: Bus,
    node: String,
    parts: Parts,
    /// Where those run: not where the link does.
    components: Handle,
    view: View,
    shares: Shares,
    /// While this replica leads.
    term: Option<u64>,
    /// The components that decide, while this replica leads.
    deciding: JoinSet<()>,
    /// What the deployer was asked for, and works on.
    requested: VecDeque<Delivery<DeployRequested>>,
    /// What is in force in the cluster, as far as this replica knows.
    live: Option<Live>,
}

/// A configuration that is in force in the cluster.
struct Live {
    deployed: ConfigDeployed,
    /// What this replica's deployer was asked for to follow; none if it was the leader itself.
    inputs: Option<Arc<Inputs>>,
}

/// A replica that has joined.
struct Joined {
    member: Member,
    inbox: Subscription<Inbox>,
    link: NatsLink,
    election: Election,
}

impl Joined {
    async fn run(self) {
        let Self { mut member, mut inbox, link, election } = self;
        let (leads, mut leading) = watch::channel(None);
        let (mut election, mut elected) = (Some(election.run(leads)), JoinSet::new());
        member.tell_change();
        let failed = loop {
            let (node, view) = (&member.node, &member.view);
            tokio::select! {
                // What was told first: the components that decide end when the bus is closed.
                biased;
                item = inbox.recv() => match item {
                    Some(Inbox::Stopping(_)) | None => break false,
                    // Whoever leads must be able to decide.
                    Some(Inbox::Started(_)) => {
                        election.take().map(|election| elected.spawn(election));
                    }
                    Some(item) => member.take(item),
                },
                changed = leading.changed() => match changed {
                    Ok(()) => {
                        let term = *leading.borrow_and_update();
                        member.lead(term);
                    }
                    Err(_) => break true,
                },
                link = link.wait_until(|link| View::of(node, link) != *view) => {
                    member.regroup(View::of(&member.node, &link));
                }
                () = member.shares.ended() => break true,
                Some(_) = member.deciding.join_next() => break true,
            }
        };
        // Another one may lead from here on.
        member.deciding.shutdown().await;
        drop(leading);
        while elected.join_next().await.is_some() {}
        while !failed && inbox.recv().await.is_some() {}
        drop(member);
        if let Err(unsent) = link.close(CLOSE).await {
            anstream::eprintln!("ingress: {unsent}");
        }
    }
}

impl Member {
    /// Connects, waits for the others for a while, and takes a share of the validators.
    async fn join(
        bus: Bus,
        replica: Replica,
        parts: Parts,
        components: Handle,
    ) -> Result<Joined, String> {
        let inbox = bus.subscribe::<Inbox>(NAME);
        publishes!(bus, NAME, LeaderElected, SteppedDown, ConfigDeployed, ConfigFollowed);
        publishes!(bus, NAME, ClusterChanged, DeployRequested, ResourcesWanted);
        let Replica { node, nats, of } = replica;
        let election = Election::join(&nats, &node).await?;
        let link = NatsLink::builder(&bus, &nats)
            .namespace("ingress")
            .node(&node)
            .export::<LeaderElected>()
            .import::<LeaderElected>()
            .export::<ConfigDeployed>()
            .import::<ConfigDeployed>()
            .export::<ConfigFollowed>()
            .import::<ConfigFollowed>()
            .ask::<ValidateConfig>()
            .serve::<ValidateConfig>()
            .connect()
            .await
            .map_err(|error| error.to_string())?;
        let together = link.wait_until(|link| View::of(&node, link).nodes().len() >= of);
        // Those that are late join later.
        let _ = timeout(TOGETHER, together).await;
        let view = View::of(&node, &link.snapshot());
        let mut member = Self {
            bus,
            node,
            parts,
            components,
            view,
            shares: Shares::default(),
            term: None,
            deciding: JoinSet::new(),
            requested: VecDeque::new(),
            live: None,
        };
        member.share();
        Ok(Joined { member, inbox, link, election })
    }

    /// Begins and ends validators.
    fn share(&mut self) {
        self.shares.change(&self.node, &self.view, &self.parts, &self.components);
    }

    /// Begins or ends to lead.
    fn lead(&mut self, term: Option<u64>) {
        if let Some(term) = self.term.filter(|_| self.term != term) {
            // At once: what they have begun ends here. Their tasks are of no interest any more.
            self.deciding = JoinSet::new();
            self.publish(SteppedDown { term }, None);
        }
        self.term = term;
        match term {
            Some(term) => {
                for part in self.parts.deciding() {
                    self.deciding.spawn_on(part, &self.components);
                }
                let elected = self.publish(LeaderElected { node: self.node.clone(), term }, None);
                // They have just begun, and know nothing of the site.
                self.publish(ResourcesWanted { missed: 0 }, elected);
            }
            None => self.follow(None),
        }
    }

    fn take(&mut self, item: Inbox) {
        match item {
            Inbox::Requested(requested) => self.requested.push_back(requested),
            Inbox::Succeeded(succeeded) => self.succeeded(&succeeded),
            Inbox::Deployed(deployed) => {
                let known = self.live.as_ref().map(|live| live.deployed.version);
                if deployed.node != self.node && known < Some(deployed.version) {
                    let cause = Some(deployed.sequence());
                    let deployed = ConfigDeployed::clone(&deployed);
                    self.live = Some(Live { deployed, inputs: None });
                    if self.term.is_none() {
                        self.follow(cause);
                    }
                }
            }
            Inbox::Started(_) | Inbox::Stopping(_) => {}
        }
    }

    /// This replica's deployer has put a configuration in force.
    fn succeeded(&mut self, succeeded: &Delivery<DeploySucceeded>) {
        let (pass, cause) = (succeeded.pass, Some(succeeded.sequence()));
        // It works on one after another; those before have failed.
        let place = self.requested.iter().position(|it| it.inputs.pass == pass);
        let Some(requested) = place.and_then(|place| self.requested.drain(..=place).next_back())
        else {
            return;
        };
        let followed = self.live.as_ref().filter(|live| {
            live.inputs.as_ref().is_some_and(|inputs| Arc::ptr_eq(inputs, &requested.inputs))
        });
        match (followed, self.term) {
            (Some(live), _) => {
                let version = live.deployed.version;
                self.publish(ConfigFollowed { node: self.node.clone(), version }, cause);
            }
            (None, Some(term)) => {
                let deployed = ConfigDeployed {
                    node: self.node.clone(),
                    version: (term, pass),
                    config: Arc::clone(&requested.inputs.config),
                    rendered: Arc::clone(&requested.rendered),
                };
                self.live = Some(Live { deployed: deployed.clone(), inputs: None });
                self.publish(deployed, cause);
            }
            // Begun as the leader and ended too late: back to what the cluster has.
            (None, None) => self.follow(cause),
        }
    }

    /// Has the deployer put in force what the leader did.
    fn follow(&mut self, cause: Option<u64>) {
        let Some(live) = self.live.as_mut().filter(|it| it.deployed.node != self.node) else {
            return;
        };
        let inputs = Arc::new(Inputs {
            pass: Inputs::FOLLOWED,
            config: Arc::clone(&live.deployed.config),
            inventory: Inventory::default(),
        });
        live.inputs = Some(Arc::clone(&inputs));
        let rendered = live.deployed.rendered.moved(&self.parts.layout).into_owned();
        self.publish(DeployRequested { inputs, rendered: Arc::new(rendered) }, cause);
    }

    /// Replicas have come or gone, or validators have moved.
    fn regroup(&mut self, view: View) {
        let before = self.view.nodes();
        let came = view.nodes().iter().any(|node| !before.contains(node));
        let ran = self.shares.names();
        self.view = view;
        self.share();
        if before != self.view.nodes() || ran != self.shares.names() {
            self.tell_change();
        }
        // Events are not stored: those who came have not heard it.
        if let (true, Some(term)) = (came, self.term) {
            self.publish(LeaderElected { node: self.node.clone(), term }, None);
            let live = self.live.as_ref().map(|live| &live.deployed);
            if let Some(deployed) = live.filter(|it| it.version.0 == term) {
                self.publish(deployed.clone(), None);
            }
        }
    }

    fn tell_change(&self) {
        let (nodes, validators) = (self.view.nodes(), self.shares.names());
        self.publish(ClusterChanged { nodes, validators }, None);
    }

    /// Publishes what `cause` led to, or what happened outside the bus.
    fn publish<E: callboard::Event>(&self, event: E, cause: Option<u64>) -> Option<u64> {
        self.bus.publisher(NAME).publish_caused_by(event, cause).sequence()
    }
}
