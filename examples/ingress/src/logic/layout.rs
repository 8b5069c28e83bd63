//! Where things are in the output folder.

use std::fs::File;
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// HAProxy binds a socket under a longer, temporary name first; the system's limit is 107.
const SOCKET_PATH_MAX: usize = 90;

/// The paths of an output folder, all absolute.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The folder.
    pub(crate) out: PathBuf,
    /// The configuration in force.
    pub(crate) config: PathBuf,
    /// The configuration before it.
    pub(crate) previous: PathBuf,
    /// Map files, named by their content.
    pub(crate) maps: PathBuf,
    /// Certificates, named by their content.
    pub(crate) certs: PathBuf,
    /// Sockets and the pid file.
    pub(crate) run: PathBuf,
    /// HAProxy's own socket, which also hands listeners from one worker to the next.
    pub(crate) stats_socket: PathBuf,
    /// The addresses that HAProxy has resolved, for the next worker.
    pub(crate) server_state: PathBuf,
    /// The master process's socket.
    pub(crate) master_socket: PathBuf,
    /// The master process's pid.
    pub(crate) pid_file: PathBuf,
    /// The metrics, in Prometheus' text format.
    pub(crate) metrics: PathBuf,
}

impl Layout {
    /// The layout of `out`, which is created.
    pub(crate) fn create(out: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(out)?;
        let layout = Self::of(&out.canonicalize()?);
        for folder in [&layout.maps, &layout.certs, &layout.run] {
            std::fs::create_dir_all(folder)?;
        }
        if !layout.server_state.exists() {
            // An empty state: the version of the format and no server. HAProxy warns about a missing file.
            std::fs::write(&layout.server_state, "1\n")?;
        }
        Ok(layout)
    }

    /// Makes sure that one controller at a time works on this folder.
    ///
    /// The lock goes with the returned file, so also with a controller that is killed.
    pub(crate) fn lock(&self) -> io::Result<File> {
        let file = File::create(self.run.join("lock"))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(file)
    }

    fn of(out: &Path) -> Self {
        let mut run = out.join("run");
        if run.join("haproxy.sock").as_os_str().len() > SOCKET_PATH_MAX {
            let name = fingerprint(out.as_os_str().as_encoded_bytes());
            run = std::env::temp_dir().join(format!("ingress-{name}"));
        }
        Self {
            config: out.join("haproxy.cfg"),
            previous: out.join("haproxy.cfg.previous"),
            maps: out.join("maps"),
            certs: out.join("certs"),
            stats_socket: run.join("haproxy.sock"),
            server_state: run.join("servers.state"),
            master_socket: run.join("master.sock"),
            pid_file: run.join("haproxy.pid"),
            metrics: out.join("metrics.prom"),
            out: out.to_owned(),
            run,
        }
    }
}

/// A short name for some content. Equal content, equal name; names files, protects nothing.
pub(crate) fn fingerprint(content: &[u8]) -> String {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    hasher.write(content);
    format!("{:016x}", hasher.finish())
}

/// FNV-1a: the same in every version of the compiler, unlike the standard hasher.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_the_published_fnv_1a() {
        assert_eq!(fingerprint(b""), "cbf29ce484222325");
        assert_eq!(fingerprint(b"a"), "af63dc4c8601ec8c");
    }

    #[test]
    fn one_controller_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let first = layout.lock().unwrap();
        assert!(layout.lock().is_err());
        drop(first);
        assert!(layout.lock().is_ok());
    }

    #[test]
    fn sockets_of_a_deep_folder_move_to_a_short_one() {
        let near = Layout::of(Path::new("/srv/out"));
        assert_eq!(near.stats_socket, Path::new("/srv/out/run/haproxy.sock"));
        let deep = Layout::of(&Path::new("/srv").join("d".repeat(120)));
        assert!(deep.master_socket.as_os_str().len() <= SOCKET_PATH_MAX, "{deep:?}");
        assert!(deep.config.starts_with("/srv"));
    }
}
