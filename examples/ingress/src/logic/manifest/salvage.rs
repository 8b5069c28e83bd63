//! What is left of an object that cannot be read: its name, the hosts and paths of an Ingress, and
//! every placeholder in it.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressRule, IngressSpec,
};

use super::super::placeholder;
use super::super::yaml::{self, Located, Node};

/// The class, hosts and paths of the Ingress that `node` was meant to be, without its backends.
///
/// Leaves out what cannot be read. A rule with an unreadable host is left out as a whole, because
/// a rule without a host matches every host.
pub(super) fn ingress(node: &Node<'_>) -> Ingress {
    let metadata = yaml::get(node, "metadata").and_then(|it| yaml::from_node(it).ok());
    let spec = yaml::get(node, "spec");
    let class = spec.and_then(|spec| yaml::get(spec, "ingressClassName")).and_then(yaml::as_str);
    let rules = spec.and_then(|spec| yaml::get(spec, "rules")).map_or(&[][..], yaml::items);
    Ingress {
        metadata: metadata.unwrap_or_default(),
        spec: Some(IngressSpec {
            ingress_class_name: class.map(str::to_owned),
            rules: Some(rules.iter().filter_map(rule).collect()),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    }
}

fn rule(node: &Node<'_>) -> Option<IngressRule> {
    let host = yaml::as_str(yaml::get(node, "host")?)?.to_owned();
    let paths = yaml::get(node, "http").and_then(|http| yaml::get(http, "paths"));
    let paths = paths.map_or(&[][..], yaml::items).iter().filter_map(path).collect();
    Some(IngressRule { host: Some(host), http: Some(HTTPIngressRuleValue { paths }) })
}

fn path(node: &Node<'_>) -> Option<HTTPIngressPath> {
    let text = match yaml::get(node, "path") {
        Some(path) => yaml::as_str(path)?,
        None => "/",
    };
    let kind = yaml::get(node, "pathType").and_then(yaml::as_str).unwrap_or("Prefix");
    Some(HTTPIngressPath {
        path: Some(text.to_owned()),
        path_type: kind.to_owned(),
        ..HTTPIngressPath::default()
    })
}

/// `namespace/name` of the object that `node` was meant to be; of an EndpointSlice, that of its
/// Service.
pub(super) fn key(node: &Node<'_>, kind: &str) -> Option<String> {
    let metadata = yaml::get(node, "metadata")?;
    let namespace = match yaml::get(metadata, "namespace") {
        Some(namespace) => yaml::as_str(namespace)?,
        None => "default",
    };
    let name = match kind {
        "EndpointSlice" => yaml::get(yaml::get(metadata, "labels")?, super::SERVICE_NAME)?,
        _ => yaml::get(metadata, "name")?,
    };
    Some(super::key(namespace, yaml::as_str(name)?))
}

/// Fields whose content is for others, where a placeholder may be meant as it is.
const OPAQUE: [&str; 4] = ["annotations", "data", "stringData", "binaryData"];

/// Adds an error for every placeholder below `node` that `errors` do not tell yet.
pub(super) fn placeholders(node: &Node<'_>, path: &str, errors: &mut Vec<Located>) {
    if let Some(reason) = yaml::placeholder(node).as_deref().and_then(placeholder::explain) {
        let line = yaml::line(node);
        if !errors.iter().any(|it| it.line == line && it.reason.contains(&reason)) {
            let reason = if path.is_empty() { reason } else { format!("{path}: {reason}") };
            errors.push(Located::new(line, reason));
        }
        return;
    }
    for (name, value) in yaml::entries(node) {
        let Some(name) = yaml::as_str(name) else {
            placeholders(name, path, errors);
            continue;
        };
        if !OPAQUE.contains(&name) {
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            placeholders(value, &path, errors);
        }
    }
    for (index, item) in yaml::items(node).iter().enumerate() {
        placeholders(item, &format!("{path}[{index}]"), errors);
    }
}
