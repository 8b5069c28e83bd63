//! `cargo xtask`: what this repository does to itself.
//!
//! Each command is one file. [`steps`] holds the list of steps that `test` and `ci` walk; [`tidy`]
//! holds the house checks; the rest is what they share.

mod choice;
mod ci;
mod command;
mod dependencies;
mod documents;
mod features;
mod install;
mod instructions;
mod lab;
mod manifest;
mod models;
mod nats;
mod orderings;
mod package;
mod patch;
mod proof;
mod scenarios;
mod size;
mod source;
mod steps;
mod test;
mod tidy;
mod tree;
mod zoo;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use command::Program;

/// What a step or a command comes to: nothing, or the reason it failed.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "\
usage: cargo xtask <command>

  test [options]    format, lints, build, every test, docs, features, packages, house checks
  ci [options]      what CI runs after test: licences, sources and number of dependencies, size of the
                    core, instructions of the hot operations, and the proofs that take minutes
  tidy              the house checks alone
  bench [args]      the benchmark in release mode; args are its own
  models [NAMES]    the models of the core, each in every order that matters; a line for each.
                    NAMES, such as `log::`, take those whose name begins so
  scenarios [args]  whole programs on the bus, in many orders, and how many those were; `--help`
                    says how one that fails is run again
  soak [args]       the bus under everything at once, for minutes or hours; args are its own
  proof [options]   everything that tries to prove the core wrong, and how much each tried
  instructions      the hot operations' instructions against their bounds; with `--renew` sets
                    the bounds anew
  zoo               real bugs, planted one at a time in a copy, and the tests that must catch each;
                    `--list` names them, `--only NAME` plants one
  orderings         every memory ordering of the library, weakened, against the models; `--list`
                    names them, `--only PART` takes those whose line has it

options of test and ci:
  --list            print the steps and run none
  --only STEP       run this step only, or those whose name has STEP; may be given again
  --skip-install    don't install what the tests need

options of proof:
  --list            print the proofs and run none
  --only NAME       run this proof only; may be given again
";

/// The commands whose `--help` says more.
const HELPFUL: [&str; 3] = ["bench", "scenarios", "soak"];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    let wants_help = rest.iter().any(|arg| arg == "--help" || arg == "-h");
    let outcome =
        std::env::set_current_dir(root()).map_err(Into::into).and_then(|()| {
            match command.as_deref() {
                Some(command) if wants_help && !HELPFUL.contains(&command) => {
                    print!("{USAGE}");
                    Ok(())
                }
                Some("test") => test::main(&rest),
                Some("ci") => ci::main(&rest),
                Some("tidy") => tidy::main(&rest),
                Some("bench") => released("--package bench", &rest),
                Some("models") => models::main(&rest),
                Some("scenarios") => scenarios::main(&rest),
                Some("soak") => soak(&rest),
                Some("proof") => proof::main(&rest),
                Some("instructions") => instructions::main(&rest),
                Some("orderings") => orderings::main(&rest),
                Some("zoo") => zoo::main(&rest),
                None | Some("help" | "--help" | "-h") => {
                    print!("{USAGE}");
                    Ok(())
                }
                Some(other) => Err(format!("there is no command `{other}`\n\n{USAGE}").into()),
            }
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the bus under everything at once.
///
/// # Errors
/// When it doesn't build, or finds a fault.
pub(crate) fn soak(args: &[String]) -> Result {
    released("--package callboard-proof --bin soak", args)
}

/// Runs a program of the workspace in release mode.
fn released(program: &str, args: &[String]) -> Result {
    let run = Program::cargo(&format!("run --release {program} --"));
    run.args(args.iter().map(String::as_str)).run()
}

/// The root of the repository. Cargo's variable goes first, since a target folder shared between
/// clones may hold a binary that was compiled in another one.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map(Path::to_path_buf).unwrap_or(here)
}
