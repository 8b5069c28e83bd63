//! Requests: those that can never be answered, and those that were not.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use callboard::testing::{Sim, block_on};
use callboard::{Bus, FindingKind, Outcome, RequestError};

use super::{Answer, Question, expect, found};

#[test]
fn a_request_that_can_never_be_answered_fails_at_once_and_is_named() {
    let bus = Bus::new();
    let mut a = bus.responder::<Question>("a");
    bus.start();
    let mut context = Context::from_waker(Waker::noop());
    let mut asked = bus.request(Question).expect(["a"]).gather();
    assert!(std::pin::Pin::new(&mut asked).poll(&mut context).is_pending());
    let call = a.try_recv().unwrap();
    let nested = block_on(call.request(Question).expect(["a"]).gather());
    let RequestError::Cycle { chain } = nested.unwrap_err() else { panic!("not a cycle") };
    assert_eq!(chain, ["a", "a"]);
    let finding = expect(&bus, FindingKind::RequestCycle);
    assert_eq!(finding.culprit, "pit.question");
    assert!(finding.seen.contains("a → a"), "{finding}");
}

#[test]
fn a_request_that_times_out_names_the_responders_and_their_states() {
    let mut sim = Sim::new(2);
    let bus = sim.bus();
    let mut taker = bus.responder::<Question>("taker");
    let _sleeper = bus.responder::<Question>("sleeper");
    bus.start();
    let kept = Arc::new(Mutex::new(None));
    sim.spawn("asker", {
        let (bus, kept) = (bus.clone(), Arc::clone(&kept));
        async move {
            let gathered = bus
                .request(Question)
                .expect(["taker", "sleeper", "ghost"])
                .at_least(1)
                .timeout(Duration::from_secs(5))
                .gather()
                .await;
            *kept.lock().unwrap() = Some(gathered.unwrap());
        }
    });
    sim.run_ready();
    let open = &bus.snapshot().requests.open;
    assert_eq!((open.len(), open[0].remaining), (1, Some(Duration::from_secs(5))));
    let call = taker.try_recv().unwrap();
    sim.run();
    let gathered = kept.lock().unwrap().take().unwrap();
    let expected = [
        ("taker", Outcome::TimedOutHandling),
        ("sleeper", Outcome::TimedOutQueued),
        ("ghost", Outcome::NoSuchResponder),
    ];
    assert!(gathered.missing().eq(expected), "{gathered:?}");
    let finding = expect(&bus, FindingKind::RequestFailed);
    let seen = "timed out: `taker` timed out while being handled, `sleeper` timed out while \
                queued, `ghost` no such responder";
    assert_eq!((finding.culprit.as_str(), finding.seen.as_str()), ("pit.question", seen));
    drop(call);
}

#[test]
fn a_request_that_times_out_before_the_start_blames_no_responder() {
    let mut sim = Sim::new(3);
    let bus = sim.bus();
    let oracle = bus.responder::<Question>("oracle");
    sim.spawn("oracle", oracle.serve(async |call: callboard::Call<Question>| call.respond(Answer)));
    for _ in 0..3 {
        let asked = bus.request(Question).expect(["oracle"]).timeout(Duration::from_secs(1));
        sim.spawn("asker", async move { drop(asked.await) });
        sim.run();
    }
    let finding = expect(&bus, FindingKind::RequestFailed);
    let seen = "timed out: `oracle` timed out while queued; the bus had not started, or was paused \
                (3 times)";
    assert_eq!(finding.seen, seen);
    assert!(finding.cure.starts_with("call `start`"), "{finding}");
    let failed = bus.diagnose().findings;
    let failed = failed.iter().filter(|it| it.kind == FindingKind::RequestFailed);
    assert_eq!(failed.count(), 1, "what failed in the same way is told once");
}

#[test]
fn a_responder_that_declines_is_no_trouble() {
    let bus = Bus::new();
    let mut critic = bus.responder::<Question>("critic");
    bus.start();
    let mut gather = bus.request(Question).expect(["critic"]).gather();
    let mut context = Context::from_waker(Waker::noop());
    assert!(std::pin::Pin::new(&mut gather).poll(&mut context).is_pending());
    critic.try_recv().unwrap().decline("no");
    assert!(!block_on(gather).unwrap().is_complete());
    assert_eq!(found(&bus, FindingKind::RequestFailed), None);
}

#[test]
fn an_answer_that_its_asker_got_is_not_unheard() {
    let bus = Bus::new();
    let mut oracle = bus.responder::<Question>("oracle");
    bus.start();
    let mut gather = bus.request(Question).expect(["oracle"]).gather();
    let mut context = Context::from_waker(Waker::noop());
    assert!(std::pin::Pin::new(&mut gather).poll(&mut context).is_pending());
    oracle.try_recv().unwrap().respond(Answer);
    assert!(block_on(gather).unwrap().is_complete());
    assert!(oracle.try_recv().is_err());
    assert_eq!(bus.diagnose().to_string(), "nothing found");
}

#[test]
fn a_request_that_is_published_rather_than_asked_is_named() {
    let bus = Bus::new();
    let _oracle = bus.responder::<Question>("oracle");
    bus.start();
    assert_eq!(bus.publish(Question).delivered(), 0);
    let finding = expect(&bus, FindingKind::Unheard);
    assert!(finding.seen.contains("asks nobody"), "{finding}");
    assert!(finding.cure.contains("bus.request"), "{finding}");
}
