//! One file of Kubernetes objects, as `kubectl get` prints them with `-o yaml` or `-o json`.
//!
//! A file holds any number of documents, each one object or a `List` of objects. Kinds the
//! controller does not use are counted and left alone. An object that cannot be read does
//! not affect the others: the manifest has a problem with file and line in its place.

mod read;
mod salvage;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

pub(crate) use read::parse;

/// The objects of one file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The file, relative to the site.
    pub(crate) file: PathBuf,
    /// What it holds, in order.
    pub(crate) objects: Vec<Object>,
    /// How many objects there are of each kind the controller does not use.
    pub(crate) ignored: BTreeMap<String, usize>,
    /// The objects that could not be read, and why.
    pub(crate) problems: Vec<Problem>,
    /// What is left of Ingresses that could not be read: their hosts and paths.
    pub(crate) unreadable: Vec<Ingress>,
    /// The objects that could not be read but have a name.
    pub(crate) rejected: Vec<Rejected>,
}

/// An object that could not be read, for messages about references to it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rejected {
    /// The kind, as Kubernetes spells it.
    pub(crate) kind: Cow<'static, str>,
    /// `namespace/name`; for an EndpointSlice, of its Service.
    pub(crate) key: String,
    /// The line of its first problem.
    pub(crate) line: usize,
}

impl Manifest {
    /// A manifest that holds nothing, because `problem` kept the file from being read.
    pub(crate) fn unreadable(problem: Problem) -> Self {
        Self { problems: vec![problem.clone()], ..Self::empty(&problem.file) }
    }

    fn empty(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            objects: Vec::new(),
            ignored: BTreeMap::new(),
            problems: Vec::new(),
            unreadable: Vec::new(),
            rejected: Vec::new(),
        }
    }
}

/// One Kubernetes object and where it is written.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Object {
    /// The line it starts at.
    pub(crate) line: usize,
    /// The object itself.
    pub(crate) resource: Resource,
    lines: HashMap<String, usize>,
}

/// The label of an EndpointSlice that names its Service.
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The kinds the controller uses, as Kubernetes spells them.
const KINDS: [&str; 5] = ["Ingress", "Service", "EndpointSlice", "Secret", "ConfigMap"];

/// The kinds the controller uses.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Resource {
    /// Which requests go to which service.
    Ingress(Box<Ingress>),
    /// A name for a set of ports.
    Service(Box<Service>),
    /// The addresses behind a service.
    EndpointSlice(Box<EndpointSlice>),
    /// A certificate and its key.
    Secret(Box<Secret>),
    /// Options for the template.
    ConfigMap(Box<ConfigMap>),
}

impl Resource {
    /// The kind, as Kubernetes spells it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Ingress(_) => "Ingress",
            Self::Service(_) => "Service",
            Self::EndpointSlice(_) => "EndpointSlice",
            Self::Secret(_) => "Secret",
            Self::ConfigMap(_) => "ConfigMap",
        }
    }

    /// Name, namespace, labels and annotations.
    pub(crate) fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Ingress(it) => &it.metadata,
            Self::Service(it) => &it.metadata,
            Self::EndpointSlice(it) => &it.metadata,
            Self::Secret(it) => &it.metadata,
            Self::ConfigMap(it) => &it.metadata,
        }
    }
}

impl Object {
    /// `namespace/name`.
    pub(crate) fn key(&self) -> String {
        key(self.namespace(), self.name())
    }

    /// The object's name.
    pub(crate) fn name(&self) -> &str {
        self.resource.metadata().name.as_deref().unwrap_or_default()
    }

    /// The object's namespace; `default` when it names none.
    pub(crate) fn namespace(&self) -> &str {
        let namespace = self.resource.metadata().namespace.as_deref();
        namespace.unwrap_or("default")
    }

    /// The line of `path` (`spec.rules[0].host`), or of the closest thing around it.
    pub(crate) fn line_of(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.line,
            }
        }
    }
}

/// `namespace/name`.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}
