//! The reference application of callboard: a configuration controller for HAProxy.
//!
//! `events` is all that the components know of one another, `components` has one file each,
//! `logic` is what they know, without the bus; `app` puts them together, `console` shows them, and
//! `cluster` makes several of them work as one.

mod app;
mod cli;
mod cluster;
mod components;
mod console;
mod events;
mod logic;

use std::process::ExitCode;

use cli::Command;
use logic::count::count;

fn main() -> ExitCode {
    let outcome = match cli::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            anstream::print!("{}", cli::HELP);
            Ok(())
        }
        Ok(Command::Generate { ingresses, folder }) => {
            logic::generate::generate(&folder, ingresses)
                .map(|made| {
                    anstream::println!(
                        "wrote {} with {} to {}",
                        count(made.files, "file"),
                        count(made.ingresses, "ingress"),
                        folder.display()
                    );
                })
                .map_err(|error| error.to_string())
        }
        Ok(Command::Run(options)) => match options.cluster {
            None => app::run(&options),
            Some(replicas) => cluster::supervisor::run(&options, replicas),
        },
        Err(error) => {
            anstream::eprintln!("ingress: {error}; --help explains");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            anstream::eprintln!("ingress: {reason}");
            ExitCode::FAILURE
        }
    }
}
