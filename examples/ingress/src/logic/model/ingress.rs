//! From one Ingress to its routes and certificates.

use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress, IngressBackend, IngressTLS};

use super::super::inventory::Entry;
use super::super::placeholder;
use super::super::problem::{Problem, place};
use super::build::Builder;
use super::{PathKind, Route, backend, tls};

/// The name of an Ingress that could not be read.
const UNREADABLE: &str = "unreadable";

impl Builder<'_> {
    /// Adds the routes and certificates of `ingress`. A valid path with an invalid backend answers 503.
    pub(super) fn ingress(&mut self, entry: Entry<'_>, ingress: &Ingress) {
        let Some(spec) = &ingress.spec else {
            return self.error(entry, "spec", "the Ingress has no spec");
        };
        if let Some(default) = &spec.default_backend {
            self.default_backend(entry, default);
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
        for (t, section) in spec.tls.iter().flatten().enumerate() {
            self.tls(entry, ingress, section, &format!("spec.tls[{t}]"));
        }
    }

    /// Adds routes that answer 503 for the paths of an Ingress that could not be read. Its problem
    /// is in the manifest.
    pub(super) fn unreadable(&mut self, ingress: &Ingress) {
        for rule in ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten()) {
            let host = rule.host.as_deref().unwrap_or("*");
            for path in rule.http.iter().flat_map(|http| &http.paths) {
                let text = path.path.as_deref().unwrap_or("/");
                let kind = kind(&path.path_type).unwrap_or(PathKind::Prefix);
                let good = check_host(host).is_ok() && check_path(text).is_ok();
                // Another Ingress may have the path, and serves its clients.
                if good && self.claim((host, text, kind), UNREADABLE, UNREADABLE).is_ok() {
                    let backend = self.unavailable();
                    self.route((host, text, kind), backend, UNREADABLE);
                }
            }
        }
    }

    fn default_backend(&mut self, entry: Entry<'_>, wanted: &IngressBackend) {
        let at = "spec.defaultBackend";
        if let Some(owner) = &self.default_owner {
            let reason = format!("{owner} has a default backend already; this one is left out");
            return self.warning(entry, at, &reason);
        }
        let place = place(entry.0, Some(entry.1.line_of(at)));
        self.default_owner = Some(format!("Ingress {} ({place})", entry.1.key()));
        let name = self.backend(entry, wanted, at);
        self.model.default_backend = Some(name);
    }

    fn path(&mut self, entry: Entry<'_>, host: &str, path: &HTTPIngressPath, at: &str) {
        let text = path.path.as_deref().unwrap_or("/");
        if let Err(reason) = check_path(text) {
            return self.error(entry, &format!("{at}.path"), &reason);
        }
        let kind = kind(&path.path_type);
        let id = (host, text, *kind.as_ref().unwrap_or(&PathKind::Prefix));
        let ingress = entry.1.key();
        let line = entry.1.line_of(&format!("{at}.path"));
        if let Err(owner) = self.claim(id, &ingress, &place(entry.0, Some(line))) {
            let without = if path.path.is_none() { " of a rule without `path`" } else { "" };
            let reason =
                format!("{host}{text}{without} is taken by {owner}; this rule is left out");
            return self.warning(entry, &format!("{at}.path"), &reason);
        }
        let backend = match kind {
            Ok(_) => self.backend(entry, &path.backend, &format!("{at}.backend")),
            Err(reason) => {
                let reason = format!("{reason}{}", self.cost());
                self.error(entry, &format!("{at}.pathType"), &reason);
                self.unavailable()
            }
        };
        self.route(id, backend, &ingress);
    }

    fn route(&mut self, id: (&str, &str, PathKind), backend: String, ingress: &str) {
        let (host, path, kind) = id;
        self.model.routes.push(Route {
            host: host.to_ascii_lowercase(),
            path: path.to_owned(),
            kind,
            backend,
            ingress: ingress.to_owned(),
        });
    }

    /// The name of the backend that `wanted` refers to; if there is none, of the backend that
    /// answers 503.
    fn backend(&mut self, entry: Entry<'_>, wanted: &IngressBackend, at: &str) -> String {
        let Some(service) = &wanted.service else {
            let reason = format!("only a Service can be a backend{}", self.cost());
            self.error(entry, &format!("{at}.resource"), &reason);
            return self.unavailable();
        };
        match backend::resolve(self.index, entry.1, service) {
            Ok((backend, problems)) => {
                let name = backend.name.clone();
                if !self.model.backends.contains_key(&name) {
                    self.problems.extend(problems);
                    if backend.servers.is_empty() {
                        let reason = format!(
                            "Service {} has no ready endpoint; its clients get 503",
                            service.name
                        );
                        self.warning(entry, &format!("{at}.service.name"), &reason);
                    }
                    self.model.backends.insert(name.clone(), backend);
                }
                name
            }
            Err(missing) => {
                let reason = format!("{}{}", missing.reason, self.cost());
                self.error(entry, &format!("{at}.service.{}", missing.field), &reason);
                self.unavailable()
            }
        }
    }

    fn tls(&mut self, entry: Entry<'_>, ingress: &Ingress, section: &IngressTLS, at: &str) {
        let mut hosts = section.hosts.clone().unwrap_or_default();
        let all = hosts.is_empty();
        let mut h = 0;
        hosts.retain(|host| {
            let checked = check_host(host);
            if let Err(reason) = &checked {
                self.error(entry, &format!("{at}.hosts[{h}]"), &format!("tls: {reason}"));
            }
            h += 1;
            checked.is_ok()
        });
        // A certificate without hosts is shown for all of its names; bad hosts must not widen it.
        if hosts.is_empty() && !all {
            return;
        }
        let otherwise = || self.without_secret(ingress, &hosts);
        let Some(name) = section.secret_name.as_deref().filter(|name| !name.is_empty()) else {
            let reason = format!("tls without secretName: {}", otherwise());
            let line = Some(entry.1.line_of(at));
            let reason = format!("Ingress {}: {reason}", entry.1.key());
            return self.problems.push(Problem::notice(entry.0, line, reason));
        };
        match tls::certificate(self.index, entry.1.namespace(), name) {
            Ok(certificate) => {
                let slot = self.model.certificates.entry(certificate.secret.clone());
                let known = slot.or_insert(certificate);
                known.hosts.extend(hosts);
                known.hosts.sort();
                known.hosts.dedup();
            }
            Err(reason) => {
                let reason = format!("{reason}; {}", otherwise());
                self.error(entry, &format!("{at}.secretName"), &reason);
            }
        }
    }

    /// How `hosts`, or all hosts of `ingress` if there are none, are served without a Secret.
    fn without_secret(&self, ingress: &Ingress, hosts: &[String]) -> String {
        let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
        let hosts: Vec<_> = match hosts {
            [] => rules.map(|rule| rule.host.as_deref().unwrap_or("*")).collect(),
            hosts => hosts.iter().map(String::as_str).collect(),
        };
        let hosts = hosts.join(", ");
        match &self.model.default_certificate {
            Some(secret) => format!("{hosts} served with the default certificate {secret}"),
            None => format!("{hosts} served without TLS, since there is no defaultCertificate"),
        }
    }

    /// The consequence of an error of a path, for its message; a strict site deploys nothing.
    fn cost(&self) -> &'static str {
        if self.settings.strict { "" } else { "; its clients get 503" }
    }

    fn error(&mut self, entry: Entry<'_>, at: &str, reason: &str) {
        let (file, object) = entry;
        let reason = format!("Ingress {}: {reason}", object.key());
        self.problems.push(Problem::error(file, Some(object.line_of(at)), reason));
    }

    fn warning(&mut self, entry: Entry<'_>, at: &str, reason: &str) {
        let (file, object) = entry;
        let reason = format!("Ingress {}: {reason}", object.key());
        self.problems.push(Problem::warning(file, Some(object.line_of(at)), reason));
    }
}

fn kind(path_type: &str) -> Result<PathKind, String> {
    match path_type {
        "Exact" => Ok(PathKind::Exact),
        "Prefix" | "ImplementationSpecific" => Ok(PathKind::Prefix),
        other => {
            Err(format!("pathType `{other}` is none of Exact, Prefix, ImplementationSpecific"))
        }
    }
}

/// A host goes into the proxy's maps, so it must be one and nothing else.
fn check_host(host: &str) -> Result<(), String> {
    if host == "*" || is_dns_name(host.strip_prefix("*.").unwrap_or(host)) {
        return Ok(());
    }
    let otherwise = || format!("`{host}` is not a host name");
    Err(placeholder::explain(host).unwrap_or_else(otherwise))
}

/// Whether `name` is one that DNS could know.
pub(super) fn is_dns_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
}

fn check_path(path: &str) -> Result<(), String> {
    if let Some(reason) = placeholder::explain(path) {
        return Err(format!("path: {reason}"));
    }
    if !path.starts_with('/') {
        return Err(format!("path `{path}` does not start with `/`"));
    }
    if path.chars().any(|c| c.is_whitespace() || c.is_control() || c == '#') {
        return Err(format!("path `{path}` has a character no path may have"));
    }
    Ok(())
}
