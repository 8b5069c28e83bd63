//! Finds `nats-server` and the foreign client that the install step put into the target folder.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A `nats-server` that runs here.
#[derive(Debug, Clone)]
pub(crate) struct Binary {
    pub(super) path: PathBuf,
    version: (u32, u32),
}

impl Binary {
    /// The server named by the environment variable `NATS_SERVER`, or in the target folder, or on
    /// `PATH`; `None`, said once on standard error, if there is none.
    ///
    /// # Panics
    /// When `NATS_SERVER` names something that is no server.
    pub(super) fn find() -> Option<&'static Self> {
        static FOUND: OnceLock<Option<Binary>> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            if let Some(named) = env::var_os("NATS_SERVER").filter(|it| !it.is_empty()) {
                let path = PathBuf::from(named);
                let shown = path.display().to_string();
                return Some(Self::at(path).unwrap_or_else(|| {
                    panic!("NATS_SERVER names `{shown}`, which is no nats-server that runs here")
                }));
            }
            let search = env::var_os("PATH").unwrap_or_default();
            let on_path = env::split_paths(&search).map(|it| it.join("nats-server"));
            let debian = PathBuf::from("/usr/sbin/nats-server");
            let found = in_target("nats/bin/nats-server")
                .chain(on_path)
                .chain([debian])
                .filter(|path| path.is_file())
                .find_map(Self::at);
            if found.is_none() {
                skipped("there is no nats-server: `cargo xtask test --only install` gets one");
            }
            found
        });
        found.as_ref()
    }

    /// The server at a path, if it runs and says its version.
    fn at(path: PathBuf) -> Option<Self> {
        let output = Command::new(&path).arg("--version").output().ok()?;
        let said = String::from_utf8(output.stdout).ok()?;
        let (_, version) = said.trim().rsplit_once('v')?;
        let mut numbers = version.split('.').map_while(|it| it.parse().ok());
        Some(Self { path, version: (numbers.next()?, numbers.next()?) })
    }

    /// Whether the server knows `no_fast_producer_stall`. Debian's 2.9 refuses it.
    pub(super) fn can_disable_stalls(&self) -> bool {
        self.version >= (2, 11)
    }
}

/// The folder to put into `PYTHONPATH` for `nats-py`, a client that is not ours; `None`, said on
/// standard error, if it or Python is missing.
pub(crate) fn client_library() -> Option<PathBuf> {
    let python = Command::new("python3").arg("--version").output();
    let found = in_target("nats-py").find(|it| it.join("nats").is_dir());
    match (python, found) {
        (Ok(_), Some(folder)) => Some(folder),
        _ => {
            skipped("there is no nats-py: `cargo xtask test --only install` gets it");
            None
        }
    }
}

/// Where a path of the target folder may be. The test binary is in the target folder, possibly in
/// a target folder inside it.
fn in_target(path: &str) -> impl Iterator<Item = PathBuf> {
    let here = env::current_exe().unwrap_or_default();
    let folders: Vec<PathBuf> = here.ancestors().skip(1).map(Path::to_path_buf).collect();
    folders.into_iter().map(move |folder| folder.join(path))
}

/// Says that tests are skipped. The test harness hides what `println!` writes in a test that
/// passes, so this writes to standard error itself.
pub(super) fn skipped(why: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
