//! The command line.

use std::time::Duration;

pub(crate) const USAGE: &str = "\
usage: cargo xtask soak [options]

  --minutes N       how long to run, also less than one. Default: 1
  --seed SEED       what everything random comes from, as a run printed it. Default: another each time
  --patience N      how many seconds a component that has work may do nothing. Default: 10
";

/// The longest run: a month.
const MOST_MINUTES: f64 = 31.0 * 24.0 * 60.0;

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) struct Args {
    pub(crate) help: bool,
    pub(crate) time: Duration,
    pub(crate) seed: Option<u64>,
    pub(crate) patience: Duration,
}

impl Args {
    /// Reads the command line.
    ///
    /// # Errors
    /// If an argument is unknown, misses its value, or has one that makes no sense: says which,
    /// and what would be right.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self {
            help: false,
            time: Duration::from_secs(60),
            seed: None,
            patience: Duration::from_secs(10),
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value =
                |what: &str| args.next().ok_or_else(|| format!("`{arg}` needs {what} behind it"));
            match arg.as_str() {
                "--help" | "-h" => parsed.help = true,
                "--minutes" => {
                    let given = value("a number of minutes")?;
                    let minutes =
                        given.parse().ok().filter(|it| (0.01..=MOST_MINUTES).contains(it));
                    let wrong = || format!("`--minutes {given}` is no number from 0.01 on");
                    parsed.time = Duration::from_secs_f64(minutes.ok_or_else(wrong)? * 60.0);
                }
                "--seed" => {
                    let given = value("a seed")?;
                    let wrong = |_| format!("`--seed {given}` is no number of 64 bits");
                    parsed.seed = Some(given.parse().map_err(wrong)?);
                }
                "--patience" => {
                    let given = value("a number of seconds")?;
                    let seconds = given.parse().ok().filter(|it| *it > 0);
                    let wrong = || format!("`--patience {given}` is no number from 1 on");
                    parsed.patience = Duration::from_secs(seconds.ok_or_else(wrong)?);
                }
                other => return Err(format!("there is no option `{other}`\n\n{USAGE}")),
            }
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Args;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn reads_every_option() {
        let args = parse("--minutes 0.5 --seed 7 --patience 3").unwrap();
        let expected = Args {
            help: false,
            time: Duration::from_secs(30),
            seed: Some(7),
            patience: Duration::from_secs(3),
        };
        assert_eq!(args, expected);
    }

    #[test]
    fn says_what_is_wrong_and_what_would_be_right() {
        let error = |line| parse(line).unwrap_err();
        assert_eq!(error("--minutes 0"), "`--minutes 0` is no number from 0.01 on");
        assert_eq!(error("--minutes NaN"), "`--minutes NaN` is no number from 0.01 on");
        assert_eq!(error("--seed x"), "`--seed x` is no number of 64 bits");
        assert_eq!(error("--patience 0"), "`--patience 0` is no number from 1 on");
        assert_eq!(error("--seed"), "`--seed` needs a seed behind it");
        assert!(error("--fast").starts_with("there is no option `--fast`\n\nusage:"));
    }
}
