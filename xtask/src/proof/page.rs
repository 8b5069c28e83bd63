//! The page: a row for each proof, as text and as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use super::Proof;
use super::figures::Figures;
use super::planted::folder;
use crate::Result;
use crate::command::Program;

/// What came of one proof.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    name: String,
    shows: String,
    /// How much was tried, or what went wrong.
    outcome: std::result::Result<String, String>,
    seconds: u64,
    commit: String,
}

const HEAD: [&str; 6] = ["proof", "what holds", "how much was tried", "took", "commit", "verdict"];

impl Row {
    pub(super) fn new(proof: &Proof, outcome: Result<Figures>, took: Duration) -> Self {
        // A tree without its history can be proved as well.
        let commit = Program::new("git", "describe --always --dirty=+").read();
        Self {
            name: proof.name.to_owned(),
            shows: proof.shows.to_owned(),
            outcome: outcome.map(|it| it.to_string()).map_err(|error| error.to_string()),
            seconds: took.as_secs(),
            commit: commit.map_or_else(|_| "unknown".to_owned(), |it| it.trim().to_owned()),
        }
    }

    pub(super) fn verdict(&self) -> &'static str {
        if self.outcome.is_ok() { "holds" } else { "FAILS" }
    }

    fn cells(&self) -> [String; 6] {
        let Self { name, shows, outcome, seconds, commit } = self;
        let figures = outcome.as_ref().map_or("-", String::as_str);
        let cells = [name, shows, figures, &time(*seconds), commit, self.verdict()];
        cells.map(str::to_owned)
    }

    /// Keeps the row, in place of the last one of this name.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(super) fn keep(&self) -> Result {
        let folder = folder("rows")?;
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join(&self.name), self.line())?)
    }

    /// The row that was kept of a proof, or one that says that it was not run.
    ///
    /// # Errors
    /// When it isn't as [`keep`](Self::keep) writes it.
    pub(super) fn kept(proof: &Proof) -> Result<Self> {
        let path = folder("rows")?.join(proof.name);
        let Ok(line) = std::fs::read_to_string(&path) else {
            return Ok(Self {
                name: proof.name.to_owned(),
                shows: proof.shows.to_owned(),
                outcome: Err("it has not been run here".to_owned()),
                seconds: 0,
                commit: "-".to_owned(),
            });
        };
        Self::parse(&line).ok_or_else(|| format!("{} is no row", path.display()).into())
    }

    fn line(&self) -> String {
        let Self { name, shows, outcome, seconds, commit } = self;
        let (verdict, text) = match outcome {
            Ok(text) => ("holds", text),
            Err(text) => ("fails", text),
        };
        format!("{name}\t{shows}\t{seconds}\t{commit}\t{verdict}\t{text}")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut cells = line.splitn(6, '\t').map(str::to_owned);
        let (name, shows) = (cells.next()?, cells.next()?);
        let (seconds, commit) = (cells.next()?.parse().ok()?, cells.next()?);
        let (holds, text) = (cells.next()? == "holds", cells.next()?);
        let outcome = if holds { Ok(text) } else { Err(text) };
        Some(Self { name, shows, outcome, seconds, commit })
    }
}

/// All rows, and what they were made on.
#[derive(Debug)]
pub(super) struct Page {
    on: String,
    rows: Vec<Row>,
}

impl Page {
    /// # Errors
    /// When the compiler can't be asked.
    pub(super) fn of(rows: Vec<Row>) -> Result<Self> {
        let rustc = Program::new("rustc", "--version").read()?;
        let rustc = rustc.split_whitespace().nth(1).unwrap_or_default();
        let cores = std::thread::available_parallelism()?;
        Ok(Self { on: format!("rustc {rustc}, {cores} cores"), rows })
    }

