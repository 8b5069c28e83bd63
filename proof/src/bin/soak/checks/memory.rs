//! Whether the process grows: its resident memory, sampled every second.
//!
//! How much is too much? An allocator with an arena per thread grows by tens of MiB a minute here,
//! where threads come and go all the time; so the process runs [with one arena](use_one_arena).
//! That one has holes, and grows by 5 to 10 MiB whenever a company larger than all before it finds
//! none that fits: over stretches of 30 seconds to 5 minutes, lines through runs without a leak rose
//! by up to 15 MiB; one over 30 seconds by 29, and it was level for the two minutes after. Hence the
//! [noise](NOISE), and a [shortest stretch](SHORTEST) of which anything is said; [`PER_HOUR`] is for
//! the holes of a long run. This finds what is not on the heap, or grows by the minute; the
//! [heap](super::heap) finds the rest.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use super::growth::Series;

const NOISE: f64 = 24.0;
const PER_HOUR: f64 = 8.0;
/// In seconds: a run of four minutes has such a half.
const SHORTEST: f64 = 110.0;

/// What glibc's allocator reads how many arenas it may have from.
const ARENAS: &str = "MALLOC_ARENA_MAX";

/// Begins the program anew with one arena for all threads, unless somebody has said how many.
///
/// # Errors
///
/// If that is not possible.
pub(crate) fn use_one_arena() -> std::io::Result<()> {
    if std::env::var_os(ARENAS).is_some() {
        return Ok(());
    }
    let arguments = std::env::args_os().skip(1);
    Err(Command::new(std::env::current_exe()?).args(arguments).env(ARENAS, "1").exec())
}

/// The resident memory over the run.
#[derive(Debug)]
pub(crate) struct Memory(pub(crate) Series);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(Series::new("the process", NOISE, PER_HOUR).over_at_least(SHORTEST))
    }

    /// Takes a sample; returns it, in MiB.
    pub(crate) fn sample(&mut self, at: Duration) -> f64 {
        let now = resident().unwrap_or_default();
        self.0.add(at.as_secs_f64(), now);
        now
    }
}

/// The resident memory of the process, in MiB, as the kernel tells it.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1_024.0)
}
