//! What a site means, shown on small ones.

use std::path::Path;
use std::sync::Arc;

use super::super::inventory::Inventory;
use super::super::manifest;
use super::super::problem::{Problem, Severity};
use super::super::settings::{self, Settings};
use super::{Model, PathKind, UNAVAILABLE, build};

pub(super) const INGRESS: &str = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  namespace: web
spec:
  ingressClassName: haproxy
  rules:
  - host: Shop.example.com
    http:
      paths:
      - path: /api
        pathType: Exact
        backend:
          service:
            name: shop
            port:
              name: http
  tls:
  - hosts: [shop.example.com]
    secretName: shop-tls
";

pub(super) const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: web}
spec:
  ports:
  - {name: http, port: 80, targetPort: 8080}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: shop-x
  namespace: web
  labels: {kubernetes.io/service-name: shop}
addressType: IPv4
ports:
- {name: http, port: 8080}
endpoints:
- addresses: [10.0.0.2]
  conditions: {ready: true}
  targetRef: {kind: Pod, name: shop-b}
- addresses: [10.0.0.1]
- addresses: [10.0.0.3]
  conditions: {ready: false}
";

pub(super) const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: shop-tls, namespace: web}
stringData:
  tls.crt: \"-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\"
  tls.key: \"-----BEGIN EC PRIVATE KEY-----\\nMHcC\\n-----END EC PRIVATE KEY-----\"
";

fn settings(more: &str) -> Settings {
    let text = format!("listen: {{address: 127.0.0.1, http: 8080}}\n{more}");
    settings::parse(Path::new("controller.yaml"), &text).unwrap()
}

pub(super) fn model_of(files: &[&str]) -> (Model, Vec<Problem>) {
    model_with("", files)
}

pub(super) fn model_with(more: &str, files: &[&str]) -> (Model, Vec<Problem>) {
    let mut inventory = Inventory::default();
    for (index, text) in files.iter().enumerate() {
        let file = format!("{index}.yaml");
        inventory.insert(Arc::new(manifest::parse(Path::new(&file), text)));
    }
    build(&settings(more), &inventory)
}

#[test]
fn a_whole_site_becomes_routes_backends_and_certificates() {
    let (model, problems) = model_of(&[INGRESS, SERVICE, SECRET]);
    assert_eq!(problems, []);
    let [route] = &model.routes[..] else {
        panic!("{model:?}");
    };
    assert_eq!((route.host.as_str(), route.kind), ("shop.example.com", PathKind::Exact));
    let servers = &model.backends[&route.backend].servers;
    let addresses: Vec<_> = servers.iter().map(|it| it.address.as_str()).collect();
    assert_eq!(addresses, ["10.0.0.1:8080", "10.0.0.2:8080"]);
    assert_eq!(servers[1].name, "shop-b");
    assert!(model.certificates["web/shop-tls"].pem.contains("EC PRIVATE KEY"));
}

#[test]
fn a_missing_service_is_an_error_at_the_line_that_names_it() {
    let (model, problems) = model_of(&[INGRESS, SECRET]);
    assert_eq!(
        problems[0].to_string(),
        "0.yaml:16: Ingress web/shop: there is no Service web/shop; its clients get 503"
    );
    assert_eq!(problems[0].severity, Severity::Error);
    assert_eq!(model.routes[0].backend, UNAVAILABLE);
    assert_eq!(model.backends[UNAVAILABLE].servers, []);
}

#[test]
fn a_strict_site_is_held_by_one_error() {
    let (_, problems) = model_with("strict: true\n", &[INGRESS, SECRET]);
    assert_eq!(
        problems[0].to_string(),
        "0.yaml:16: Ingress web/shop: there is no Service web/shop"
    );
    assert!(problems[0].is_fatal());
    let (_, problems) = model_with("strict: true\n", &[INGRESS, SERVICE, SECRET, "spec: ["]);
    assert!(problems[0].is_fatal(), "{problems:?}");
}

#[test]
fn a_missing_port_names_the_port() {
    let (_, problems) = model_of(&[&INGRESS.replace("name: http", "name: grpc"), SERVICE, SECRET]);
    assert_eq!(
        problems[0].to_string(),
        "0.yaml:18: Ingress web/shop: Service web/shop has no port `grpc`; its clients get 503"
    );
}

#[test]
fn a_certificate_must_be_there_and_be_one() {
    let (model, problems) = model_of(&[INGRESS, SERVICE]);
    assert_eq!(
        problems[0].to_string(),
        "0.yaml:21: Ingress web/shop: there is no Secret web/shop-tls; shop.example.com served \
         without TLS, since there is no defaultCertificate"
    );
    assert_eq!(model.routes[0].backend, "web_shop_80");
    let (_, problems) = model_of(&[INGRESS, SERVICE, &SECRET.replace("CERTIFICATE", "NONSENSE")]);
    assert!(problems[0].reason.contains("holds no whole PEM block"), "{problems:?}");
}

