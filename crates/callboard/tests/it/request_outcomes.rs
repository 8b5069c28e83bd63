//! The outcome of each responder, and how a request waits for the start.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use callboard::{
    Bus, Call, Clock, End, Event, FindingKind, Gather, Gathered, Outcome, Overflow, Request, Sleep,
    Troubled,
};

use crate::support::{HandClock, PATIENCE, Wakes, in_time, poll, poll_with, publish_all};

#[derive(Debug, Event)]
struct Verdict;

#[derive(Debug, Request)]
#[request(response = Verdict)]
struct Validate;

const SECOND: Duration = Duration::from_secs(1);

fn timed() -> (Bus, HandClock) {
    let clock = HandClock::new();
    let bus = Bus::builder().clock(clock.clone()).pre_start_capacity(3).build().unwrap();
    (bus, clock)
}

#[track_caller]
fn done(gather: &mut Gather<Validate>) -> Gathered<Verdict> {
    match poll(gather) {
        Poll::Ready(result) => result.expect("it was a possible call"),
        Poll::Pending => panic!("its outcome is certain"),
    }
}

#[test]
fn every_outcome_at_once() {
    let (bus, clock) = timed();
    let open = |name: &str| bus.subscriber(name).late().responder::<Validate>();
    bus.start();
    let (mut responds, mut declines, mut abandons) = (open("1"), open("2"), open("3"));
    let full = bus.subscriber("4").late().capacity(0).responder::<Validate>();
    let (queued, mut handling, leaves) = (open("5"), open("6"), open("7"));
    let request = bus.request(Validate).expect(["1", "2", "3", "4", "5", "6", "7", "8"]);
    let mut gather = request.at_least(3).timeout(SECOND).gather();
    assert!(poll(&mut gather).is_pending());
    responds.try_recv().unwrap().respond(Verdict);
    declines.try_recv().unwrap().decline(String::from("no"));
    drop(abandons.try_recv().unwrap());
    let in_hand = handling.try_recv().unwrap();
    drop(leaves);
    let snapshot = bus.snapshot();
    let open = &snapshot.requests.open[0];
    assert_eq!((open.event_type.as_str(), open.remaining), ("validate", Some(SECOND)));
    assert_eq!(in_hand.deadline().map(|_| ()), Some(()));
    clock.advance(SECOND);
    let gathered = done(&mut gather);
    assert_eq!((gathered.end(), gathered.is_complete()), (End::TimedOut, false));
    assert!(gathered.responses().map(|(name, _)| name).eq(["1"]));
    let missing: Vec<_> = gathered.missing().collect();
    assert_eq!(
        missing,
        [
            ("2", Outcome::Declined("no".into())),
            ("3", Outcome::Abandoned),
            ("4", Outcome::QueueFull),
            ("5", Outcome::TimedOutQueued),
            ("6", Outcome::TimedOutHandling),
            ("7", Outcome::Abandoned),
            ("8", Outcome::NoSuchResponder),
        ]
    );
    assert!(queued.is_empty() && full.is_empty(), "it is taken back");
    in_hand.respond(Verdict);
    let requests = bus.snapshot().requests;
    assert_eq!((requests.late, requests.ended), (1, 1));
    let troubled = requests.troubled.last().unwrap();
    let Troubled::Ended { end: End::TimedOut, outcomes } = &troubled.kind else {
        panic!("{troubled:?}")
    };
    assert_eq!(outcomes.len(), 8);
}

#[test]
fn expected_but_absent_is_reported_at_once() {
    let (bus, _clock) = timed();
    bus.start();
    let gathered = done(&mut bus.request(Validate).expect(["ghost"]).gather());
    assert_eq!(gathered.end(), End::Unreachable);
    assert!(gathered.missing().eq([("ghost", Outcome::NoSuchResponder)]));
}

#[test]
fn full_queue_is_reported_at_once() {
    let (bus, _clock) = timed();
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let builder = bus.subscriber("full").late().capacity(1).overflow(overflow);
        let mut responder = builder.responder::<Validate>();
        bus.start();
        let mut first = bus.request(Validate).expect(["full"]).gather();
        let mut second = bus.request(Validate).expect(["full"]).gather();
        let polls = (poll(&mut first).is_pending(), poll(&mut second).is_pending());
        let (refused, asked) = match overflow {
            Overflow::DropOldest => {
                assert_eq!(polls, (true, true));
                (done(&mut first), &mut second)
            }
            _ => {
                assert_eq!(polls, (true, false));
                (done(&mut bus.request(Validate).expect(["full"]).gather()), &mut first)
            }
        };
        assert_eq!(refused.outcome("full"), Some(Outcome::QueueFull), "{overflow:?}");
        responder.try_recv().unwrap().respond(Verdict);
        assert!(done(asked).is_complete(), "{overflow:?}");
    }
}

