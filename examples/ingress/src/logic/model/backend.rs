//! From a service reference to the servers behind it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::api::networking::v1::{IngressServiceBackend, ServiceBackendPort};

use super::super::inventory::{Entry, Index};
use super::super::manifest::{Object, key};
use super::super::placeholder;
use super::super::problem::Problem;
use super::{Backend, Server};

const BALANCE: [&str; 5] = ["roundrobin", "leastconn", "source", "random", "uri"];

/// Why a reference leads nowhere.
#[derive(Debug)]
pub(super) struct Missing {
    /// The field of the reference that is to blame.
    pub(super) field: &'static str,
    /// Why.
    pub(super) reason: String,
    /// Whether the Service is there and has been reported where it is written.
    pub(super) rejected: bool,
}

/// The port of a Service, by number and name.
struct Port<'s> {
    number: i32,
    name: Option<&'s str>,
}

/// The backend that `wanted`, written in `ingress`, refers to, and a problem for each endpoint that
/// is left out.
pub(super) fn resolve(
    index: &Index<'_>,
    ingress: &Object,
    wanted: &IngressServiceBackend,
) -> Result<(Backend, Vec<Problem>), Missing> {
    let namespace = ingress.namespace();
    let missing = |field, reason| Missing { field, reason, rejected: false };
    let service = index.service(namespace, &wanted.name).ok_or_else(|| {
        let key = key(namespace, &wanted.name);
        if let Some(place) = index.rejected("Service", &key) {
            let reason = format!("Service {key} was rejected at {place}");
            return Missing { field: "name", reason, rejected: true };
        }
        if wanted.name.is_empty() {
            return missing("name", "the backend names no Service".to_owned());
        }
        let otherwise = || format!("there is no Service {key}");
        missing("name", placeholder::explain(&wanted.name).unwrap_or_else(otherwise))
    })?;
    let port = wanted.port.as_ref().and_then(|port| find_port(service, port)).ok_or_else(|| {
        let service = format!("Service {namespace}/{}", wanted.name);
        let reason = match wanted.port.as_ref().and_then(describe) {
            Some(port) => format!("{service} has no port {port}"),
            None => format!("the backend names no port of {service}"),
        };
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
    let (servers, problems) = if is_external(service) {
        let server = external(service, port.number).map_err(|reason| {
            missing("name", format!("Service {namespace}/{}: {reason}", wanted.name))
        })?;
        (vec![server], Vec::new())
    } else {
        servers(index.slices(namespace, &wanted.name), port.name.unwrap_or_default())
    };
    let backend = Backend {
        name: format!("{namespace}_{}_{}", wanted.name, port.number),
        balance: balance.to_owned(),
        check: annotation("haproxy.org/check") == Some("enabled"),
        external: servers.iter().any(|server| server.address.parse::<SocketAddr>().is_err()),
        servers,
    };
    Ok((backend, problems))
}

fn find_port<'s>(service: &'s Service, wanted: &ServiceBackendPort) -> Option<Port<'s>> {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let found = ports.iter().find(|port| match (&wanted.name, wanted.number) {
        (Some(name), _) => port.name.as_ref() == Some(name),
        (None, number) => Some(port.port) == number,
    });
    match found {
        Some(port) => Some(Port { number: port.port, name: port.name.as_deref() }),
        // An ExternalName Service needs no ports: the Ingress may ask for any.
        None if ports.is_empty() && is_external(service) && wanted.name.is_none() => {
            wanted.number.map(|number| Port { number, name: None })
        }
        None => None,
    }
}

fn describe(port: &ServiceBackendPort) -> Option<String> {
    let name = port.name.as_ref().map(|name| format!("`{name}`"));
    name.or_else(|| port.number.map(|number| number.to_string()))
}

fn is_external(service: &Service) -> bool {
    let spec = service.spec.as_ref();
    spec.and_then(|spec| spec.type_.as_deref()) == Some("ExternalName")
}

/// The one server of an ExternalName Service: its name, which HAProxy looks up.
fn external(service: &Service, port: i32) -> Result<Server, String> {
    let name = service.spec.as_ref().and_then(|spec| spec.external_name.as_deref());
    let name = name.unwrap_or_default().trim_end_matches('.');
    if name.is_empty() {
        return Err("there is no externalName".to_owned());
    }
    let address = address(name, port, true)?;
    Ok(Server { name: plain_name(name), address })
}

/// Host and port in one string; a DNS name is accepted where `named` says so.
fn address(host: &str, port: i32, named: bool) -> Result<String, String> {
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    let port = port.ok_or_else(|| "the port must be between 1 and 65535".to_owned())?;
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port).to_string());
    }
    if host.is_empty() {
        return Err("there is no address".to_owned());
    }
    if !named {
        return Err(format!("`{host}` is not an IP address"));
    }
    if !super::ingress::is_dns_name(host) {
        let otherwise = || format!("`{host}` is not a DNS name");
        return Err(placeholder::explain(host).unwrap_or_else(otherwise));
    }
    Ok(format!("{host}:{port}"))
}

/// The ready endpoints of the port called `port`, and what is wrong with others; an unnamed port
/// has the empty name.
fn servers(slices: &[(Entry<'_>, &EndpointSlice)], port: &str) -> (Vec<Server>, Vec<Problem>) {
    let mut servers = BTreeMap::new();
    let mut problems = Vec::new();
    for ((file, object), slice) in slices {
        let ports = slice.ports.iter().flatten();
        let number =
            ports.filter(|it| it.name.as_deref().unwrap_or("") == port).find_map(|it| it.port);
        let Some(number) = number else { continue };
        // The addresses of a slice may be DNS names, which work like external names.
        let named = slice.address_type == "FQDN";
        for endpoint in slice.endpoints.iter().flatten() {
            let conditions = endpoint.conditions.as_ref();
            if conditions.and_then(|it| it.ready) == Some(false) {
                continue;
            }
            // All of an endpoint's addresses are one pod; the first is the one to use.
            let first = endpoint.addresses.first().map_or("", String::as_str);
            match address(first, number, named) {
                Ok(address) => drop(servers.entry(address).or_insert_with(|| pod(endpoint))),
                Err(reason) => {
                    let reason = format!(
                        "EndpointSlice {}: {reason}; the endpoint is left out",
                        object.key()
                    );
                    problems.push(Problem::error(file, Some(object.line), reason));
                }
            }
        }
    }
    (with_names(servers), problems)
}

/// The name of the pod behind `endpoint`.
fn pod(endpoint: &Endpoint) -> Option<String> {
    let name = endpoint.target_ref.as_ref().and_then(|it| it.name.clone());
    name.filter(|name| !name.is_empty() && plain_name(name) == *name)
}

/// A server for each address, named after its pod. A further address of the same pod, and one
/// without a usable pod name, is named after itself.
fn with_names(addresses: BTreeMap<String, Option<String>>) -> Vec<Server> {
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for (address, pod) in addresses {
        let name = pod.filter(|name| !named.contains_key(name));
        named.insert(name.unwrap_or_else(|| plain_name(&address)), address);
    }
    named.into_iter().map(|(name, address)| Server { name, address }).collect()
}

/// `text` as a name that HAProxy accepts for a server.
fn plain_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    text.chars().map(plain).collect()
}
