//! One file of Kubernetes objects, as `kubectl get -o yaml` prints them.
//!
//! A file holds any number of documents, each one object or a `List` of objects. Kinds the
//! controller does not use are counted and left alone. Every error names file and line.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use super::problem::Problem;
use super::yaml::{self, Located, Node};

/// The objects of one file.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// The file, relative to the site.
    pub(crate) file: PathBuf,
    /// What it holds, in order.
    pub(crate) objects: Vec<Object>,
    /// How many objects are of kinds the controller does not use.
    pub(crate) ignored: usize,
}

/// One Kubernetes object and where it is written.
#[derive(Debug)]
pub(crate) struct Object {
    /// The line it starts at.
    pub(crate) line: usize,
    /// The object itself.
    pub(crate) resource: Resource,
    lines: HashMap<String, usize>,
}

/// The kinds the controller uses.
#[derive(Debug)]
pub(crate) enum Resource {
    /// Which requests go to which service.
    Ingress(Box<Ingress>),
    /// A name for a set of ports.
    Service(Box<Service>),
    /// The addresses behind a service.
    EndpointSlice(Box<EndpointSlice>),
    /// A certificate and its key.
    Secret(Box<Secret>),
    /// Options for the template.
    ConfigMap(Box<ConfigMap>),
}

impl Resource {
    /// The kind, as Kubernetes spells it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Ingress(_) => "Ingress",
            Self::Service(_) => "Service",
            Self::EndpointSlice(_) => "EndpointSlice",
            Self::Secret(_) => "Secret",
            Self::ConfigMap(_) => "ConfigMap",
        }
    }

    /// Name, namespace, labels and annotations.
    pub(crate) fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Ingress(it) => &it.metadata,
            Self::Service(it) => &it.metadata,
            Self::EndpointSlice(it) => &it.metadata,
            Self::Secret(it) => &it.metadata,
            Self::ConfigMap(it) => &it.metadata,
        }
    }
}

impl Object {
    /// `namespace/name`.
    pub(crate) fn key(&self) -> String {
        key(self.namespace(), self.name())
    }

    /// The object's name.
    pub(crate) fn name(&self) -> &str {
        self.resource.metadata().name.as_deref().unwrap_or_default()
    }

    /// The object's namespace; `default` when it names none.
    pub(crate) fn namespace(&self) -> &str {
        let namespace = self.resource.metadata().namespace.as_deref();
        namespace.unwrap_or("default")
    }

    /// The line of `path` (`spec.rules[0].host`), or of the closest thing around it.
    pub(crate) fn line_of(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.line,
            }
        }
    }
}

/// `namespace/name`.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

/// Parses the text of `file`.
pub(crate) fn parse(file: &Path, text: &str) -> Result<Manifest, Problem> {
    let mut manifest = Manifest { file: file.to_owned(), objects: Vec::new(), ignored: 0 };
    yaml::documents(text)
        .and_then(|documents| {
            documents.iter().try_for_each(|document| add(&mut manifest, document))
        })
        .map_err(|error| Problem::error(file, Some(error.line), error.to_string()))?;
    Ok(manifest)
}

fn add(manifest: &mut Manifest, node: &Node<'_>) -> Result<(), Located> {
    let text = |key: &str| {
        yaml::get(node, key).and_then(yaml::as_str).ok_or_else(|| {
            Located::new(yaml::line(node), format!("a Kubernetes object without `{key}`"))
        })
    };
    let resource = match (text("apiVersion")?, text("kind")?) {
        (_, list) if list.ends_with("List") && yaml::get(node, "items").is_some() => {
            let items = yaml::get(node, "items").map_or(&[][..], yaml::items);
            return items.iter().try_for_each(|item| add(manifest, item));
        }
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
        _ => {
            manifest.ignored += 1;
            return Ok(());
        }
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
    if object.name().is_empty() {
        let line = yaml::get(node, "metadata").map_or(object.line, yaml::line);
        return Err(Located::new(line, "metadata: the object has no name"));
    }
    manifest.objects.push(object);
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

    fn parse_str(text: &str) -> Result<Manifest, Problem> {
        parse(Path::new("resources/a.yaml"), text)
    }

    #[test]
    fn a_list_as_kubectl_prints_it() {
        let manifest = parse_str(LIST).unwrap();
        assert_eq!(manifest.ignored, 1);
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
    fn a_wrong_field_in_a_list_is_found_at_its_line() {
        let problem = parse_str(&LIST.replace("number: 80", "number: eighty")).unwrap_err();
        assert_eq!(problem.line, Some(18));
        assert!(problem.reason.contains("port.number: invalid type"), "{problem}");
    }

    #[test]
    fn an_object_of_an_old_version_is_refused() {
        let problem = parse_str("kind: Ingress\napiVersion: extensions/v1beta1\n").unwrap_err();
        assert_eq!(problem.line, Some(2));
        assert!(problem.reason.contains("extensions/v1beta1"), "{problem}");
    }

    #[test]
    fn something_else_entirely_is_refused() {
        assert!(parse_str("hello").unwrap_err().reason.contains("apiVersion"));
        assert!(parse_str("").unwrap().objects.is_empty());
        let nameless = "apiVersion: v1\nkind: Secret\nmetadata:\n  labels: {}\n";
        assert_eq!(parse_str(nameless).unwrap_err().line, Some(4));
    }
}
