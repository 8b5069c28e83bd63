//! The mutants, as `switches` has written them down.

use std::ops::Range;
use std::path::PathBuf;

use crate::lab::Change;
use crate::{Result, tree};

/// A change of the library that a test should see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mutant {
    /// Which switch it is behind.
    pub(super) number: usize,
    pub(super) way: Way,
    pub(super) path: PathBuf,
    place: Range<usize>,
    replacement: String,
    /// Its file, line and column, and what it changes.
    pub(super) name: String,
}

/// How it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is behind a switch in the one copy.
    Switched,
    /// It must be compiled alone.
    Alone,
}

impl Mutant {
    /// What the list of reasons calls it: without the line, which changes all the time. All mutants
    /// of one name in a function share a reason.
    pub(super) fn head(&self) -> String {
        let what = self.name.splitn(4, ':').nth(3).unwrap_or(&self.name);
        format!("{}:{what}", self.path.display())
    }

    /// The file as the mutant would have it.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(super) fn change(&self) -> Result<Change> {
        let mut text = tree::read(&self.path)?;
        text.replace_range(self.place.clone(), &self.replacement);
        Ok(Change { path: self.path.clone(), text })
    }
}

/// # Errors
/// When a line is not as `switches` writes it.
pub(super) fn parse(text: &str) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = || format!("`{line}` is no line of a list of mutants");
        let cells: Vec<&str> = line.split('\t').collect();
        let [way, path, start, end, replacement, name] = cells[..] else {
            return Err(wrong().into());
        };
        let way = match way {
            "switched" => Way::Switched,
            "alone" => Way::Alone,
            "invalid" => continue,
            _ => return Err(wrong().into()),
        };
        let place = start.parse()?..end.parse()?;
        let [replacement, name] = [replacement, name].map(str::to_owned);
        mutants.push(Mutant { number, way, path: path.into(), place, replacement, name });
    }
    Ok(mutants)
}

#[cfg(test)]
mod tests {
    use super::{Way, parse};

    #[test]
    fn mutants_that_do_not_compile_are_none() {
        let text = "switched\ta.rs\t3\t5\t!=\ta.rs:1:2: replace == with != in f\n\
                    invalid\ta.rs\t3\t5\t+\ta.rs:1:2: x\n\
                    alone\ta.rs\t3\t5\t()\ta.rs:7:2: replace g with ()\n";
        let mutants = parse(text).unwrap();
        let numbers: Vec<_> = mutants.iter().map(|it| (it.number, it.way)).collect();
        assert_eq!(numbers, [(0, Way::Switched), (2, Way::Alone)]);
        assert_eq!(mutants[0].head(), "a.rs: replace == with != in f");
        assert!(parse("switched\ta.rs\n").is_err());
    }
}
