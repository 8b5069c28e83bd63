//! What changed in a site's folder since the last look.
//!
//! Files are compared by content, so a file that was only touched is no change, and an edit that
//! keeps size and time is one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files;
use super::layout::fingerprint;
use super::manifest::{self, Manifest};
use super::problem::Problem;
use super::walk::{Entry, What, walk};

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
    /// It is no file to be read, as the problem of this manifest says.
    Refused(Arc<Manifest>),
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
    /// How many manifests the last scan saw.
    files: usize,
}

impl Scanner {
    /// A scanner that has seen nothing of `site`.
    pub(crate) fn new(site: PathBuf) -> Self {
        Self { site, seen: BTreeMap::new(), others: BTreeSet::new(), files: 0 }
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
        self.files
    }

    /// Looks at the site and reports what is different.
    pub(crate) fn scan(&mut self) -> Scan {
        let mut scan = Scan::default();
        // With the reason not to open a file, if there is one.
        let mut files = BTreeMap::from([(PathBuf::from("controller.yaml"), None)]);
        for Entry { path, what } in walk(&self.site, Path::new("templates")) {
            if !matches!(what, What::Again(_)) && ends(&path, &TEMPLATES) {
                files.insert(path, None);
            }
        }
        let mut others = BTreeSet::new();
        for Entry { path, what } in walk(&self.site, Path::new("resources")) {
            let problem = match what {
                What::File | What::Special(_) if !ends(&path, &RESOURCES) => {
                    others.insert(path);
                    continue;
                }
                What::File => None,
                What::Special(kind) => {
                    let reason = format!("a {kind}, not a regular file; it is not read");
                    Some(Problem::error(&path, None, reason))
                }
                What::Broken(reason) => Some(Problem::error(&path, None, reason)),
                What::Again(first) => {
                    let reason = format!("the same folder as {}, read once", first.display());
                    Some(Problem::warning(&path, None, reason))
                }
            };
            files.insert(path, problem);
        }
        scan.others = others.difference(&self.others).cloned().collect();
        self.others = others;
        let gone: Vec<_> =
            self.seen.keys().filter(|file| !files.contains_key(*file)).cloned().collect();
        self.files = files.iter().filter(|(file, it)| is_resource(file) && it.is_none()).count();
        for (file, problem) in files {
            match problem {
                Some(problem) => self.refuse(problem, &mut scan),
                None => self.look(&file, &mut scan),
            }
        }
        for file in gone {
            self.vanished(&file, &mut scan);
        }
        scan
    }

    /// Reports a file that is not to be opened.
    fn refuse(&mut self, problem: Problem, scan: &mut Scan) {
        let (file, print) = (problem.file.clone(), problem.reason.clone());
        if self.seen.insert(file.clone(), print.clone()) != Some(print) {
            let found = Found::Refused(Arc::new(Manifest::unreadable(problem)));
            scan.resources.push(Change { file, found });
        }
    }

    fn look(&mut self, file: &Path, scan: &mut Scan) {
        let read = files::read(&self.site.join(file));
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

/// Whether the name of `file` ends with one of `wanted`.
fn ends(file: &Path, wanted: &[&str]) -> bool {
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    wanted.iter().any(|end| name.ends_with(end.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::problem::Severity;
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
        let (Found::Present(manifest) | Found::Refused(manifest)) = &scan.resources[0].found else {
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
    fn a_link_to_nowhere_is_a_problem_until_it_leads_somewhere() {
        let (folder, mut scanner) = site();
        let target = folder.path().join("a");
        symlink(&target, folder.path().join("resources/a.yaml")).unwrap();
        let scan = scanner.scan();
        let expected =
            format!("resources/a.yaml: a link to {}, which does not exist", target.display());
        assert_eq!(problems(&scan)[0].to_string(), expected);
        assert!(scanner.scan().resources.is_empty(), "once");
        fs::write(&target, GOOD).unwrap();
        assert_eq!(problems(&scanner.scan()), []);
    }

    #[test]
    fn a_pipe_is_named_and_never_opened() {
        let (folder, mut scanner) = site();
        for file in ["resources/a.yaml", "templates/a.j2", "controller.yaml", "resources/pipe"] {
            let pipe = folder.path().join(file);
            rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        }
        let scan = scanner.scan();
        let expected = "resources/a.yaml: a named pipe, not a regular file; it is not read";
        assert_eq!(problems(&scan)[0].to_string(), expected);
        assert_eq!(scan.settings.len(), 2);
        assert_eq!((scan.others.len(), scanner.files()), (1, 0));
    }

    #[test]
    fn a_link_to_a_folder_above_is_a_warning_and_read_once() {
        let (folder, mut scanner) = site();
        fs::write(folder.path().join("resources/a.yaml"), GOOD).unwrap();
        symlink(".", folder.path().join("resources/loop")).unwrap();
        let mut scan = scanner.scan();
        assert_eq!((scan.resources.len(), scanner.files()), (2, 1));
        scan.resources.remove(0);
        let [problem] = problems(&scan) else { panic!("{scan:?}") };
        let expected = "resources/loop: the same folder as resources, read once";
        assert_eq!((problem.severity, problem.to_string()), (Severity::Warning, expected.into()));
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
