//! Wake latency: from publishing to having received, when the subscriber is parked.
//!
//! The publisher is a thread that spins for a while between events, so that the subscriber and
//! the runtime have gone to sleep; on two cores that leaves them one. It publishes the time, and the
//! subscriber looks how long ago that was.

use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::{TaskTransport, ThreadTransport, runtime};
use crate::events::Message;
use crate::flow::Sink;
use crate::row::Sample;
use crate::statistics::percentile;

/// How long the publisher is idle between events.
pub(crate) const GAP: Duration = Duration::from_micros(60);

/// The shares that are told, each with the least number of messages that it can be told of.
const SHARES: [(f64, usize); 3] = [(0.5, 1), (0.99, 100), (0.999, 1_000)];

/// Nanoseconds since the first look at the clock.
fn now() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Spins for [`GAP`].
pub(crate) fn idle() {
    let until = Instant::now() + GAP;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

/// How long each message was under way, in nanoseconds.
#[derive(Debug, Default)]
struct Latencies(Vec<u64>);

impl Latencies {
    fn sample(self, elapsed: Duration) -> Sample {
        Sample { elapsed, figures: percentiles(self.0) }
    }
}

/// The figures of the columns [`PERCENTILES`](crate::row::PERCENTILES): those that there are enough
/// values for.
pub(crate) fn percentiles(mut values: Vec<u64>) -> Vec<f64> {
    values.sort_unstable();
    let figure = |(share, least)| match values.len() {
        enough if enough >= least => percentile(&values, share) as f64,
        _ => f64::NAN,
    };
    SHARES.map(figure).to_vec()
}

impl Sink for Latencies {
    fn take<M: Message>(&mut self, message: &M) {
        self.0.push(now().saturating_sub(message.value()));
    }
}

/// Latency into a task.
pub(crate) fn task_latency<M: Message, T: TaskTransport<M>>(events: u64) -> Sample {
    let (mut publisher, mut subscribers) = {
        let _entered = runtime().enter();
        T::open(1)
    };
    let mut subscriber = subscribers.remove(0);
    let reader = runtime().spawn(async move {
        let mut latencies = Latencies(Vec::with_capacity(events as usize));
        while (latencies.0.len() as u64) < events {
            T::receive(&mut subscriber, &mut latencies).await;
        }
        latencies
    });
    let begun = Instant::now();
    for _ in 0..events {
        idle();
        // There is always room, so this never waits.
        let mut publishing = std::pin::pin!(T::publish(&mut publisher, M::new(now())));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(publishing.as_mut().poll(&mut context).is_ready(), "`{}` was full", T::NAME);
    }
    let latencies = runtime().block_on(reader).expect("a reader does not panic");
    latencies.sample(begun.elapsed())
}

/// Latency into a thread.
pub(crate) fn thread_latency<M: Message, T: ThreadTransport<M>>(events: u64) -> Sample {
    let (mut publisher, mut subscribers) = T::open(1);
    let mut subscriber = subscribers.remove(0);
    let ready = Arc::new(Barrier::new(2));
    let reader = thread::spawn({
        let ready = Arc::clone(&ready);
        move || {
            let mut latencies = Latencies(Vec::with_capacity(events as usize));
            ready.wait();
            while (latencies.0.len() as u64) < events {
                T::blocking_receive(&mut subscriber, &mut latencies);
            }
            latencies
        }
    });
    ready.wait();
    let begun = Instant::now();
    for _ in 0..events {
        idle();
        T::blocking_publish(&mut publisher, M::new(now()));
    }
    let latencies = reader.join().expect("a reader does not panic");
    latencies.sample(begun.elapsed())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Latencies;

    #[test]
    fn a_percentile_of_too_few_messages_is_not_told() {
        let figures = |count| Latencies((1..=count).collect()).sample(Duration::ZERO).figures;
        assert_eq!(figures(1_000), [500.0, 990.0, 999.0]);
        let few = figures(999);
        assert_eq!(few[..2], [500.0, 990.0]);
        assert!(few[2].is_nan());
    }
}
