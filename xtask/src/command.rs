//! Runs programs: shows what it runs, gives no standard input, and fails when the program fails.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

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
        let status = self.started(Command::status)?;
        self.ended(status)
    }

    /// Runs it quietly and returns its standard output.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn read(mut self) -> Result<String> {
        self.command.stderr(Stdio::inherit());
        let output = self.started(Command::output)?;
        self.ended(output.status)?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs it, passes its output on, and returns its standard output.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn read_aloud(mut self) -> Result<String> {
        println!("$ {}", self.shown);
        self.command.stdout(Stdio::piped());
        let mut child = self.started(Command::spawn)?;
        let mut said = String::new();
        for line in child.stdout.take().into_iter().flat_map(|it| BufReader::new(it).lines()) {
            let line = line?;
            println!("{line}");
            said += &line;
            said.push('\n');
        }
        self.ended(child.wait()?)?;
        Ok(said)
    }

    /// Runs it quietly, though it must fail, and returns all that it said.
    ///
    /// # Errors
    /// When it can't be started, or succeeds.
    pub(crate) fn fail(mut self) -> Result<String> {
        println!("$ {} # must fail", self.shown);
        let output = self.started(Command::output)?;
        if output.status.success() {
            return Err(format!("`{}` succeeded, though it must fail", self.shown).into());
        }
        let said = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    fn started<T>(&mut self, start: impl FnOnce(&mut Command) -> io::Result<T>) -> Result<T> {
        let started = start(&mut self.command);
        started.map_err(|error| format!("failed to run `{}`: {error}", self.shown).into())
    }

    fn ended(&self, status: ExitStatus) -> Result {
        if status.success() {
            Ok(())
        } else {
            Err(format!("`{}` ended with {status}", self.shown).into())
        }
    }
}

/// The path of the program that cargo built, in its messages as JSON.
pub(crate) fn executable(messages: &str) -> Option<&str> {
    let (_, path) = messages.rsplit_once("\"executable\":\"")?;
    path.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::executable;

    #[test]
    fn finds_the_program_in_cargos_messages() {
        let messages = "{\"executable\":null}\n{\"executable\":\"/t/release/operations\",\"fresh\":true}\n\
                        {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some("/t/release/operations"));
        assert_eq!(executable("{\"executable\":null}"), None);
    }
}
