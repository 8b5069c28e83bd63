//! What a site with problems is told, in one pass.

use std::process::Output;

use serde_json::Value;

use crate::support::{
    Backend, Site, haproxy_accepts, ingress, once, require_haproxy, sample, text,
};

/// A small site, the services behind it, and one pass over it.
struct Case {
    _blue: Backend,
    _green: Backend,
    site: Site,
}

impl Case {
    fn new() -> Self {
        let (blue, green) = (Backend::start("blue"), Backend::start("green"));
        let site = Site::new(&blue, &green);
        Self { _blue: blue, _green: green, site }
    }

    fn run(&self, more: &[&str]) -> Output {
        let more = [more, &["--haproxy", "none"]].concat();
        once(&self.site.path(), &self.site.out(), &more)
    }

    /// What people are told.
    fn told(&self) -> String {
        text(&self.run(&[]).stdout)
    }

    /// The line that machines get of `event`.
    fn line(&self, event: &str) -> Value {
        let output = text(&self.run(&["--json"]).stdout);
        let lines = output.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let found = lines.rev().find(|line| {
            let is_schema = line["message"].as_str().is_some_and(|it| it.starts_with("schema"));
            line["event"] == event && (event != "config.verdict" || is_schema)
        });
        found.unwrap_or_else(|| panic!("no {event} in\n{output}"))
    }
}

/// A path of the Ingress that `ingress` writes, to be added to it.
fn path(service: &str, more: &str) -> String {
    format!("      - backend: {{service: {{name: {service}, port: {{number: 80}}}}}}\n{more}")
}

#[test]
fn a_rule_that_is_left_out_is_a_warning_with_both_places() {
    let case = Case::new();
    let kind = "        pathType: ImplementationSpecific\n";
    let first =
        ingress("app", "app.example.com", "blue").replace("        pathType: Prefix\n", kind);
    case.site.write("resources/ingress.yaml", &format!("{first}{}", path("green", kind)));
    let expected = "resources/ingress.yaml:19: Ingress app/app: app.example.com/ of a rule without `path` is \
                    taken by Ingress app/app (resources/ingress.yaml:17); this rule is left out";
    let told = case.told();
    assert!(told.contains(expected), "{told}");
    let verdict = case.line("config.verdict");
    assert_eq!(verdict["level"], "warning");
    let problem = &verdict["problems"][0];
    assert_eq!((&problem["severity"], &problem["line"]), (&"warning".into(), &19.into()));
    assert_eq!(problem["file"], "resources/ingress.yaml");
}

#[test]
fn a_prefix_with_a_slash_at_the_end_is_the_same_path() {
    let case = Case::new();
    let first = ingress("app", "app.example.com", "blue").replace("path: /\n", "path: /foo\n");
    let second = path("green", "        path: /foo/\n        pathType: Prefix\n");
    case.site.write("resources/ingress.yaml", &format!("{first}{second}"));
    let told = case.told();
    let expected = "resources/ingress.yaml:20: Ingress app/app: app.example.com/foo/ is taken by Ingress app/app \
                    (resources/ingress.yaml:17)";
    assert!(told.contains(expected), "{told}");
    assert!(told.contains("1 route to 1 backend "), "{told}");
}

#[test]
fn every_problem_is_told_and_counted_alike() {
    let case = Case::new();
    case.site.set("strict: true");
    for number in 0..23 {
        let name = format!("app-{number:02}");
        let text = ingress(&name, &format!("{name}.example.com"), "red");
        case.site.write(&format!("resources/{name}.yaml"), &text);
    }
    // A warning too: its Service has no endpoint.
    let lonely = "apiVersion: v1\nkind: Service\nmetadata: {name: lonely, namespace: app}\nspec: {ports: [{port: 80}]}\n";
    case.site.write("resources/lonely.yaml", lonely);
    case.site.route_to("lonely");

    let output = case.run(&[]);
    let (told, reason) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
    let more = "and 3 more fatal errors, 1 more warning; --json lists all of them";
    let number = |text: &str| text.matches(": there is no Service app/red").count();
    assert!(told.contains("schema: ") && told.contains("23 fatal errors, 1 warning"), "{told}");
    assert!(told.contains(more), "{told}");
    assert!(
        told.contains("not valid after") && told.contains(": 23 fatal errors; whatever"),
        "{told}"
    );
    assert_eq!(number(&told), 40, "twenty by the verdict, twenty by the end of the pass\n{told}");
    assert!(reason.starts_with("ingress: not valid: 23 fatal errors\n"), "{reason}");
    assert_eq!(number(&reason), 20, "{reason}");
    assert!(reason.ends_with("  and 3 more fatal errors; --json lists all of them\n"), "{reason}");
    assert!(!told.contains("(and "), "{told}");

    for (event, count) in [("config.verdict", 24), ("reconcile.failed", 23)] {
        let line = case.line(event);
        let problems = line["problems"].as_array().expect("problems");
        assert_eq!(problems.len(), count, "{line}");
        assert_eq!(problems[22]["file"], "resources/app-22.yaml");
        assert_eq!(problems[22]["line"], 14);
    }
}

