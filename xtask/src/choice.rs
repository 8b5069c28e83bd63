//! Which entries of a list a command is asked for: `--list`, and `--only` as often as one likes.

use crate::Result;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Name them, and do nothing.
    pub(crate) list: bool,
    only: Vec<String>,
}

impl Choice {
    /// Reads the arguments of a command that has no other options.
    ///
    /// # Errors
    /// An option that there is not, or one without its value.
    pub(crate) fn parse(args: &[String]) -> Result<Self> {
        let mut choice = Self::default();
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            if !choice.takes(arg, &mut args)? {
                return Err(format!("there is no option `{arg}`, only --list and --only").into());
            }
        }
        Ok(choice)
    }

    /// Takes an argument, with what it needs of the `rest`. Whether it is one for this.
    ///
    /// # Errors
    /// An option without its value.
    pub(crate) fn takes<'a>(
        &mut self,
        arg: &str,
        rest: &mut impl Iterator<Item = &'a str>,
    ) -> Result<bool> {
        match arg {
            "--list" => self.list = true,
            "--only" => self.only.push(rest.next().ok_or("`--only` needs a name")?.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(crate) fn is_all(&self) -> bool {
        self.only.is_empty()
    }

    /// Leaves the entries whose name was given, or all.
    ///
    /// # Errors
    /// A name that no entry has.
    pub(crate) fn of<T>(&self, entries: Vec<T>, name: impl Fn(&T) -> &str) -> Result<Vec<T>> {
        self.retain(
            entries,
            |entry, only| name(entry) == only,
            |entries| {
                let names: Vec<&str> = entries.iter().map(&name).collect();
                names.join(", ")
            },
        )
    }

    /// Leaves the entries whose name has one of the parts that were given, or all.
    ///
    /// # Errors
    /// A part that no entry has.
    pub(crate) fn of_parts<T>(
        &self,
        entries: Vec<T>,
        name: impl Fn(&T) -> String,
    ) -> Result<Vec<T>> {
        self.retain(
            entries,
            |entry, only| name(entry).contains(only),
            |entries| format!("{} others", entries.len()),
        )
    }

    fn retain<T>(
        &self,
        mut entries: Vec<T>,
        fits: impl Fn(&T, &str) -> bool,
        others: impl Fn(&[T]) -> String,
    ) -> Result<Vec<T>> {
        for only in &self.only {
            if !entries.iter().any(|entry| fits(entry, only)) {
                return Err(format!("there is no `{only}`, only {}", others(&entries)).into());
            }
        }
        if !self.is_all() {
            entries.retain(|entry| self.only.iter().any(|only| fits(entry, only)));
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::Choice;

    const NAMES: [&str; 3] = ["good", "bad", "good bad"];

    fn choice(line: &str) -> crate::Result<Choice> {
        Choice::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn chosen(line: &str) -> crate::Result<Vec<&'static str>> {
        choice(line)?.of(NAMES.to_vec(), |name| name)
    }

    fn with_part(line: &str) -> crate::Result<Vec<&'static str>> {
        choice(line)?.of_parts(NAMES.to_vec(), |name| (*name).to_owned())
    }

    #[test]
    fn leaves_what_is_asked_for() {
        assert_eq!(chosen("").unwrap(), NAMES);
        assert_eq!(chosen("--only bad --list --only good").unwrap(), ["good", "bad"]);
        assert_eq!(with_part("--only ba").unwrap(), ["bad", "good bad"]);
        assert!(choice("--list").unwrap().list && !choice("").unwrap().list);
    }

    #[test]
    fn says_what_it_does_not_know() {
        let error = |outcome: crate::Result<Vec<_>>| outcome.unwrap_err().to_string();
        assert_eq!(error(chosen("--only b")), "there is no `b`, only good, bad, good bad");
        assert_eq!(error(with_part("--only x")), "there is no `x`, only 3 others");
        assert_eq!(error(chosen("--only")), "`--only` needs a name");
        assert_eq!(error(chosen("--fast")), "there is no option `--fast`, only --list and --only");
    }
}
