//! Files stay short, nothing is left for later, and every source file is compiled.

use std::path::{Path, PathBuf};

use super::Problem;
use crate::{Result, tree};

/// How many lines a source file may have, in folders called `src`.
const LIMIT: usize = 400;

/// What puts work off: a test that is ignored needs a reason. (clippy knows the macro of that name.)
const PUT_OFF: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore]")];

pub(super) fn check() -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let sources = tree::files(".", "rs")?;
    for path in &sources {
        let length = tree::read(path)?.lines().count();
        if path.iter().any(|part| part == "src") && length > LIMIT {
            let what = format!("{length} lines are more than {LIMIT}");
            problems.push(Problem::new(path, 0, what));
        }
        if let Some((parent, module)) = parent(path, &sources)
            && !tree::read(&parent)?.contains(&format!("mod {module};"))
        {
            let what = format!("nothing says `mod {module};` in {}", parent.display());
            problems.push(Problem::new(path, 0, what));
        }
    }
    let mut texts = sources;
    texts.push(".ci/run".into());
    for extension in ["md", "toml", "sh"] {
        texts.extend(tree::files(".", extension)?);
    }
    for path in texts {
        for (number, line) in (1..).zip(tree::read(&path)?.lines()) {
            let found = PUT_OFF.iter().filter(|word| line.contains(*word));
            problems.extend(found.map(|it| Problem::new(&path, number, format!("`{it}` is left"))));
        }
    }
    Ok(problems)
}

/// The file that must declare this one as a module, and under what name. None for the root of a
/// target: a folder without a root, such as `tests`, holds such.
fn parent(path: &Path, files: &[PathBuf]) -> Option<(PathBuf, String)> {
    let (folder, module) = match path.file_name()?.to_str()?.strip_suffix(".rs")? {
        "lib" | "main" => return None,
        "mod" => (path.parent()?.parent()?, path.parent()?.file_name()?.to_str()?),
        module => (path.parent()?, module),
    };
    let mut roots = ["mod.rs", "main.rs", "lib.rs"].map(|root| folder.join(root)).into_iter();
    Some((roots.find(|root| files.contains(root))?, module.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::parent;
    use std::path::PathBuf;

    #[test]
    fn finds_the_file_that_must_declare_another() {
        let files = ["t/main.rs", "t/a.rs", "t/b/mod.rs", "t/b/c.rs", "lone.rs"].map(PathBuf::from);
        let parents = files.each_ref().map(|path| {
            parent(path, &files).map(|(path, module)| format!("{} {module}", path.display()))
        });
        let expected = [None, Some("t/main.rs a"), Some("t/main.rs b"), Some("t/b/mod.rs c"), None];
        assert_eq!(parents.each_ref().map(Option::as_deref), expected);
    }
}
