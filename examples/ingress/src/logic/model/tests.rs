//! What a site means, shown on small ones.

use std::path::Path;
use std::sync::Arc;

use super::super::inventory::Inventory;
use super::super::manifest;
use super::super::problem::Problem;
use super::super::settings::{self, Settings};
use super::{Model, PathKind, build};

const INGRESS: &str = "\
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

const SERVICE: &str = "\
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

const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: shop-tls, namespace: web}
stringData:
  tls.crt: \"-----BEGIN CERTIFICATE-----\"
  tls.key: \"-----BEGIN EC PRIVATE KEY-----\"
";

fn settings() -> Settings {
    let text = "listen: {address: 127.0.0.1, http: 8080}\n";
    settings::parse(Path::new("controller.yaml"), text).unwrap()
}

fn model_of(files: &[&str]) -> (Model, Vec<Problem>) {
    let mut inventory = Inventory::default();
    for (index, text) in files.iter().enumerate() {
        let file = format!("{index}.yaml");
        inventory.insert(Arc::new(manifest::parse(Path::new(&file), text).unwrap()));
    }
    build(&settings(), &inventory)
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
    assert!(model.routes.is_empty());
    assert_eq!(
        problems[0].to_string(),
        "0.yaml:16: Ingress web/shop: there is no Service web/shop"
    );
    assert!(problems[0].is_error());
}

#[test]
fn a_missing_port_names_the_port() {
    let (_, problems) = model_of(&[&INGRESS.replace("name: http", "name: grpc"), SERVICE, SECRET]);
    assert_eq!(
        problems[0].to_string(),
        "0.yaml:18: Ingress web/shop: Service web/shop has no port `grpc`"
    );
}

#[test]
fn a_certificate_must_be_there_and_be_one() {
    let (_, problems) = model_of(&[INGRESS, SERVICE]);
    assert_eq!(
        problems[0].to_string(),
        "0.yaml:21: Ingress web/shop: there is no Secret web/shop-tls"
    );
    let (_, problems) = model_of(&[INGRESS, SERVICE, &SECRET.replace("CERTIFICATE", "NONSENSE")]);
    assert!(problems[0].reason.contains("holds no PEM block"), "{problems:?}");
}

#[test]
fn a_service_without_endpoints_is_only_a_warning() {
    let service = SERVICE.split("---").next().unwrap();
    let (model, problems) = model_of(&[INGRESS, service, SECRET]);
    assert!(model.backends["web_shop_80"].servers.is_empty());
    assert!(!problems[0].is_error(), "{problems:?}");
    assert!(problems[0].reason.contains("no ready endpoint"), "{problems:?}");
}

#[test]
fn hosts_and_paths_cannot_smuggle_directives() {
    for (good, bad) in [
        ("Shop.example.com", "\"a b\""),
        ("Shop.example.com", "\"a\\nuse_backend x\""),
        ("/api", "\"/a web_shop_80\""),
        ("/api", "api"),
    ] {
        let (model, problems) = model_of(&[&INGRESS.replacen(good, bad, 1), SERVICE, SECRET]);
        assert!(model.routes.is_empty(), "{bad}");
        assert!(problems.iter().any(Problem::is_error), "{bad}");
    }
}

#[test]
fn another_class_is_not_ours() {
    let (model, problems) = model_of(&[&INGRESS.replace("haproxy", "nginx")]);
    assert_eq!((model, problems), (Model::default(), Vec::new()));
}

#[test]
fn the_first_ingress_keeps_a_path() {
    let second = INGRESS.replace("name: shop\n  namespace", "name: late\n  namespace");
    let (model, problems) = model_of(&[INGRESS, &second, SERVICE, SECRET]);
    assert_eq!(model.routes.len(), 1);
    assert_eq!(model.routes[0].ingress, "web/shop");
    assert!(problems[0].reason.contains("taken by Ingress web/shop"), "{problems:?}");
}