#[test]
fn responder_that_leaves_with_the_call_queued_is_told_of_at_once() {
    let (bus, _clock) = timed();
    let leaves = bus.responder::<Validate>("leaves");
    bus.start();
    let (wakes, waker) = Wakes::new();
    let mut gather = bus.request(Validate).expect(["leaves"]).gather();
    assert!(poll_with(&mut gather, &waker).is_pending());
    drop(leaves);
    assert_eq!(wakes.count(), 1);
    assert_eq!(done(&mut gather).outcome("leaves"), Some(Outcome::Abandoned));
}

#[test]
fn call_lost_to_a_panic_is_told_of_at_once() {
    in_time("a responder that panics", || {
        let bus = Bus::new();
        let mut responder = bus.responder::<Validate>("panics");
        bus.start();
        let thread = thread::spawn(move || {
            let _call = responder.blocking_recv();
            panic!("expected: a responder panics");
        });
        let gathered = bus.request(Validate).expect(["panics"]).gather_blocking().unwrap();
        assert_eq!(gathered.outcome("panics"), Some(Outcome::Abandoned));
        assert!(thread.join().is_err());
    });
}

#[test]
fn before_start_a_request_waits_for_its_responders() {
    let (bus, _clock) = timed();
    let mut early = bus.responder::<Validate>("early");
    let mut gather = bus.request(Validate).expect(["early", "late", "ghost"]).gather();
    assert!(poll(&mut gather).is_pending(), "they may not have signed in");
    assert!(early.is_empty());
    assert_eq!(bus.snapshot().requests.open[0].outcomes.len(), 3);
    let mut late = bus.responder::<Validate>("late");
    assert!(poll(&mut gather).is_pending());
    bus.start();
    early.try_recv().unwrap().respond(Verdict);
    late.try_recv().unwrap().respond(Verdict);
    let gathered = done(&mut gather);
    assert!(gathered.responses().map(|(name, _)| name).eq(["early", "late"]));
    assert!(gathered.missing().eq([("ghost", Outcome::NoSuchResponder)]));
}

#[test]
fn start_that_decides_a_request_wakes_its_asker() {
    let (bus, _clock) = timed();
    let (wakes, waker) = Wakes::new();
    let mut gather = bus.request(Validate).expect(["ghost"]).gather();
    assert!(poll_with(&mut gather, &waker).is_pending());
    bus.start();
    assert_eq!(wakes.count(), 1);
    assert_eq!(done(&mut gather).outcome("ghost"), Some(Outcome::NoSuchResponder));
}

#[test]
fn request_that_times_out_before_start_says_who_was_there() {
    let (bus, clock) = timed();
    let mut here = bus.responder::<Validate>("here");
    let mut gather = bus.request(Validate).expect(["here", "ghost"]).timeout(SECOND).gather();
    assert!(poll(&mut gather).is_pending());
    clock.advance(SECOND);
    let gathered = done(&mut gather);
    assert_eq!(gathered.end(), End::TimedOut);
    let expected = [("here", Outcome::TimedOutQueued), ("ghost", Outcome::NoSuchResponder)];
    assert!(gathered.missing().eq(expected));
    assert_eq!(bus.snapshot().buffer.queued, 0, "it is taken back");
    bus.start();
    assert!(here.try_recv().is_err());
}

#[test]
fn full_start_buffer_is_told_of_at_once() {
    let (bus, _clock) = timed();
    let _responder = bus.responder::<Validate>("a");
    publish_all(&bus, (0..3).map(|_| Verdict));
    let gathered = done(&mut bus.request(Validate).expect(["a", "b"]).gather());
    assert_eq!(gathered.end(), End::Unreachable);
    assert!(gathered.missing().eq([("a", Outcome::QueueFull), ("b", Outcome::QueueFull)]));
    assert_eq!(gathered.sequence(), 0);
}

#[test]
fn pause_holds_requests_and_answers_reach_their_asker_all_the_same() {
    let (bus, _clock) = timed();
    let mut responder = bus.responder::<Validate>("a");
    bus.start();
    let mut before = bus.request(Validate).expect(["a"]).gather();
    assert!(poll(&mut before).is_pending());
    bus.pause();
    responder.try_recv().unwrap().respond(Verdict);
    assert!(done(&mut before).is_complete());
    let mut during = bus.request(Validate).expect(["a"]).gather();
    assert!(poll(&mut during).is_pending());
    assert!(responder.is_empty());
    bus.start();
    responder.try_recv().unwrap().respond(Verdict);
    assert!(done(&mut during).is_complete());
}

#[test]
fn answer_that_only_its_asker_hears_is_not_unheard() {
    let (bus, _clock) = timed();
    let mut responder = bus.responder::<Validate>("a");
    bus.start();
    let unheard = || bus.snapshot().event_type("verdict").map(|verdicts| verdicts.unheard);
    for paused in [false, true] {
        let mut gather = bus.request(Validate).expect(["a"]).gather();
        assert!(poll(&mut gather).is_pending());
        let call = responder.try_recv().unwrap();
        if paused {
            bus.pause();
        }
        call.respond(Verdict);
        assert_eq!(done(&mut gather).end(), End::Met);
        bus.start();
        assert_eq!(unheard(), Some(0), "paused: {paused}");
    }
    let findings = bus.diagnose().findings;
    assert!(findings.iter().all(|it| it.kind != FindingKind::Unheard), "{findings:?}");
    bus.pause();
    bus.publish(Verdict);
    bus.start();
    assert_eq!(unheard(), Some(1), "it answers nobody");
}