#[test]
fn a_service_without_endpoints_is_only_a_warning() {
    let service = SERVICE.split("---").next().unwrap();
    let (model, problems) = model_of(&[INGRESS, service, SECRET]);
    assert!(model.backends["web_shop_80"].servers.is_empty());
    assert_eq!(problems[0].severity, Severity::Warning, "{problems:?}");
    assert!(problems[0].reason.contains("no ready endpoint"), "{problems:?}");
}

#[test]
fn hosts_and_paths_cannot_smuggle_directives() {
    for (good, bad) in [
        ("Shop.example.com", "\"a b\""),
        ("Shop.example.com", "\"a\\nuse_backend x\""),
        ("/api", "\"/a web_shop_80\""),
        ("/api", "\"/a#b\""),
    ] {
        let (model, problems) = model_of(&[&INGRESS.replacen(good, bad, 1), SERVICE, SECRET]);
        assert!(model.routes.is_empty(), "{bad}");
        assert_eq!(problems[0].severity, Severity::Error, "{bad}");
    }
}

#[test]
fn another_class_is_not_ours() {
    let (model, problems) = model_of(&[&INGRESS.replace("haproxy", "nginx")]);
    assert_eq!(problems, []);
    assert_eq!((model.routes.len(), model.backends.len()), (0, 0));
    let [passed] = &model.passed_over[..] else {
        panic!("{model:?}");
    };
    assert_eq!((passed.class.as_deref(), passed.line), (Some("nginx"), 1));
}

#[test]
fn the_first_ingress_keeps_a_path() {
    let second = INGRESS.replace("name: shop\n  namespace", "name: late\n  namespace");
    let (model, problems) = model_of(&[INGRESS, &second, SERVICE, SECRET]);
    assert_eq!(model.routes.len(), 1);
    assert_eq!(model.routes[0].ingress, "web/shop");
    assert_eq!(
        problems[0].to_string(),
        "1.yaml:12: Ingress web/late: Shop.example.com/api is taken by Ingress web/shop \
         (0.yaml:12); this rule is left out"
    );
    assert_eq!(problems[0].severity, Severity::Warning);
}

/// One more path for the host of `INGRESS`.
pub(super) fn with_path(lines: &str) -> String {
    let backend = "backend: {service: {name: shop, port: {number: 80}}}";
    let more = format!("      - {backend}\n{lines}  tls:\n");
    INGRESS.replace("  tls:\n", &more)
}

#[test]
fn a_rule_without_a_path_stands_for_the_root() {
    let root = "        path: /\n        pathType: ImplementationSpecific\n";
    let both = with_path(root)
        .replace("  tls:\n", "      - backend: {service: {name: shop, port: {number: 80}}}\n        pathType: ImplementationSpecific\n  tls:\n");
    let (model, problems) = model_of(&[&both, SERVICE, SECRET]);
    assert_eq!(model.routes.len(), 2);
    assert_eq!(
        problems[0].to_string(),
        "0.yaml:22: Ingress web/shop: Shop.example.com/ of a rule without `path` is taken by \
         Ingress web/shop (0.yaml:20); this rule is left out"
    );
}

#[test]
fn a_slash_at_the_end_of_a_prefix_makes_no_difference() {
    let ingress = |first, second, kind| {
        with_path(&format!("        path: {second}\n        pathType: {kind}\n")).replace(
            "path: /api\n        pathType: Exact",
            &format!("path: {first}\n        pathType: {kind}"),
        )
    };
    let (model, problems) = model_of(&[&ingress("/foo", "/foo/", "Prefix"), SERVICE, SECRET]);
    assert_eq!((model.routes.len(), problems.len()), (1, 1), "{problems:?}");
    assert!(problems[0].reason.contains("/foo/ is taken by Ingress web/shop (0.yaml:12)"));
    let (model, problems) = model_of(&[&ingress("/foo", "/foo/", "Exact"), SERVICE, SECRET]);
    assert_eq!((model.routes.len(), problems.len()), (2, 0), "{problems:?}");
}

#[test]
fn an_error_costs_one_path_and_not_its_neighbours() {
    let wrong = "        path: /wrong\n        pathType: Prefx\n";
    let (model, problems) = model_of(&[&with_path(wrong), SERVICE, SECRET]);
    assert!(problems[0].reason.contains("pathType `Prefx` is none of"), "{problems:?}");
    let routes: Vec<_> = model.routes.iter().map(|it| (&it.path[..], &it.backend[..])).collect();
    assert_eq!(routes, [("/api", "web_shop_80"), ("/wrong", UNAVAILABLE)]);
}

