//! Asking, by hand: the asker and its responders take turns on one thread.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use callboard::{Bus, Event, Request};

use crate::clock::StoppedClock;

#[derive(Debug, Event)]
#[event(type = "operations.answer")]
struct Answer(u64);

#[derive(Debug, Request)]
#[request(type = "operations.question", response = Answer)]
struct Question(u64);

pub(crate) fn three_responders(count: u64) -> u64 {
    const NAMES: [&str; 3] = ["one", "two", "three"];
    let bus = Bus::builder().clock(StoppedClock::new()).build();
    let bus = bus.expect("a clock is no wrong setting");
    let mut responders = NAMES.map(|name| bus.responder::<Question>(name));
    bus.start();
    let mut context = Context::from_waker(Waker::noop());
    let mut answered = 0;
    for value in 0..count {
        let mut gather = pin!(bus.request(Question(value)).expect(NAMES).gather());
        let waits = gather.as_mut().poll(&mut context).is_pending();
        for responder in &mut responders {
            if let Ok(call) = responder.try_recv() {
                let answer = Answer(call.0 + 1);
                call.respond(answer);
            }
        }
        let right = match gather.poll(&mut context) {
            Poll::Ready(Ok(gathered)) => {
                let sum: u64 = gathered.responses().map(|(_, answer)| answer.0).sum();
                waits && sum == 3 * (value + 1)
            }
            Poll::Ready(Err(_)) | Poll::Pending => false,
        };
        answered += u64::from(right);
    }
    answered
}
