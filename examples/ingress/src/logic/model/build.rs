//! From an inventory to a model.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress, IngressBackend};

use super::super::inventory::{Entry, Index, Inventory};
use super::super::problem::Problem;
use super::super::settings::Settings;
use super::{Model, PathKind, Route, backend, tls};

/// Makes a model of `inventory`, and lists what is wrong with it, errors first.
pub(crate) fn build(settings: &Settings, inventory: &Inventory) -> (Model, Vec<Problem>) {
    let index = inventory.index();
    let mut builder = Builder {
        settings,
        index: &index,
        model: Model::default(),
        problems: index.problems.clone(),
        owners: BTreeMap::new(),
    };
    builder.options();
    for (entry, ingress) in &index.ingresses {
        if builder.serves(ingress) {
            builder.ingress(*entry, ingress);
        }
    }
    let Builder { mut model, mut problems, .. } = builder;
    model.routes.sort();
    problems.sort_by_key(|problem| problem.severity);
    (model, problems)
}

struct Builder<'a> {
    settings: &'a Settings,
    index: &'a Index<'a>,
    model: Model,
    problems: Vec<Problem>,
    /// Which Ingress took a host and path first.
    owners: BTreeMap<(String, String, PathKind), String>,
}

impl<'a> Builder<'a> {
    fn serves(&self, ingress: &Ingress) -> bool {
        let spec = ingress.spec.as_ref();
        let annotations = ingress.metadata.annotations.as_ref();
        let class = spec
            .and_then(|spec| spec.ingress_class_name.as_ref())
            .or_else(|| annotations.and_then(|it| it.get("kubernetes.io/ingress.class")));
        class.map_or(self.settings.watch_without_class, |class| {
            *class == self.settings.ingress_class
        })
    }

    fn options(&mut self) {
        let Some(key) = &self.settings.options else {
            return;
        };
        let Some(((file, object), map)) = self.index.config_map(key) else {
            let reason =
                format!("options: there is no ConfigMap {key}; using the template's defaults");
            let file = std::path::Path::new("controller.yaml");
            self.problems.push(Problem::warning(file, None, reason));
            return;
        };
        for (name, value) in map.data.iter().flatten() {
            if value.chars().any(char::is_control) {
                let reason = format!("ConfigMap {key}: `{name}` must be one line");
                self.problems.push(Problem::error(file, Some(object.line), reason));
            } else {
                self.model.options.insert(name.clone(), value.clone());
            }
        }
    }

    fn ingress(&mut self, entry: Entry<'a>, ingress: &'a Ingress) {
        let Some(spec) = &ingress.spec else {
            return self.error(entry, "spec", "the Ingress has no spec");
        };
        if let Some(default) = &spec.default_backend
            && let Some(name) = self.backend(entry, default, "spec.defaultBackend")
        {
            let taken = self.model.default_backend.replace(name.clone());
            if taken.is_some_and(|taken| taken != name) {
                self.error(
                    entry,
                    "spec.defaultBackend",
                    "another Ingress has a default backend already",
                );
            }
        }
        for (r, rule) in spec.rules.iter().flatten().enumerate() {
            let host = rule.host.as_deref().unwrap_or("*");
            if let Err(reason) = check_host(host) {
                self.error(entry, &format!("spec.rules[{r}].host"), &reason);
                continue;
            }
            let paths = rule.http.iter().flat_map(|http| &http.paths);
            for (p, path) in paths.enumerate() {
                let at = format!("spec.rules[{r}].http.paths[{p}]");
                self.path(entry, host, path, &at);
            }
        }
        for (t, tls) in spec.tls.iter().flatten().enumerate() {
            let at = format!("spec.tls[{t}]");
            let found = tls::certificate(self.index, entry.1.namespace(), tls);
            match found {
                Ok(certificate) => {
                    let slot = self.model.certificates.entry(certificate.secret.clone());
                    let known = slot.or_insert_with(|| certificate.clone());
                    known.hosts.extend(certificate.hosts);
                    known.hosts.sort();
                    known.hosts.dedup();
                }
                Err(reason) => self.error(entry, &format!("{at}.secretName"), &reason),
            }
        }
    }

    fn path(&mut self, entry: Entry<'a>, host: &str, path: &HTTPIngressPath, at: &str) {
        let text = path.path.as_deref().unwrap_or("/");
        if let Err(reason) = check_path(text) {
            return self.error(entry, &format!("{at}.path"), &reason);
        }
        let kind = match path.path_type.as_str() {
            "Exact" => PathKind::Exact,
            "Prefix" | "ImplementationSpecific" => PathKind::Prefix,
            other => {
                let reason =
                    format!("pathType `{other}` is none of Exact, Prefix, ImplementationSpecific");
                return self.error(entry, &format!("{at}.pathType"), &reason);
            }
        };
        let Some(backend) = self.backend(entry, &path.backend, &format!("{at}.backend")) else {
            return;
        };
        let ingress = entry.1.key();
        let id = (host.to_ascii_lowercase(), text.to_owned(), kind);
        if let Some(owner) = self.owners.get(&id) {
            let reason =
                format!("{host}{text} is taken by Ingress {owner} already; this rule is left out");
            let line = entry.1.line_of(&format!("{at}.path"));
            self.problems.push(Problem::warning(entry.0, Some(line), reason));
            return;
        }
        self.owners.insert(id, ingress.clone());
        self.model.routes.push(Route {
            host: host.to_ascii_lowercase(),
            path: text.to_owned(),
            kind,
            backend,
            ingress,
        });
    }

    /// Resolves `wanted` and returns the backend's name.
    fn backend(&mut self, entry: Entry<'a>, wanted: &IngressBackend, at: &str) -> Option<String> {
        let Some(service) = &wanted.service else {
            self.error(entry, &format!("{at}.resource"), "only a Service can be a backend");
            return None;
        };
        match backend::resolve(self.index, entry.1, service) {
            Ok(backend) => {
                let name = backend.name.clone();
                if backend.servers.is_empty() && !self.model.backends.contains_key(&name) {
                    let reason = format!(
                        "Service {} has no ready endpoint; its clients get 503",
                        service.name
                    );
                    let line = entry.1.line_of(&format!("{at}.service.name"));
                    self.problems.push(Problem::warning(entry.0, Some(line), reason));
                }
                self.model.backends.entry(name.clone()).or_insert(backend);
                Some(name)
            }
            Err(missing) => {
                self.error(entry, &format!("{at}.service.{}", missing.field), &missing.reason);
                None
            }
        }
    }

    fn error(&mut self, entry: Entry<'a>, at: &str, reason: &str) {
        let (file, object) = entry;
        let reason = format!("Ingress {}: {reason}", object.key());
        self.problems.push(Problem::error(file, Some(object.line_of(at)), reason));
    }
}

/// A host goes into the proxy's maps, so it must be one and nothing else.
fn check_host(host: &str) -> Result<(), String> {
    if host == "*" {
        return Ok(());
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    let good = name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        });
    if good { Ok(()) } else { Err(format!("`{host}` is not a host name")) }
}

fn check_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err(format!("path `{path}` does not start with `/`"));
    }
    if path.chars().any(|c| c.is_whitespace() || c.is_control() || c == '#') {
        return Err(format!("path `{path}` has a character no path may have"));
    }
    Ok(())
}