#[test]
fn an_error_of_one_resource_costs_that_resource_only() {
    require_haproxy();
    let service_without_name = "apiVersion: v1\nkind: Service\nmetadata: {namespace: app}\n";
    let bad_slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, namespace: app, labels: \
                     {kubernetes.io/service-name: blue}}\naddressType: IPv4\nports: [{name: http, port: 80}]\n\
                     endpoints: [{addresses: [nowhere]}]\n";
    let no_secret = ingress("tls", "tls.example.com", "blue") + "  tls:\n  - secretName: none\n";
    let bad_secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: none, namespace: app}\nstringData:\n  \
                      tls.crt: \"-----BEGIN CERTIFICATE-----\\nMIIB\"\n  tls.key: k\n---\n"
            .to_owned()
            + &no_secret;
    let bad_host = ingress("bad", "'bad host'", "blue");
    let bad_port = ingress("bad", "bad.example.com", "blue").replace("number: 80", "number: 81");
    let unreadable =
        ingress("bad", "bad.example.com", "blue").replace("number: 80", "number: eighty");
    let twice = "---\napiVersion: v1\nkind: Service\nmetadata: {name: blue, namespace: app}\n";
    for (broken, expected) in [
        (service_without_name, "broken.yaml:3: metadata: the object has no name"),
        (bad_slice, "broken.yaml:1: EndpointSlice app/s: `nowhere` is not an IP address"),
        (&no_secret, "broken.yaml:20: Ingress app/tls: there is no Secret app/none"),
        (&bad_secret, "Ingress app/tls: Secret app/none: `tls.crt` holds no whole PEM block"),
        (&bad_host, "broken.yaml:9: Ingress app/bad: `bad host` is not a host name"),
        (&bad_port, "broken.yaml:16: Ingress app/bad: Service app/blue has no port 81"),
        (
            &unreadable,
            "broken.yaml:16: spec.rules[0].http.paths[0].backend.service.port.number: invalid type",
        ),
        (twice, "broken.yaml:2: Service app/blue is already defined in resources/services.yaml:2"),
        ("spec: [\n", "broken.yaml:2: while parsing"),
        ("hello", "broken.yaml:1: a Kubernetes object without `apiVersion`"),
    ] {
        let case = Case::new();
        case.site.write("resources/z-broken.yaml", broken);
        let output = once(&case.site.path(), &case.site.out(), &[]);
        let told = text(&output.stdout);
        assert!(output.status.success(), "{broken}: {told}");
        assert!(told.contains(expected), "{broken}: {told}");
        assert!(told.contains("1 error, what it concerns is left out; done"), "{broken}: {told}");
        let config = case.site.out().join("haproxy.cfg");
        let written = std::fs::read_to_string(&config).expect("a configuration");
        assert!(written.contains("backend app_blue_80"), "{broken}: {written}");
        assert!(haproxy_accepts(&config));

        case.site.set("strict: true");
        let output = case.run(&[]);
        assert_eq!(output.status.code(), Some(1), "{broken}");
        assert!(text(&output.stderr).contains(expected), "{broken}: {}", text(&output.stderr));
    }
}

#[test]
fn json_manifests_are_read_and_keep_their_lines() {
    let case = Case::new();
    // As `kubectl get ingress -o json` prints it.
    let list = r#"{
    "apiVersion": "v1",
    "items": [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "json", "namespace": "app", "annotations": {"note": "\ud83d\ude00"}},
            "spec": {
                "ingressClassName": "haproxy",
                "rules": [
                    {
                        "host": "json.example.com",
                        "http": {
                            "paths": [
                                {
                                    "backend": {"service": {"name": "blue", "port": {"number": 80}}},
                                    "path": "/",
                                    "pathType": "Prefix"
                                }
                            ]
                        }
                    }
                ]
            },
            "status": {"loadBalancer": {}}
        }
    ],
    "kind": "List",
    "metadata": {"resourceVersion": ""}
}
"#;
    case.site.write("resources/list.json", list);
    let told = case.told();
    assert!(told.contains("resources/list.json: 1 object"), "{told}");
    assert!(told.contains("2 routes to 1 backend "), "{told}");
    case.site.write("resources/list.json", &list.replace("\"blue\"", "\"red\""));
    let told = case.told();
    assert!(
        told.contains("resources/list.json:16: Ingress app/json: there is no Service app/red"),
        "{told}"
    );
}

#[test]
fn files_that_are_no_manifests_are_named() {
    let case = Case::new();
    for file in ["a.txt", "b.yaml.orig", "c", "d.toml"] {
        case.site.write(&format!("resources/{file}"), "x");
    }
    let told = case.told();
    let expected = "resources/a.txt, resources/b.yaml.orig and 2 more (see --json): not read";
    assert!(told.contains(expected), "{told}");
    let line = case.line("resources.ignored");
    assert_eq!(line["files"].as_array().map(Vec::len), Some(4), "{line}");
}

