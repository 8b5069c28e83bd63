//! A million of anything leaves nothing behind, to the block.

use std::task::Poll;
use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{AnyEvent, Bus, Call, Delivery, EventSet, Outcome, Overflow, RequestError};

use super::{Ask, HELD, Keyed, MANY, Tick, WARM_UP, assert_nothing_left, poll, tick};

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<Ask>),
}

#[test]
fn many_cancelled_receives_leave_nothing() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    let mut all = bus.subscribe::<AnyEvent>("all");
    let mut inbox = bus.subscribe::<Inbox>("inbox");
    bus.start();
    assert_nothing_left("cancelled receives", || {
        assert!(poll(&mut ticks.recv()).is_pending());
        assert!(poll(&mut all.recv()).is_pending());
        assert!(poll(&mut inbox.recv()).is_pending());
        // And one that is given up after it was woken.
        let mut recv = Box::pin(ticks.recv());
        assert!(poll(&mut recv).is_pending());
        bus.publish(tick());
        drop(recv);
        assert!(ticks.try_recv().is_ok() && all.try_recv().is_ok() && inbox.try_recv().is_ok());
    });
}

/// Something that comes to a bus and leaves, by name.
type Visit = (&'static str, fn(&Bus));

#[test]
fn many_subscriptions_leave_nothing() {
    let bus = Bus::new();
    bus.start();
    let stays = bus.subscriber("stays").late().capacity(3).lossy().subscribe::<AnyEvent>();
    // Each leaves with events that nobody has received.
    let visits: [Visit; 6] = [
        ("one type", |bus| visit(bus, || bus.subscriber("guest").late().subscribe::<Tick>())),
        ("everything", |bus| visit(bus, || bus.subscriber("guest").late().subscribe::<AnyEvent>())),
        ("a set", |bus| visit(bus, || bus.subscriber("guest").late().subscribe::<Inbox>())),
        ("a pattern", |bus| visit(bus, || bus.subscriber("guest").late().subscribe_matching("t*"))),
        ("a responder", |bus| visit(bus, || bus.subscriber("guest").late().responder::<Ask>())),
        ("coalescing", |bus| {
            let guest = bus.subscriber("guest").late().overflow(Overflow::Coalesce);
            visit(bus, || guest.subscribe::<Keyed>());
        }),
    ];
    for (what, visit) in visits {
        assert_nothing_left(what, || visit(&bus));
    }
    assert_eq!(bus.snapshot().subscribers.len(), 1);
    drop(stays);
}

fn visit<G>(bus: &Bus, open: impl FnOnce() -> G) {
    let guest = open();
    bus.publish(tick());
    bus.publish(Keyed(1));
    bus.publish(Keyed(1));
    let mut gather = bus.request(Ask).expect(["guest"]).timeout(Duration::MAX).gather();
    let _ = poll(&mut gather);
    drop(guest);
}

#[test]
fn many_requests_of_every_outcome_leave_nothing() {
    const SECOND: Duration = Duration::from_secs(1);
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let [mut asked, mut other] = ["asked", "other"].map(|name| bus.responder::<Ask>(name));
    let _full = bus.subscriber("full").capacity(0).lossy().responder::<Ask>();
    bus.start();
    let mut ask = |outcome: &Outcome| {
        let name = match outcome {
            Outcome::NoSuchResponder => "nobody",
            Outcome::QueueFull => "full",
            _ => "asked",
        };
        let request = bus.request(Ask).timeout(SECOND);
        let mut gather = match outcome {
            Outcome::NotAwaited => request.expect([name, "other"]).first().gather(),
            _ => request.expect([name]).gather(),
        };
        let at_once = matches!(outcome, Outcome::NoSuchResponder | Outcome::QueueFull);
        if !at_once {
            assert!(poll(&mut gather).is_pending());
        }
        let mut in_hand = None;
        match outcome {
            Outcome::Responded => asked.try_recv().unwrap().respond(tick()),
            Outcome::Declined(reason) => asked.try_recv().unwrap().decline(reason.to_string()),
            Outcome::Abandoned => drop(asked.try_recv().unwrap()),
            Outcome::TimedOutQueued => clock.advance(SECOND),
            Outcome::TimedOutHandling => {
                in_hand = asked.try_recv().ok();
                clock.advance(SECOND);
            }
            Outcome::NotAwaited => other.try_recv().unwrap().respond(tick()),
            _ => {}
        }
        let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("{outcome}: it is open") };
        assert_eq!(gathered.outcome(name), Some(outcome.clone()));
        assert!(asked.is_empty());
        drop(in_hand);
    };
    for outcome in [
        Outcome::Responded,
        Outcome::Declined("no".into()),
        Outcome::Abandoned,
        Outcome::NoSuchResponder,
        Outcome::QueueFull,
        Outcome::TimedOutQueued,
        Outcome::TimedOutHandling,
        Outcome::NotAwaited,
    ] {
        assert_nothing_left(&outcome.to_string(), || ask(&outcome));
    }
}

/// Each made on behalf of a call that is kept, with one of them open all the time.
#[test]
fn many_nested_requests_leave_nothing() {
    let bus = Bus::new();
    let [mut asking, mut asked] = ["asking", "asked"].map(|name| bus.responder::<Ask>(name));
    bus.start();
    let mut outer = bus.request(Ask).expect(["asking"]).gather();
    assert!(poll(&mut outer).is_pending());
    let call = asking.try_recv().unwrap();
    drop(asked.try_recv().unwrap());
    let nested = |of, timeout| call.request(Ask).expect([of]).timeout(timeout).gather();
    let mut open = nested("asked", Duration::MAX);
    assert!(poll(&mut open).is_pending());
    let _kept = asked.try_recv().unwrap();
    assert_nothing_left("answered", || {
        let mut gather = nested("asked", Duration::MAX);
        assert!(poll(&mut gather).is_pending());
        asked.try_recv().unwrap().respond(tick());
        assert!(poll(&mut gather).is_ready());
    });
    assert_nothing_left("dropped", || {
        let mut gather = nested("asked", Duration::MAX);
        assert!(poll(&mut gather).is_pending());
    });
    assert_nothing_left("timed out", || {
        assert!(poll(&mut nested("asked", Duration::ZERO)).is_ready());
    });
    drop(open);
    assert_nothing_left("in a circle", || {
        let ended = poll(&mut nested("asking", Duration::MAX));
        assert!(matches!(ended, Poll::Ready(Err(RequestError::Cycle { .. }))));
    });
    assert!(asking.is_empty() && asked.is_empty());
}

#[test]
fn burst_that_is_drained_leaves_nothing() {
    let bus = Bus::new();
    let mut ticks = bus.subscriber("clock").capacity(usize::MAX).subscribe::<Tick>();
    let mut all = bus.subscriber("all").capacity(usize::MAX).subscribe::<AnyEvent>();
    bus.start();
    let mut burst = |size: usize| {
        for _ in 0..size {
            bus.publish(tick());
        }
        assert_eq!((ticks.try_iter().count(), all.try_iter().count()), (size, size));
    };
    // A few events behind a burst let everything reach its size again.
    let mut held_after = |size: usize| {
        burst(size);
        (0..WARM_UP).for_each(|_| burst(3));
        HELD.get()
    };
    held_after((MANY / 10).max(1_000));
    let before = held_after(3);
    assert_eq!(held_after(MANY), before, "bytes and blocks");
}
