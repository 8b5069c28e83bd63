//! What a file holds, and what is wrong with it.

use std::path::Path;

use super::*;

const LIST: &str = "\
apiVersion: v1
items:
- apiVersion: networking.k8s.io/v1
  kind: Ingress
  metadata:
    creationTimestamp: \"2026-03-02T10:11:12Z\"
    name: shop
    namespace: web
  spec:
    rules:
    - host: shop.example.com
      http:
        paths:
        - backend:
            service:
              name: shop
              port:
                number: 80
          path: /
          pathType: Prefix
  status:
    loadBalancer: {}
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: other
kind: List
metadata:
  resourceVersion: \"\"
";

fn parse_str(text: &str) -> Manifest {
    parse(Path::new("resources/a.yaml"), text)
}

fn problem_of(text: &str) -> Problem {
    let manifest = parse_str(text);
    assert!(manifest.objects.is_empty(), "{manifest:?}");
    let [problem] = &manifest.problems[..] else {
        panic!("{manifest:?}");
    };
    problem.clone()
}

#[test]
fn a_list_as_kubectl_prints_it() {
    let manifest = parse_str(LIST);
    assert_eq!(manifest.problems, []);
    assert_eq!(manifest.ignored["Deployment"], 1);
    let [ingress] = &manifest.objects[..] else {
        panic!("{manifest:?}");
    };
    assert_eq!(ingress.key(), "web/shop");
    assert_eq!(ingress.line, 3);
    let path = "spec.rules[0].http.paths[0].backend.service.name";
    assert_eq!(ingress.line_of(path), 16);
    assert_eq!(ingress.line_of("spec.rules[0].nothing.here"), 11);
    assert_eq!(ingress.line_of("metadata.name"), 3);
}

#[test]
fn json_keeps_its_lines() {
    let text = "{\n  \"kind\": \"List\", \"apiVersion\": \"v1\",\n  \"items\": [\n    {\n\
                \t\"apiVersion\": \"v1\", \"kind\": \"Service\",\n      \"metadata\": {\"name\": \"a\",\n\
                \"annotations\": {\"x\": \"\\ud83d\\ude00\"}}\n    },\n    {\n      \"kind\": \"Service\"\n    }\n  ]\n}\n";
    let manifest = parse(Path::new("a.json"), text);
    assert_eq!(manifest.objects[0].line, 4, "{manifest:?}");
    let annotations = manifest.objects[0].resource.metadata().annotations.as_ref();
    assert_eq!(annotations.unwrap()["x"], "\u{1f600}");
    assert_eq!(
        manifest.problems[0].to_string(),
        "a.json:9: a Kubernetes object without `apiVersion`"
    );
}

#[test]
fn a_wrong_field_in_a_list_costs_its_object_and_is_found_at_its_line() {
    let service = "- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n";
    let text = LIST
        .replace("number: 80", "number: eighty")
        .replace("items:\n", &format!("items:\n{service}"));
    let manifest = parse_str(&text);
    assert_eq!(manifest.objects.len(), 1);
    let problem = &manifest.problems[0];
    assert_eq!(problem.line, Some(21));
    assert!(problem.reason.contains("port.number: invalid type"), "{problem}");
}

#[test]
fn an_ingress_that_cannot_be_read_leaves_its_hosts_and_paths() {
    let manifest = parse_str(&LIST.replace("number: 80", "number: eighty"));
    let spec = manifest.unreadable[0].spec.as_ref().unwrap();
    let rule = &spec.rules.as_ref().unwrap()[0];
    assert_eq!(rule.host.as_deref(), Some("shop.example.com"));
    assert_eq!(rule.http.as_ref().unwrap().paths[0].path.as_deref(), Some("/"));
    let manifest = parse_str(&LIST.replace("shop.example.com", "{{ .Host }}"));
    let spec = manifest.unreadable[0].spec.as_ref().unwrap();
    assert_eq!(spec.rules.as_deref(), Some(&[][..]));
}

#[test]
fn a_document_that_does_not_parse_costs_itself_only() {
    let service =
        |name: &str| format!("---\napiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n");
    let text = format!("{}---\nspec: [\n{}", service("a"), service("b"));
    let manifest = parse_str(&text);
    let lines: Vec<_> = manifest.objects.iter().map(|it| (it.name(), it.line)).collect();
    assert_eq!(lines, [("a", 2), ("b", 9)]);
    assert_eq!(manifest.problems.len(), 1, "{manifest:?}");
    let line = manifest.problems[0].line.unwrap();
    assert!((7..=8).contains(&line), "{manifest:?}");
    // The lines within a document after a broken one are those of the file.
    let manifest = parse_str(&format!("a: [\n---\n{LIST}"));
    assert_eq!(manifest.objects[0].line, 5);
    assert_eq!(manifest.objects[0].line_of("spec.rules[0].host"), 13);
}

#[test]
fn an_object_of_an_old_version_is_refused() {
    let problem = problem_of("kind: Ingress\napiVersion: extensions/v1beta1\n");
    assert_eq!(problem.line, Some(2));
    assert!(problem.reason.contains("extensions/v1beta1"), "{problem}");
}

