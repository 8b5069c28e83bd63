//! Who has work gets on with it: twice a second everybody is looked at, and whoever has had work
//! for too long without getting on with any is a fault. So is an account that does not balance then, amid
//! everything.
//!
//! A reader has work while its queue holds an event; a publisher and an asker while they are not
//! told to hold; the director of a stage always. The look itself takes the bus's lock, so it is
//! done by a thread of its own, which the main thread watches in turn.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Fault;
use crate::components::{Doing, Part, Role};
use crate::phases::Stage;
use crate::run::Run;

const PERIOD: Duration = Duration::from_millis(500);

/// The thread that looks.
pub(crate) struct Watchdog {
    /// When it last looked, in nanoseconds of the run.
    looked: Arc<AtomicU64>,
}

impl Watchdog {
    /// Starts the thread, which ends with the process.
    pub(crate) fn start(run: &Arc<Run>) -> std::io::Result<Self> {
        let looked = Arc::new(AtomicU64::new(0));
        let watchdog = Self { looked: Arc::clone(&looked) };
        let run = Arc::clone(run);
        std::thread::Builder::new().name("watchdog".into()).spawn(move || {
            let mut since = HashMap::new();
            while run.fault().is_none() {
                since = run.stages().iter().flat_map(|stage| look(&run, stage, &since)).collect();
                looked.store(run.nanos(), Ordering::Relaxed);
                std::thread::sleep(PERIOD);
            }
        })?;
        Ok(watchdog)
    }

    /// Whether the watchdog itself is stuck: a bus does not answer.
    pub(crate) fn check(&self, run: &Run) {
        let still = run.nanos().saturating_sub(self.looked.load(Ordering::Relaxed));
        if Duration::from_nanos(still) > run.patience * 2 {
            let found = format!("none for {:?}", Duration::from_nanos(still));
            let fault = Fault::new("a snapshot of each bus", "an answer", found);
            let states: String = run.stages().iter().map(|stage| states_of(stage)).collect();
            run.blame(fault.with(states));
        }
    }
}

/// Since when somebody has had work, by bus and name.
type Since = HashMap<(String, String), u64>;

/// Looks at everybody of one bus. Returns who has work since when; `before` is that of the last look.
fn look(run: &Run, stage: &Stage, before: &Since) -> Since {
    let snapshot = stage.bus().map(|bus| bus.snapshot());
    if let Some(snapshot) = snapshot.as_ref().filter(|snapshot| !snapshot.balances()) {
        let of = format!("all accounts of {}", stage.title);
        run.blame(Fault::new(of, "balanced, amid everything", format!("{snapshot:#?}")));
    }
    let now = run.nanos();
    let patience = u64::try_from(run.patience.as_nanos()).unwrap_or(u64::MAX);
    let mut busy = Since::new();
    for part in stage.parts() {
        if part.doing() != Doing::Work || part.is_stalled() {
            continue;
        }
        let work = match part.role {
            Role::Publisher | Role::Asker => Some("its turn".to_owned()),
            Role::Subscriber(_) => snapshot
                .as_ref()
                .and_then(|snapshot| snapshot.subscriber(&part.name))
                .filter(|subscriber| subscriber.queued > 0)
                .map(|subscriber| format!("{} events queued", subscriber.queued)),
        };
        let Some(work) = work else { continue };
        let name = (stage.title.clone(), part.name.clone());
        let since = before.get(&name).copied().unwrap_or(now);
        busy.insert(name, since);
        let idle = now.saturating_sub(since.max(part.last_beat()));
        if idle > patience {
            run.blame(stall(stage, &part, &work, idle));
            return busy;
        }
    }
    let idle = now.saturating_sub(stage.last_step());
    if idle > patience.saturating_mul(3) {
        let found = format!("{} for {:?}", stage.step(), Duration::from_nanos(idle));
        let fault =
            Fault::new(format_args!("the progress of {}", stage.title), "a next step", found);
        run.blame(fault.with(diagnosis(stage)));
    }
    busy
}

fn stall(stage: &Stage, part: &Part, work: &str, idle: u64) -> Fault {
    let what = format!("the progress of `{}` ({}) of {}", part.name, part.about, stage.title);
    let found = format!("nothing for {:?}", Duration::from_nanos(idle));
    let mut fault = Fault::new(what, format_args!("something, since it has {work}"), found);
    if let Some(bus) = stage.bus() {
        let snapshot = bus.snapshot();
        let subscriber = snapshot.subscriber(&part.name);
        fault = fault.with(format_args!("its subscription: {subscriber:#?}\n"));
    }
    fault.with(diagnosis(stage))
}

/// What the bus says is wrong, and what everybody does.
fn diagnosis(stage: &Stage) -> String {
    let says = stage.bus().map(|bus| bus.diagnose().to_string());
    let says = says.unwrap_or_else(|| "nothing: it is given up".to_owned());
    format!("the bus says: {says}\n{}", states_of(stage))
}

fn states_of(stage: &Stage) -> String {
    let mut text = format!("{}, {}:\n", stage.title, stage.step());
    for part in stage.parts().iter().filter(|part| part.doing() != Doing::Gone) {
        let beat = Duration::from_nanos(part.last_beat());
        let _ = writeln!(
            text,
            "  {:<14} {:?}, last beat at {beat:.3?}, received {}, in hand {}; {}",
            part.name,
            part.doing(),
            part.received.all(),
            part.in_hand.load(Ordering::Relaxed),
            part.about,
        );
    }
    text
}
