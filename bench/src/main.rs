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
use std::time::Instant;

use args::{Args, USAGE};
use report::{Context, Report};

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
    let given: Vec<String> = std::env::args().skip(1).collect();
    let args = Args::parse(given.iter().cloned(), &names)?;
    if args.help {
        print!("{USAGE}");
        return Ok(());
    }
    let rows = rows.into_iter().filter(|row| args.wants(&row.name));
    if args.list {
        rows.for_each(|row| println!("{:<24}{}", row.name, row.about));
        return Ok(());
    }

    let context = Context::find(&given, args.effort.rounds);
    let begun = Instant::now();
    let measured = rows.map(|row| {
        let measured = measure::measure(row, args.effort);
        print!("{}", report::row_table(&measured));
        measured
    });
    let report = Report::new(context, measured.collect());
    print!("{}", report.summary());
    println!("\nmeasured in {:.0} s", begun.elapsed().as_secs_f64());
    report.write_html(&args.html)?;
    args.json.as_deref().map_or(Ok(()), |path| report.write_json(path))?;
    args.markdown.as_deref().map_or(Ok(()), |path| report.write_markdown(path))?;
    Ok(())
}
