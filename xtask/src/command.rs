//! Runs programs: shows what it runs, gives no standard input, and fails when the program fails.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;

/// A program and its arguments.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    shown: String,
}

impl Program {
    /// A program by its name or path, with arguments separated by blanks.
    pub(crate) fn new(name: &str, args: &str) -> Self {
        let mut command = Command::new(name);
        command.stdin(Stdio::null());
        Self { command, shown: name.to_owned() }.args(args.split_whitespace())
    }

    /// The cargo that runs us, with arguments separated by blanks.
    pub(crate) fn cargo(args: &str) -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut program = Self::new(&cargo, args);
        program.shown = format!("cargo {args}");
        program
    }

    /// Adds arguments as they are.
    pub(crate) fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        for arg in args {
            self.command.arg(arg);
            self.shown.push(' ');
            self.shown.push_str(arg);
        }
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self.shown = format!("{name}={value} {}", self.shown);
        self
    }

    /// Lets it find programs in a folder before all others.
    pub(crate) fn found_in(mut self, folder: &Path) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        self.command.env("PATH", format!("{}:{path}", folder.display()));
        self
    }

    /// Runs it in another folder.
    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self.shown = format!("cd {}; {}", folder.display(), self.shown);
        self
    }

    /// Runs it with our own output.
    ///
    /// # Errors
    /// When it can't be started, or ends with anything but success.
    pub(crate) fn run(mut self) -> Result {
        println!("$ {}", self.shown);
        let status = self.command.status();
        let status = status.map_err(|error| format!("failed to run `{}`: {error}", self.shown))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("`{}` ended with {status}", self.shown).into())
        }
    }

    /// Runs it quietly and returns its standard output.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn read(mut self) -> Result<String> {
        let output = self.command.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("failed to run `{}`: {error}", self.shown))?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?)
        } else {
            Err(format!("`{}` ended with {}", self.shown, output.status).into())
        }
    }

    /// Runs it, passes its output on, and returns its standard output.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn read_aloud(mut self) -> Result<String> {
        println!("$ {}", self.shown);
        let child = self.command.stdout(Stdio::piped()).spawn();
        let mut child =
            child.map_err(|error| format!("failed to run `{}`: {error}", self.shown))?;
        let mut said = String::new();
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                let line = line?;
                println!("{line}");
                said.push_str(&line);
                said.push('\n');
            }
        }
        let status = child.wait()?;
        if status.success() {
            Ok(said)
        } else {
            Err(format!("`{}` ended with {status}", self.shown).into())
        }
    }

    /// Runs it quietly, though it must fail, and returns all that it said.
    ///
    /// # Errors
    /// When it can't be started, or succeeds.
    pub(crate) fn fail(mut self) -> Result<String> {
        println!("$ {} # must fail", self.shown);
        let output = self.command.output();
        let output = output.map_err(|error| format!("failed to run `{}`: {error}", self.shown))?;
        if output.status.success() {
            return Err(format!("`{}` succeeded, though it must fail", self.shown).into());
        }
        let said = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    /// Runs it, passes its standard error on, and also fails on a line that is a warning. Cargo
    /// repeats a cached warning, so this needs no flag that would build everything anew.
    ///
    /// # Errors
    /// As [`run`](Self::run), and when it warns.
    pub(crate) fn run_without_warnings(mut self) -> Result {
        let child = self.command.stderr(Stdio::piped()).spawn();
        let mut child =
            child.map_err(|error| format!("failed to run `{}`: {error}", self.shown))?;
        let mut warned = false;
        if let Some(stderr) = child.stderr.take() {
            for line in BufReader::new(stderr).lines() {
                let line = line?;
                warned |= line.starts_with("warning");
                eprintln!("{line}");
            }
        }
        let status = child.wait()?;
        if !status.success() {
            Err(format!("`{}` ended with {status}", self.shown).into())
        } else if warned {
            Err(format!("`{}` warned", self.shown).into())
        } else {
            Ok(())
        }
    }
}
