//! Dead letters: events that a subscriber lost, and events without subscribers.

use callboard::{
    AnyEvent, Bus, DeadLetter, Delivery, DropReason, Dropped, Event, EventSet, Overflow, Priority,
    Request, Subscription,
};

use crate::support::Log;

#[derive(Debug, Event)]
struct Tick(u32);

#[derive(Debug, Event)]
struct Answer;

#[derive(Debug, Request)]
#[request(response = Answer)]
struct Ask;

type Letter = (String, Option<String>, Option<DropReason>);

fn letters(dead: &mut Subscription<DeadLetter>) -> Vec<Letter> {
    let letter = |it: Delivery<DeadLetter>| {
        (format!("{:?}", it.event()), it.subscriber().map(str::to_owned), it.reason())
    };
    dead.try_iter().map(letter).collect()
}

fn lost(event: &str, subscriber: &str, reason: DropReason) -> Letter {
    (event.to_owned(), Some(subscriber.to_owned()), Some(reason))
}

fn unheard(event: &str) -> Letter {
    (event.to_owned(), None, None)
}

#[test]
fn each_loss_is_a_dead_letter_whatever_the_policy() {
    let bus = Bus::builder().pre_start_capacity(1).build().unwrap();
    let mut dead = bus.dead_letters("dead");
    let mut newest = bus.subscriber("newest").capacity(1).lossy().subscribe::<Tick>();
    let oldest = bus.subscriber("oldest").capacity(1).overflow(Overflow::DropOldest);
    let _oldest = oldest.subscribe::<Tick>();
    let _all = bus.subscriber("all").capacity(1).subscribe::<AnyEvent>();
    bus.publish(Tick(0));
    bus.publish(Tick(1));
    bus.start();
    assert_eq!(letters(&mut dead), [lost("Tick(1)", Dropped::BUFFER, DropReason::BufferFull)]);
    bus.publish(Tick(2));
    bus.publish_with(Tick(3), Priority::High);
    let expected = [
        lost("Tick(0)", "oldest", DropReason::Oldest),
        lost("Tick(2)", "newest", DropReason::Full),
        lost("Tick(2)", "all", DropReason::Full),
        lost("Tick(3)", "newest", DropReason::Full),
        lost("Tick(2)", "oldest", DropReason::Oldest),
        lost("Tick(3)", "all", DropReason::Full),
    ];
    assert_eq!(letters(&mut dead), expected);
    drop(newest.try_recv());
    bus.publish(Tick(4));
    let next = newest.try_recv().unwrap();
    assert_eq!((next.0, next.missed()), (4, 3), "its own account is as ever");
    assert!(bus.snapshot().balances());
}

#[test]
fn what_nobody_listens_to_is_a_dead_letter_and_answers_are_not() {
    let bus = Bus::new();
    let mut dead = bus.dead_letters("dead");
    bus.publish(Tick(0));
    bus.start();
    let published = bus.publish(Tick(1));
    assert_eq!((published.delivered(), published.dropped()), (0, 0));
    bus.publish_with(Tick(2), Priority::Low);
    bus.publisher::<Tick>("x").publish(Tick(3));
    let mut oracle = bus.subscriber("oracle").late().responder::<Ask>();
    let asked = std::thread::spawn({
        let bus = bus.clone();
        move || bus.request(Ask).expect(["oracle"]).gather_blocking()
    });
    oracle.blocking_recv().unwrap().respond(Answer);
    asked.join().unwrap().unwrap();
    let expected = ["Tick(0)", "Tick(1)", "Tick(2)", "Tick(3)"].map(unheard);
    assert_eq!(letters(&mut dead), expected);
    assert_eq!(bus.snapshot().event_type("tick").unwrap().unheard, 4);
    drop(dead);
    bus.publish(Tick(4));
    let mut later = bus.dead_letters("later");
    assert_eq!(letters(&mut later), [], "nobody listened to dead letters");
    bus.publish(Tick(5));
    let letter = later.try_recv().unwrap();
    assert_eq!(letter.cause(), Some(letter.event().sequence()), "the event that it is about");
}

