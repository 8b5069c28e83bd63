//! The workloads of the performance goals, beside the peers: `cargo xtask bench`.
//!
//! A [workload](workloads) is some [rows](row); a row puts one question to several contestants,
//! which [take turns](measure). What a [peer](peers) can do it implements once, and the loops of
//! the [harness] drive all of them alike: lossless, [checked](flow), and with the same capacity. At the end
//! the [report] says which targets were met. No figure ever fails the run: only a lost event does.

mod alloc;
mod args;
mod events;
mod flow;
mod harness;
mod measure;
mod peers;
mod report;
mod row;
mod statistics;
mod verdict;
mod workloads;

use std::error::Error;
use std::process::ExitCode;

use args::{Args, USAGE};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let rows = workloads::rows();
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let args = Args::parse(std::env::args().skip(1), &names)?;
    if args.help {
        print!("{USAGE}");
        return Ok(());
    }
    let rows = rows.into_iter().filter(|row| args.wants(&row.name));
    if args.list {
        rows.for_each(|row| println!("{:<20}{}", row.name, row.about));
        return Ok(());
    }

    let mut verdicts = Vec::new();
    for row in rows {
        let measured = measure::measure(row, args.effort);
        print!("{}", report::row_table(&measured));
        verdicts.extend(verdict::verdicts(&measured));
    }
    print!("{}", report::summary_table(&verdicts));
    Ok(())
}
