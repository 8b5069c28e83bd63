//! The published crates package, and what is in the packages compiles.

use std::path::Path;
use std::{fmt::Write as _, fs};

use crate::command::Program;
use crate::{Result, manifest};

/// The published crates.
const CRATES: [&str; 4] = ["callboard-derive", "callboard", "callboard-console", "callboard-nats"];

/// Packages the crates, and compiles what the packages hold.
///
/// `cargo package` could verify them too, but it unpacks the library into the cargo home as if it
/// came from a registry, and never unpacks nor compiles the same version again: the packages of one
/// commit would be compiled against the library of another.
///
/// # Errors
/// A package that can't be made or does not compile.
pub(crate) fn run() -> Result<String> {
    let package = Program::cargo("package --no-verify --allow-dirty");
    package.args(CRATES.into_iter().flat_map(|name| ["-p", name])).run()?;

    let version: String = manifest::value("Cargo.toml", "workspace.package.version")?;
    let unpacked = Path::new("target/unpacked");
    if unpacked.exists() {
        fs::remove_dir_all(unpacked)?;
    }
    fs::create_dir_all(unpacked)?;
    let mut workspace = String::from("[workspace]\nmembers = [\"*\"]\nresolver = \"3\"\n");
    workspace.push_str("[patch.crates-io]\n");
    for name in CRATES {
        let package = format!("{name}-{version}");
        // `--touch`: the packages say that all their files are of 2006.
        Program::new("tar", &format!("--touch -xf ../package/{package}.crate"))
            .folder(unpacked)
            .run()?;
        writeln!(workspace, "{name} = {{ path = \"{package}\" }}")?;
    }
    fs::write(unpacked.join("Cargo.toml"), workspace)?;
    fs::copy("Cargo.lock", unpacked.join("Cargo.lock"))?;
    Program::cargo("check --workspace --target-dir target")
        .args(["--manifest-path", "target/unpacked/Cargo.toml"])
        .run()?;
    Ok(format!("{} packages", CRATES.len()))
}
