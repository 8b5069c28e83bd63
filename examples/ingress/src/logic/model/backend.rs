//! From a service reference to the endpoints behind it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{IngressServiceBackend, ServiceBackendPort};

use super::super::inventory::Index;
use super::super::manifest::Object;
use super::{Backend, Server};

const BALANCE: [&str; 5] = ["roundrobin", "leastconn", "source", "random", "uri"];

/// Why a reference leads nowhere.
#[derive(Debug)]
pub(super) struct Missing {
    /// The field of the reference that is to blame.
    pub(super) field: &'static str,
    /// Why.
    pub(super) reason: String,
}

/// The backend that `wanted`, written in `ingress`, stands for.
pub(super) fn resolve(
    index: &Index<'_>,
    ingress: &Object,
    wanted: &IngressServiceBackend,
) -> Result<Backend, Missing> {
    let namespace = ingress.namespace();
    let missing = |field, reason| Missing { field, reason };
    let service = index.service(namespace, &wanted.name).ok_or_else(|| {
        missing("name", format!("there is no Service {namespace}/{}", wanted.name))
    })?;
    let port = wanted.port.as_ref().and_then(|port| find_port(service, port)).ok_or_else(|| {
        let asked = wanted.port.as_ref().map_or_else(|| "none".to_owned(), describe);
        let reason = format!("Service {namespace}/{} has no port {asked}", wanted.name);
        missing("port", reason)
    })?;
    let annotation = |name: &str| {
        [&service.metadata, ingress.resource.metadata()]
            .into_iter()
            .find_map(|it| it.annotations.as_ref()?.get(name))
            .map(String::as_str)
    };
    let balance = annotation("haproxy.org/load-balance").unwrap_or("roundrobin");
    if !BALANCE.contains(&balance) {
        let reason =
            format!("haproxy.org/load-balance: `{balance}` is none of {}", BALANCE.join(", "));
        return Err(missing("name", reason));
    }
    Ok(Backend {
        name: format!("{namespace}_{}_{}", wanted.name, port.port),
        balance: balance.to_owned(),
        check: annotation("haproxy.org/check") == Some("enabled"),
        servers: servers(index.slices(namespace, &wanted.name), port.name.as_deref()),
    })
}

fn find_port<'s>(service: &'s Service, wanted: &ServiceBackendPort) -> Option<&'s ServicePort> {
    let ports = service.spec.as_ref()?.ports.as_ref()?;
    ports.iter().find(|port| match (&wanted.name, wanted.number) {
        (Some(name), _) => port.name.as_ref() == Some(name),
        (None, number) => Some(port.port) == number,
    })
}

fn describe(port: &ServiceBackendPort) -> String {
    match (&port.name, port.number) {
        (Some(name), _) => format!("`{name}`"),
        (None, Some(number)) => number.to_string(),
        (None, None) => "without name or number".to_owned(),
    }
}

/// The ready endpoints of the port called `port`; an unnamed port has the empty name.
fn servers(slices: &[&EndpointSlice], port: Option<&str>) -> Vec<Server> {
    let mut servers = BTreeSet::new();
    for slice in slices {
        let number = slice
            .ports
            .iter()
            .flatten()
            .find(|it| it.name.as_deref().unwrap_or("") == port.unwrap_or(""))
            .and_then(|it| it.port);
        let Some(number) = number else { continue };
        for endpoint in slice.endpoints.iter().flatten() {
            let conditions = endpoint.conditions.as_ref();
            if conditions.and_then(|it| it.ready) == Some(false) {
                continue;
            }
            // All of an endpoint's addresses are one pod; the first is the one to use.
            let Some(ip) = endpoint.addresses.first() else {
                continue;
            };
            let Ok(ip) = ip.parse::<std::net::IpAddr>() else {
                continue;
            };
            let address =
                std::net::SocketAddr::new(ip, u16::try_from(number).unwrap_or(0)).to_string();
            let pod = endpoint.target_ref.as_ref().and_then(|it| it.name.as_ref());
            let name = pod.cloned().unwrap_or_else(|| address.replace([':', '[', ']'], "-"));
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
            if plain {
                servers.insert(Server { name, address });
            }
        }
    }
    servers.into_iter().collect()
}
