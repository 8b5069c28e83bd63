//! How much a proof tried.

use std::fmt;

/// So many of each kind: tests, models, executions, programs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Figures(Vec<(u64, &'static str)>);

impl Figures {
    /// So many of one kind, which is given in the plural.
    pub(super) fn of(count: u64, what: &'static str) -> Self {
        Self::default().and(count, what)
    }

    /// And so many of another kind.
    pub(super) fn and(mut self, count: u64, what: &'static str) -> Self {
        self.0.push((count, what));
        self
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (count, what)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{} {what}", grouped(*count))?;
        }
        Ok(())
    }
}

/// A number with a comma before every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::Figures;

    #[test]
    fn are_easily_read() {
        let figures = Figures::of(1_234_567, "executions").and(100, "models").and(0, "mutants");
        assert_eq!(figures.to_string(), "1,234,567 executions, 100 models, 0 mutants");
        assert_eq!(Figures::default().to_string(), "");
    }
}
