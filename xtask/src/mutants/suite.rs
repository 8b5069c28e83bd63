//! The library's tests, and which of them reach which mutant.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::Result;
use crate::lab::{Binary, Lab, Program, each, watch};

/// What is told to the switches: which is on, and where those that are reached are written to.
const ON: &str = "CALLBOARD_MUTANT";
const REACHED: &str = "CALLBOARD_REACHED";

/// In the order in which they are tried.
const BINARIES: [Binary; 4] = [Binary::Unit, Binary::It, Binary::Model, Binary::Memory];
/// The quickest tests come first, so many of them: most mutants don't survive those.
const FIRST: usize = 40;
/// Tests have this much time, and besides so many times as long as they take without a mutant.
const PATIENCE: Duration = Duration::from_secs(20);
const TIMES: u32 = 8;
/// How long a test may take that has not been run before.
const MOST: Duration = Duration::from_secs(300);

/// All tests.
#[derive(Debug)]
pub(super) struct Suite {
    programs: Vec<Program>,
    tests: Vec<Test>,
    /// Where what they say is written to.
    said: PathBuf,
}

#[derive(Debug)]
struct Test {
    /// Which program it is in.
    program: usize,
    name: String,
    took: Duration,
    reached: BTreeSet<usize>,
}

/// What becomes of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Killed,
    /// The tests did not come to an end, which is death, too.
    Hung,
    Survived,
    /// No test gets to it.
    Unreached,
}

impl Verdict {
    pub(super) fn is_survival(self) -> bool {
        matches!(self, Self::Survived | Self::Unreached)
    }
}

impl Suite {
    /// Builds the tests, and runs each. One that is red as it is kills nothing, and is left out.
    ///
    /// # Errors
    /// When they don't build.
    pub(super) fn new(lab: &Lab, said: &Path) -> Result<Self> {
        let programs = programs(lab)?;
        let mut tests = Vec::new();
        for (program, built) in programs.iter().enumerate() {
            let test =
                |name| Test { program, name, took: Duration::ZERO, reached: BTreeSet::new() };
            tests.extend(built.tests()?.into_iter().map(test));
        }
        let suite = Self { programs, tests, said: said.to_owned() };
        let tried = Mutex::new(BTreeMap::new());
        each(&suite.tests.iter().enumerate().collect::<Vec<_>>(), |(number, test)| {
            match suite.measure(*number, test)? {
                Some(outcome) => {
                    drop(tried.lock().expect("nobody panics").insert(*number, outcome))
                }
                None => println!("left out, since it is red without a mutant: {}", test.name),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut tried = tried.into_inner().expect("nobody panics");
        let measured = suite.tests.into_iter().enumerate().filter_map(|(number, test)| {
            let (took, reached) = tried.remove(&number)?;
            Some(Test { took, reached, ..test })
        });
        let mut tests: Vec<Test> = measured.collect();
        tests.sort_by_key(|test| (test.program, test.took));
        Ok(Self { programs: suite.programs, tests, said: suite.said })
    }

    /// Builds the same tests for the library as it is now.
    ///
    /// # Errors
    /// When they don't build.
    pub(super) fn rebuild(&mut self, lab: &Lab) -> Result {
        self.programs = programs(lab)?;
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.tests.len()
    }

    /// Runs a test as it is: how long it takes, and what it reaches. `None`: it is red.
    fn measure(&self, number: usize, test: &Test) -> Result<Option<(Duration, BTreeSet<usize>)>> {
        let reached = self.said.join(format!("{number}.reached"));
        std::fs::write(&reached, "")?;
        let begun = Instant::now();
        let list = (REACHED, reached.display().to_string());
        if self.run(&format!("{number}.said"), &[test], &list)? != Verdict::Survived {
            return Ok(None);
        }
        let took = begun.elapsed();
        let numbers = std::fs::read_to_string(&reached)?;
        let numbers = numbers.lines().map(str::parse).collect::<std::result::Result<_, _>>()?;
        Ok(Some((took, numbers)))
    }

    /// Runs the tests that reach a mutant behind a switch, until one is red. What they say is in the file
    /// `mutant-{number}{time}.said`.
    ///
    /// # Errors
    /// When a program can't be run.
    pub(super) fn try_switched(&self, number: usize, time: &str) -> Result<Verdict> {
        let on = (ON, number.to_string());
        let said = format!("mutant-{number}{time}.said");
        self.try_all(|test| test.reached.contains(&number), &said, &on)
    }

    /// Runs all tests, until one is red.
    ///
    /// # Errors
    /// When a program can't be run.
    pub(super) fn try_whole(&self) -> Result<Verdict> {
        self.try_all(|_| true, "alone.said", &(ON, String::new()))
    }

    fn try_all(
        &self,
        fits: impl Fn(&Test) -> bool,
        said: &str,
        variable: &(&str, String),
    ) -> Result<Verdict> {
        let mut verdict = Verdict::Unreached;
        for program in 0..self.programs.len() {
            let tests = self.tests.iter().filter(|it| it.program == program && fits(it));
            let tests: Vec<&Test> = tests.collect();
            let (first, rest) = tests.split_at(tests.len().min(FIRST));
            for tests in [first, rest].into_iter().filter(|tests| !tests.is_empty()) {
                verdict = self.run(said, tests, variable)?;
                if verdict != Verdict::Survived {
                    return Ok(verdict);
                }
            }
        }
        Ok(verdict)
    }

    /// Runs some tests of one program, until one is red.
    fn run(&self, said: &str, tests: &[&Test], variable: &(&str, String)) -> Result<Verdict> {
        let path = self.said.join(said);
        let file = File::create(&path)?;
        let program = &self.programs[tests[0].program];
        let mut child = Command::new(program.path())
            .arg("--exact")
            .args(tests.iter().map(|test| &test.name))
            .env("RUST_BACKTRACE", "0")
            .env(variable.0, &variable.1)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()?;
        let usual: Duration = tests.iter().map(|test| test.took).sum();
        let patience = if usual.is_zero() { MOST } else { PATIENCE + TIMES * usual };
        let mut red = false;
        let ended = watch(&mut child, patience, || {
            let said = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            red = said.lines().any(|line| line.ends_with("... FAILED"));
            Ok(red)
        })?;
        Ok(match ended {
            Some(status) if status.success() => Verdict::Survived,
            None if !red => Verdict::Hung,
            _ => Verdict::Killed,
        })
    }
}

fn programs(lab: &Lab) -> Result<Vec<Program>> {
    BINARIES.into_iter().map(|binary| lab.build(binary)).collect()
}
