//! The life of a bus: it is built, a company gathers, some phases are played, and it ends.
//!
//! | phase | what happens |
//! | --- | --- |
//! | steady, burst, trickle | everybody works, the publishers at that tempo |
//! | stall | some readers and responders stop, and go on later |
//! | pause | the bus is paused and resumed, several times |
//! | churn | components come and go |
//!
//! After each phase the [`Director`] has everybody hold, waits until all is quiet, and checks the
//! accounts. A bus ends in one of four ways: drained, closed amid the traffic, by the drop of its
//! last handle, or with all its components killed.

mod director;
mod ending;
mod quiet;
mod stage;

use std::sync::Arc;

pub(crate) use director::Director;
pub(crate) use stage::{Cue, Stage, Tempo};

use crate::checks::Checked;
use crate::events::Census;
use crate::random::Random;
use crate::run::Run;

/// Plays one bus after the other until the run is over.
pub(crate) fn lane(run: &Arc<Run>, lane: usize, mut random: Random) {
    let census = Census::leak();
    for number in 1.. {
        let title = format!("bus {number} of lane {lane}");
        let director = Director::new(run, title, census, random.fork());
        if let Err(fault) = director.and_then(|director| play(run, lane, director)) {
            run.blame(fault);
        }
        if run.is_over() {
            return;
        }
        run.intermissions.attend(run);
    }
}

fn play(run: &Run, lane: usize, director: Director) -> Checked {
    let stage = Arc::clone(director.stage());
    run.set_stage(lane, Some(Arc::clone(&stage)));
    let played = director.play();
    if played.is_ok() {
        run.set_stage(lane, None);
        run.figures.add_bus(&stage);
    }
    played
}
