//! Files that are whole or not there: atomic writes, files named by their content, and reads that
//! end.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::walk::special;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Access {
    /// Everybody.
    Public,
    /// The owner only: it holds a private key.
    Private,
}

/// A file that a configuration refers to, named by its content, so never changed once written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extra {
    /// Its path, absolute.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) content: String,
    /// Who may read it.
    pub(crate) access: Access,
}

/// Reads `path`, which must be a regular file: reading a named pipe or a device may never end.
///
/// # Errors
///
/// What kept it from being read. Anything but a regular file is not opened.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let check = |metadata: fs::Metadata| match special(metadata.file_type()) {
        Some(kind) => Err(io::Error::other(format!("it is a {kind}, not a regular file"))),
        None => Ok(()),
    };
    check(fs::metadata(path)?)?;
    // A pipe may take its place meanwhile: opening that must not wait for a writer.
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    check(file.metadata()?)?;
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(content)
}

/// Like [`read()`], for a file that must be UTF-8 text.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// Replaces `path` by `content` so that a reader, or a power cut, sees the old or the new file.
pub(crate) fn write_atomic(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_synced(&temporary, content, access)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Writes those of `extras` that are not there yet.
pub(crate) fn write_extras(extras: &[Extra]) -> Result<(), (PathBuf, io::Error)> {
    for extra in extras {
        let there = read(&extra.path).is_ok_and(|there| there == extra.content.as_bytes());
        if !there {
            write_atomic(&extra.path, extra.content.as_bytes(), extra.access)
                .map_err(|error| (extra.path.clone(), error))?;
        }
    }
    Ok(())
}

/// Removes the files of `folders` that `keep` does not name, and returns how many.
pub(crate) fn sweep(folders: &[&Path], keep: &HashSet<PathBuf>) -> usize {
    let mut removed = 0;
    for folder in folders {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if !keep.contains(&path) && fs::remove_file(&path).is_ok() {
                removed += 1;
            }
        }
    }
    removed
}

fn write_synced(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let mode = match access {
        Access::Public => 0o644,
        Access::Private => 0o600,
    };
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_write_leaves_the_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("haproxy.cfg");
        write_atomic(&path, b"one", Access::Public).unwrap();
        write_atomic(&path, b"two", Access::Public).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("haproxy.cfg");
        fs::create_dir(&path).unwrap();
        assert!(write_atomic(&path, b"new", Access::Public).is_err());
        assert!(path.is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn keys_are_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let extra = Extra {
            path: folder.path().join("a.pem"),
            content: "key".to_owned(),
            access: Access::Private,
        };
        write_extras(std::slice::from_ref(&extra)).unwrap();
        write_extras(std::slice::from_ref(&extra)).unwrap();
        let mode = fs::metadata(&extra.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn sweeping_keeps_what_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        fs::write(&old, "").unwrap();
        fs::write(&new, "").unwrap();
        let keep = HashSet::from([new.clone()]);
        assert_eq!(sweep(&[folder.path()], &keep), 1);
        assert!(new.exists() && !old.exists());
    }
}
