//! What changed in a site's folder since the last look.
//!
//! Files are compared by content, so a file that was only touched is no change, and an edit that
//! keeps size and time is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::fingerprint;
use super::manifest::{self, Manifest};
use super::problem::Problem;

/// A file under `resources/` that is not what it was.
#[derive(Debug)]
pub(crate) struct Change {
    /// The file, relative to the site.
    pub(crate) file: PathBuf,
    /// What it is now.
    pub(crate) found: Found,
}

/// What became of a file.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// It holds these objects, and perhaps some that cannot be read.
    Present(Arc<Manifest>),
    /// It is not there any more.
    Gone,
}

/// What one look at a site found.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Resource files, in the order of their names.
    pub(crate) resources: Vec<Change>,
    /// `controller.yaml` and files under `templates/`, relative to the site.
    pub(crate) settings: Vec<PathBuf>,
    /// New files under `resources/` that are not manifests, going by their names.
    pub(crate) others: Vec<PathBuf>,
}

/// Remembers what a site looked like.
#[derive(Debug)]
pub(crate) struct Scanner {
    site: PathBuf,
    seen: BTreeMap<PathBuf, String>,
    /// The files under `resources/` that are no manifests.
    others: BTreeSet<PathBuf>,
}

impl Scanner {
    /// A scanner that has seen nothing of `site`.
    pub(crate) fn new(site: PathBuf) -> Self {
        Self { site, seen: BTreeMap::new(), others: BTreeSet::new() }
    }

    /// Forgets what it saw, so that the next scan reports everything again.
    ///
    /// Files that are gone by then are still reported.
    pub(crate) fn forget(&mut self) {
        for known in self.seen.values_mut() {
            known.clear();
        }
    }

    /// How many resource files the last scan saw.
    pub(crate) fn files(&self) -> usize {
        self.seen.keys().filter(|file| is_resource(file)).count()
    }

    /// Looks at the site and reports what is different.
    pub(crate) fn scan(&mut self) -> Scan {
        let mut scan = Scan::default();
        let mut files = BTreeSet::from([PathBuf::from("controller.yaml")]);
        let mut others = BTreeSet::new();
        for (folder, ends) in [("resources", &RESOURCES[..]), ("templates", &TEMPLATES)] {
            list(&self.site, Path::new(folder), &mut |path, name| {
                let wanted = ends.iter().any(|end| name.ends_with(end));
                if wanted {
                    files.insert(path);
                } else if folder == "resources" {
                    others.insert(path);
                }
            });
        }
        scan.others = others.difference(&self.others).cloned().collect();
        self.others = others;
        for file in &files {
            self.look(file, &mut scan);
        }
        let gone: Vec<_> =
            self.seen.keys().filter(|file| !files.contains(*file)).cloned().collect();
        for file in gone {
            self.vanished(&file, &mut scan);
        }
        scan
    }

    fn look(&mut self, file: &Path, scan: &mut Scan) {
        let read = fs::read(self.site.join(file));
        let print = match &read {
            Ok(content) => fingerprint(content),
            // Between the listing and the reading it went away: that is a removal, no error.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.vanished(file, scan);
            }
            Err(error) => error.to_string(),
        };
        if self.seen.insert(file.to_owned(), print.clone()) == Some(print) {
            return;
        }
        if !is_resource(file) {
            scan.settings.push(file.to_owned());
            return;
        }
        let text = read
            .map_err(|error| Problem::error(file, None, format!("cannot read it: {error}")))
            .and_then(|content| {
                String::from_utf8(content).map_err(|error| {
                    let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                    let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
                    Problem::error(file, Some(line), "not UTF-8 text")
                })
            });
        let manifest = match text {
            Ok(text) => manifest::parse(file, &text),
            Err(problem) => Manifest::unreadable(problem),
        };
        let found = Found::Present(Arc::new(manifest));
        scan.resources.push(Change { file: file.to_owned(), found });
    }

    fn vanished(&mut self, file: &Path, scan: &mut Scan) {
        if self.seen.remove(file).is_none() {
            return;
        }
        if is_resource(file) {
            scan.resources.push(Change { file: file.to_owned(), found: Found::Gone });
        } else {
            scan.settings.push(file.to_owned());
        }
    }
}

fn is_resource(file: &Path) -> bool {
    file.starts_with("resources")
}

