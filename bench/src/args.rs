//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::measure::Effort;

pub(crate) const USAGE: &str = "\
usage: cargo xtask bench [options]

  --quick           about a minute and a half in all, instead of fifteen minutes
  --only WORKLOAD   measure this row, or those whose name begins so; may be given again
  --list            print the rows and measure none
  --rounds N        how many rounds count, instead of 9 (quick: 3)
  --json FILE       write all figures there
  --html FILE       write the charts there, instead of to bench/report.html in the target folder
  --markdown FILE   write the summary there, as it stands in BENCHMARKS.md
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) list: bool,
    pub(crate) help: bool,
    /// The rows to measure; all if there is none.
    pub(crate) only: Vec<String>,
    pub(crate) effort: Effort,
    pub(crate) json: Option<PathBuf>,
    pub(crate) html: PathBuf,
    pub(crate) markdown: Option<PathBuf>,
}

impl Args {
    /// Reads the command line; `rows` are the names that `--only` may choose from.
    ///
    /// # Errors
    /// If an argument is unknown, misses its value, or has one that makes no sense: says which,
    /// and what would be right.
    pub(crate) fn parse(
        args: impl IntoIterator<Item = String>,
        rows: &[String],
    ) -> Result<Self, String> {
        let (mut quick, mut rounds) = (false, None);
        let mut parsed = Self {
            list: false,
            help: false,
            only: Vec::new(),
            effort: Effort::FULL,
            json: None,
            html: default_html(std::env::var_os("CARGO_TARGET_DIR")),
            markdown: None,
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value =
                |what: &str| args.next().ok_or_else(|| format!("`{arg}` needs {what} behind it"));
            match arg.as_str() {
                "--quick" => quick = true,
                "--list" => parsed.list = true,
                "--help" | "-h" => parsed.help = true,
                "--only" => {
                    let wanted = value("the name of a workload, or its beginning")?;
                    // The whole name of a row means that row, not those that go on from there.
                    let whole = rows.contains(&wanted);
                    let fits = |row: &&String| {
                        if whole { **row == wanted } else { row.starts_with(&wanted) }
                    };
                    let before = parsed.only.len();
                    parsed.only.extend(rows.iter().filter(fits).cloned());
                    if parsed.only.len() == before {
                        let rows = rows.join(", ");
                        return Err(format!("no workload begins with `{wanted}`, only {rows}"));
                    }
                }
                "--rounds" => {
                    let number = value("a number")?;
                    let wrong = || format!("`--rounds {number}` is no number from 1 on");
                    rounds = Some(number.parse().ok().filter(|it| *it > 0).ok_or_else(wrong)?);
                }
                "--json" => parsed.json = Some(value("a file")?.into()),
                "--html" => parsed.html = value("a file")?.into(),
                "--markdown" => parsed.markdown = Some(value("a file")?.into()),
                other => return Err(format!("there is no option `{other}`\n\n{USAGE}")),
            }
        }
        if quick {
            parsed.effort = Effort::QUICK;
        }
        if let Some(rounds) = rounds {
            parsed.effort.rounds = rounds;
        }
        Ok(parsed)
    }

    /// Whether a row is to be measured.
    pub(crate) fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == row)
    }
}

/// Where the charts go: beside what is built.
fn default_html(target: Option<OsString>) -> PathBuf {
    PathBuf::from(target.unwrap_or_else(|| "target".into())).join("bench/report.html")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Args, default_html};
    use crate::measure::Effort;

    fn parse(line: &str) -> Result<Args, String> {
        let rows = ["full", "ask-1", "ask-10"].map(str::to_owned);
        Args::parse(line.split_whitespace().map(str::to_owned), &rows)
    }

    #[test]
    fn reads_every_option() {
        let args = parse("--rounds 5 --quick --only ask --json a --html b --markdown c").unwrap();
        assert_eq!(args.effort, Effort { rounds: 5, ..Effort::QUICK });
        assert_eq!(args.json, Some("a".into()));
        assert_eq!(args.html, std::path::PathBuf::from("b"));
        assert_eq!(args.markdown, Some("c".into()));
        assert!(args.wants("ask-10") && !args.wants("full"));
        assert!(!args.list && !args.help);
    }

    #[test]
    fn without_options_everything_is_measured_at_length() {
        let args = parse("").unwrap();
        assert_eq!(args.effort, Effort::FULL);
        assert!(args.wants("full") && args.wants("ask-1"));
    }

    #[test]
    fn the_charts_go_to_the_target_folder() {
        assert_eq!(default_html(None), Path::new("target/bench/report.html"));
        assert_eq!(default_html(Some("/t".into())), Path::new("/t/bench/report.html"));
    }

    #[test]
    fn the_whole_name_of_a_row_means_that_row_alone() {
        assert_eq!(parse("--only ask-1").unwrap().only, ["ask-1"]);
        assert_eq!(parse("--only ask --only full").unwrap().only, ["ask-1", "ask-10", "full"]);
    }

    #[test]
    fn says_what_is_wrong_and_what_would_be_right() {
        let error = |line| parse(line).unwrap_err();
        assert_eq!(
            error("--only as --only k"),
            "no workload begins with `k`, only full, ask-1, ask-10"
        );
        assert_eq!(error("--rounds 0"), "`--rounds 0` is no number from 1 on");
        assert_eq!(error("--rounds many"), "`--rounds many` is no number from 1 on");
        assert_eq!(error("--json"), "`--json` needs a file behind it");
        assert!(error("--fast").starts_with("there is no option `--fast`\n\nusage:"));
    }
}
