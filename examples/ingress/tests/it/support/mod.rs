//! A site in a temporary folder, two backends, a running controller; all gone at the end of the
//! test, whichever way it ends.

mod backend;
pub(crate) mod controller;
mod dns;
mod load;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

pub(crate) use backend::Backend;
pub(crate) use controller::Controller;
pub(crate) use dns::NameServer;
pub(crate) use load::{Load, ask, get};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const TEMPLATE: &str = include_str!("../../../site/templates/haproxy.cfg.j2");

/// The sample site of this package.
pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("site")
}

/// Fails with a clear message when there is no HAProxy to test with.
pub(crate) fn require_haproxy() -> PathBuf {
    let search = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&search)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join("haproxy"))
        .find(|path| path.is_file())
        .expect("these tests need a real HAProxy, and there is none: apt-get install haproxy")
}

/// Whether there is a server for a cluster; if not, says that the test is skipped.
pub(crate) fn has_nats_server() -> bool {
    if std::env::var_os("NATS_SERVER").is_some_and(|it| !it.is_empty()) {
        return true;
    }
    let built = Path::new(env!("CARGO_BIN_EXE_ingress"));
    let target = built.ancestors().skip(1).map(|folder| folder.join("nats/bin/nats-server"));
    let search = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::split_paths(&search).map(|folder| folder.join("nats-server"));
    let found = target.chain(path).chain([PathBuf::from("/usr/sbin/nats-server")]);
    let found = found.into_iter().any(|file| file.is_file());
    if !found {
        let why = "there is no nats-server: `cargo xtask test --only install` gets one";
        // The harness hides what a passing test prints; this it does not.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    }
    found
}

/// Whether `haproxy -c` accepts `config`.
pub(crate) fn haproxy_accepts(config: &Path) -> bool {
    let output = Command::new(require_haproxy()).arg("-c").arg("-f").arg(config).output();
    output.expect("haproxy runs").status.success()
}

/// One pass of the program over `site`.
pub(crate) fn once(site: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = controller::program();
    command.arg("--once").arg("--site").arg(site).arg("--out").arg(out).args(more);
    command.output().expect("the program runs")
}

/// What a program wrote.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A port nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until `service` answers at `port`. The worker that was replaced may take a last request
/// after the new one is told about.
pub(crate) fn serves(port: u16, service: &str) {
    eventually(service, || get(port).as_deref() == Ok(service));
}

/// A small site: host `app.example.com`, services `blue` and `green`.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    /// Where HAProxy listens.
    pub(crate) port: u16,
}

impl Site {
    /// A site whose Ingress leads to `blue`.
    pub(crate) fn new(blue: &Backend, green: &Backend) -> Self {
        let site =
            Self { folder: tempfile::tempdir().expect("a temporary folder"), port: free_port() };
        let controller = format!(
            "listen: {{address: 127.0.0.1, http: {}}}\ndebounce: 50ms\noptions: app/options\n",
            site.port
        );
        site.write("controller.yaml", &controller);
        site.write("templates/haproxy.cfg.j2", TEMPLATE);
        site.write(
            "resources/services.yaml",
            &format!("{}{}", blue.manifest("blue"), green.manifest("green")),
        );
        let options =
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: options, namespace: app}\n";
        site.write("resources/options.yaml", options);
        site.route_to("blue");
        site
    }

    /// The folder to watch.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    /// The folder to write.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Replaces `file` as an editor does: a new file takes the old one's name.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be made");
        let new = path.with_extension("new");
        fs::write(&new, text).expect("files can be written");
        fs::rename(&new, &path).expect("files can be renamed");
    }

    /// Changes the template.
    pub(crate) fn edit_template(&self, from: &str, to: &str) {
        assert!(TEMPLATE.contains(from), "the template has no `{from}`");
        self.write("templates/haproxy.cfg.j2", &TEMPLATE.replacen(from, to, 1));
    }

    /// Puts the template back.
    pub(crate) fn mend_template(&self) {
        self.write("templates/haproxy.cfg.j2", TEMPLATE);
    }

    /// Adds a line to the settings.
    pub(crate) fn set(&self, line: &str) {
        let settings = fs::read_to_string(self.path().join("controller.yaml")).expect("settings");
        self.write("controller.yaml", &format!("{settings}{line}\n"));
    }

    /// Points the Ingress at `service`.
    pub(crate) fn route_to(&self, service: &str) {
        self.write("resources/ingress.yaml", &ingress("app", "app.example.com", service));
    }
}

/// An Ingress called `name` that sends every request for `host` to `service`.
pub(crate) fn ingress(name: &str, host: &str, service: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n  namespace: app\nspec:\n  \
         ingressClassName: haproxy\n  rules:\n  - host: {host}\n    http:\n      paths:\n      \
         - backend:\n          service:\n            name: {service}\n            port:\n              \
         number: 80\n        path: /\n        pathType: Prefix\n"
    )
}
