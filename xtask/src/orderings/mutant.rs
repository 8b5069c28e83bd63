//! Mutants: the orderings of the library's atomics, each weakened by a step.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use crate::lab::Change;
use crate::source::{first_word, in_word, line_of};
use crate::tree::RustFile;
use crate::{Result, tree};

/// What stands before an ordering.
const ORDERING: &str = "Ordering::";

/// An ordering, weakened by one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mutant {
    pub(super) path: PathBuf,
    pub(super) line: usize,
    /// The function it is in.
    pub(super) function: String,
    old: &'static str,
    new: &'static str,
    /// Where the old one stands.
    place: Range<usize>,
}

/// What an ordering is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Load,
    Store,
    Fence,
    /// An exchange, an addition, or what can't be told.
    Exchange,
}

impl Mutant {
    /// What the list of reasons calls it: without the line, which changes all the time.
    pub(super) fn head(&self) -> String {
        format!("{} {}: {}", self.path.display(), self.function, self.step())
    }

    /// What becomes of what.
    fn step(&self) -> String {
        format!("{} -> {}", self.old, self.new)
    }

    /// The file as the mutant would have it.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(super) fn change(&self) -> Result<Change> {
        let mut text = tree::read(&self.path)?;
        text.replace_range(self.place.clone(), self.new);
        Ok(Change { path: self.path.clone(), text })
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, line) = (self.path.display(), self.line);
        write!(f, "{path}:{line} {}: {}", self.function, self.step())
    }
}

/// The mutants of a file; none of one that is compiled for tests or models only.
pub(super) fn of(file: &RustFile) -> Vec<Mutant> {
    let code = if file.is_test { "" } else { &file.source.production };
    let mut mutants = Vec::new();
    for (at, _) in code.match_indices(ORDERING) {
        let start = at + ORDERING.len();
        let place = start..start + first_word(&code[start..]).len();
        for (old, new) in weaker(&code[place.clone()], operation(code, at)) {
            mutants.push(Mutant {
                path: file.path.clone(),
                line: line_of(code, at),
                function: function(code, at).to_owned(),
                old,
                new,
                place: place.clone(),
            });
        }
    }
    mutants
}

/// The steps down from an ordering.
fn weaker(old: &str, operation: Operation) -> Vec<(&'static str, &'static str)> {
    let all = [
        ("SeqCst", "AcqRel"),
        ("SeqCst", "Acquire"),
        ("SeqCst", "Release"),
        ("AcqRel", "Acquire"),
        ("AcqRel", "Release"),
        ("Acquire", "Relaxed"),
        ("Release", "Relaxed"),
    ];
    let fits = |(from, to): &(&str, &str)| match (*from, operation) {
        ("SeqCst", Operation::Load) => *to == "Acquire",
        ("SeqCst", Operation::Store) => *to == "Release",
        ("SeqCst", Operation::Fence | Operation::Exchange) => *to == "AcqRel",
        // A fence can't be relaxed.
        (_, operation) => operation != Operation::Fence || *to != "Relaxed",
    };
    all.into_iter().filter(|step| step.0 == old).filter(fits).collect()
}

/// The operation that the ordering at this place is given to.
fn operation(code: &str, at: usize) -> Operation {
    let mut depth = 0_usize;
    let open = code[..at].char_indices().rev().find(|(_, letter)| {
        match letter {
            ')' => depth += 1,
            '(' if depth == 0 => return true,
            '(' => depth -= 1,
            _ => {}
        }
        false
    });
    let Some((open, _)) = open else { return Operation::Exchange };
    let name = code[..open].rsplit(|letter| !in_word(letter)).next();
    match name {
        Some("load") => Operation::Load,
        Some("store") => Operation::Store,
        Some("fence") => Operation::Fence,
        _ => Operation::Exchange,
    }
}

/// The name of the function that a place is in.
fn function(code: &str, at: usize) -> &str {
    code[..at].rsplit_once("fn ").map_or("", |(_, rest)| first_word(rest))
}

#[cfg(test)]
mod tests {
    use super::{Operation, function, operation, weaker};

    #[test]
    fn tells_what_an_ordering_is_given_to() {
        let code = "fn a() { b.load(O1); c.store(d(1, (e)), O2); }\n\
                    fn f(g: u8) { fence(O3); h.swap(1, O4); let i = (O5, O6); }";
        let operations = ["O1", "O2", "O3", "O4", "O5"].map(|name| {
            let at = code.find(name).unwrap();
            (function(code, at), operation(code, at))
        });
        let expected = [
            ("a", Operation::Load),
            ("a", Operation::Store),
            ("f", Operation::Fence),
            ("f", Operation::Exchange),
            ("f", Operation::Exchange),
        ];
        assert_eq!(operations, expected);
    }

    #[test]
    fn weakens_by_one_step() {
        let to = |old, operation| {
            weaker(old, operation).into_iter().map(|(_, new)| new).collect::<Vec<_>>()
        };
        assert_eq!(to("SeqCst", Operation::Load), ["Acquire"]);
        assert_eq!(to("SeqCst", Operation::Store), ["Release"]);
        assert_eq!(to("SeqCst", Operation::Fence), ["AcqRel"]);
        assert_eq!(to("AcqRel", Operation::Exchange), ["Acquire", "Release"]);
        assert_eq!(to("AcqRel", Operation::Fence), ["Acquire", "Release"]);
        assert_eq!(to("Acquire", Operation::Load), ["Relaxed"]);
        assert!(to("Acquire", Operation::Fence).is_empty());
        assert!(to("Relaxed", Operation::Load).is_empty());
    }
}
