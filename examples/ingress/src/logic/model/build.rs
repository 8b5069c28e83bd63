//! From an inventory to a model.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use k8s_openapi::api::networking::v1::Ingress;

use super::super::inventory::{Index, Inventory};
use super::super::problem::{Problem, Severity};
use super::super::settings::Settings;
use super::{Backend, Model, PassedOver, PathKind, UNAVAILABLE, tls};

/// Makes a model of `inventory`, and lists what is wrong with it, the worst first.
pub(crate) fn build(settings: &Settings, inventory: &Inventory) -> (Model, Vec<Problem>) {
    let index = inventory.index();
    let mut builder = Builder {
        settings,
        index: &index,
        model: Model::default(),
        problems: index.problems.clone(),
        owners: BTreeMap::new(),
        default_owner: None,
        secrets: BTreeMap::new(),
        told: BTreeSet::new(),
        late: Vec::new(),
    };
    builder.options();
    builder.default_certificate();
    for (entry, ingress) in &index.ingresses {
        let (file, object) = *entry;
        if builder.serves(ingress) {
            builder.ingress(*entry, ingress);
        } else {
            builder.model.passed_over.push(PassedOver {
                ingress: object.key(),
                class: class(ingress).map(str::to_owned),
                file: file.to_path_buf(),
                line: object.line,
            });
        }
    }
    builder.faults();
    // After the others, because a rule that can be read takes precedence.
    for Late { host, path, kind, ingress } in std::mem::take(&mut builder.late) {
        builder.fallback((&host, &path, kind), &ingress);
    }
    for ingress in &index.unreadable {
        if builder.serves(ingress) {
            builder.unreadable(ingress);
        }
    }
    let Builder { mut model, mut problems, .. } = builder;
    model.routes.sort();
    if settings.strict {
        for problem in problems.iter_mut().filter(|it| it.severity == Severity::Error) {
            problem.severity = Severity::Fatal;
        }
    }
    problems.sort_by(|a, b| (a.severity, &a.file, a.line).cmp(&(b.severity, &b.file, b.line)));
    (model, problems)
}

/// Turns Ingresses into routes, one after the other.
pub(super) struct Builder<'a> {
    pub(super) settings: &'a Settings,
    pub(super) index: &'a Index<'a>,
    pub(super) model: Model,
    pub(super) problems: Vec<Problem>,
    /// The Ingress that took a host and path first, and where.
    pub(super) owners: BTreeMap<(String, String, PathKind), String>,
    /// The Ingress that has the default backend, and where.
    pub(super) default_owner: Option<String>,
    /// What is wrong with Secrets, by reason: the problem where each is first named, and the hosts of
    /// all that name it.
    pub(super) secrets: BTreeMap<String, (Problem, Vec<String>)>,
    /// The Services of which it was told that they were rejected.
    pub(super) told: BTreeSet<String>,
    /// Paths that answer 503 unless another Ingress has them.
    pub(super) late: Vec<Late>,
}

/// A path that the clients of an invalid one ask for, presumably.
pub(super) struct Late {
    pub(super) host: String,
    pub(super) path: String,
    pub(super) kind: PathKind,
    pub(super) ingress: String,
}

impl Builder<'_> {
    fn serves(&self, ingress: &Ingress) -> bool {
        class(ingress)
            .map_or(self.settings.watch_without_class, |class| class == self.settings.ingress_class)
    }

    fn options(&mut self) {
        let Some(key) = &self.settings.options else {
            return;
        };
        let Some(((file, object), map)) = self.index.config_map(key) else {
            let reason = match self.index.rejected("ConfigMap", key) {
                Some(place) => format!("ConfigMap {key} was rejected at {place}"),
                None => format!("there is no ConfigMap {key}"),
            };
            let reason = format!("options: {reason}; using the template's defaults");
            let file = Path::new("controller.yaml");
            self.problems.push(Problem::warning(file, None, reason));
            return;
        };
        for (name, value) in map.data.iter().flatten() {
            if value.chars().any(char::is_control) {
                let reason = format!(
                    "ConfigMap {key}: `{name}` must be one line; using the template's default"
                );
                self.problems.push(Problem::error(file, Some(object.line), reason));
            } else {
                self.model.options.insert(name.clone(), value.clone());
            }
        }
    }

    fn default_certificate(&mut self) {
        let Some(key) = &self.settings.default_certificate else {
            return;
        };
        let (namespace, name) = key.split_once('/').unwrap_or(("default", key));
        match tls::certificate(self.index, namespace, name) {
            Ok(certificate) => {
                self.model.default_certificate = Some(certificate.secret.clone());
                self.model.certificates.insert(certificate.secret.clone(), certificate);
            }
            Err(fault) => {
                let reason = format!("defaultCertificate: {}", fault.reason());
                let file = Path::new("controller.yaml");
                let problem = Problem::error(file, None, reason);
                self.problems.push(Problem { severity: fault.severity(), ..problem });
            }
        }
    }

    /// Takes a host and path for `ingress`, which asks for them at `place`.
    ///
    /// # Errors
    ///
    /// The Ingress that took them before, and where.
    pub(super) fn claim(
        &mut self,
        (host, path, kind): (&str, &str, PathKind),
        ingress: &str,
        place: &str,
    ) -> Result<(), String> {
        // A prefix is a list of path elements: `/shop/` is `/shop`.
        let path = if kind == PathKind::Prefix { path.trim_end_matches('/') } else { path };
        match self.owners.entry((host.to_ascii_lowercase(), path.to_owned(), kind)) {
            Entry::Occupied(owner) => Err(owner.get().clone()),
            Entry::Vacant(free) => {
                free.insert(format!("Ingress {ingress} ({place})"));
                Ok(())
            }
        }
    }

    /// The name of the backend that answers 503.
    pub(super) fn unavailable(&mut self) -> String {
        let slot = self.model.backends.entry(UNAVAILABLE.to_owned());
        let backend = slot.or_insert_with(|| Backend {
            name: UNAVAILABLE.to_owned(),
            balance: "roundrobin".to_owned(),
            check: false,
            servers: Vec::new(),
            external: false,
        });
        backend.name.clone()
    }
}

/// The class that `ingress` names.
fn class(ingress: &Ingress) -> Option<&str> {
    let spec = ingress.spec.as_ref();
    let annotations = ingress.metadata.annotations.as_ref();
    spec.and_then(|spec| spec.ingress_class_name.as_ref())
        .or_else(|| annotations.and_then(|it| it.get("kubernetes.io/ingress.class")))
        .map(String::as_str)
}
