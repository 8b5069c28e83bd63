//! Installs what the tests need and Debian packages: HAProxy, for the reference application,
//! Graphviz, which draws a bus's wiring, valgrind and strace, which watch programs, and Chromium, which
//! looks at the console's page. [`nats`] gets the NATS server.

use std::path::Path;

use crate::command::Program;
use crate::{Result, nats};

/// A program that must be there, and the Debian package that brings it.
const NEEDED: &[(&str, &str)] = &[
    ("haproxy", "haproxy"),
    ("dot", "graphviz"),
    ("valgrind", "valgrind"),
    ("strace", "strace"),
    ("chromium", "chromium"),
];

/// Installs the packages whose program is missing, and what the tests with NATS need.
///
/// # Errors
/// When a package is missing and can't be installed.
pub(crate) fn run() -> Result<String> {
    let missing = || NEEDED.iter().filter(|(program, _)| !on_path(program)).map(|it| it.1);
    let packages: Vec<&str> = missing().collect();
    if !packages.is_empty() {
        let wanted = packages.join(" ");
        apt_install(&wanted)
            .map_err(|error| format!("{error}\ninstall {wanted}, or pass --skip-install"))?;
    }
    if missing().next().is_some() {
        return Err("the packages are installed, yet their programs are not on PATH".into());
    }
    nats::install()
}

/// Installs Debian packages.
///
/// # Errors
/// When there is no apt-get, or no right to use it, or it fails.
pub(crate) fn apt_install(packages: &str) -> Result {
    let root = Program::new("id", "-u").read()?.trim() == "0";
    let env = if root { Program::new("env", "") } else { Program::new("sudo", "-n env") };
    let script = format!("apt-get update && apt-get install -y --no-install-recommends {packages}");
    env.args(["DEBIAN_FRONTEND=noninteractive", "sh", "-c", &*script]).run()
}

/// Whether `program` is in the search path, or where Debian puts a server's program: that folder
/// is not in the search path of an ordinary user.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        || Path::new("/usr/sbin").join(program).is_file()
}
