//! Asking by way of the limit probe. A request is a place for its answers; its number goes to all
//! responders at once, through the ring.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::{Newest, Probe, Publisher};
use crate::events::{Message, Plain};
use crate::flow::Sink;
use crate::harness::{Ask, CAPACITY, TaskTransport, Transport, runtime};

/// The number after the last request.
const END: u64 = u64::MAX;

/// Responders that answer, and the requests that may be open at once.
pub(crate) struct Places {
    publisher: Publisher<Newest<Plain>>,
    requests: Arc<[Request]>,
    next: usize,
}

// Ordering: Relaxed for what is asked and answered. The ring orders it on the way to the
// responders, and `missing` on the way back: AcqRel in each responder, Acquire in the asker.
#[derive(Debug)]
struct Request {
    question: AtomicU64,
    answers: Box<[AtomicU64]>,
    missing: AtomicUsize,
    asker: AtomicWaker,
}

struct Responder {
    index: usize,
    requests: Arc<[Request]>,
    ended: bool,
}

impl Sink for Responder {
    fn take<M: Message>(&mut self, message: &M) {
        if message.value() == END {
            self.ended = true;
            return;
        }
        let Request { question, answers, missing, asker } =
            &self.requests[message.value() as usize];
        answers[self.index].store(question.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            asker.wake();
        }
    }
}

impl Ask for Places {
    fn open(responders: usize) -> Self {
        let request = |_| Request {
            question: AtomicU64::new(0),
            answers: (0..responders).map(|_| AtomicU64::new(0)).collect(),
            missing: AtomicUsize::new(0),
            asker: AtomicWaker::new(),
        };
        let requests: Arc<[Request]> = (0..CAPACITY).map(request).collect();
        let (publisher, subscribers) = Probe::<Newest<Plain>>::open(responders);
        for (index, mut subscriber) in subscribers.into_iter().enumerate() {
            let requests = Arc::clone(&requests);
            let mut responder = Responder { index, requests, ended: false };
            runtime().spawn(async move {
                while !responder.ended {
                    Probe::receive(&mut subscriber, &mut responder).await;
                }
            });
        }
        Self { publisher, requests, next: 0 }
    }

    async fn ask(&mut self, value: u64) -> u64 {
        let number = self.next;
        self.next = (number + 1) % CAPACITY;
        let Request { question, answers, missing, asker } = &self.requests[number];
        question.store(value, Ordering::Relaxed);
        missing.store(answers.len(), Ordering::Relaxed);
        self.publisher.publish(Plain::new(number as u64));
        let answered = poll_fn(|context| {
            asker.register(context.waker());
            match missing.load(Ordering::Acquire) {
                0 => Poll::Ready(()),
                _ => Poll::Pending,
            }
        });
        let timeout = Duration::from_secs(10);
        tokio::time::timeout(timeout, answered).await.expect("the answers come in time");
        answers.iter().map(|answer| answer.load(Ordering::Relaxed)).sum()
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.publisher.publish(Plain::new(END));
    }
}