#[test]
fn collecting_dead_letters_of_a_healthy_program_finds_nothing() {
    let bus = Bus::new();
    let _dead = bus.dead_letters("dead");
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    bus.publish(Tick(1));
    drop(ticks.try_recv());
    assert_eq!(bus.diagnose().to_string(), "nothing found");
    let snapshot = bus.snapshot();
    let of_the_bus = |name: &str| snapshot.event_type(name).map(|it| it.of_the_bus);
    assert_eq!((of_the_bus(DeadLetter::TYPE), of_the_bus("tick")), (Some(true), Some(false)));
    let entry = bus.catalogue().into_iter().find(|it| it.event_type == DeadLetter::TYPE).unwrap();
    assert_eq!(
        entry.to_string(),
        "`callboard.dead_letter` (event): An event that a subscriber lost, or that nobody listens \
         to. The bus publishes it while somebody subscribes to it."
    );
}

#[test]
fn events_that_a_closed_bus_drops_are_no_dead_letters() {
    let bus = Bus::new();
    let drops = Log::new();
    bus.on_drop({
        let drops = drops.clone();
        move |dropped| drops.push(dropped.reason())
    });
    let mut dead = bus.dead_letters("dead");
    let _ticks = bus.subscribe::<Tick>("clock");
    bus.publish(Tick(1));
    bus.close();
    assert_eq!(letters(&mut dead), []);
    assert_eq!(drops.take(), [DropReason::Closed]);
}

#[test]
fn dead_letters_have_no_dead_letters() {
    let bus = Bus::new();
    let drops = Log::new();
    bus.on_drop({
        let drops = drops.clone();
        move |dropped| drops.push(dropped.event_type())
    });
    let mut dead = bus.subscriber("dead").capacity(1).lossy().subscribe::<DeadLetter>();
    bus.start();
    for n in 0..3 {
        bus.publish(Tick(n));
    }
    assert_eq!(letters(&mut dead), [unheard("Tick(0)")]);
    assert_eq!(drops.take(), Vec::<&str>::new(), "it is lossy");
    assert_eq!(dead.ledger().dropped(DropReason::Full), 2);
}

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Dead(Delivery<DeadLetter>),
}

#[test]
fn set_may_hold_dead_letters_and_a_reader_of_everything_sees_them() {
    let bus = Bus::new();
    let mut inbox = bus.subscribe::<Inbox>("inbox");
    let mut all = bus.subscribe::<AnyEvent>("all");
    let full = bus.subscriber("full").capacity(0).lossy().subscribe::<Tick>();
    bus.start();
    bus.publish(Tick(1));
    let [Inbox::Tick(_), Inbox::Dead(letter)] = &inbox.try_iter().collect::<Vec<_>>()[..] else {
        panic!("the event, and its dead letter");
    };
    assert_eq!(letter.to_string(), "`tick` #1 for `full`: full");
    let debug = r#"DeadLetter { event: Tick(1), sequence: 1, subscriber: Some("full"), reason: Some(Full) }"#;
    assert_eq!(format!("{:?}", **letter), debug);
    assert!(all.try_iter().map(|event| event.event_type()).eq(["tick", DeadLetter::TYPE]));
    drop((inbox, full));
    bus.publish(Tick(2));
    assert!(all.try_iter().map(|event| event.event_type()).eq(["tick"]), "nobody collects them");
}

/// Its last owner is the dead letter, or the publication if nobody reads that.
#[derive(Debug, Event)]
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("expected");
    }
}

