//! From one Ingress to its routes and certificates.

use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress, IngressBackend, IngressTLS};

use super::super::inventory::Entry;
use super::super::manifest::key;
use super::super::placeholder;
use super::super::problem::{Problem, Severity, place};
use super::build::{Builder, Late};
use super::tls::Fault;
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
            let checked = check_host(host);
            if let Err(reason) = &checked {
                self.error(entry, &format!("spec.rules[{r}].host"), reason);
            }
            let paths = rule.http.iter().flat_map(|http| &http.paths);
            for (p, path) in paths.enumerate() {
                let at = format!("spec.rules[{r}].http.paths[{p}]");
                match checked {
                    Ok(()) => self.path(entry, host, path, &at),
                    Err(_) => self.placeholders(entry, path, &at),
                }
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
                let meant = meant(text);
                if let (Ok(()), Some(path)) = (check_host(host), meant) {
                    self.fallback((host, &path, kind), UNREADABLE);
                }
            }
        }
    }

    /// Adds a route that answers 503, unless another Ingress has the path and serves its clients.
    pub(super) fn fallback(&mut self, id: (&str, &str, PathKind), ingress: &str) {
        if self.claim(id, ingress, ingress).is_ok() {
            let backend = self.unavailable();
            self.route(id, backend, ingress);
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
        let kind = kind(&path.path_type);
        let id = (host, text, *kind.as_ref().unwrap_or(&PathKind::Prefix));
        let ingress = entry.1.key();
        if let Err(reason) = check_path(text) {
            let cost = match meant(text) {
                Some(path) => {
                    let host = host.to_owned();
                    self.late.push(Late { host, path, kind: id.2, ingress });
                    self.cost()
                }
                None if self.settings.strict => "",
                None => "; left out, so its clients get what the other rules of the host say",
            };
            return self.error(entry, &format!("{at}.path"), &format!("{reason}{cost}"));
        }
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
                        let service = key(entry.1.namespace(), &service.name);
                        let why = match self.index.rejected("EndpointSlice", &service) {
                            Some(place) => {
                                format!(", since its EndpointSlice was rejected at {place}")
                            }
                            None => String::new(),
                        };
                        let reason = format!(
                            "Service {service} has no ready endpoint{why}; its clients get 503"
                        );
                        self.warning(entry, &format!("{at}.service.name"), &reason);
                    }
                    self.model.backends.insert(name.clone(), backend);
                }
                name
            }
            Err(missing) => {
                let reason = format!("{}{}", missing.reason, self.cost());
                let at = format!("{at}.service.{}", missing.field);
                if !missing.rejected {
                    self.error(entry, &at, &reason);
                } else if self.told.insert(missing.reason) {
                    self.warning(entry, &at, &reason);
                }
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
        let Some(name) = section.secret_name.as_deref().filter(|name| !name.is_empty()) else {
            let hosts = hosts_of(ingress, hosts);
            let reason = format!("tls without secretName: {}", self.without_secret(&hosts));
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
            Err(fault) => {
                let hosts = hosts_of(ingress, hosts);
                self.fault(entry, &format!("{at}.secretName"), &fault, hosts);
            }
        }
    }

    /// Tells that `hosts` have no certificate.
    fn fault(&mut self, entry: Entry<'_>, at: &str, fault: &Fault, hosts: Vec<String>) {
        let reason = fault.reason();
        if matches!(fault, Fault::Missing(_)) {
            let reason = format!("{reason}; {}", self.without_secret(&hosts));
            return self.error(entry, at, &reason);
        }
        // What is wrong with a Secret is told once, however many name it.
        let first = || (problem(entry, at, reason, fault.severity()), Vec::new());
        let (_, known) = self.secrets.entry(reason.to_owned()).or_insert_with(first);
        for host in hosts {
            if !known.contains(&host) {
                known.push(host);
            }
        }
    }

    /// Tells what is wrong with Secrets, for all hosts that are without their certificates.
    pub(super) fn faults(&mut self) {
        for (mut problem, hosts) in std::mem::take(&mut self.secrets).into_values() {
            problem.reason += &format!("; {}", self.without_secret(&hosts));
            self.problems.push(problem);
        }
    }

    /// Tells the placeholders in a path of a host that is left out.
    fn placeholders(&mut self, entry: Entry<'_>, path: &HTTPIngressPath, at: &str) {
        let service = path.backend.service.as_ref().map(|service| service.name.as_str());
        let fields = [("path", path.path.as_deref()), ("backend.service.name", service)];
        for (field, value) in fields {
            if let Some(reason) = value.and_then(placeholder::explain) {
                self.error(entry, &format!("{at}.{field}"), &reason);
            }
        }
    }

    /// How `hosts` are served without a Secret.
    fn without_secret(&self, hosts: &[String]) -> String {
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
        self.problems.push(problem(entry, at, reason, Severity::Error));
    }

    fn warning(&mut self, entry: Entry<'_>, at: &str, reason: &str) {
        self.problems.push(problem(entry, at, reason, Severity::Warning));
    }
}

fn problem((file, object): Entry<'_>, at: &str, reason: &str, severity: Severity) -> Problem {
    let reason = format!("Ingress {}: {reason}", object.key());
    Problem { severity, ..Problem::error(file, Some(object.line_of(at)), reason) }
}

/// `hosts`, or all hosts of `ingress` if there are none.
fn hosts_of(ingress: &Ingress, hosts: Vec<String>) -> Vec<String> {
    if !hosts.is_empty() {
        return hosts;
    }
    let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
    rules.map(|rule| rule.host.clone().unwrap_or_else(|| "*".to_owned())).collect()
}

fn kind(path_type: &str) -> Result<PathKind, String> {
    match path_type {
        "Exact" => Ok(PathKind::Exact),
        "Prefix" | "ImplementationSpecific" => Ok(PathKind::Prefix),
        "" => Err("pathType is missing".to_owned()),
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
    if host.is_empty() {
        return Err("the host is empty; leave it out to match every host".to_owned());
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

/// The path that clients of `path` ask for; none if that cannot be told.
fn meant(path: &str) -> Option<String> {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    check_path(&path).is_ok().then_some(path)
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
