//! A responder: answers the calls of one request type, in one of four manners.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callboard::{Bus, Call, Subscription};

use super::Component;
use super::asker::Asker;
use super::conduct::Conduct;
use super::part::{Part, Seat};
use super::reader::{Goes, Manner, Reading, STALL};
use crate::events::{Detail, Inquiry, Kind, Question};
use crate::phases::Stage;
use crate::random::Random;

/// How a responder takes its calls.
#[derive(Debug, Clone, Copy)]
enum Style {
    /// `serve`.
    One,
    /// `serve_concurrent`.
    Several(usize),
    /// A thread's loop, which dies with a call.
    Thread,
    /// A task's loop that hands each call to a task of its own.
    Helpers,
}

/// Signs in a responder for a kind of request; `None` if the bus is given up.
pub(super) fn start(stage: &Arc<Stage>, to: Kind, random: Random) -> Option<Component> {
    let bus = stage.bus()?;
    Some(match to {
        Kind::Detail => open::<Detail>(stage, &bus, random),
        _ => open::<Inquiry>(stage, &bus, random),
    })
}

fn open<Q: Question>(stage: &Arc<Stage>, bus: &Bus, mut random: Random) -> Component {
    let seat = Seat::of_responder(Q::KIND, &mut random);
    let style = match random.below(5) {
        0 | 1 => Style::One,
        2 => Style::Several(random.between(2, 6)),
        3 => Style::Thread,
        _ => Style::Helpers,
    };
    let asker_random = random.fork();
    let reading = Reading::new(stage, seat, &style, Manner::Block, random);
    let part = Arc::clone(&reading.part);
    let asker = Asker {
        stage: Arc::clone(stage),
        part: Arc::clone(&part),
        random: asker_random,
        ordered: !matches!(style, Style::Helpers),
    };
    let builder = seat.builder(bus, &part.name);
    let builder = if let Style::Helpers = style { builder.concurrent() } else { builder };
    let calls = builder.responder::<Q>();
    match style {
        Style::One => Component::task(stage, part, serve(calls, reading, asker, 1)),
        Style::Several(limit) => Component::task(stage, part, serve(calls, reading, asker, limit)),
        Style::Thread => Component::thread(stage, part, || by_thread(calls, reading, asker)),
        Style::Helpers => Component::task(stage, part, by_helpers(calls, reading, asker)),
    }
}

impl Asker {
    /// The same somebody, for one call of several.
    fn helper(&mut self) -> Self {
        let (stage, part) = (Arc::clone(&self.stage), Arc::clone(&self.part));
        Self { stage, part, random: self.random.fork(), ordered: self.ordered }
    }

    /// Does with a call what it happens to do.
    async fn handle<Q: Question>(mut self, call: Call<Q>, served: bool) {
        while self.part.is_stalled() {
            tokio::time::sleep(STALL).await;
        }
        match Conduct::any(&mut self.random) {
            Conduct::Respond => {}
            Conduct::Later(time) => tokio::time::sleep(time).await,
            Conduct::Nest => self.nest(&call, served).await,
            Conduct::Decline => return call.decline("for no reason"),
            Conduct::Abandon => return,
            Conduct::Die => super::die(),
        }
        self.respond(call);
    }

    fn handle_blocking<Q: Question>(&mut self, call: Call<Q>) {
        match Conduct::any(&mut self.random) {
            Conduct::Respond => {}
            Conduct::Later(time) => std::thread::sleep(time),
            Conduct::Nest => self.nest_blocking(&call),
            Conduct::Decline => return call.decline("for no reason"),
            Conduct::Abandon => return,
            Conduct::Die => {
                self.part.dismissed.store(true, Ordering::SeqCst);
                super::die();
            }
        }
        self.respond(call);
    }

    fn respond<Q: Question>(&self, call: Call<Q>) {
        let origin = self.origin(Q::ANSWER);
        self.part.published.count(Q::ANSWER);
        let answer = call.answer(origin, self.stage.census);
        call.respond(answer);
        self.part.beat(self.stage.run.nanos());
    }
}

async fn serve<Q: Question>(
    calls: Subscription<Call<Q>>,
    mut reading: Reading,
    mut asker: Asker,
    limit: usize,
) {
    let handler = move |call: Call<Q>| {
        reading.see(&call);
        asker.helper().handle(call, true)
    };
    if limit == 1 {
        calls.serve(handler).await;
    } else {
        calls.serve_concurrent(limit, handler).await;
    }
}

fn by_thread<Q: Question>(
    mut calls: Subscription<Call<Q>>,
    mut reading: Reading,
    mut asker: Asker,
) {
    loop {
        match reading.goes_on() {
            Goes::On => {}
            Goes::Home => return reading.end(calls.ledger(), None),
            Goes::Nowhere => {
                std::thread::sleep(STALL);
                continue;
            }
        }
        match calls.recv_timeout(Duration::from_millis(500)) {
            Ok(call) => {
                reading.see(&call);
                asker.handle_blocking(call);
            }
            Err(callboard::RecvTimeoutError::Timeout) => {}
            Err(callboard::RecvTimeoutError::Closed) => {
                return reading.end(calls.ledger(), Some(calls.pending_missed()));
            }
        }
    }
}

async fn by_helpers<Q: Question>(
    mut calls: Subscription<Call<Q>>,
    mut reading: Reading,
    mut asker: Asker,
) {
    while let Some(call) = calls.recv().await {
        reading.see(&call);
        let (helper, in_hand) = (asker.helper(), InHand::new(&reading.part));
        reading.stage.run.runtime.spawn(async move {
            let _in_hand = in_hand;
            helper.handle(call, false).await;
        });
    }
    reading.end(calls.ledger(), Some(calls.pending_missed()));
}

/// A call that a helper has in hand.
struct InHand(Arc<Part>);

impl InHand {
    fn new(part: &Arc<Part>) -> Self {
        part.in_hand.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(part))
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.in_hand.fetch_sub(1, Ordering::SeqCst);
    }
}
