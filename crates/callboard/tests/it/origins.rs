//! Every event knows the first event of the chain that led to it.

use std::pin::pin;
use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{
    AnyEvent, Bus, Call, Cause, DeadLetter, Delivery, Event, EventSet, Received, Request,
};

use crate::support::poll;

#[derive(Debug, Event)]
struct First;

#[derive(Debug, Event)]
struct Second;

#[derive(Debug, Event)]
struct Third;

#[derive(Debug, Request)]
#[request(response = Third)]
struct Question;

#[derive(Debug, EventSet)]
enum Inbox {
    First(Delivery<First>),
    Question(Call<Question>),
}

/// Sequence, cause and origin of the next event received.
fn chain(everything: &mut callboard::Subscription<AnyEvent>) -> (u64, Option<u64>, u64) {
    let event = everything.try_recv().unwrap();
    let shown = event.metadata();
    assert_eq!((shown.cause, shown.origin), (event.cause(), event.origin()));
    (event.sequence(), event.cause(), event.origin())
}

#[test]
fn handlers_pass_the_origin_on() {
    let bus = Bus::new();
    let mut everything = bus.subscribe::<AnyEvent>("everything");
    let (firsts, seconds) = (bus.subscribe::<First>("a"), bus.subscribe::<Second>("b"));
    let mut thirds = bus.subscribe::<Third>("c");
    bus.start();
    let mut first = pin!(firsts.serve(|_| {
        bus.publish(Second);
        std::future::ready(())
    }));
    let mut second = pin!(seconds.serve(|_| {
        bus.publish(Third);
        std::future::ready(())
    }));
    for _ in 0..2 {
        bus.publish(First);
    }
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());

    let chains: Vec<_> = (0..6).map(|_| chain(&mut everything)).collect();
    let expected = [
        (1, None, 1),
        (2, None, 2),
        (3, Some(1), 1),
        (4, Some(2), 2),
        (5, Some(3), 1),
        (6, Some(4), 2),
    ];
    assert_eq!(chains, expected);
    // Each form of a received event reports it.
    let lent: Vec<_> = thirds.try_recv_batch().unwrap().map(|it| it.origin()).collect();
    assert_eq!(lent, [1, 2]);
}

#[test]
fn request_and_answer_pass_the_origin_on() {
    let bus = Bus::new();
    let mut everything = bus.subscribe::<AnyEvent>("everything");
    let mut inbox = bus.subscribe::<Inbox>("inbox");
    let firsts = bus.subscribe::<First>("asker");
    bus.start();
    bus.publish(Second);
    bus.publish(First);
    let asking = bus.clone();
    let mut serving = pin!(firsts.serve(|_| {
        let gather = asking.request(Question).expect(["inbox"]).gather();
        async move { assert!(gather.await.is_ok()) }
    }));
    assert!(poll(&mut serving).is_pending());
    assert!(matches!(inbox.try_recv(), Ok(Inbox::First(_))));
    let Ok(Inbox::Question(call)) = inbox.try_recv() else { panic!("the call") };
    assert_eq!((call.cause(), call.origin()), (Some(2), 2));
    call.respond(Third);
    let chains: Vec<_> = (0..4).map(|_| chain(&mut everything)).collect();
    assert_eq!(chains, [(1, None, 1), (2, None, 2), (3, Some(2), 2), (4, Some(3), 2)]);
}

#[test]
fn hand_written_loops_pass_it_on_by_what_they_received() {
    let bus = Bus::new();
    let mut everything = bus.subscribe::<AnyEvent>("everything");
    bus.start();
    bus.publish(First);
    bus.publish(First);
    let second = everything.try_iter().last().unwrap();
    bus.publish_caused_by(Second, &second);
    let third = everything.try_recv().unwrap();
    bus.publish_caused_by(Third, Cause::from(&third));
    assert_eq!(chain(&mut everything), (4, Some(3), 2));
    bus.publish_caused_by(Third, third.sequence());
    assert_eq!(chain(&mut everything), (5, Some(3), 3), "of a bare number no more is known");
    bus.publish_caused_by(Third, None);
    assert_eq!(chain(&mut everything), (6, None, 6));
}

#[test]
fn buffered_scheduled_and_dead_events_keep_their_origin() {
    let clock = ManualClock::new();
    let bus = Bus::builder().clock(clock.clone()).build().unwrap();
    let mut everything = bus.subscribe::<AnyEvent>("everything");
    let mut dead = bus.dead_letters("dead");
    let firsts = bus.subscribe::<First>("first");
    bus.publish(Second);
    bus.publish(First);
    bus.start();
    let mut serving = pin!(firsts.serve(|_| {
        bus.publish_after(Duration::from_secs(1), Second).detach();
        bus.pause();
        bus.publish(Third);
        std::future::ready(())
    }));
    assert!(poll(&mut serving).is_pending());
    bus.start();
    clock.advance(Duration::from_secs(1));
    let chains: Vec<_> = (0..2).map(|_| chain(&mut everything)).collect();
    assert_eq!(chains, [(1, None, 1), (2, None, 2)]);
    let seen = everything.try_recv().unwrap();
    assert_eq!((seen.event_type(), seen.cause(), seen.origin()), ("third", Some(2), 2));
    assert_eq!(chain(&mut everything), (4, Some(2), 2), "at its time");

    let _full = bus.subscriber("full").late().capacity(0).subscribe::<Third>();
    bus.publish_caused_by(Third, &seen);
    let letter: Delivery<DeadLetter> = dead.try_recv().unwrap();
    let of_event = letter.event();
    assert_eq!((of_event.cause(), of_event.origin()), (Some(3), 2));
    assert_eq!((letter.cause(), letter.origin()), (Some(of_event.sequence()), 2));
}

/// A component that bridges two buses is common. What one bus counts means nothing on another.
#[test]
fn handler_of_one_bus_is_nobody_on_another() {
    let (near, far) = (Bus::new(), Bus::new());
    let bridge = near.subscribe::<First>("bridge");
    let mut oracle = far.responder::<Question>("oracle");
    let mut everything = far.subscribe::<AnyEvent>("everything");
    near.start();
    far.start();
    far.publisher::<Second>("first of its names").publish(Second);
    near.publish(First);
    let mut serving = Box::pin(bridge.serve(|_| {
        far.publish(Third);
        let request = far.request(Question).expect(["oracle"]);
        async move { assert!(request.await.unwrap().is_complete()) }
    }));
    assert!(poll(&mut serving).is_pending());
    let call = oracle.try_recv().unwrap();
    assert_eq!(&*call.askers()[0].name, "bridge", "a cycle may cross buses");
    call.respond(Third);
    assert!(poll(&mut serving).is_pending());
    let chains = [(); 4].map(|()| chain(&mut everything));
    assert_eq!(chains, [(1, None, 1), (2, None, 2), (3, None, 3), (4, Some(3), 3)]);
    let published = |of: &str| {
        let snapshot = far.snapshot();
        let publishers = &snapshot.event_type(of).unwrap().publishers;
        publishers.iter().map(|it| (it.name.clone(), it.handling.clone())).collect::<Vec<_>>()
    };
    assert_eq!(published(Third::TYPE), []);
    assert_eq!(published(Question::TYPE), [("bridge".to_owned(), vec![])]);
    // It is outside the handlers of a bus that is draining.
    far.publish(Second);
    let mut draining = Box::pin(far.drain(Duration::MAX));
    assert!(poll(&mut draining).is_pending());
    near.publish(First);
    assert!(poll(&mut serving).is_pending());
    assert_eq!(everything.try_iter().filter(|event| event.is::<Third>()).count(), 0);
}
