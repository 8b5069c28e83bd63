//! From the text of a file to its objects.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::super::problem::Problem;
use super::super::yaml::{self, Located, Node};
use super::super::{json, placeholder};
use super::{KINDS, Manifest, Object, Rejected, Resource, salvage};

/// Reads the text of `file`. A file that ends in `.json` is read as JSON, any other as YAML.
pub(crate) fn parse(file: &Path, text: &str) -> Manifest {
    let is_json = file.extension().is_some_and(|end| end == "json");
    let yaml = if is_json { json::to_yaml(text) } else { text.into() };
    let mut reader = Reader { manifest: Manifest::empty(file), offset: 0 };
    match yaml::documents(&yaml) {
        Ok(documents) => documents.iter().for_each(|document| reader.add(document)),
        // Parse each document alone, so that a broken one does not affect the others.
        Err(_) if is_json => reader.stream(text),
        Err(_) => {
            for (offset, part) in yaml::split(&yaml) {
                reader.offset = offset;
                reader.read(part);
            }
        }
    }
    reader.manifest
}

/// The syntax errors of `text`, which `language` cannot read: `error`, and its placeholders, which
/// are the most likely reason.
fn syntax(text: &str, language: &str, error: Located) -> Vec<Located> {
    let mut errors: Vec<_> = placeholder::lines(text)
        .filter_map(|(line, found)| Some(Located::new(line, placeholder::explain(found)?)))
        .collect();
    match errors.first_mut() {
        Some(first) => first.reason += &format!(", and {language} cannot read it: {error}"),
        None => errors.push(error),
    }
    errors
}

struct Reader {
    manifest: Manifest,
    /// How many lines of the file are before the text that is read.
    offset: usize,
}

impl Reader {
    /// Reads one document, as YAML.
    fn read(&mut self, text: &str) {
        match yaml::documents(text) {
            Ok(documents) => documents.iter().for_each(|document| self.add(document)),
            Err(error) => self.refuse(&syntax(text, "YAML", error)),
        }
    }

    /// Reads JSON values one after another, up to one that is not JSON.
    fn stream(&mut self, text: &str) {
        for (offset, part) in json::split(text) {
            self.offset = offset;
            match part {
                Ok(part) => self.read(&json::to_yaml(part)),
                Err((rest, line, reason)) => {
                    let error = Located::new(line, format!("not JSON: {reason}"));
                    self.refuse(&syntax(rest, "JSON", error));
                }
            }
        }
    }

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
                let used = KINDS.into_iter().find(|it| kind == Some(it));
                let mut errors = vec![error];
                if used.is_some() || placeholder::explains(&errors[0].reason) {
                    salvage::placeholders(node, "", &mut errors);
                }
                self.refuse(&errors);
                if let Some(kind) = used {
                    self.reject(node, kind, errors[0].line);
                }
            }
        }
    }

    /// Keeps what is known of an object that could not be read.
    fn reject(&mut self, node: &Node<'_>, kind: &'static str, line: usize) {
        if kind == "Ingress" {
            self.manifest.unreadable.push(salvage::ingress(node));
        } else if let Some(key) = salvage::key(node, kind) {
            self.manifest.rejected.push(Rejected {
                kind: kind.into(),
                key,
                line: line + self.offset,
            });
        }
    }

    fn refuse(&mut self, errors: &[Located]) {
        for error in errors {
            let line = Some(error.line + self.offset);
            let problem = Problem::error(&self.manifest.file, line, error.to_string());
            self.manifest.problems.push(problem);
        }
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
        value.and_then(yaml::as_str).filter(|text| !text.is_empty()).ok_or_else(|| {
            let at = value.unwrap_or(node);
            let unrendered = yaml::placeholder(at);
            match unrendered.as_deref().and_then(placeholder::explain) {
                Some(reason) if value.is_some() => {
                    Located::new(yaml::line(at), format!("{key}: {reason}"))
                }
                Some(reason) => Located::new(yaml::line(at), reason),
                None => {
                    let reason = format!("a Kubernetes object without `{key}`");
                    Located::new(yaml::line(node), reason)
                }
            }
        })
    };
    let resource = match (text("apiVersion")?, text("kind")?) {
        ("networking.k8s.io/v1", "Ingress") => Resource::Ingress(read(node)?),
        ("v1", "Service") => Resource::Service(read(node)?),
        ("discovery.k8s.io/v1", "EndpointSlice") => Resource::EndpointSlice(read(node)?),
        ("v1", "Secret") => Resource::Secret(read(node)?),
        ("v1", "ConfigMap") => Resource::ConfigMap(read(node)?),
        (version, kind) if KINDS.contains(&kind) => {
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
