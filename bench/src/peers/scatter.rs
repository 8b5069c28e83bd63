//! Scatter-gather as one writes it by hand: a `tokio` mpsc into each responder, a oneshot out of it.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::harness::{Ask, CAPACITY, runtime};

type Question = (u64, oneshot::Sender<u64>);

/// Responders that answer.
#[derive(Debug)]
pub(crate) struct Scatter(Vec<mpsc::Sender<Question>>);

impl Ask for Scatter {
    fn open(responders: usize) -> Self {
        let responder = |_| {
            let (sender, mut questions) = mpsc::channel::<Question>(CAPACITY);
            runtime().spawn(async move {
                while let Some((value, answer)) = questions.recv().await {
                    let _ = answer.send(value + 1);
                }
            });
            sender
        };
        Self((0..responders).map(responder).collect())
    }

    async fn ask(&mut self, value: u64) -> u64 {
        let gather = async {
            let mut pending = Vec::with_capacity(self.0.len());
            for responder in &self.0 {
                let (answer, answered) = oneshot::channel();
                responder.send((value, answer)).await.expect("the responder runs");
                pending.push(answered);
            }
            let mut sum = 0;
            for answered in pending {
                sum += answered.await.expect("the responder answers");
            }
            sum
        };
        let timeout = Duration::from_secs(10);
        tokio::time::timeout(timeout, gather).await.expect("the answers come in time")
    }
}
