//! Which entries of a list a command is asked for: `--list`, and `--only` as often as one likes.

use lexopt::prelude::*;

use crate::Result;

#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// Name the entries, and do nothing.
    pub(crate) list: bool,
    only: Vec<String>,
    flags: Vec<String>,
}

impl Choice {
    /// Reads the arguments of a command that has these flags besides.
    ///
    /// # Errors
    /// An unknown option, or one without its value.
    pub(crate) fn parse(args: &[String], flags: &[&str]) -> Result<Self> {
        let mut choice = Self::default();
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("list") => choice.list = true,
                Long("only") => choice.only.push(parser.value()?.string()?),
                Long(flag) if flags.contains(&flag) => choice.flags.push(flag.to_owned()),
                _ => return Err(arg.unexpected().into()),
            }
        }
        Ok(choice)
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|given| given == flag)
    }

    pub(crate) fn is_all(&self) -> bool {
        self.only.is_empty()
    }

    /// The entries with a name that was given or, where no name is that, with one that contains it;
    /// all if none was given.
    ///
    /// # Errors
    /// A name that fits no entry.
    pub(crate) fn of<T>(&self, mut entries: Vec<T>, name: impl Fn(&T) -> String) -> Result<Vec<T>> {
        let names: Vec<String> = entries.iter().map(name).collect();
        let mut chosen = vec![self.is_all(); names.len()];
        for only in &self.only {
            let exact = names.contains(only);
            let fits = |name: &String| if exact { name == only } else { name.contains(only) };
            if !names.iter().any(fits) {
                return Err(format!("there is no `{only}`: `--list` shows what there is").into());
            }
            for (chosen, name) in chosen.iter_mut().zip(&names) {
                *chosen |= fits(name);
            }
        }
        let mut chosen = chosen.into_iter();
        entries.retain(|_| chosen.next() == Some(true));
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::Choice;

    fn chosen(line: &str) -> crate::Result<Vec<&'static str>> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let choice = Choice::parse(&args, &["fast"])?;
        choice.of(vec!["good", "bad", "badly"], |name| (*name).to_owned())
    }

    #[test]
    fn chooses_by_whole_names_and_then_by_parts() {
        assert_eq!(chosen("--fast").unwrap(), ["good", "bad", "badly"]);
        assert_eq!(chosen("--only bad").unwrap(), ["bad"]);
        assert_eq!(chosen("--only ba --only good").unwrap(), ["good", "bad", "badly"]);
        for wrong in ["--only worse", "--only", "--slow"] {
            assert!(chosen(wrong).is_err(), "{wrong}");
        }
    }
}
