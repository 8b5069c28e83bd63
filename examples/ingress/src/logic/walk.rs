//! What a folder of the site holds, folders below it included.
//!
//! Nothing is opened but folders, so a pipe or a device cannot hold the walk. A folder is read once,
//! whichever links lead to it: a link to a folder around it would otherwise never end.

use std::collections::BTreeMap;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A name in a folder, and what it leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The name with its folders, relative to the site.
    pub(crate) path: PathBuf,
    /// What it leads to.
    pub(crate) what: What,
}

/// What a name leads to, after links.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A regular file.
    File,
    /// Something that is neither a regular file nor a folder, such as a named pipe.
    Special(&'static str),
    /// Nothing that can be read, with the reason.
    Broken(String),
    /// A folder that is read under another path.
    Again(PathBuf),
}

/// Everything under `folder` of `site` but hidden names and what is below them, ordered by path.
///
/// A folder that does not exist is empty.
pub(crate) fn walk(site: &Path, folder: &Path) -> Vec<Entry> {
    let mut walk = Walk { site, links: BTreeMap::new(), read: BTreeMap::new(), found: Vec::new() };
    match fs::metadata(site.join(folder)) {
        Ok(metadata) => walk.folder(folder, &metadata),
        Err(error) => walk.broken(folder, &error),
    }
    // Real folders come first, so that a file has the path that has no link in it.
    while let Some((path, metadata)) = walk.links.pop_first() {
        walk.folder(&path, &metadata);
    }
    walk.found.sort_by(|a, b| a.path.cmp(&b.path));
    walk.found
}

/// The name of a file type that is neither a regular file nor a folder.
pub(crate) fn special(kind: FileType) -> Option<&'static str> {
    if kind.is_file() || kind.is_dir() {
        None
    } else if kind.is_fifo() {
        Some("named pipe")
    } else if kind.is_socket() {
        Some("socket")
    } else {
        Some("device")
    }
}

struct Walk<'s> {
    site: &'s Path,
    /// Links to folders that are still to be read.
    links: BTreeMap<PathBuf, Metadata>,
    /// The folders that were read, by device and inode.
    read: BTreeMap<(u64, u64), PathBuf>,
    found: Vec<Entry>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, metadata: &Metadata) {
        let id = (metadata.dev(), metadata.ino());
        if let Some(first) = self.read.get(&id) {
            let what = What::Again(first.clone());
            return self.found.push(Entry { path: folder.to_owned(), what });
        }
        self.read.insert(id, folder.to_owned());
        let mut names: Vec<_> = match fs::read_dir(self.site.join(folder)) {
            Ok(entries) => entries.flatten().map(|entry| entry.file_name()).collect(),
            Err(error) => return self.broken(folder, &error),
        };
        names.sort();
        for name in names {
            if !name.as_encoded_bytes().starts_with(b".") {
                self.entry(folder.join(name));
            }
        }
    }

    fn entry(&mut self, path: PathBuf) {
        let metadata = match fs::metadata(self.site.join(&path)) {
            Ok(metadata) => metadata,
            Err(error) => return self.broken(&path, &error),
        };
        if metadata.is_dir() {
            return match self.is_link(&path) {
                true => drop(self.links.insert(path, metadata)),
                false => self.folder(&path, &metadata),
            };
        }
        let what = special(metadata.file_type()).map_or(What::File, What::Special);
        self.found.push(Entry { path, what });
    }

    fn broken(&mut self, path: &Path, error: &io::Error) {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let reason = match fs::read_link(self.site.join(path)) {
            Ok(target) if missing => {
                format!("a link to {}, which does not exist", target.display())
            }
            // It went away after its folder was listed.
            Err(_) if missing => return,
            _ => format!("cannot read it: {error}"),
        };
        self.found.push(Entry { path: path.to_owned(), what: What::Broken(reason) });
    }

    fn is_link(&self, path: &Path) -> bool {
        fs::symlink_metadata(self.site.join(path)).is_ok_and(|metadata| metadata.is_symlink())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn walked(make: impl FnOnce(&Path)) -> Vec<(String, What)> {
        let site = tempfile::tempdir().unwrap();
        fs::create_dir(site.path().join("r")).unwrap();
        make(&site.path().join("r"));
        let found = walk(site.path(), Path::new("r"));
        found.into_iter().map(|it| (it.path.display().to_string(), it.what)).collect()
    }

    fn again(path: &str, first: &str) -> (String, What) {
        (path.to_owned(), What::Again(first.into()))
    }

    fn file(path: &str) -> (String, What) {
        (path.to_owned(), What::File)
    }

    #[test]
    fn a_folder_is_read_once_under_its_own_path() {
        let found = walked(|folder| {
            fs::create_dir_all(folder.join("m/deep")).unwrap();
            fs::write(folder.join("m/deep/f.yaml"), "").unwrap();
            symlink(".", folder.join("a-loop")).unwrap();
            symlink("m", folder.join("b-before")).unwrap();
            symlink("../..", folder.join("m/up")).unwrap();
        });
        let twice: Vec<_> = found.iter().filter(|(_, what)| *what == What::File).collect();
        assert_eq!(twice, [&file("r/m/deep/f.yaml")], "{found:?}");
        for expected in [again("r/a-loop", "r"), again("r/b-before", "r/m")] {
            assert!(found.contains(&expected), "{expected:?}: {found:?}");
        }
    }

    #[test]
    fn a_link_to_a_folder_elsewhere_is_followed() {
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("f.yaml"), "").unwrap();
        let found = walked(|folder| symlink(elsewhere.path(), folder.join("link")).unwrap());
        assert_eq!(found, [file("r/link/f.yaml")]);
    }

    #[test]
    fn what_is_no_file_is_named_and_not_opened() {
        let found = walked(|folder| {
            let _socket = UnixListener::bind(folder.join("a")).unwrap();
            symlink("/dev/zero", folder.join("b")).unwrap();
            symlink("/nowhere", folder.join("c")).unwrap();
            symlink("d", folder.join("d")).unwrap();
            symlink("/nowhere", folder.join(".#lock")).unwrap();
        });
        let reason = |at: usize| match &found[at].1 {
            What::Broken(reason) => reason.as_str(),
            other => panic!("{other:?}"),
        };
        assert_eq!(found[0].1, What::Special("socket"));
        assert_eq!(found[1].1, What::Special("device"));
        assert_eq!(reason(2), "a link to /nowhere, which does not exist");
        assert!(reason(3).starts_with("cannot read it: "), "{found:?}");
        assert_eq!(found.len(), 4, "hidden names are no part of a site: {found:?}");
    }

    #[test]
    fn a_folder_that_is_none_is_told_and_a_missing_one_is_empty() {
        let site = tempfile::tempdir().unwrap();
        assert_eq!(walk(site.path(), Path::new("r")), []);
        fs::write(site.path().join("r"), "").unwrap();
        let found = walk(site.path(), Path::new("r"));
        assert!(matches!(&found[..], [Entry { what: What::Broken(_), .. }]), "{found:?}");
    }
}
