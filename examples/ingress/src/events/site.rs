//! What the site holds and how it changes.

use std::path::PathBuf;
use std::sync::Arc;

use callboard::{Coalesce, Event};
use serde::{Deserialize, Serialize};

use crate::logic::manifest::Manifest;
use crate::logic::problem::Problem;
use crate::logic::render::Template;
use crate::logic::settings::Settings;

/// The components are together and the story begins.
#[derive(Debug, Event)]
#[event(type = "controller.started")]
pub(crate) struct ControllerStarted {
    /// The folder that is watched.
    pub(crate) site: PathBuf,
    /// The folder that is written.
    pub(crate) out: PathBuf,
    /// How many components take part.
    pub(crate) components: usize,
    /// HAProxy's version, if there is one.
    pub(crate) haproxy: Option<String>,
}

/// The controller was asked to end.
#[derive(Debug, Event)]
#[event(type = "controller.stopping")]
pub(crate) struct ControllerStopping {
    /// Why.
    pub(crate) reason: String,
}

/// `controller.yaml` or a template is not what it was.
#[derive(Debug, Event)]
#[event(type = "settings.changed")]
pub(crate) struct SettingsChanged {
    /// The file, relative to the site.
    pub(crate) file: PathBuf,
}

impl Coalesce for SettingsChanged {
    type Key = PathBuf;

    fn key(&self) -> PathBuf {
        self.file.clone()
    }
}

/// Settings and template, read together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    /// What `controller.yaml` says.
    pub(crate) settings: Settings,
    /// The template it names.
    pub(crate) template: Template,
}

/// Settings and template were read.
#[derive(Debug, Event)]
#[event(type = "config.loaded", retain)]
pub(crate) struct ConfigLoaded {
    /// Both.
    pub(crate) config: Arc<Config>,
}

/// Settings or template cannot be used.
#[derive(Debug, Event)]
#[event(type = "config.rejected", retain)]
pub(crate) struct ConfigRejected {
    /// Why not.
    pub(crate) problem: Problem,
}

/// A resource file has new content.
#[derive(Debug, Event)]
#[event(type = "resource.changed")]
pub(crate) struct ResourceChanged {
    /// The content.
    pub(crate) manifest: Arc<Manifest>,
}

impl Coalesce for ResourceChanged {
    type Key = PathBuf;

    fn key(&self) -> PathBuf {
        self.manifest.file.clone()
    }
}

/// A resource file is gone.
#[derive(Debug, Event)]
#[event(type = "resource.removed")]
pub(crate) struct ResourceRemoved {
    /// The file, relative to the site.
    pub(crate) file: PathBuf,
}

impl Coalesce for ResourceRemoved {
    type Key = PathBuf;

    fn key(&self) -> PathBuf {
        self.file.clone()
    }
}

/// A resource file, or some of its objects, cannot be read. The others follow in its
/// [`ResourceChanged`].
#[derive(Debug, Event)]
#[event(type = "resource.rejected")]
pub(crate) struct ResourceRejected {
    /// The content.
    pub(crate) manifest: Arc<Manifest>,
}

impl Coalesce for ResourceRejected {
    type Key = PathBuf;

    fn key(&self) -> PathBuf {
        self.manifest.file.clone()
    }
}

/// New files under `resources/` are not manifests, going by their names.
#[derive(Debug, Event)]
#[event(type = "resources.ignored")]
pub(crate) struct ResourcesIgnored {
    /// The files, relative to the site.
    pub(crate) files: Vec<PathBuf>,
}

/// Every file of the site has been told about.
#[derive(Debug, Event)]
#[event(type = "resources.synced")]
pub(crate) struct ResourcesSynced {
    /// How many resource files there are.
    pub(crate) files: usize,
    /// How many of them were told about in this round.
    pub(crate) changed: usize,
}

/// Somebody missed events and asks to be told everything again.
#[derive(Debug, Event)]
#[event(type = "resources.wanted")]
pub(crate) struct ResourcesWanted {
    /// How many events were missed.
    pub(crate) missed: u64,
}

/// The site cannot be watched as it should.
#[derive(Debug, Event)]
#[event(type = "watch.degraded")]
pub(crate) struct WatchDegraded {
    /// What is wrong and what is done instead.
    pub(crate) reason: String,
}
