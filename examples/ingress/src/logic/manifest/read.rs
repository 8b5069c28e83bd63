//! From the text of a file to its objects.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::super::problem::Problem;
use super::super::yaml::{self, Located, Node};
use super::super::{json, placeholder};
use super::{Manifest, Object, Resource, salvage};

/// Reads the text of `file`. A file that ends in `.json` is read as JSON, any other as YAML.
pub(crate) fn parse(file: &Path, text: &str) -> Manifest {
    let is_json = file.extension().is_some_and(|end| end == "json");
    let text = if is_json { json::to_yaml(text) } else { text.into() };
    let mut reader = Reader { manifest: Manifest::empty(file), offset: 0 };
    match yaml::documents(&text) {
        Ok(documents) => documents.iter().for_each(|document| reader.add(document)),
        // Parse each document alone, so that a broken one does not affect the others.
        Err(_) => {
            for (offset, part) in yaml::split(&text) {
                reader.offset = offset;
                match yaml::documents(part) {
                    Ok(documents) => documents.iter().for_each(|document| reader.add(document)),
                    Err(error) => reader.refuse(&syntax(part, error)),
                }
            }
        }
    }
    reader.manifest
}

/// A syntax error of `text`. A placeholder in it is the most likely reason.
fn syntax(text: &str, error: Located) -> Located {
    let lines: Vec<_> = text.lines().collect();
    let found = placeholder::line(&lines);
    match found.and_then(|line| Some((line, placeholder::explain(lines[line])?))) {
        Some((line, reason)) => {
            Located::new(line + 1, format!("{reason}, and YAML cannot read it: {error}"))
        }
        None => error,
    }
}

struct Reader {
    manifest: Manifest,
    /// How many lines of the file are before the text that is read.
    offset: usize,
}

impl Reader {
    fn add(&mut self, node: &Node<'_>) {
        let kind = yaml::get(node, "kind").and_then(yaml::as_str);
        if kind.is_some_and(|kind| kind.ends_with("List"))
            && let Some(items) = yaml::get(node, "items")
        {
            yaml::items(items).iter().for_each(|item| self.add(item));
            return;
        }
        match object(node) {
            Ok(Read::Object(mut object)) => {
                object.line += self.offset;
                object.lines.values_mut().for_each(|line| *line += self.offset);
                self.manifest.objects.push(object);
            }
            Ok(Read::Ignored(kind)) => *self.manifest.ignored.entry(kind).or_default() += 1,
            Err(error) => {
                self.refuse(&error);
                if kind == Some("Ingress") {
                    self.manifest.unreadable.push(salvage::ingress(node));
                }
            }
        }
    }

    fn refuse(&mut self, error: &Located) {
        let line = Some(error.line + self.offset);
        let problem = Problem::error(&self.manifest.file, line, error.to_string());
        self.manifest.problems.push(problem);
    }
}

enum Read {
    Object(Object),
    /// Of a kind the controller does not use.
    Ignored(String),
}

fn object(node: &Node<'_>) -> Result<Read, Located> {
    let text = |key: &str| {
        let value = yaml::get(node, key);
        value.and_then(yaml::as_str).ok_or_else(|| {
            let unrendered = yaml::placeholder(value.unwrap_or(node));
            let reason = unrendered.as_deref().and_then(placeholder::explain);
            let otherwise = || format!("a Kubernetes object without `{key}`");
            Located::new(yaml::line(node), reason.unwrap_or_else(otherwise))
        })
    };
    let resource = match (text("apiVersion")?, text("kind")?) {
        ("networking.k8s.io/v1", "Ingress") => Resource::Ingress(read(node)?),
        ("v1", "Service") => Resource::Service(read(node)?),
        ("discovery.k8s.io/v1", "EndpointSlice") => Resource::EndpointSlice(read(node)?),
        ("v1", "Secret") => Resource::Secret(read(node)?),
        ("v1", "ConfigMap") => Resource::ConfigMap(read(node)?),
        (version, kind @ ("Ingress" | "Service" | "EndpointSlice" | "Secret" | "ConfigMap")) => {
            let reason = format!("apiVersion: {kind} is not served as `{version}`");
            let line = yaml::get(node, "apiVersion").map_or(0, yaml::line);
            return Err(Located::new(line, reason));
        }
        (_, kind) => return Ok(Read::Ignored(kind.to_owned())),
    };
    let mut lines = HashMap::new();
    // Only an Ingress is quoted line by line; the others by the line they start at.
    if matches!(resource, Resource::Ingress(_))
        && let Some(spec) = yaml::get(node, "spec")
    {
        yaml::walk(spec, "spec", &mut |path, line| {
            lines.insert(path, line);
        });
    }
    let object = Object { line: yaml::line(node), resource, lines };
    check_metadata(node, &object)?;
    Ok(Read::Object(object))
}

/// Checks name and namespace, which become part of names in HAProxy's configuration.
fn check_metadata(node: &Node<'_>, object: &Object) -> Result<(), Located> {
    let metadata = yaml::get(node, "metadata");
    let at = |key| metadata.and_then(|it| yaml::get(it, key).or(metadata));
    let fail = |key, reason| {
        Err(Located::new(at(key).map_or_else(|| yaml::line(node), yaml::line), reason))
    };
    if object.name().is_empty() {
        return fail("name", "metadata: the object has no name".to_owned());
    }
    for (key, value) in [("name", object.name()), ("namespace", object.namespace())] {
        if value.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
            continue;
        }
        let otherwise = || format!("`{value}` is not a name that Kubernetes accepts");
        let reason = placeholder::explain(value).unwrap_or_else(otherwise);
        return fail(key, format!("metadata.{key}: {reason}"));
    }
    Ok(())
}

fn read<T: for<'de> Deserialize<'de>>(node: &Node<'_>) -> Result<Box<T>, Located> {
    yaml::from_node(node).map(Box::new)
}

#[cfg(test)]
mod tests {
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
            (
                "    rules:",
                "    {{- if .Rules }}\n    rules:",
                ":10: `{{- if .Rules }}` looks like",
            ),
            ("kind: Ingress", "kind: {{ .Kind }}", "`{{ .Kind }}` looks like an unrendered"),
        ] {
            assert!(LIST.contains(from), "{from}");
            let problem = problem_of(&LIST.replacen(from, to, 1));
            let text = problem.to_string();
            assert!(text.contains(expected), "{to}: {text}");
        }
    }
}