#[test]
fn ingresses_of_other_classes_are_counted_and_listed_for_machines() {
    let case = Case::new();
    let of_class = |name: &str, class: &str| {
        let text = ingress(name, "other.example.com", "blue");
        text.replace("ingressClassName: haproxy", &format!("ingressClassName: {class}"))
    };
    for (name, class) in [("one", "nginx"), ("two", "nginx"), ("three", "traefik")] {
        case.site.write(&format!("resources/{name}.yaml"), &of_class(name, class));
    }
    let told = case.told();
    let expected = "passed over 3 Ingresses of another class: nginx 2, traefik 1";
    assert_eq!(told.lines().filter(|line| line.trim() == expected).count(), 1, "{told}");
    let line = case.line("config.rendered");
    let passed_over = line["passed_over"].as_array().expect("a list");
    assert_eq!(passed_over.len(), 3);
    let first = &passed_over[0];
    assert_eq!((&first["ingress"], &first["class"]), (&"app/one".into(), &"nginx".into()));
    assert_eq!((&first["file"], &first["line"]), (&"resources/one.yaml".into(), &1.into()));
}

#[test]
fn an_unrendered_template_is_called_one() {
    for (from, to, place) in [
        ("app.example.com", "{{ .Host }}", "9: spec.rules[0].host: `{{ .Host }}`"),
        ("app.example.com", "{{ .Host }}.example.com", "9: `{{ .Host }}`"),
        ("app.example.com", "'{{ .Host }}'", "9: Ingress app/app: `{{ .Host }}`"),
        (
            "number: 80",
            "number: ${PORT}",
            "16: spec.rules[0].http.paths[0].backend.service.port.number: `${PORT}`",
        ),
        ("  rules:", "  {{- if .Rules }}\n  rules:", "8: `{{- if .Rules }}`"),
    ] {
        let case = Case::new();
        let text = ingress("app", "app.example.com", "blue");
        assert!(text.contains(from), "{from}");
        case.site.write("resources/ingress.yaml", &text.replacen(from, to, 1));
        let told = case.told();
        let expected = format!("resources/ingress.yaml:{place} looks like an unrendered template");
        assert!(told.contains(&expected), "{expected}\n{told}");
        assert!(!told.contains("expected a string"), "{told}");
    }
}

#[test]
fn tls_without_a_secret_uses_the_default_certificate_or_none() {
    require_haproxy();
    let case = Case::new();
    let tls = "  tls:\n  - hosts: [app.example.com]\n";
    let text_of = ingress("app", "app.example.com", "blue") + tls;
    case.site.write("resources/ingress.yaml", &text_of);
    // Another one has a certificate of its own.
    let secret =
        std::fs::read_to_string(sample().join("resources/shop-tls.yaml")).expect("a Secret");
    case.site.write("resources/tls.yaml", &secret.replace("namespace: shop", "namespace: app"));
    let own = ingress("own", "own.example.com", "blue")
        + "  tls:\n  - hosts: [own.example.com]\n    secretName: shop-tls\n";
    case.site.write("resources/own.yaml", &own);
    let settings =
        std::fs::read_to_string(case.site.path().join("controller.yaml")).expect("settings");
    let settings = settings.replace("}", ", https: 8443}");
    case.site.write("controller.yaml", &settings);

    let run = || {
        let output = once(&case.site.path(), &case.site.out(), &[]);
        let told = text(&output.stdout);
        assert!(output.status.success(), "{told}");
        assert!(haproxy_accepts(&case.site.out().join("haproxy.cfg")));
        let config = std::fs::read_to_string(case.site.out().join("haproxy.cfg")).expect("written");
        let bind = config.lines().find(|line| line.contains("crt-list")).expect("a TLS port");
        (told, bind.to_owned())
    };
    let (told, bind) = run();
    let notice = "resources/ingress.yaml:20: Ingress app/app: tls without secretName: app.example.com served";
    assert!(told.contains(&format!("{notice} without TLS")), "{told}");
    assert!(bind.ends_with(" strict-sni"), "no certificate of others: {bind}");

    // The default one is shown to clients that no other one fits: it is the first of the list.
    let default = secret
        .replace("namespace: shop", "namespace: zone")
        .replace("name: shop-tls", "name: default");
    case.site.write("resources/default.yaml", &default);
    case.site.set("defaultCertificate: zone/default");
    let (told, bind) = run();
    assert!(
        told.contains(&format!("{notice} with the default certificate zone/default")),
        "{told}"
    );
    assert!(!bind.contains("strict-sni"), "{bind}");
    let list = bind.split_whitespace().find(|word| word.ends_with(".list")).expect("a list");
    let list = std::fs::read_to_string(list).expect("the list is written");
    let lines: Vec<_> = list.lines().collect();
    assert!(lines[0].contains("zone_default-") && lines[0].ends_with(".pem"), "{list}");
    assert!(lines[1].ends_with(" own.example.com"), "{list}");
}
