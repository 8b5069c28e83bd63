//! What the site means for a proxy: routes, backends, certificates.
//!
//! [`build()`] is total: it makes the best model it can and lists every problem on the way. An
//! error costs what it is about and no more: a path without its Service answers 503, a host
//! without its Secret has no certificate of its own, an endpoint without an address is left out.
//! The renderer uses the model; the `schema` validator answers with the problems.

mod backend;
mod build;
#[cfg(test)]
mod faults;
mod ingress;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

pub(crate) use build::build;

/// The proxy's view of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Model {
    /// Which requests go to which backend.
    pub(crate) routes: Vec<Route>,
    /// The backends, by name.
    pub(crate) backends: BTreeMap<String, Backend>,
    /// Where requests go that no route takes.
    pub(crate) default_backend: Option<String>,
    /// The certificates, by `namespace/name`.
    pub(crate) certificates: BTreeMap<String, Certificate>,
    /// The certificate for hosts that have none of their own, as `namespace/name`.
    pub(crate) default_certificate: Option<String>,
    /// The entries of the options ConfigMap.
    pub(crate) options: BTreeMap<String, String>,
    /// The Ingresses of other classes.
    pub(crate) passed_over: Vec<PassedOver>,
}

/// The name of the backend without servers, which answers 503 for what an error cost.
pub(crate) const UNAVAILABLE: &str = "unavailable";

/// An Ingress that belongs to another controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PassedOver {
    /// The Ingress, as `namespace/name`.
    pub(crate) ingress: String,
    /// The class it names, if any.
    pub(crate) class: Option<String>,
    /// The file, relative to the site.
    pub(crate) file: PathBuf,
    /// The line it starts at.
    pub(crate) line: usize,
}

/// Requests for one path of one host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Route {
    /// The host, `*.example.com`, or `*` for any.
    pub(crate) host: String,
    /// The path, which starts with `/`.
    pub(crate) path: String,
    /// Whether the path must match exactly.
    pub(crate) kind: PathKind,
    /// The name of the backend.
    pub(crate) backend: String,
    /// The Ingress, as `namespace/name`.
    pub(crate) ingress: String,
}

/// How a path is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PathKind {
    /// The whole path.
    Exact,
    /// The path's first elements.
    Prefix,
}

/// One port of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Backend {
    /// `namespace_service_port`.
    pub(crate) name: String,
    /// How requests are spread.
    pub(crate) balance: String,
    /// Whether HAProxy checks the servers' health itself.
    pub(crate) check: bool,
    /// The ready endpoints.
    pub(crate) servers: Vec<Server>,
    /// Whether the server is a name that HAProxy has to look up.
    pub(crate) external: bool,
}

/// One ready endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Server {
    /// The pod's name, or one made of the address.
    pub(crate) name: String,
    /// The address, or the name for an external one, with its port.
    pub(crate) address: String,
}

/// A certificate and the hosts it is shown for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Certificate {
    /// The Secret, as `namespace/name`.
    pub(crate) secret: String,
    /// The hosts that asked for it; none for all.
    pub(crate) hosts: Vec<String>,
    /// Certificate chain and key. Not for the template.
    #[serde(skip)]
    pub(crate) pem: String,
}