#[test]
fn an_ingress_that_cannot_be_read_yields_to_one_that_can() {
    let broken = with_path("        path: /only\n        pathType: 7\n");
    let (model, problems) = model_of(&[&broken, INGRESS, SERVICE, SECRET]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let routes: Vec<_> = model.routes.iter().map(|it| (&it.path[..], &it.backend[..])).collect();
    assert_eq!(routes, [("/api", "web_shop_80"), ("/only", UNAVAILABLE)]);
}

#[test]
fn the_second_default_backend_is_left_out() {
    let default = "spec:\n  defaultBackend: {service: {name: shop, port: {number: 80}}}\n";
    let first = INGRESS.replace("spec:\n", default);
    let second = first.replace("name: shop\n  namespace", "name: late\n  namespace");
    let (model, problems) = model_of(&[&first, &second, SERVICE, SECRET]);
    assert_eq!(model.default_backend.as_deref(), Some("web_shop_80"));
    assert!(
        problems.iter().any(|it| it.reason.contains("Ingress web/shop (0.yaml:7) has a default")),
        "{problems:?}"
    );
}

#[test]
fn tls_without_a_secret_uses_the_default_certificate() {
    let ingress = INGRESS.replace("    secretName: shop-tls\n", "");
    let (model, problems) = model_of(&[&ingress, SERVICE]);
    assert_eq!(problems[0].severity, Severity::Notice);
    assert!(problems[0].reason.contains("shop.example.com served without TLS"), "{problems:?}");
    assert!(model.certificates.is_empty());
    let default = "defaultCertificate: web/shop-tls\n";
    let (model, problems) = model_with(default, &[&ingress, SERVICE, SECRET]);
    assert_eq!(
        problems[0].to_string(),
        "0.yaml:20: Ingress web/shop: tls without secretName: shop.example.com served with the \
         default certificate web/shop-tls"
    );
    assert_eq!(model.default_certificate.as_deref(), Some("web/shop-tls"));
    assert_eq!(model.certificates["web/shop-tls"].hosts, [""; 0]);
    let (_, problems) = model_with(default, &[&ingress, SERVICE]);
    assert!(problems[0].to_string().starts_with("controller.yaml: defaultCertificate: there is"));
}

#[test]
fn a_bad_host_of_a_certificate_costs_that_host() {
    let hosts = |hosts: &str| INGRESS.replace("[shop.example.com]", hosts);
    let (model, problems) = model_of(&[&hosts("[shop.example.com, a b]"), SERVICE, SECRET]);
    assert_eq!(model.certificates["web/shop-tls"].hosts, ["shop.example.com"]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let (model, _) = model_of(&[&hosts("[a b]"), SERVICE, SECRET]);
    assert!(model.certificates.is_empty(), "no host is not every host");
}

#[test]
fn an_external_name_is_a_server() {
    let service = |spec: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: shop, namespace: web}}\nspec: {spec}\n"
        )
    };
    let by_number = INGRESS.replace("name: http", "number: 8443");
    let server = |ingress: &str, spec: &str| {
        let (model, problems) = model_of(&[ingress, &service(spec), SECRET]);
        let backend = &model.backends[&model.routes[0].backend];
        let server = backend.servers.first().map(|it| it.address.clone());
        (server, backend.external, problems.first().map(|it| it.reason.clone()))
    };
    let named =
        "{type: ExternalName, externalName: api.example.com., ports: [{name: http, port: 80}]}";
    assert_eq!(server(INGRESS, named), (Some("api.example.com:80".to_owned()), true, None));
    let bare = "{type: ExternalName, externalName: api.example.com}";
    assert_eq!(server(&by_number, bare), (Some("api.example.com:8443".to_owned()), true, None));
    let address = "{type: ExternalName, externalName: 192.0.2.7}";
    assert_eq!(server(&by_number, address), (Some("192.0.2.7:8443".to_owned()), false, None));
    let (none, _, reason) = server(INGRESS, bare);
    assert!(none.is_none() && reason.unwrap().contains("has no port `http`"));
    let (none, _, reason) = server(&by_number, "{type: ExternalName, externalName: a b}");
    assert!(none.is_none() && reason.unwrap().contains("`a b` is not a DNS name"));
}

#[test]
fn a_bad_endpoint_costs_itself() {
    let slice = SERVICE.replace("[10.0.0.1]", "[nowhere]");
    let (model, problems) = model_of(&[INGRESS, &slice, SECRET]);
    assert_eq!(model.backends["web_shop_80"].servers.len(), 1);
    assert_eq!(
        problems[0].to_string(),
        "1.yaml:8: EndpointSlice web/shop-x: `nowhere` is not an IP address; the endpoint is left out"
    );
}

#[test]
fn a_pod_with_two_addresses_is_two_servers() {
    let second = "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: shop-6, namespace: \
                  web, labels: {kubernetes.io/service-name: shop}}\naddressType: IPv6\nports: [{name: http, port: \
                  8080}]\nendpoints:\n- {addresses: ['fd00::2'], targetRef: {kind: Pod, name: shop-b}}\n";
    let (model, problems) = model_of(&[INGRESS, &format!("{SERVICE}{second}"), SECRET]);
    assert_eq!(problems, []);
    let servers = &model.backends["web_shop_80"].servers;
    let names: std::collections::BTreeSet<_> = servers.iter().map(|it| &it.name).collect();
    assert_eq!((servers.len(), names.len()), (3, 3), "{servers:?}");
}