/// How the names of manifests end.
const RESOURCES: [&str; 3] = [".yaml", ".yml", ".json"];
/// How the names of templates end.
const TEMPLATES: [&str; 3] = [".j2", ".yaml", ".yml"];

/// Calls `found` with each file under `folder` and its name; hidden files are not part of a site.
fn list(site: &Path, folder: &Path, found: &mut impl FnMut(PathBuf, &str)) {
    for entry in fs::read_dir(site.join(folder)).into_iter().flatten().flatten() {
        let path = folder.join(entry.file_name());
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let kind = fs::metadata(site.join(&path));
        if kind.as_ref().is_ok_and(fs::Metadata::is_dir) {
            list(site, &path, found);
        } else {
            found(path, &name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n";

    fn site() -> (tempfile::TempDir, Scanner) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("resources")).unwrap();
        fs::create_dir(folder.path().join("templates")).unwrap();
        let scanner = Scanner::new(folder.path().to_owned());
        (folder, scanner)
    }

    #[test]
    fn a_change_is_reported_once() {
        let (folder, mut scanner) = site();
        let file = folder.path().join("resources/a.yaml");
        fs::write(&file, GOOD).unwrap();
        let scan = scanner.scan();
        assert!(matches!(scan.resources[0].found, Found::Present(_)));
        assert_eq!(scanner.files(), 1);
        fs::write(&file, GOOD).unwrap();
        assert!(scanner.scan().resources.is_empty(), "the same content is no change");
        fs::remove_file(&file).unwrap();
        assert!(matches!(scanner.scan().resources[0].found, Found::Gone));
        assert!(scanner.scan().resources.is_empty());
    }

    fn problems(scan: &Scan) -> &[Problem] {
        let Found::Present(manifest) = &scan.resources[0].found else {
            panic!("{scan:?}");
        };
        &manifest.problems
    }

    #[test]
    fn a_broken_file_is_reported_and_mended() {
        let (folder, mut scanner) = site();
        let file = folder.path().join("resources/a.yaml");
        fs::write(&file, "kind: [").unwrap();
        assert_eq!(problems(&scanner.scan()).len(), 1);
        fs::write(&file, b"a: 1\n\xff").unwrap();
        let scan = scanner.scan();
        assert_eq!(problems(&scan)[0].to_string(), "resources/a.yaml:2: not UTF-8 text");
        fs::write(&file, GOOD).unwrap();
        assert_eq!(problems(&scanner.scan()), []);
    }

    #[test]
    fn a_file_that_is_no_manifest_is_reported_once() {
        let (folder, mut scanner) = site();
        fs::write(folder.path().join("resources/notes.txt"), "a").unwrap();
        fs::write(folder.path().join("resources/a.json"), "{}").unwrap();
        fs::write(folder.path().join("templates/notes.txt"), "a").unwrap();
        let scan = scanner.scan();
        assert_eq!(scan.resources.len(), 1);
        assert_eq!(scan.others, [Path::new("resources/notes.txt")]);
        assert!(scanner.scan().others.is_empty());
    }

    #[test]
    fn a_link_to_nowhere_is_as_good_as_gone() {
        let (folder, mut scanner) = site();
        std::os::unix::fs::symlink("/nowhere", folder.path().join("resources/a.yaml")).unwrap();
        assert!(scanner.scan().resources.is_empty());
    }

    #[test]
    fn settings_and_templates_are_told_apart_from_resources() {
        let (folder, mut scanner) = site();
        fs::write(folder.path().join("controller.yaml"), "a").unwrap();
        fs::write(folder.path().join("templates/haproxy.cfg.j2"), "b").unwrap();
        fs::write(folder.path().join("resources/.a.yaml.swp"), "c").unwrap();
        let scan = scanner.scan();
        assert!(scan.resources.is_empty());
        assert_eq!(scan.settings.len(), 2);
    }

    #[test]
    fn after_forgetting_everything_is_news() {
        let (folder, mut scanner) = site();
        let file = folder.path().join("resources/a.yaml");
        fs::write(&file, GOOD).unwrap();
        fs::write(folder.path().join("resources/b.yaml"), GOOD).unwrap();
        assert_eq!(scanner.scan().resources.len(), 2);
        scanner.forget();
        fs::remove_file(&file).unwrap();
        let found: Vec<_> = scanner.scan().resources.into_iter().map(|it| it.found).collect();
        assert!(matches!(found[..], [Found::Present(_), Found::Gone]), "{found:?}");
    }
}