#[test]
fn something_else_entirely_is_refused() {
    assert!(problem_of("hello").reason.contains("apiVersion"));
    assert!(parse_str("").problems.is_empty());
    let nameless = "apiVersion: v1\nkind: Secret\nmetadata:\n  labels: {}\n";
    assert_eq!(problem_of(nameless).line, Some(4));
    let smuggled = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"a\\nb\"\n";
    let problem = problem_of(smuggled);
    assert_eq!(problem.line, Some(4));
    assert!(problem.reason.contains("not a name"), "{problem}");
}

#[test]
fn json_objects_one_after_another_are_read() {
    let service = |name: &str| {
        format!(
            "{{\n\t\"apiVersion\": \"v1\", \"kind\": \"Service\",\n  \"metadata\": {{\"name\": \"{name}\"}}\n}}"
        )
    };
    let text = format!("{}\n{}{}\n", service("a"), service("b"), service("c"));
    let manifest = parse(Path::new("a.json"), &text);
    let lines: Vec<_> = manifest.objects.iter().map(|it| (it.name(), it.line)).collect();
    assert_eq!((lines, manifest.problems), (vec![("a", 1), ("b", 5), ("c", 8)], vec![]));
    // What is not JSON costs itself and what follows.
    for (last, expected) in [
        ("{\n\"a\" 1}", "a.json:6: not JSON: expected `:`"),
        (
            "{\"port\": {{ .Port }}}",
            "a.json:5: `{{ .Port }}` looks like an unrendered template, and JSON cannot",
        ),
    ] {
        let manifest = parse(Path::new("a.json"), &format!("{}\n{last}\n", service("a")));
        assert_eq!((manifest.objects.len(), manifest.problems.len()), (1, 1), "{manifest:?}");
        let problem = manifest.problems[0].to_string();
        assert!(problem.starts_with(expected), "{problem}");
    }
}

#[test]
fn every_placeholder_of_a_document_is_told_once() {
    let text = LIST
        .replace("shop.example.com", "${HOST}")
        .replace("number: 80", "number: $(PORT)")
        .replace("path: /\n", "path: <% path %>\n")
        .replace(
            "name: shop\n    namespace: web",
            "{{ name }}: shop\n    annotations: {note: '${x}'}",
        );
    let manifest = parse_str(&text);
    let told: Vec<_> = manifest.problems.iter().map(ToString::to_string).collect();
    let looks = "looks like an unrendered template";
    let expected = [
        format!("resources/a.yaml:7: metadata: `{{{{ name }}}}` {looks}"),
        format!("resources/a.yaml:11: spec.rules[0].host: `${{HOST}}` {looks}"),
        format!(
            "resources/a.yaml:18: spec.rules[0].http.paths[0].backend.service.port.number: `$(PORT)` {looks}"
        ),
        format!("resources/a.yaml:19: spec.rules[0].http.paths[0].path: `<% path %>` {looks}"),
    ];
    assert_eq!(told, expected);
    // Another error comes first, and does not hide them.
    let text = LIST.replace("shop.example.com", "${HOST}").replace("number: 80", "number: eighty");
    assert_eq!(parse_str(&text).problems.len(), 2);
    // Nor does it where YAML cannot read the document.
    let text = "a: [{{ x }}\n---\nb: 1\n{{- if y }}\nc: {{ z }}\nd: $(date)\n{{- end }}\n";
    let lines: Vec<_> = parse_str(text).problems.iter().filter_map(|it| it.line).collect();
    assert_eq!(lines, [1, 4, 5, 7]);
}

#[test]
fn a_rejected_object_keeps_its_name() {
    let text =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: web}\ndata: {tls.crt: '?'}\n";
    let rejected = parse_str(text).rejected;
    assert_eq!(rejected, [Rejected { kind: "Secret".into(), key: "web/a".to_owned(), line: 4 }]);
}

#[test]
fn an_unrendered_template_is_called_one() {
    for (from, to, expected) in [
        (
            "shop.example.com",
            "{{ .Host }}",
            ":11: spec.rules[0].host: `{{ .Host }}` looks like an unrendered template",
        ),
        (
            "number: 80",
            "number: ${PORT}",
            ":18: spec.rules[0].http.paths[0].backend.service.port.number: `${PORT}` looks",
        ),
        (
            "- backend:",
            "- {{ toYaml . }}\n        - backend:",
            ":14: spec.rules[0].http.paths[0]: `{{ toYaml . }}` looks like",
        ),
        (
            "name: shop\n    namespace",
            "name: '{{ .Name }}'\n    namespace",
            ":7: metadata.name: `{{",
        ),
        (
            "shop.example.com",
            "{{ .Host }}.example.com",
            ":11: `{{ .Host }}` looks like an unrendered",
        ),
        ("    rules:", "    {{- if .Rules }}\n    rules:", ":10: `{{- if .Rules }}` looks like"),
        ("kind: Ingress", "kind: {{ .Kind }}", "`{{ .Kind }}` looks like an unrendered"),
    ] {
        assert!(LIST.contains(from), "{from}");
        let problem = problem_of(&LIST.replacen(from, to, 1));
        let text = problem.to_string();
        assert!(text.contains(expected), "{to}: {text}");
    }
}
