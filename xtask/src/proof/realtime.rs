//! The paths that must not allocate, enter the kernel or wait, once warm.
//!
//! RealtimeSanitizer sees every allocation, and those calls into the kernel that it knows; strace sees
//! all of the latter.

use std::borrow::Cow;
use std::path::Path;

use super::sanitizer::Sanitizer;
use super::{folder, planted};
use crate::Result;
use crate::command::Program;

const RTSAN: Sanitizer = Sanitizer {
    name: "rtsan",
    flags: Cow::Borrowed("-Zsanitizer=realtime --cfg callboard_rtsan"),
    options: &[("RTSAN_OPTIONS", "halt_on_error=true")],
};

const PROGRAM: &str = "run --package callboard-proof --no-default-features --bin realtime";

/// # Errors
/// When such a path calls what it must not, or a planted call is not seen.
pub(super) fn run() -> Result<String> {
    let said = RTSAN.cargo(PROGRAM)?.read_aloud()?;
    let operations = said.lines().last().and_then(|line| line.strip_suffix(" operations"));
    let operations = operations.and_then(|count| count.parse::<u64>().ok());
    let operations = operations.ok_or("the program does not say how many operations it did")?;
    RTSAN.sees("allocates", PROGRAM, "unsafe function `malloc`")?;
    if let Some(call) = system_call(Path::new("."), "realtime")? {
        return Err(format!("it enters the kernel: {call}").into());
    }
    match planted("yields", |copy| system_call(copy, "planted/plain"))? {
        Some(call) if call.contains("sched_yield") => {}
        other => return Err(format!("the planted `sched_yield` is not seen, but {other:?}").into()),
    }
    Ok(format!("{operations} operations, 2 planted bugs seen"))
}

/// Runs a copy's program under strace; the first system call in real time, if there is one.
fn system_call(copy: &Path, target: &str) -> Result<Option<String>> {
    let (trace, target) = (folder("realtime.trace")?, folder(target)?);
    let runner = format!("strace --follow-forks --quiet=all --output={}", trace.display());
    let run = format!("{PROGRAM} --target-dir {}", target.display());
    let run = Program::cargo(&run).folder(copy);
    run.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", &runner).run()?;
    let trace = std::fs::read_to_string(trace)?;
    if !trace.contains(BEGIN) {
        return Err("the program does not mark where real time begins".into());
    }
    Ok(between(&trace).map(str::to_owned))
}

/// The file that the program looks for where real time begins, and where it ends.
const BEGIN: &str = "real time begins";
const END: &str = "real time ends";

/// The first line of a trace that is in real time.
fn between(trace: &str) -> Option<&str> {
    let mut inside = false;
    trace.lines().find(|line| {
        let marks = line.contains(BEGIN) || line.contains(END);
        inside = (inside || line.contains(BEGIN)) && !line.contains(END);
        inside && !marks
    })
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn finds_what_is_called_in_real_time() {
        let trace =
            "7 brk(0)\n7 statx(\"real time begins\")\n7 statx(\"real time ends\")\n7 brk(0)\n";
        assert_eq!(between(trace), None);
        let trace = trace.replace("7 statx(\"real time e", "7 futex(1)\n7 statx(\"real time e");
        assert_eq!(between(&trace), Some("7 futex(1)"));
    }
}
