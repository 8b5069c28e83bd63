//! `cargo xtask`: what this repository does to itself.
//!
//! Each command is one file or folder. `test`, `ci` and `proof` are lists of [`steps`]; `zoo`,
//! `orderings` and some proofs break a copy of the tree, in a [`lab`].

mod choice;
mod ci;
mod command;
mod dependencies;
mod documents;
mod explore;
mod features;
mod install;
mod instructions;
mod lab;
mod manifest;
mod nats;
mod orderings;
mod package;
mod patch;
mod proof;
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

/// What a step or a command comes to, or the reason it failed.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "\
usage: cargo xtask <command>

  test [options]    format, lints, build, every test, docs, features, packages, house checks
  ci [options]      what CI runs after test: licences, sources and number of dependencies, size of the
                    core, instructions of the hot operations, and the proofs that take minutes
  tidy              the house checks alone
  bench [args]      the benchmark in release mode; args are its own
  models [NAMES]    the models of the core, each in every order that matters; a line for each.
                    NAMES, such as `models::log::`, take those whose name has one
  scenarios [NAMES] whole programs on the bus, in many orders: by chance, then by priorities that
                    change now and then. CALLBOARD_SCHEDULES is how many of each kind, 3,000 by
                    default; a schedule that fails is written to a file, and the run says how to
                    replay it
  soak [args]       the bus under everything at once, for minutes or hours; args are its own
  proof [options]   everything that tries to prove the core wrong, and how much each tried
  instructions      the hot operations' instructions against their bounds; with `--renew` sets
                    the bounds anew
  zoo [options]     real bugs, planted one at a time in a copy, and the tests that must catch each
  orderings [options]
                    every memory ordering of the library, weakened, against the models

options:
  --list            print the steps, bugs or orderings, and run none
  --only NAME       run this one only, or those whose name has NAME; may be given again
  --skip-install    don't install what the tests need
";

type Command = fn(&[String]) -> Result<String>;

/// The commands, which return what they did if they don't print it.
const COMMANDS: &[(&str, Command)] = &[
    ("test", test::main),
    ("ci", ci::main),
    ("tidy", tidy::main),
    ("bench", |args| released("--package bench", args)),
    ("models", explore::models),
    ("scenarios", explore::scenarios),
    ("soak", soak),
    ("proof", proof::main),
    ("instructions", instructions::main),
    ("zoo", zoo::main),
    ("orderings", orderings::main),
];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "--help".to_owned());
    let args: Vec<String> = args.collect();
    match run(&name, &args) {
        Ok(text) if text.is_empty() => ExitCode::SUCCESS,
        Ok(text) => {
            println!("{}", text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, args: &[String]) -> Result<String> {
    std::env::set_current_dir(root())?;
    let wants_help = args.iter().any(|arg| arg == "--help" || arg == "-h");
    // Those two have a help of their own.
    if matches!(name, "help" | "--help" | "-h") || wants_help && !["bench", "soak"].contains(&name)
    {
        return Ok(USAGE.to_owned());
    }
    let command = COMMANDS.iter().find(|command| command.0 == name);
    let (_, run) = command.ok_or_else(|| format!("there is no command `{name}`\n\n{USAGE}"))?;
    run(args)
}

/// Runs the bus under everything at once.
///
/// # Errors
/// When it doesn't build, or finds a fault.
pub(crate) fn soak(args: &[String]) -> Result<String> {
    released("--package callboard-proof --bin soak", args)
}

/// Runs a program of the workspace in release mode.
fn released(program: &str, args: &[String]) -> Result<String> {
    let run = Program::cargo(&format!("run --release {program} --"));
    run.args(args.iter().map(String::as_str)).run()?;
    Ok(String::new())
}

/// The root of the repository. Cargo's variable goes first, since a target folder shared between
/// clones may hold a binary that was compiled in another one.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map(Path::to_path_buf).unwrap_or(here)
}
