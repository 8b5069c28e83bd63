//! Everything the site holds, by kind and key: what a pass looks at.
//!
//! An inventory is immutable and shares its manifests, so taking one is a few reference counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;
use serde::{Deserialize, Serialize};

use super::count::count;
use super::manifest::{Manifest, Object, Resource, SERVICE_NAME, key};
use super::problem::{Problem, place};

/// An object and the file it is in.
pub(crate) type Entry<'a> = (&'a Path, &'a Object);

/// The manifests of one moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Inventory {
    manifests: BTreeMap<PathBuf, Arc<Manifest>>,
}

/// An [`Inventory`] with its objects found by key.
#[derive(Debug, Default)]
pub(crate) struct Index<'a> {
    /// In order of file, then line.
    pub(crate) ingresses: Vec<(Entry<'a>, &'a Ingress)>,
    services: BTreeMap<String, &'a Service>,
    slices: BTreeMap<String, Vec<(Entry<'a>, &'a EndpointSlice)>>,
    secrets: BTreeMap<String, &'a Secret>,
    config_maps: BTreeMap<String, (Entry<'a>, &'a ConfigMap)>,
    /// Where objects were rejected, by kind and key.
    rejected: BTreeMap<(&'a str, String), String>,
    /// What is left of Ingresses that could not be read.
    pub(crate) unreadable: Vec<&'a Ingress>,
    /// Objects that could not be read, and objects that are there twice.
    pub(crate) problems: Vec<Problem>,
}

impl Inventory {
    /// Puts `manifest` in the place of what its file held before.
    pub(crate) fn insert(&mut self, manifest: Arc<Manifest>) {
        self.manifests.insert(manifest.file.clone(), manifest);
    }

    /// Forgets what `file` held.
    pub(crate) fn remove(&mut self, file: &Path) {
        self.manifests.remove(file);
    }

    /// How many objects of each kind there are, as `12 ingresses, 1 secret`.
    pub(crate) fn describe(&self) -> String {
        let names = [
            ("Ingress", "ingress"),
            ("Service", "service"),
            ("EndpointSlice", "endpoint slice"),
            ("Secret", "secret"),
            ("ConfigMap", "config map"),
        ];
        let counts: Vec<_> = names
            .into_iter()
            .filter_map(|(kind, noun)| {
                let number =
                    self.objects().filter(|(_, object)| object.resource.kind() == kind).count();
                (number > 0).then(|| count(number, noun))
            })
            .collect();
        if counts.is_empty() {
            return "no objects".to_owned();
        }
        counts.join(", ")
    }

    /// Finds every object by its key.
    pub(crate) fn index(&self) -> Index<'_> {
        let mut index = Index::default();
        for manifest in self.manifests.values() {
            index.problems.extend_from_slice(&manifest.problems);
            index.unreadable.extend(&manifest.unreadable);
            for it in &manifest.rejected {
                let place = place(&manifest.file, Some(it.line));
                index.rejected.entry((&*it.kind, it.key.clone())).or_insert(place);
            }
        }
        let mut seen: BTreeMap<(&str, String), Entry<'_>> = BTreeMap::new();
        for entry in self.objects() {
            let (file, object) = entry;
            let id = (object.resource.kind(), object.key());
            if let Some((other, first)) = seen.get(&id) {
                let place = place(other, Some(first.line));
                let reason = format!("{} {} is already defined in {place}", id.0, id.1);
                index.problems.push(Problem::error(file, Some(object.line), reason));
                continue;
            }
            match &object.resource {
                Resource::Ingress(it) => index.ingresses.push((entry, it)),
                Resource::Service(it) => drop(index.services.insert(id.1.clone(), it)),
                Resource::Secret(it) => drop(index.secrets.insert(id.1.clone(), it)),
                Resource::ConfigMap(it) => {
                    index.config_maps.insert(id.1.clone(), (entry, it));
                }
                Resource::EndpointSlice(it) => {
                    let labels = it.metadata.labels.as_ref();
                    if let Some(service) = labels.and_then(|l| l.get(SERVICE_NAME)) {
                        let key = key(object.namespace(), service);
                        index.slices.entry(key).or_default().push((entry, it));
                    }
                }
            }
            seen.insert(id, entry);
        }
        index
    }

    fn objects(&self) -> impl Iterator<Item = Entry<'_>> {
        self.manifests.values().flat_map(|manifest| {
            let file = manifest.file.as_path();
            manifest.objects.iter().map(move |object| (file, object))
        })
    }
}

impl<'a> Index<'a> {
    /// The Service called `name` in `namespace`.
    pub(crate) fn service(&self, namespace: &str, name: &str) -> Option<&'a Service> {
        self.services.get(&key(namespace, name)).copied()
    }

    /// The slices of the Service called `name` in `namespace`.
    pub(crate) fn slices(&self, namespace: &str, name: &str) -> &[(Entry<'a>, &'a EndpointSlice)] {
        self.slices.get(&key(namespace, name)).map_or(&[], Vec::as_slice)
    }

    /// The Secret called `name` in `namespace`.
    pub(crate) fn secret(&self, namespace: &str, name: &str) -> Option<&'a Secret> {
        self.secrets.get(&key(namespace, name)).copied()
    }

    /// Where an object of `kind` that could not be read is written; an EndpointSlice goes by the key
    /// of its Service.
    pub(crate) fn rejected(&self, kind: &'static str, key: &str) -> Option<&str> {
        self.rejected.get(&(kind, key.to_owned())).map(String::as_str)
    }

    /// The ConfigMap at `namespace/name`.
    pub(crate) fn config_map(&self, key: &str) -> Option<(Entry<'a>, &'a ConfigMap)> {
        self.config_maps.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::parse;
    use super::*;

    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n";

    fn inventory(files: &[(&str, &str)]) -> Inventory {
        let mut inventory = Inventory::default();
        for (file, text) in files {
            inventory.insert(Arc::new(parse(Path::new(file), text)));
        }
        inventory
    }

    #[test]
    fn objects_are_found_by_key() {
        let inventory = inventory(&[("a.yaml", SERVICE)]);
        assert_eq!(inventory.describe(), "1 service");
        let index = inventory.index();
        assert!(index.service("shop", "web").is_some());
        assert!(index.service("default", "web").is_none());
        assert!(index.problems.is_empty());
    }

    #[test]
    fn the_second_definition_is_the_problem() {
        let inventory = inventory(&[("a.yaml", SERVICE), ("b.yaml", SERVICE)]);
        let problems = inventory.index().problems;
        assert_eq!(
            problems[0].to_string(),
            "b.yaml:1: Service shop/web is already defined in a.yaml:1"
        );
    }

    #[test]
    fn a_file_replaces_what_it_held() {
        let mut inventory = inventory(&[("a.yaml", SERVICE)]);
        inventory.insert(Arc::new(parse(Path::new("a.yaml"), "")));
        assert_eq!(inventory.describe(), "no objects");
        inventory.remove(Path::new("a.yaml"));
        assert_eq!(inventory.describe(), "no objects");
    }
}
