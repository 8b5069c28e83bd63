//! What a faulty object costs those that refer to it, and how often it is told.

use super::super::problem::{Problem, Severity};
use super::tests::{INGRESS, SECRET, SERVICE, model_of, model_with, with_path};
use super::{Model, UNAVAILABLE};

/// A Secret that cannot be read: its data is not base64.
const REJECTED: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: shop-tls, namespace: web}
data:
  tls.crt: '?'
";

fn told(problems: &[Problem]) -> Vec<(Severity, String)> {
    problems.iter().map(|problem| (problem.severity, problem.to_string())).collect()
}

fn routes(model: &Model) -> Vec<(&str, &str)> {
    model.routes.iter().map(|it| (it.path.as_str(), it.backend.as_str())).collect()
}

/// Another Ingress for another host.
fn second() -> String {
    let name = INGRESS.replace("name: shop\n  namespace", "name: late\n  namespace");
    name.replace("Shop.example.com", "late.example.com").replace("[shop.", "[late.")
}

#[test]
fn a_rejected_secret_is_told_where_it_is_and_once_more() {
    let (model, problems) = model_of(&[INGRESS, &second(), SERVICE, REJECTED]);
    let [own, mention] = &told(&problems)[..] else {
        panic!("{problems:?}");
    };
    assert!(own.0 == Severity::Error && own.1.starts_with("3.yaml:5: data.tls.crt: "), "{own:?}");
    let expected = "0.yaml:21: Ingress web/shop: Secret web/shop-tls was rejected at 3.yaml:5; \
                    shop.example.com, late.example.com served without TLS, since there is no \
                    defaultCertificate";
    assert_eq!(*mention, (Severity::Warning, expected.to_owned()));
    assert_eq!(routes(&model), [("/api", "web_shop_80"), ("/api", "web_shop_80")]);
    let default = "defaultCertificate: web/shop-tls\n";
    let (_, problems) = model_with(default, &[SERVICE, REJECTED]);
    let expected =
        "controller.yaml: defaultCertificate: Secret web/shop-tls was rejected at 1.yaml:5";
    assert_eq!(told(&problems)[1], (Severity::Warning, expected.to_owned()));
}

#[test]
fn a_secret_without_a_certificate_is_told_once() {
    let broken = SECRET.replace("CERTIFICATE", "NONSENSE");
    let (_, problems) = model_of(&[INGRESS, &second(), SERVICE, &broken]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].reason.contains("shop.example.com, late.example.com served"));
    // A name that is wrong is wrong in each place.
    assert_eq!(model_of(&[INGRESS, &second(), SERVICE]).1.len(), 2);
}

#[test]
fn a_rejected_service_is_told_where_it_is_and_once_more() {
    let service = SERVICE.replace("port: 80,", "port: eighty,");
    let more = with_path("        path: /more\n        pathType: Prefix\n");
    let (model, problems) = model_of(&[&more, &service, SECRET]);
    assert_eq!(problems.len(), 2, "{problems:?}");
    let expected = "0.yaml:16: Ingress web/shop: Service web/shop was rejected at 1.yaml:6; its \
                    clients get 503";
    assert_eq!(told(&problems)[1], (Severity::Warning, expected.to_owned()));
    assert_eq!(routes(&model), [("/api", UNAVAILABLE), ("/more", UNAVAILABLE)]);
}

#[test]
fn a_rejected_slice_explains_why_a_service_has_no_endpoint() {
    let bad = SERVICE.replace("port: 8080}\nendpoints", "port: '8080'}\nendpoints");
    let (_, problems) = model_of(&[INGRESS, &bad, SECRET]);
    let expected = "0.yaml:16: Ingress web/shop: Service web/shop has no ready endpoint, since \
                    its EndpointSlice was rejected at 1.yaml:16; its clients get 503";
    assert_eq!(told(&problems)[1], (Severity::Warning, expected.to_owned()));
}

#[test]
fn rejected_options_are_told_as_such() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: o, namespace: web}\ndata: [a]\n";
    let (_, problems) = model_with("options: web/o\n", &[map]);
    let expected = "controller.yaml: options: ConfigMap web/o was rejected at 0.yaml:4; using the \
                    template's defaults";
    assert_eq!(told(&problems)[1], (Severity::Warning, expected.to_owned()));
}

#[test]
fn a_service_without_endpoints_is_told_with_its_namespace() {
    let service = SERVICE.split("---").next().unwrap();
    let (_, problems) = model_of(&[INGRESS, service, SECRET]);
    let expected = "Ingress web/shop: Service web/shop has no ready endpoint; its clients get 503";
    assert_eq!(problems[0].reason, expected);
}

#[test]
fn what_is_missing_is_called_missing() {
    for (from, to, expected) in [
        ("        pathType: Exact\n", "", "Ingress web/shop: pathType is missing; its clients"),
        ("Shop.example.com", "''", "Ingress web/shop: the host is empty; leave it out to"),
        (
            "name: shop\n            port",
            "name: ''\n            port",
            "the backend names no Service;",
        ),
        (
            "              name: http",
            "              {}",
            "the backend names no port of Service web/shop;",
        ),
    ] {
        assert!(INGRESS.contains(from), "{from}");
        let (_, problems) = model_of(&[&INGRESS.replacen(from, to, 1), SERVICE, SECRET]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].reason.contains(expected), "{problems:?}");
    }
    let slice = SERVICE.replace("[10.0.0.1]", "[]");
    let (_, problems) = model_of(&[INGRESS, &slice, SECRET]);
    assert!(problems[0].reason.contains("there is no address; the endpoint"), "{problems:?}");
}

#[test]
fn a_path_without_a_slash_answers_503() {
    let wrong = INGRESS.replace("path: /api", "path: api");
    let (model, problems) = model_of(&[&wrong, SERVICE, SECRET]);
    let expected =
        "0.yaml:12: Ingress web/shop: path `api` does not start with `/`; its clients get 503";
    assert_eq!(told(&problems), [(Severity::Error, expected.to_owned())]);
    assert_eq!(routes(&model), [("/api", UNAVAILABLE)]);
    // Nor does it keep the path from an Ingress that has it right.
    let right = INGRESS.replace("name: shop\n  namespace", "name: late\n  namespace");
    let (model, problems) = model_of(&[&wrong, &right, SERVICE, SECRET]);
    assert_eq!((routes(&model), problems.len()), (vec![("/api", "web_shop_80")], 1));
    // The same in an Ingress that cannot be read as a whole.
    let (model, _) = model_of(&[&wrong.replace("name: http", "number: eighty"), SERVICE, SECRET]);
    assert_eq!(routes(&model), [("/api", UNAVAILABLE)]);
}

#[test]
fn a_path_that_nobody_can_ask_for_is_left_out_and_says_so() {
    for bad in ["'/a b'", "$(PATH)"] {
        let (model, problems) = model_of(&[&INGRESS.replace("/api", bad), SERVICE, SECRET]);
        assert_eq!(routes(&model), []);
        let end = "; left out, so its clients get what the other rules of the host say";
        assert!(problems[0].reason.ends_with(end), "{problems:?}");
    }
}

#[test]
fn a_bad_host_hides_no_placeholder() {
    let text = INGRESS
        .replace("Shop.example.com", "'{{ host }}'")
        .replace("/api", "/${path}")
        .replace("name: shop\n            port", "name: $(SERVICE)\n            port");
    let (_, problems) = model_of(&[&text, SERVICE, SECRET]);
    let lines: Vec<_> = problems.iter().filter_map(|problem| problem.line).collect();
    assert_eq!(lines, [9, 12, 16], "{problems:?}");
}
