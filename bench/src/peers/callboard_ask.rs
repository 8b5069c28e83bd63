//! Asking the bus: responders as tasks, and other requests that stay open.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use callboard::{Bus, Event, Gather, Request};

use crate::harness::{Ask, runtime};

#[derive(Debug, Event)]
#[event(type = "bench.answer")]
struct Answer(u64);

#[derive(Debug, Request)]
#[request(type = "bench.question", response = Answer)]
struct Question(u64);

/// A request that is never answered.
#[derive(Debug, Request)]
#[request(type = "bench.riddle", response = Answer)]
struct Riddle;

/// A bus with responders, and other requests that stay open.
pub(crate) struct Asked {
    bus: Bus,
    names: Vec<String>,
    open: Vec<Pin<Box<Gather<Riddle>>>>,
}

impl Asked {
    /// So many responders, while so many other requests are open.
    pub(crate) fn beside(responders: usize, open: usize) -> Self {
        let bus = Bus::new();
        let names: Vec<String> =
            (0..responders).map(|index| format!("responder {index}")).collect();
        for name in &names {
            let mut inbox = bus.responder::<Question>(name.as_str());
            runtime().spawn(async move {
                while let Some(call) = inbox.recv().await {
                    let answer = Answer(call.0 + 1);
                    call.respond(answer);
                }
            });
        }
        let mut holder = bus.subscriber("holder").capacity(open.max(1)).responder::<Riddle>();
        bus.start();
        let open: Vec<_> = (0..open)
            .map(|_| {
                let riddle = bus.request(Riddle).expect(["holder"]);
                Box::pin(riddle.timeout(Duration::from_secs(600)).gather())
            })
            .collect();
        let mut asked = Self { bus, names, open };
        runtime().block_on(asked.poll_open());
        // Holds the calls until the bus goes.
        runtime().spawn(async move {
            let mut calls = Vec::new();
            while let Some(call) = holder.recv().await {
                calls.push(call);
            }
        });
        asked
    }

    /// Makes the requests that stay open: a gather begins when it is first polled.
    async fn poll_open(&mut self) {
        poll_fn(|context| {
            for gather in &mut self.open {
                assert!(gather.as_mut().poll(context).is_pending(), "a riddle was answered");
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl Ask for Asked {
    fn open(responders: usize) -> Self {
        Self::beside(responders, 0)
    }

    async fn ask(&mut self, value: u64) -> u64 {
        let gathered = self
            .bus
            .request(Question(value))
            .expect(&self.names)
            .timeout(Duration::from_secs(10))
            .gather()
            .await
            .expect("the responders are there");
        gathered.responses().map(|(_, answer)| answer.0).sum()
    }
}
