//! The changelog's newest version is the workspace's, with at most the unreleased over it.

use super::Problem;
use super::markdown::headings;
use crate::{Result, manifest};

const PATH: &str = "CHANGELOG.md";

pub(super) fn check() -> Result<Vec<Problem>> {
    let Ok(changelog) = std::fs::read_to_string(PATH) else {
        return Ok(vec![Problem::new(PATH, 0, "it is missing")]);
    };
    let version: String = manifest::value("Cargo.toml", "workspace.package.version")?;
    Ok(judge(&changelog, &version).into_iter().collect())
}

fn judge(changelog: &str, version: &str) -> Option<Problem> {
    let mut releases = headings(changelog)
        .into_iter()
        .filter(|heading| heading.level == 2)
        .map(|heading| (heading.line, release(&heading.text).to_owned()))
        .peekable();
    releases.next_if(|(_, name)| name.eq_ignore_ascii_case("unreleased"));
    match releases.next() {
        Some((_, newest)) if newest == version => None,
        Some((line, newest)) => Some(Problem::new(
            PATH,
            line,
            format!("the newest version is `{newest}`, but the workspace is `{version}`"),
        )),
        None => Some(Problem::new(PATH, 0, format!("it has no heading `## [{version}]`"))),
    }
}

/// The version out of `[1.2.3] - 2030-01-01`, `1.2.3` or `[1.2.3](https://…)`.
fn release(heading: &str) -> &str {
    let heading = heading.trim_start_matches('[');
    let end = heading.find([']', ' ']).unwrap_or(heading.len());
    &heading[..end]
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn the_newest_version_is_the_workspaces() {
        for good in [
            "# Changelog\n\n## [1.2.3] - 2030-01-01\n\n## [1.2.2]\n",
            "# Changelog\n## [Unreleased]\n### Added\n## 1.2.3\n",
        ] {
            assert_eq!(judge(good, "1.2.3"), None, "{good}");
        }
        let old = judge("## Unreleased\n## [1.2.2]\n", "1.2.3").unwrap();
        assert_eq!(
            old.to_string(),
            "CHANGELOG.md:2: the newest version is `1.2.2`, but the workspace is `1.2.3`"
        );
        assert!(judge("# Changelog\n## [Unreleased]\n", "1.2.3").is_some());
    }
}
