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
    debian()?;
    nats::install()?;
    Ok(String::new())
}

/// Installs the packages whose program is missing; does nothing when none is.
fn debian() -> Result {
    let mut packages = Vec::new();
    for (program, package) in NEEDED {
        if on_path(program) {
            println!("{program} is there");
        } else {
            packages.push(*package);
        }
    }
    if packages.is_empty() {
        return Ok(());
    }
    apt_install(&packages)?;
    for (program, package) in NEEDED {
        if !on_path(program) {
            return Err(format!("{package} is installed, yet {program} is not on PATH").into());
        }
    }
    Ok(())
}

/// Installs Debian packages.
///
/// # Errors
/// When there is no apt-get, or no right to use it, or it fails.
pub(crate) fn apt_install(packages: &[&str]) -> Result {
    let names = packages.join(", ");
    if !on_path("apt-get") {
        return Err(format!(
            "{names} is missing, and so is apt-get: install it by hand, or pass --skip-install"
        )
        .into());
    }
    let root = Program::new("id", "-u").read()?.trim() == "0";
    if !root && !on_path("sudo") {
        return Err(format!(
            "{names} is missing, and only root or sudo could install it: \
             run `apt-get install {}` as root, or pass --skip-install",
            packages.join(" ")
        )
        .into());
    }
    let apt = |args: &str| {
        let quiet = "DEBIAN_FRONTEND=noninteractive apt-get";
        if root {
            Program::new("env", &format!("{quiet} {args}")).run()
        } else {
            Program::new("sudo", &format!("-n {quiet} {args}")).run()
        }
    };
    apt("update")?;
    apt(&format!("install --yes --no-install-recommends {}", packages.join(" ")))
}

/// Whether `program` is in the search path, or where Debian puts a server's program: that folder
/// is not in the search path of an ordinary user.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        || Path::new("/usr/sbin").join(program).is_file()
}
