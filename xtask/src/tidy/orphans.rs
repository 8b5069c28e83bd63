//! Every source file is a module of the file above it: one that is not is never compiled, and its
//! tests never run.

use std::path::{Path, PathBuf};

use super::Problem;
use crate::{Result, tree};

/// Files that are compiled by themselves, or by other means than `mod`.
const ROOTS: &[&str] = &["lib.rs", "main.rs"];

pub(super) fn check() -> Result<Vec<Problem>> {
    let files = tree::files(".", "rs")?;
    let mut problems = Vec::new();
    for path in &files {
        let Some((parent, module)) = parent(path, &files) else {
            continue;
        };
        if !declares(&tree::read(&parent)?, &module) {
            let what = format!("nothing says `mod {module};` in {}", parent.display());
            problems.push(Problem::new(path, 0, what));
        }
    }
    Ok(problems)
}

/// The file that should declare this one, and under what name; none for a root.
fn parent(path: &Path, files: &[PathBuf]) -> Option<(PathBuf, String)> {
    let name = path.file_name()?.to_str()?;
    if ROOTS.contains(&name) {
        return None;
    }
    let (folder, module) = match name.strip_suffix(".rs")? {
        "mod" => (path.parent()?.parent()?, path.parent()?.file_name()?.to_str()?),
        module => (path.parent()?, module),
    };
    let candidates = ["mod.rs", "main.rs", "lib.rs"].map(|root| folder.join(root));
    let parent = candidates.into_iter().find(|candidate| files.contains(candidate));
    // A folder without one, such as `tests`, holds roots.
    Some((parent?, module.to_owned()))
}

fn declares(text: &str, module: &str) -> bool {
    let wanted = format!("mod {module};");
    text.lines()
        .any(|line| line.trim_start_matches("pub ").trim_start_matches("pub(crate) ") == wanted)
}

#[cfg(test)]
mod tests {
    use super::{declares, parent};
    use std::path::PathBuf;

    #[test]
    fn finds_who_should_declare_a_file() {
        let files = ["t/main.rs", "t/a.rs", "t/b/mod.rs", "t/b/c.rs", "lone.rs"].map(PathBuf::from);
        let parent_of = |path: &str| {
            parent(&PathBuf::from(path), &files)
                .map(|(path, module)| (path.display().to_string(), module))
        };
        assert_eq!(parent_of("t/main.rs"), None);
        assert_eq!(parent_of("t/a.rs"), Some(("t/main.rs".into(), "a".into())));
        assert_eq!(parent_of("t/b/mod.rs"), Some(("t/main.rs".into(), "b".into())));
        assert_eq!(parent_of("t/b/c.rs"), Some(("t/b/mod.rs".into(), "c".into())));
        assert_eq!(parent_of("lone.rs"), None);
    }

    #[test]
    fn sees_a_declaration_whatever_its_visibility() {
        assert!(declares("mod a;\npub mod b;\npub(crate) mod c;", "c"));
        assert!(!declares("// mod a;\nmod ab;", "a"));
    }
}
