//! The hot operations, one at a time, for counting their instructions: `cargo xtask instructions`.
//!
//! `operations NAME COUNT` runs one operation COUNT times, on one thread, without a clock and without
//! chance, so that two runs execute the same instructions. What the operation does is checked: one that
//! became cheap by doing nothing fails. `operations --list` names them, a line each: the name, how
//! many deliveries one operation makes, and what it is, with tabs between.

mod ask;
mod clock;
mod events;
mod publish;
#[cfg(target_os = "linux")]
mod seed;
mod subscribe;

use std::process::ExitCode;

/// Events are published this many at a time where they are read in batches; a count is a multiple
/// of it.
const BURST: u64 = 32;

const USAGE: &str = "\
usage: operations NAME COUNT
       operations --list
";

/// One operation.
#[derive(Debug)]
struct Operation {
    name: &'static str,
    /// How many deliveries it makes: the instructions are told by the delivery.
    deliveries: u64,
    about: &'static str,
    /// Does it so often, and returns how often it had the effect it is to have; once a delivery.
    run: fn(u64) -> u64,
}

const fn operation(
    name: &'static str,
    deliveries: u64,
    about: &'static str,
    run: fn(u64) -> u64,
) -> Operation {
    Operation { name, deliveries, about, run }
}

const OPERATIONS: &[Operation] = &[
    operation("plain-recv", 1, "publish 32 bytes, try_recv", publish::plain_one_by_one),
    operation("plain-batch", 1, "publish 32 bytes, try_recv_batch", publish::plain_in_batches),
    operation("heap-recv", 1, "publish a heap buffer, try_recv", publish::heap_one_by_one),
    operation(
        "keyed-recv",
        1,
        "publish to a coalescing subscriber, try_recv",
        publish::keyed_one_by_one,
    ),
    operation(
        "oldest-recv",
        1,
        "publish to a subscriber that drops its oldest, try_recv",
        publish::oldest_one_by_one,
    ),
    operation(
        "timed-recv",
        1,
        "publish on a bus that keeps time, try_recv",
        publish::timed_one_by_one,
    ),
    operation("full-lossy", 1, "publish to a full lossy subscriber", publish::full_lossy),
    operation("full-critical", 1, "publish to a full critical subscriber", publish::full_critical),
    operation("unheard", 1, "publish what nobody listens to", publish::unheard),
    operation("fanout-10", 10, "a delivery of ten, in batches", publish::fan_out::<10>),
    operation("fanout-100", 100, "a delivery of a hundred, in batches", publish::fan_out::<100>),
    operation("any-recv", 1, "publish, try_recv as AnyEvent", publish::any_event),
    operation("set-recv", 1, "publish, try_recv as a set of two", publish::event_set),
    operation("ask-3", 1, "ask three responders and gather", ask::three_responders),
    operation("subscribe", 1, "subscribe and drop", subscribe::subscribe_and_drop),
    operation("recv-cancel", 1, "poll recv when empty, cancel it", subscribe::cancel),
    operation("recv-wake", 1, "poll recv, publish, poll again", subscribe::wake),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match *args.as_slice() {
        ["--list"] => {
            for Operation { name, deliveries, about, .. } in OPERATIONS {
                println!("{name}\t{deliveries}\t{about}");
            }
            Ok(())
        }
        [name, count] => run(name, count),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, count: &str) -> Result<(), String> {
    let operation = OPERATIONS.iter().find(|operation| operation.name == name);
    let operation = operation.ok_or_else(|| {
        let names: Vec<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
        format!("there is no operation `{name}`, only {}", names.join(", "))
    })?;
    let number = count.parse().ok().filter(|count: &u64| count.is_multiple_of(BURST));
    let number = number.ok_or_else(|| format!("`{count}` is no multiple of {BURST}"))?;
    let (done, wanted) = ((operation.run)(number), number * operation.deliveries);
    if done == wanted {
        Ok(())
    } else {
        Err(format!("`{name}` had its effect {done} times instead of {wanted}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST, OPERATIONS, run};

    #[test]
    fn operations_do_what_they_count() {
        for operation in OPERATIONS {
            let count = (4 * BURST).to_string();
            assert_eq!(run(operation.name, &count), Ok(()));
        }
    }

    #[test]
    fn says_what_is_wrong_and_what_would_be_right() {
        let error = run("nap", "32").unwrap_err();
        assert!(error.starts_with("there is no operation `nap`, only plain-recv, "), "{error}");
        for count in ["33", "many", "-32"] {
            let error = run("unheard", count).unwrap_err();
            assert_eq!(error, format!("`{count}` is no multiple of 32"));
        }
    }
}
