//! What the replicas tell each other, and what one tells about its place among them.

use std::sync::Arc;

use callboard::Event;
use serde::{Deserialize, Serialize};

use crate::events::Config;
use crate::logic::render::Rendered;

/// A replica leads. Sent to all.
#[derive(Clone, Debug, Event, Serialize, Deserialize)]
#[event(type = "cluster.leader")]
pub(crate) struct LeaderElected {
    /// The replica.
    pub(crate) node: String,
    /// Its term: a later leader has a greater one.
    pub(crate) term: u64,
}

/// This replica does not lead any more.
#[derive(Debug, Event)]
#[event(type = "cluster.stepped_down")]
pub(crate) struct SteppedDown {
    /// The term that is over for it.
    pub(crate) term: u64,
}

/// The leader has a configuration in force. Sent to all, who put it in force too.
#[derive(Clone, Debug, Event, Serialize, Deserialize)]
#[event(type = "cluster.deployed")]
pub(crate) struct ConfigDeployed {
    /// The leader.
    pub(crate) node: String,
    /// Its term and, within that, its pass: the version.
    pub(crate) version: (u64, u64),
    /// Settings and template.
    pub(crate) config: Arc<Config>,
    /// The configuration, with the paths of the leader.
    pub(crate) rendered: Arc<Rendered>,
}

/// A replica has the leader's configuration in force. Sent to all.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(type = "cluster.followed")]
pub(crate) struct ConfigFollowed {
    /// The replica.
    pub(crate) node: String,
    /// The version, as in [`ConfigDeployed`].
    pub(crate) version: (u64, u64),
}

/// The replicas that are there have changed, or where validators run.
#[derive(Debug, Event)]
#[event(type = "cluster.changed")]
pub(crate) struct ClusterChanged {
    /// The replicas, in order, this one included.
    pub(crate) nodes: Vec<String>,
    /// The validators that run on this one.
    pub(crate) validators: Vec<&'static str>,
}
