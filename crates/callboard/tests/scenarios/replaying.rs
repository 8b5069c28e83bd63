//! A schedule that fails is found, and fails again.

use std::panic::catch_unwind;
use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::atomic::{AtomicUsize, Ordering};

use super::scheduled::{Failure, Scheduled, explore, replay};
use super::stage::Stage;

/// Two parts count, and one count may be lost.
fn forgetful(stage: &mut Scheduled) {
    let count = Arc::new(AtomicUsize::new(stage.choose(3)));
    let before = count.load(Ordering::SeqCst);
    for _ in 0..2 {
        let count = Arc::clone(&count);
        stage.play("counter", async move {
            let seen = count.load(Ordering::SeqCst);
            count.store(seen + 1, Ordering::SeqCst);
        });
    }
    stage.finish();
    assert_eq!(count.load(Ordering::SeqCst), before + 2, "a count was lost, from {before}");
}

fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    *panic.downcast::<String>().expect("an assertion has a message")
}

fn fails_again(found: Result<(), Failure>) {
    let Failure { schedule, panic } = found.expect_err("some schedule loses a count");
    let expected = message(panic);
    assert!(expected.contains("a count was lost"), "{expected}");
    let written = std::fs::read_to_string(&schedule).expect("the schedule was written");
    for schedule in [schedule.to_str().expect("the path is text"), &written] {
        let again = catch_unwind(|| replay(schedule, forgetful)).expect_err("it fails again");
        assert_eq!(message(again), expected);
    }
}

#[test]
fn random_schedule_that_fails_is_written_and_fails_again() {
    fails_again(explore("forgetful", "random", RandomScheduler::new_from_seed(7, 100), forgetful));
}

#[test]
fn pct_schedule_that_fails_is_written_and_fails_again() {
    fails_again(explore("forgetful", "pct", PctScheduler::new_from_seed(7, 3, 100), forgetful));
}
