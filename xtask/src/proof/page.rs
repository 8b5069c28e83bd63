//! The page: a row for each proof, as text and as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use super::figures::Figures;
use crate::Result;
use crate::command::Program;

/// What came of one proof.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) shows: &'static str,
    pub(super) took: Duration,
    pub(super) outcome: Result<Figures>,
}

impl Row {
    pub(super) fn verdict(&self) -> &'static str {
        if self.outcome.is_ok() { "holds" } else { "FAILS" }
    }

    fn cells(&self) -> [String; 5] {
        let figures = self.outcome.as_ref().map_or("-".to_owned(), Figures::to_string);
        [self.name.into(), self.shows.into(), figures, time(self.took), self.verdict().into()]
    }
}

/// All rows, and what they are of.
#[derive(Debug)]
pub(super) struct Page {
    of: String,
    rows: Vec<Row>,
}

const HEAD: [&str; 5] = ["proof", "what holds", "how much was tried", "took", "verdict"];

impl Page {
    /// # Errors
    /// When the compiler or git can't be asked.
    pub(super) fn begin() -> Result<Self> {
        let commit = Program::new("git", "log -1 --format=%h,%cs").read()?;
        let (commit, date) = commit.trim().split_once(',').ok_or("git tells no commit")?;
        let rustc = Program::new("rustc", "--version").read()?;
        let rustc = rustc.split_whitespace().nth(1).unwrap_or_default();
        let cores = std::thread::available_parallelism()?;
        let of = format!("commit {commit} of {date}, rustc {rustc}, {cores} cores");
        Ok(Self { of, rows: Vec::new() })
    }

    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The page for a terminal.
    pub(super) fn as_text(&self) -> String {
        let lines = self.lines();
        let width = |column: usize| {
            let widths = lines.iter().map(|cells| cells[column].chars().count());
            widths.max().unwrap_or_default()
        };
        let widths: [usize; 5] = std::array::from_fn(width);
        let mut text = format!("{}\n", self.summary());
        for cells in &lines {
            let [name, shows, figures, took, verdict] = cells;
            let [a, b, c, d, _] = widths;
            let _ = writeln!(text, "{name:<a$}  {shows:<b$}  {figures:<c$}  {took:>d$}  {verdict}");
        }
        text + &self.failures("")
    }

    /// The page for a document.
    pub(super) fn as_markdown(&self) -> String {
        let mut text = format!("{}\n\n", self.summary());
        for (index, cells) in self.lines().iter().enumerate() {
            let _ = writeln!(text, "| {} |", cells.join(" | "));
            if index == 0 {
                text.push_str("| --- | --- | --- | ---: | --- |\n");
            }
        }
        text + &self.failures("- ")
    }

    /// # Errors
    /// When a proof has failed; the page says why.
    pub(super) fn into_result(self) -> Result {
        match self.failed() {
            0 => Ok(()),
            1 => Err("1 proof fails".into()),
            failed => Err(format!("{failed} proofs fail").into()),
        }
    }

    fn lines(&self) -> Vec<[String; 5]> {
        let head = HEAD.map(str::to_owned);
        std::iter::once(head).chain(self.rows.iter().map(Row::cells)).collect()
    }

    fn summary(&self) -> String {
        let all: Duration = self.rows.iter().map(|row| row.took).sum();
        let holding = self.rows.len() - self.failed();
        format!("{holding} of {} proofs hold, in {}: {}.", self.rows.len(), time(all), self.of)
    }

    fn failed(&self) -> usize {
        self.rows.iter().filter(|row| row.outcome.is_err()).count()
    }

    /// Why which proofs failed.
    fn failures(&self, bullet: &str) -> String {
        let errors =
            self.rows.iter().filter_map(|row| Some((row.name, row.outcome.as_ref().err()?)));
        let lines: String =
            errors.map(|(name, error)| format!("{bullet}{name}: {error}\n")).collect();
        if lines.is_empty() { lines } else { format!("\n{lines}") }
    }
}

/// A time as a person says it.
fn time(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..100 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Page, Row, time};
    use crate::proof::figures::Figures;

    fn page() -> Page {
        let row = |name, took, outcome| Row {
            name,
            shows: "no nap",
            took: Duration::from_secs(took),
            outcome,
        };
        let rows = vec![
            row("nap", 7, Ok(Figures::of(3, "tests"))),
            row("snore", 133, Err("`x` is loud".into())),
        ];
        Page { of: "commit 1 of 2030-01-01".to_owned(), rows }
    }

    #[test]
    fn is_aligned_for_a_terminal() {
        assert_eq!(
            page().as_text(),
            "1 of 2 proofs hold, in 2 min 20 s: commit 1 of 2030-01-01.\n\
             proof  what holds  how much was tried        took  verdict\n\
             nap    no nap      3 tests                    7 s  holds\n\
             snore  no nap      -                   2 min 13 s  FAILS\n\
             \n\
             snore: `x` is loud\n"
        );
        assert_eq!(page().into_result().unwrap_err().to_string(), "1 proof fails");
    }

    #[test]
    fn is_a_table_in_markdown() {
        assert_eq!(
            page().as_markdown(),
            "1 of 2 proofs hold, in 2 min 20 s: commit 1 of 2030-01-01.\n\n\
             | proof | what holds | how much was tried | took | verdict |\n\
             | --- | --- | --- | ---: | --- |\n\
             | nap | no nap | 3 tests | 7 s | holds |\n\
             | snore | no nap | - | 2 min 13 s | FAILS |\n\
             \n\
             - snore: `x` is loud\n"
        );
    }

    #[test]
    fn times_are_short() {
        assert_eq!(time(Duration::from_secs(99)), "99 s");
        assert_eq!(time(Duration::from_secs(3_605)), "60 min 5 s");
    }
}
