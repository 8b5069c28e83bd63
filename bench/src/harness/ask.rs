//! Asking: one question after the other, from a task.

use std::time::Instant;

use super::runtime;
use crate::row::Sample;

/// Somebody who asks responders, each of whom answers with one more than it was asked.
pub(crate) trait Ask: Send + 'static {
    /// Opens so many responders, as tasks.
    fn open(responders: usize) -> Self;

    /// Asks all of them, and waits for all; the sum of their answers.
    fn ask(&mut self, value: u64) -> impl Future<Output = u64> + Send;
}

/// Asks so often.
pub(crate) fn ask<A: Ask>(mut asker: A, responders: usize, events: u64) -> Sample {
    let asking = runtime().spawn(async move {
        let begun = Instant::now();
        for value in 0..events {
            let sum = asker.ask(value).await;
            assert_eq!(sum, (value + 1) * responders as u64, "an answer is wrong or missing");
        }
        begun.elapsed()
    });
    let elapsed = runtime().block_on(asking).expect("asking does not panic");
    Sample::per_event(elapsed, events)
}
