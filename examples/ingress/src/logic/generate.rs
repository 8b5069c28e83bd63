//! A large site: any number of ingresses, spread over namespaces as a cluster's are.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

/// How many ingresses share a namespace, and so a file of each kind.
const PER_NAMESPACE: usize = 20;

/// The sample site's settings and template serve the large one too.
const CONTROLLER: &str = include_str!("../../site/controller.yaml");
const TEMPLATE: &str = include_str!("../../site/templates/haproxy.cfg.j2");
const CERTIFICATE: &str = include_str!("../../site/resources/shop-tls.yaml");
const OPTIONS: &str = include_str!("../../site/resources/haproxy-options.yaml");

/// What was generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generated {
    /// Files, without settings and template.
    pub(crate) files: usize,
    /// Ingresses.
    pub(crate) ingresses: usize,
}

/// Writes a site with `ingresses` ingresses into `folder`, which must be empty or not exist.
///
/// The same number always makes the same site.
pub(crate) fn generate(folder: &Path, ingresses: usize) -> io::Result<Generated> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        let reason = format!("{} is not empty", folder.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason));
    }
    let resources = folder.join("resources");
    fs::create_dir_all(&resources)?;
    fs::create_dir_all(folder.join("templates"))?;
    fs::write(folder.join("controller.yaml"), CONTROLLER)?;
    fs::write(folder.join("templates/haproxy.cfg.j2"), TEMPLATE)?;
    fs::write(resources.join("haproxy-options.yaml"), OPTIONS)?;
    let mut files = 1;
    let numbers: Vec<_> = (0..ingresses).collect();
    for (index, members) in numbers.chunks(PER_NAMESPACE).enumerate() {
        let namespace = format!("team-{index:03}");
        let list = |of: fn(&str, usize) -> String| {
            let items: String =
                members.iter().map(|number| item(&of(&namespace, *number))).collect();
            format!(
                "apiVersion: v1\nitems:\n{items}kind: List\nmetadata:\n  resourceVersion: \"\"\n"
            )
        };
        let certificate =
            CERTIFICATE.replace("namespace: shop", &format!("namespace: {namespace}"));
        for (kind, text) in [
            ("ingresses", list(ingress)),
            ("services", list(service)),
            ("endpoints", list(slice)),
            ("tls", certificate),
        ] {
            fs::write(resources.join(format!("{namespace}-{kind}.yaml")), text)?;
            files += 1;
        }
    }
    Ok(Generated { files, ingresses })
}

/// One element of a list's `items`.
fn item(object: &str) -> String {
    let mut text = String::new();
    for (index, line) in object.lines().enumerate() {
        let lead = if index == 0 { "- " } else { "  " };
        let _ = writeln!(text, "{lead}{line}");
    }
    text
}

fn metadata(namespace: &str, name: &str) -> String {
    format!(
        "  creationTimestamp: \"2026-03-02T10:11:12Z\"\n  name: {name}\n  namespace: {namespace}\n"
    )
}

fn ingress(namespace: &str, number: usize) -> String {
    let name = format!("app-{number:05}");
    let mut paths = String::new();
    for path in ["/", "/api", "/static"] {
        let _ = write!(
            paths,
            "      - backend:\n          service:\n            name: {name}\n            port:\n              \
             name: http\n        path: {path}\n        pathType: Prefix\n"
        );
    }
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n{meta}spec:\n  \
         ingressClassName: haproxy\n  rules:\n  - host: {name}.{namespace}.example.com\n    http:\n      \
         paths:\n{paths}  tls:\n  - hosts:\n    - {name}.{namespace}.example.com\n    secretName: shop-tls\n",
        meta = metadata(namespace, &name),
    )
}

fn service(namespace: &str, number: usize) -> String {
    let name = format!("app-{number:05}");
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n{meta}spec:\n  ports:\n  - name: http\n    port: 80\n    \
         protocol: TCP\n    targetPort: 8080\n  selector:\n    app: {name}\n  type: ClusterIP\n",
        meta = metadata(namespace, &name),
    )
}

fn slice(namespace: &str, number: usize) -> String {
    let name = format!("app-{number:05}");
    let mut endpoints = String::new();
    for pod in 0..=(number % 3) {
        let (a, b, c) = (42 + pod, number / 250 % 250, 1 + number % 250);
        let _ = write!(
            endpoints,
            "- addresses:\n  - 10.{a}.{b}.{c}\n  conditions:\n    ready: true\n  targetRef:\n    kind: Pod\n    \
             name: {name}-{pod}\n    namespace: {namespace}\n"
        );
    }
    format!(
        "addressType: IPv4\napiVersion: discovery.k8s.io/v1\nendpoints:\n{endpoints}kind: EndpointSlice\n\
         metadata:\n{meta}  labels:\n    kubernetes.io/service-name: {name}\nports:\n- name: http\n  \
         port: 8080\n  protocol: TCP\n",
        meta = metadata(namespace, &format!("{name}-abcde")),
    )
}

#[cfg(test)]
mod tests {
    use super::super::inventory::Inventory;
    use super::super::scan::{Found, Scanner};
    use super::super::{model, settings};
    use super::*;

    #[test]
    fn the_large_site_has_no_problem() {
        let folder = tempfile::tempdir().unwrap();
        let made = generate(folder.path(), 45).unwrap();
        assert_eq!(made, Generated { files: 13, ingresses: 45 });
        let mut inventory = Inventory::default();
        for change in Scanner::new(folder.path().to_owned()).scan().resources {
            match change.found {
                Found::Present(manifest) => inventory.insert(manifest),
                other => panic!("{}: {other:?}", change.file.display()),
            }
        }
        let settings = settings::parse(Path::new("controller.yaml"), CONTROLLER).unwrap();
        let (model, problems) = model::build(&settings, &inventory);
        assert_eq!(problems, []);
        assert_eq!((model.routes.len(), model.backends.len()), (135, 45));
        assert_eq!(model.certificates.len(), 3);
    }

    #[test]
    fn a_folder_in_use_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("precious"), "").unwrap();
        let error = generate(folder.path(), 1).unwrap_err();
        assert!(error.to_string().contains("is not empty"), "{error}");
    }
}
