//! Handlers run beside each other; some panic, and some wait for help from outside.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callboard::{Bus, Call, End, Outcome, Responder, Subscription};

use super::props::{Answer, Note, Question, Tally};
use super::stage::{Latch, Stage, give_way};

/// The clock stands still.
const EVER: Duration = Duration::from_secs(1);

/// What a handler does with a question of this depth; any other is answered.
const PANICS_AT_ONCE: usize = 1;
const PANICS_LATER: usize = 2;
const WAITS_FOR_HELP: usize = 3;
const CONDUCTS: usize = 4;

const EVENTS: usize = 3;

pub(crate) fn scenario(stage: &mut impl Stage) {
    let tally = Tally::default();
    let bus = stage.builder().build().expect("the settings are good");
    let help = Latch::new(1);
    let limit = 1 + stage.choose(3);
    let worker = bus.responder::<Question>("worker");
    stage.play("worker", work(worker, limit, help.clone(), tally.clone()));
    let handled = Arc::new(AtomicUsize::new(0));
    let notes = bus.subscribe::<Note>("clerk");
    let limit = 1 + stage.choose(3);
    stage.play("clerk", file(notes, limit, help.clone(), Arc::clone(&handled)));
    bus.start();
    stage.play("helper", async move { help.arrive() });

    let asked = Latch::new(3);
    for _ in 0..2 {
        let conducts = [stage.choose(CONDUCTS), stage.choose(CONDUCTS)];
        stage.play("asker", ask(bus.clone(), conducts, tally.clone(), asked.clone()));
    }
    let (publisher, published, notes) = (bus.clone(), asked.clone(), tally.clone());
    stage.play("publisher", async move {
        for number in 0..EVENTS {
            publisher.publish(Note { publisher: 0, number, token: notes.token() });
        }
        published.arrive();
    });
    let closer = bus.clone();
    stage.play("closer", async move {
        asked.wait().await;
        closer.close_and_drain(EVER).await.expect("every handler ends");
        let snapshot = closer.snapshot();
        assert!(snapshot.subscribers.iter().all(|it| it.handling == 0), "{snapshot:#?}");
    });
    stage.finish();
    assert_eq!(handled.load(Ordering::SeqCst), EVENTS, "each event is handled once");
    tally.settle(bus);
}

/// A panic that no hook reports.
fn panics() -> ! {
    resume_unwind(Box::new("expected"))
}

async fn work(inbox: Responder<Question>, limit: usize, help: Latch, tally: Tally) {
    let handler = |call: Call<Question>| {
        call.token.read();
        if call.depth == PANICS_AT_ONCE {
            panics();
        }
        let (help, tally) = (help.clone(), tally.clone());
        async move {
            give_way().await;
            match call.depth {
                PANICS_LATER => panics(),
                WAITS_FOR_HELP => help.wait().await,
                _ => {}
            }
            let depth = call.depth;
            call.respond(Answer { depth, token: tally.token() });
        }
    };
    inbox.serve_concurrent(limit, handler).await;
}

async fn file(notes: Subscription<Note>, limit: usize, help: Latch, handled: Arc<AtomicUsize>) {
    let handler = |note: callboard::Delivery<Note>| {
        handled.fetch_add(1, Ordering::SeqCst);
        note.token.read();
        let help = help.clone();
        async move {
            match note.number {
                0 => panics(),
                1 => help.wait().await,
                _ => give_way().await,
            }
        }
    };
    notes.serve_concurrent(limit, handler).await;
}

async fn ask(bus: Bus, conducts: [usize; 2], tally: Tally, asked: Latch) {
    for depth in conducts {
        let question = Question { depth, token: tally.token() };
        let gathered = bus.request(question).expect(["worker"]).timeout(EVER).await;
        let gathered = gathered.expect("the bus is open");
        let outcome = gathered.outcome("worker").expect("it was expected");
        if depth == PANICS_AT_ONCE || depth == PANICS_LATER {
            assert_eq!((outcome, gathered.end()), (Outcome::Abandoned, End::Unreachable));
        } else {
            assert_eq!((outcome, gathered.end()), (Outcome::Responded, End::Met));
            assert_eq!(gathered.get("worker").map(|answer| answer.depth), Some(depth));
        }
    }
    asked.arrive();
}
