//! The hosts and paths of an Ingress that cannot be read.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressRule, IngressSpec,
};

use super::super::yaml::{self, Node};

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