#[test]
fn request_that_the_close_finds_in_the_buffer_says_who_was_there() {
    let (bus, _clock) = timed();
    let mut gather = bus.request(Validate).expect(["here", "absent"]).gather();
    assert!(poll(&mut gather).is_pending());
    let here = bus.responder::<Validate>("here");
    bus.close();
    drop(here);
    let seen = &bus.snapshot().requests.open[0].outcomes;
    let expected = [("here", Outcome::TimedOutQueued), ("absent", Outcome::NoSuchResponder)];
    assert_eq!(seen[..], expected.map(|(name, outcome)| (name.to_owned(), outcome)));
    let gathered = done(&mut gather);
    assert_eq!(gathered.end(), End::Closed);
    let expected = [("here", Outcome::NotAwaited), ("absent", Outcome::NoSuchResponder)];
    assert!(gathered.missing().eq(expected), "{gathered:?}");
}

#[test]
fn time_may_be_none_or_endless() {
    let (bus, clock) = timed();
    let mut responder = bus.responder::<Validate>("a");
    bus.start();
    let gathered = done(&mut bus.request(Validate).expect(["a"]).timeout(Duration::ZERO).gather());
    assert_eq!((gathered.end(), gathered.missing().len()), (End::TimedOut, 1));
    let mut gather = bus.request(Validate).expect(["a"]).timeout(Duration::MAX).gather();
    assert!(poll(&mut gather).is_pending());
    clock.advance(SECOND * 1_000_000);
    assert!(poll(&mut gather).is_pending());
    let call = responder.try_recv().unwrap();
    assert_eq!(call.deadline(), None);
    call.respond(Verdict);
    assert!(done(&mut gather).is_complete());
}

#[test]
fn default_time_is_ten_seconds() {
    let (bus, clock) = timed();
    let _responder = bus.responder::<Validate>("a");
    bus.start();
    let mut gather = bus.request(Validate).expect(["a"]).gather();
    assert!(poll(&mut gather).is_pending());
    clock.advance(SECOND * 10 - Duration::from_nanos(1));
    assert!(poll(&mut gather).is_pending());
    clock.advance(Duration::from_nanos(1));
    assert_eq!(done(&mut gather).end(), End::TimedOut);
}

#[test]
fn real_time_ends_a_request_too() {
    in_time("a request that times out", || {
        let bus = Bus::new();
        let _responder = bus.responder::<Validate>("a");
        bus.start();
        let request = bus.request(Validate).expect(["a"]).timeout(Duration::from_millis(5));
        assert_eq!(request.gather_blocking().unwrap().end(), End::TimedOut);
        assert!(PATIENCE > SECOND);
    });
}

/// A clock whose timeout expires when it is polled for the second time, with an answer that arrives
/// just before it reports so.
#[derive(Debug, Clone)]
struct LastMoment {
    now: Instant,
    call: Arc<Mutex<Option<Call<Validate>>>>,
}

impl Clock for LastMoment {
    fn now(&self) -> Instant {
        self.now
    }

    fn sleep_until(&self, _deadline: Instant) -> Sleep {
        let (call, mut asked) = (Arc::clone(&self.call), false);
        Sleep::from_future(poll_fn(move |_| {
            if !std::mem::replace(&mut asked, true) {
                return Poll::Pending;
            }
            if let Some(call) = call.lock().unwrap().take() {
                call.respond(Verdict);
            }
            Poll::Ready(())
        }))
    }
}

#[test]
fn answer_in_the_last_moment_completes_the_request() {
    for by_predicate in [false, true] {
        let clock = LastMoment { now: Instant::now(), call: Arc::default() };
        let bus = Bus::builder().clock(clock.clone()).build().unwrap();
        let mut responder = bus.responder::<Validate>("a");
        bus.start();
        let request = bus.request(Validate).expect(["a"]);
        let request =
            if by_predicate { request.until(|answers| answers.len() == 1) } else { request };
        let mut gather = request.gather();
        assert!(poll(&mut gather).is_pending());
        *clock.call.lock().unwrap() = Some(responder.try_recv().unwrap());
        let gathered = done(&mut gather);
        assert_eq!((gathered.end(), gathered.responses().len()), (End::Met, 1));
    }
}

#[test]
fn call_whose_refusal_can_not_be_written_is_abandoned() {
    struct Unwritable;
    impl From<Unwritable> for String {
        fn from(_: Unwritable) -> Self {
            panic!("expected")
        }
    }
    let (bus, _clock) = timed();
    let mut responder = bus.responder::<Validate>("a");
    bus.start();
    let mut gather = bus.request(Validate).expect(["a"]).gather();
    assert!(poll(&mut gather).is_pending());
    let call = responder.try_recv().unwrap();
    assert!(thread::spawn(move || call.decline(Unwritable)).join().is_err());
    assert_eq!(done(&mut gather).outcome("a"), Some(Outcome::Abandoned));
}
