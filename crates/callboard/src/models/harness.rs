//! Runs a model, and checks that it explored what it should.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::watched;

/// What a model should explore.
#[must_use = "nothing is explored before `check`"]
pub(super) struct Model {
    name: &'static str,
    outcomes: &'static [&'static str],
    floor: usize,
    preemptions: Option<usize>,
}

impl Model {
    /// A model that is explored exhaustively, and has exactly these outcomes.
    pub(super) fn new(name: &'static str, outcomes: &'static [&'static str]) -> Self {
        Self { name, outcomes, floor: 2, preemptions: None }
    }

    /// Requires at least this many executions. The default is 2.
    pub(super) fn at_least(self, floor: usize) -> Self {
        Self { floor, ..self }
    }

    /// Explores only executions in which threads are preempted at most this many times.
    pub(super) fn preemptions(self, most: usize) -> Self {
        Self { preemptions: Some(most), ..self }
    }

    /// Runs `model` in every order; `model` returns its outcome.
    ///
    /// # Panics
    ///
    /// If an execution panics or leaves an event alive; if there are too few executions, or other
    /// outcomes than expected.
    pub(super) fn check<O: Into<String>>(self, model: impl Fn() -> O + Send + Sync + 'static) {
        let seen = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = self.preemptions;
        builder.max_branches = 10_000;
        let begun = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe({
            let seen = Arc::clone(&seen);
            move || {
                builder.check(move || {
                    watched::begin();
                    let outcome = model().into();
                    watched::end();
                    *seen.lock().unwrap().entry(outcome).or_default() += 1;
                });
            }
        }));
        let seen = seen.lock().unwrap();
        let complaint = if ended.is_ok() { self.complaint(&seen) } else { None };
        self.report(&seen, begun, ended.is_ok() && complaint.is_none());
        if let Err(panic) = ended {
            resume_unwind(panic);
        }
        assert!(complaint.is_none(), "{}: {}", self.name, complaint.unwrap_or_default());
    }

    /// What is wrong with the outcomes seen, if anything.
    fn complaint(&self, seen: &BTreeMap<String, usize>) -> Option<String> {
        let executions: usize = seen.values().sum();
        let missing = self.outcomes.iter().find(|outcome| !seen.contains_key(**outcome));
        let strange = seen.keys().find(|outcome| !self.outcomes.contains(&outcome.as_str()));
        match (missing, strange) {
            (_, Some(strange)) => Some(format!("the outcome `{strange}` is not one of its own")),
            (Some(missing), _) => Some(format!("the outcome `{missing}` was never seen")),
            _ if executions < self.floor => {
                Some(format!("{executions} executions are fewer than {}", self.floor))
            }
            _ => None,
        }
    }

    /// Prints one line, for readers and tables.
    fn report(&self, seen: &BTreeMap<String, usize>, begun: Instant, passed: bool) {
        let executions: usize = seen.values().sum();
        let preemptions = self.preemptions.map_or("all".to_owned(), |most| most.to_string());
        let seconds = begun.elapsed().as_secs_f64();
        let outcomes = seen.iter().map(|(outcome, times)| format!("{outcome}:{times}"));
        let outcomes = outcomes.collect::<Vec<_>>().join(",").replace(' ', "_");
        let verdict = if passed { "passed" } else { "failed" };
        let name = self.name;
        println!(
            "model name={name} executions={executions} preemptions={preemptions} \
             seconds={seconds:.2} outcomes={outcomes} verdict={verdict}"
        );
    }
}

#[test]
fn model_is_red_if_an_outcome_is_missing_or_strange_or_executions_are_few() {
    let model = || Model::new("model", &["rare", "often"]).at_least(10);
    let complaint = |seen: &[(&str, usize)]| {
        let seen = seen.iter().map(|(outcome, times)| ((*outcome).to_owned(), *times));
        model().complaint(&seen.collect())
    };
    assert_eq!(complaint(&[("rare", 1), ("often", 9)]), None);
    let missing = complaint(&[("often", 10)]).unwrap();
    assert_eq!(missing, "the outcome `rare` was never seen");
    let strange = complaint(&[("rare", 1), ("often", 9), ("odd", 1)]).unwrap();
    assert_eq!(strange, "the outcome `odd` is not one of its own");
    let few = complaint(&[("rare", 1), ("often", 8)]).unwrap();
    assert_eq!(few, "9 executions are fewer than 10");
}

#[test]
#[should_panic(expected = "the outcome `other` is not one of its own")]
fn check_runs_the_model_and_complains() {
    Model::new("harness", &["outcome"]).check(|| "other");
}
