//! What is asked of `cargo xtask proof`.

use std::path::PathBuf;

use super::{Fits, Proof};
use crate::Result;
use crate::choice::Choice;

/// Which proofs, and where the page goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) choice: Choice,
    /// Show what came of the last runs, and run none.
    pub(super) page: bool,
    ci: bool,
    /// Where the page is written, too, as Markdown.
    pub(super) markdown: Option<PathBuf>,
}

impl Options {
    /// # Errors
    /// An argument that there is not, or that names nothing.
    pub(super) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            match arg {
                "--page" => options.page = true,
                "--ci" => options.ci = true,
                "--markdown" => {
                    let path = args.next().ok_or("`--markdown` needs the name of a file")?;
                    options.markdown = Some(path.into());
                }
                arg if options.choice.takes(arg, &mut args)? => {}
                other => {
                    return Err(format!(
                        "there is no option `{other}`, only --list, --page, --ci, --only \
                         NAME and --markdown FILE"
                    )
                    .into());
                }
            }
        }
        Ok(options)
    }

    /// The proofs that are asked for.
    ///
    /// # Errors
    /// A name that none has.
    pub(super) fn choose<'a>(&self, proofs: &'a [Proof]) -> Result<Vec<&'a Proof>> {
        let mut chosen = self.choice.of(proofs.iter().collect(), |proof| proof.name)?;
        chosen.retain(|proof| !self.ci || proof.fits == Fits::Ci);
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use crate::proof::figures::Figures;
    use crate::proof::{Fits, Proof};

    const QUICK: Proof =
        Proof { name: "quick", shows: "", fits: Fits::Ci, run: || Ok(Figures::default()) };
    const LONG: Proof = Proof { name: "long", fits: Fits::Leisure, ..QUICK };

    fn choose(line: &str) -> crate::Result<Vec<&'static str>> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let chosen = Options::parse(&args)?.choose(&[QUICK, LONG])?;
        Ok(chosen.iter().map(|proof| proof.name).collect())
    }

    #[test]
    fn choose_what_is_asked_for() {
        for (line, chosen) in [
            ("", &["quick", "long"][..]),
            ("--ci", &["quick"]),
            ("--only long", &["long"]),
            ("--only long --only quick --markdown page.md", &["quick", "long"]),
            ("--ci --only long", &[]),
        ] {
            assert_eq!(choose(line).unwrap(), chosen, "{line}");
        }
    }

    #[test]
    fn reject_what_they_do_not_know() {
        let error = choose("--only ugly").unwrap_err().to_string();
        assert_eq!(error, "there is no `ugly`, only quick, long");
        for line in ["--only", "--markdown", "--fast"] {
            assert!(choose(line).is_err(), "{line}");
        }
    }
}