    /// The page for a terminal.
    pub(super) fn as_text(&self) -> String {
        let lines = self.lines();
        let width = |column: usize| {
            let widths = lines.iter().map(|cells| cells[column].chars().count());
            widths.max().unwrap_or_default()
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        let mut text = format!("{}\n", self.summary());
        for cells in &lines {
            let [name, shows, figures, took, commit, verdict] = cells;
            let [a, b, c, d, e, _] = widths;
            let _ = writeln!(
                text,
                "{name:<a$}  {shows:<b$}  {figures:<c$}  {took:>d$}  {commit:<e$}  {verdict}"
            );
        }
        text + &self.failures("")
    }

    /// The page for a document.
    pub(super) fn as_markdown(&self) -> String {
        let mut text = format!("{}\n\n", self.summary());
        for (index, cells) in self.lines().iter().enumerate() {
            let _ = writeln!(text, "| {} |", cells.join(" | "));
            if index == 0 {
                text.push_str("| --- | --- | --- | ---: | --- | --- |\n");
            }
        }
        text + &self.failures("- ")
    }

    /// # Errors
    /// When a proof has failed; the page says why.
    pub(super) fn into_result(self) -> Result {
        match self.failed() {
            0 => Ok(()),
            1 => Err("1 proof does not hold".into()),
            failed => Err(format!("{failed} proofs do not hold").into()),
        }
    }

    fn lines(&self) -> Vec<[String; 6]> {
        let head = HEAD.map(str::to_owned);
        std::iter::once(head).chain(self.rows.iter().map(Row::cells)).collect()
    }

    fn summary(&self) -> String {
        let all = self.rows.iter().map(|row| row.seconds).sum();
        let holding = self.rows.len() - self.failed();
        let mut summary =
            format!("{holding} of {} proofs hold, in {}: {}.", self.rows.len(), time(all), self.on);
        if self.rows.windows(2).any(|rows| rows[0].commit != rows[1].commit) {
            summary.push_str(" Not all are of one commit.");
        }
        summary
    }

    fn failed(&self) -> usize {
        self.rows.iter().filter(|row| row.outcome.is_err()).count()
    }

    /// Why which proofs failed.
    fn failures(&self, bullet: &str) -> String {
        let errors =
            self.rows.iter().filter_map(|row| Some((&row.name, row.outcome.as_ref().err()?)));
        let lines: String =
            errors.map(|(name, error)| format!("{bullet}{name}: {error}\n")).collect();
        if lines.is_empty() { lines } else { format!("\n{lines}") }
    }
}

/// A time as a person says it.
fn time(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, Row, time};

    fn page() -> Page {
        let row = |name: &str, seconds, outcome: Result<&str, &str>| Row {
            name: name.to_owned(),
            shows: "no nap".to_owned(),
            outcome: outcome.map(str::to_owned).map_err(str::to_owned),
            seconds,
            commit: "abc".to_owned(),
        };
        let rows = vec![row("nap", 7, Ok("3 tests")), row("snore", 133, Err("`x` is\nloud"))];
        Page { on: "2 cores".to_owned(), rows }
    }

    #[test]
    fn is_aligned_for_a_terminal() {
        assert_eq!(
            page().as_text(),
            "1 of 2 proofs hold, in 2 min 20 s: 2 cores.\n\
             proof  what holds  how much was tried        took  commit  verdict\n\
             nap    no nap      3 tests                    7 s  abc     holds\n\
             snore  no nap      -                   2 min 13 s  abc     FAILS\n\
             \n\
             snore: `x` is\nloud\n"
        );
        assert_eq!(page().into_result().unwrap_err().to_string(), "1 proof does not hold");
    }

    #[test]
    fn is_a_table_in_markdown() {
        assert_eq!(
            page().as_markdown(),
            "1 of 2 proofs hold, in 2 min 20 s: 2 cores.\n\n\
             | proof | what holds | how much was tried | took | commit | verdict |\n\
             | --- | --- | --- | ---: | --- | --- |\n\
             | nap | no nap | 3 tests | 7 s | abc | holds |\n\
             | snore | no nap | - | 2 min 13 s | abc | FAILS |\n\
             \n\
             - snore: `x` is\nloud\n"
        );
    }

    #[test]
    fn rows_of_several_commits_are_told_of() {
        let mut page = page();
        page.rows[1].commit = "def".to_owned();
        let expected = "1 of 2 proofs hold, in 2 min 20 s: 2 cores. Not all are of one commit.\n";
        assert!(page.as_text().starts_with(expected));
    }

    #[test]
    fn rows_that_are_kept_stay_as_they_are() {
        for row in page().rows {
            assert_eq!(Row::parse(&row.line()), Some(row));
        }
        assert_eq!(Row::parse("nap\tno nap"), None);
    }

    #[test]
    fn times_are_short() {
        assert_eq!(time(99), "99 s");
        assert_eq!(time(3_605), "60 min 5 s");
    }
}
