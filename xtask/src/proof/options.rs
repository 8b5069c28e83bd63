//! What is asked of `cargo xtask proof`.

use std::path::PathBuf;

use super::{Fits, Proof};
use crate::Result;

/// Which proofs, and where the page goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Name them, and run none.
    pub(super) list: bool,
    /// Show what came of the last runs, and run none.
    pub(super) page: bool,
    ci: bool,
    only: Vec<String>,
    /// Where the page is written, too, as Markdown.
    pub(super) markdown: Option<PathBuf>,
}

impl Options {
    /// # Errors
    /// An argument that there is not, or that names nothing.
    pub(super) fn parse(proofs: &[Proof], args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            match arg {
                "--list" => options.list = true,
                "--page" => options.page = true,
                "--ci" => options.ci = true,
                "--markdown" => {
                    let path = args.next().ok_or("`--markdown` needs the name of a file")?;
                    options.markdown = Some(path.into());
                }
                "--only" => {
                    let name = args.next().ok_or("`--only` needs the name of a proof")?;
                    if !proofs.iter().any(|proof| proof.name == name) {
                        let names: Vec<&str> = proofs.iter().map(|proof| proof.name).collect();
                        let names = names.join(", ");
                        return Err(format!("there is no proof `{name}`, only {names}").into());
                    }
                    options.only.push(name.to_owned());
                }
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

    /// Whether this one is asked for.
    pub(super) fn choose(&self, proof: &Proof) -> bool {
        let named = self.only.is_empty() || self.only.iter().any(|name| name == proof.name);
        named && (!self.ci || proof.fits == Fits::Ci)
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

    fn parse(line: &str) -> crate::Result<Options> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&[QUICK, LONG], &args)
    }

    #[test]
    fn choose_what_is_asked_for() {
        for (line, quick, long) in [
            ("", true, true),
            ("--ci", true, false),
            ("--only long", false, true),
            ("--only long --only quick --markdown page.md", true, true),
            ("--ci --only long", false, false),
        ] {
            let options = parse(line).unwrap();
            assert_eq!((options.choose(&QUICK), options.choose(&LONG)), (quick, long), "{line}");
        }
    }

    #[test]
    fn reject_what_they_do_not_know() {
        let error = parse("--only ugly").unwrap_err().to_string();
        assert_eq!(error, "there is no proof `ugly`, only quick, long");
        for line in ["--only", "--markdown", "--fast"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
