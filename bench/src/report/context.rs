//! Where and with what the figures were taken.

use std::process::Command;

/// The lock file that the benchmark was built with.
const LOCK: &str = include_str!("../../../Cargo.lock");

/// Whose versions are told.
const CRATES: &[&str] = &[
    "async-broadcast",
    "async-channel",
    "async-nats",
    "crossbeam-channel",
    "crossbeam-queue",
    "disruptor",
    "flume",
    "kameo",
    "kameo_actors",
    "kanal",
    "tokio",
];

/// The machine, the day, the compiler, the peers and the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) date: String,
    pub(crate) rustc: String,
    pub(crate) commit: String,
    pub(crate) command: String,
    pub(crate) rounds: usize,
    /// The peers and their versions.
    pub(crate) versions: Vec<(String, String)>,
}

impl Context {
    /// What can be found out; the rest is called unknown.
    pub(crate) fn find(args: &[String], rounds: usize) -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let version = |name: &&str| Some(((*name).to_owned(), locked(LOCK, name)?));
        Self {
            cpu: cpu_model(&cpuinfo).unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: Some(kernel.trim().to_owned())
                .filter(|kernel| !kernel.is_empty())
                .unwrap_or_else(unknown),
            date: output("date", &["-u", "+%F"]).unwrap_or_else(unknown),
            rustc: output("rustc", &["--version"]).unwrap_or_else(unknown),
            commit: output("git", &["describe", "--always", "--dirty", "--abbrev=12"])
                .unwrap_or_else(unknown),
            command: ["cargo xtask bench", &args.join(" ")].join(" ").trim_end().to_owned(),
            rounds,
            versions: CRATES.iter().filter_map(version).collect(),
        }
    }

    /// Name and value of each, for tables.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let versions = self.versions.iter().map(|(name, version)| format!("{name} {version}"));
        vec![
            ("machine", format!("{}, {} cores, Linux {}", self.cpu, self.cores, self.kernel)),
            ("date", self.date.clone()),
            ("compiler", format!("{}, release profile", self.rustc)),
            ("commit", self.commit.clone()),
            ("peers", versions.collect::<Vec<_>>().join(", ")),
            ("command", self.command.clone()),
            ("rounds", self.rounds.to_string()),
        ]
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The version of a crate in a lock file.
fn locked(lock: &str, name: &str) -> Option<String> {
    let wanted = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != wanted);
    let version = lines.nth(1)?.strip_prefix("version = ")?;
    Some(version.trim_matches('"').to_owned())
}

/// The first line that a program prints.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{CRATES, LOCK, cpu_model, locked};

    #[test]
    fn every_peer_is_in_the_lock_file() {
        for name in CRATES {
            assert!(locked(LOCK, name).is_some(), "{name}");
        }
        assert_eq!(locked("name = \"a\"\nversion = \"1.2.3\"\n", "a"), Some("1.2.3".to_owned()));
        assert_eq!(locked(LOCK, "no-such-crate"), None);
    }

    #[test]
    fn finds_the_processor() {
        let model = cpu_model("processor\t: 0\nmodel name\t: Some CPU @ 2:1\n");
        assert_eq!(model, Some("Some CPU @ 2:1".to_owned()));
        assert_eq!(cpu_model(""), None);
    }
}