#[test]
fn destructor_of_a_dead_letter_may_panic() {
    let bus = Bus::new();
    let dead = bus.subscriber("dead").capacity(1).lossy().subscribe::<DeadLetter>();
    let _full = bus.subscriber("full").capacity(0).lossy().subscribe::<Fragile>();
    bus.start();
    for _ in 0..3 {
        assert_eq!(bus.publish(Fragile).dropped(), 1);
    }
    drop(dead);
    bus.publish(Fragile);
}

/// The letter of an event whose last handle it holds, for a reader that is full.
#[test]
fn destructor_of_a_dead_letter_that_is_lost_may_panic() {
    let bus = Bus::new();
    let dead = bus.subscriber("dead").capacity(1).lossy().subscribe::<DeadLetter>();
    bus.start();
    bus.publish(Tick(1));
    assert_eq!(dead.len(), 1, "it is full");
    let late = bus.subscriber("late").capacity(1).overflow(Overflow::DropOldest);
    let _late = late.lossy().late().subscribe::<Fragile>();
    for dropped in [0, 1, 1] {
        assert_eq!(bus.publish(Fragile).dropped(), dropped);
    }
    // Three in one operation.
    let other = Bus::new();
    let _dead = other.subscriber("dead").capacity(0).lossy().subscribe::<DeadLetter>();
    (0..3).for_each(|_| assert!(other.publish(Fragile).buffered()));
    assert_eq!(other.start().replayed, 3);
}

#[derive(Debug, Event)]
#[event(retain)]
struct Leader(u32);

#[test]
fn event_that_is_retained_and_has_no_subscribers_has_a_letter() {
    let bus = Bus::new();
    let mut dead = bus.dead_letters("dead");
    bus.publish(Leader(1));
    bus.start();
    bus.publish(Leader(2));
    for number in [1, 2] {
        let letter = dead.try_recv().unwrap();
        assert_eq!(letter.event().downcast_ref::<Leader>().map(|leader| leader.0), Some(number));
    }
    assert!(dead.try_recv().is_err());
}

#[derive(Debug, Event)]
struct Noted;

#[derive(Debug, EventSet)]
enum Both {
    Noted(Delivery<Noted>),
    Dead(Delivery<DeadLetter>),
}

/// Dead letters are published while a bus buffers, so none may wait in their log.
#[test]
fn letter_that_is_forwarded_before_the_start_waits_beside_new_ones() {
    let [from, to] = [(); 2].map(|()| Bus::builder().pre_start_capacity(1).build().unwrap());
    let mut dead = from.dead_letters("from");
    let mut forwarded = to.dead_letters("to");
    from.publish(Tick(1));
    from.publish(Tick(2));
    let letter = DeadLetter::clone(&dead.try_recv().unwrap());
    assert!(to.publish(letter).buffered());
    assert_eq!(to.publish(Tick(3)).dropped(), 1);
    to.start();
    let events: Vec<_> = forwarded.try_iter().map(|it| format!("{:?}", it.event())).collect();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(to.snapshot().balances());
}

/// A dead letter is not held back: its number may be higher than that of a waiting event.
#[test]
fn replay_hides_no_dead_letter_from_a_reader_of_both() {
    for reads_before in [true, false] {
        let bus = Bus::new();
        let _full = bus.subscriber("full").capacity(1).subscribe::<Tick>();
        let mut both = bus.subscribe::<Both>("both");
        bus.start();
        let weak = bus.downgrade();
        bus.on_drop(move |_| {
            let bus = weak.upgrade().unwrap();
            bus.pause();
            assert!(bus.publish(Noted).buffered());
        });
        bus.publish(Tick(1));
        bus.publish(Tick(2));
        let mut dead = || matches!(both.try_recv(), Ok(Both::Dead(_)));
        assert!(!reads_before || dead(), "the loss of the second");
        assert_eq!(bus.start().replayed, 1);
        assert!(matches!(both.try_recv(), Ok(Both::Noted(_))), "it waited for the start");
        assert_eq!(matches!(both.try_recv(), Ok(Both::Dead(_))), !reads_before);
    }
}
