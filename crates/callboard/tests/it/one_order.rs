//! Promise 2: all that receive two events receive them in the same order, no matter which threads
//! published them, and a publisher's own events keep theirs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use callboard::{AnyEvent, Bus, Call, Delivery, Event, EventSet, Request};

use crate::support::{Rng, in_time, lock};

#[derive(Debug, Event)]
#[event(type = "order.a")]
struct A(usize, u64);

#[derive(Debug, Event)]
#[event(type = "order.b")]
struct B(usize, u64);

#[derive(Debug, Event)]
#[event(type = "other")]
struct Other;

#[derive(Debug, EventSet)]
enum Both {
    A(Delivery<A>),
    B(Delivery<B>),
}

#[derive(Debug, EventSet)]
enum Reversed {
    B(Delivery<B>),
    Other(Delivery<Other>),
    A(Delivery<A>),
}

const PUBLISHERS: usize = 4;
const EACH: u64 = 1_500;

/// What a reader saw: the bus's number, the publisher, the publisher's number.
type Seen = Vec<(u64, usize, u64)>;

fn any(event: &AnyEvent) -> Option<(u64, usize, u64)> {
    let a = event.downcast_ref::<A>().map(|a| (a.0, a.1));
    let (publisher, number) = a.or_else(|| event.downcast_ref::<B>().map(|b| (b.0, b.1)))?;
    Some((event.sequence(), publisher, number))
}

fn publish_all(bus: &Bus, mut between: impl FnMut(&mut Rng) + Send + Clone, seed: u64) {
    thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let mut between = between.clone();
            scope.spawn(move || {
                let mut rng = Rng::new(seed + publisher as u64);
                for number in 0..EACH {
                    match rng.below(3) {
                        0 => bus.publish(A(publisher, number)),
                        1 => bus.publish(B(publisher, number)),
                        _ => {
                            bus.publish(Other);
                            bus.publish(A(publisher, number))
                        }
                    };
                    between(&mut rng);
                }
            });
        }
        between(&mut Rng::new(seed));
    });
}

fn assert_in_order(seen: &Seen, who: &str) {
    assert!(seen.is_sorted_by(|one, next| one.0 < next.0), "{who}: numbers ascend");
    for publisher in 0..PUBLISHERS {
        let own = seen.iter().filter(|(_, from, _)| *from == publisher).map(|seen| seen.2);
        assert!(own.eq(0..EACH), "{who}: publisher {publisher}'s own order");
    }
}

#[test]
fn readers_of_the_same_events_agree_on_their_order() {
    in_time("four publishers and four readers", || {
        let bus = Bus::builder().pre_start_capacity(usize::MAX).build().unwrap();
        let unbounded = |name| bus.subscriber(name).capacity(usize::MAX);
        let mut both = unbounded("both").subscribe::<Both>();
        let mut reversed = unbounded("reversed").subscribe::<Reversed>();
        let mut matching = unbounded("matching").subscribe_matching("order.*");
        let mut everything = unbounded("everything").subscribe::<AnyEvent>();
        bus.start();
        publish_all(&bus, |_| {}, 20);
        bus.close();

        let both: Seen = both
            .iter()
            .map(|item| match item {
                Both::A(a) => (a.sequence(), a.0, a.1),
                Both::B(b) => (b.sequence(), b.0, b.1),
            })
            .collect();
        let reversed: Seen = reversed
            .iter()
            .filter_map(|item| match item {
                Reversed::A(a) => Some((a.sequence(), a.0, a.1)),
                Reversed::B(b) => Some((b.sequence(), b.0, b.1)),
                Reversed::Other(_) => None,
            })
            .collect();
        assert_in_order(&both, "both");
        assert_eq!(both, reversed);
        assert_eq!(both, matching.iter().filter_map(|event| any(&event)).collect::<Seen>());
        assert_eq!(both, everything.iter().filter_map(|event| any(&event)).collect::<Seen>());
    });
}

#[test]
fn readers_agree_through_starts_and_pauses() {
    in_time("publishing through starts and pauses", || {
        let bus = Bus::builder().pre_start_capacity(usize::MAX).build().unwrap();
        let unbounded = |name| bus.subscriber(name).capacity(usize::MAX);
        let mut one = unbounded("one").subscribe_matching("order.*");
        let mut other = unbounded("other").subscribe::<AnyEvent>();
        let toggling = bus.clone();
        let toggle = move |rng: &mut Rng| match rng.below(20) {
            0 => toggling.pause(),
            1 => drop(toggling.start()),
            _ => {}
        };
        publish_all(&bus, toggle, 21);
        bus.start();
        bus.close();
        let one: Seen = one.iter().filter_map(|event| any(&event)).collect();
        assert_in_order(&one, "one");
        assert_eq!(one, other.iter().filter_map(|event| any(&event)).collect::<Seen>());
    });
}

#[test]
fn reader_that_joins_sees_one_unbroken_stretch() {
    in_time("readers that join while others publish", || {
        let bus = Bus::new();
        let mut all = bus.subscriber("all").capacity(usize::MAX).subscribe::<AnyEvent>();
        bus.start();
        let stretches: Mutex<Vec<Vec<(u64, u64)>>> = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                publish_all(&bus, |_| {}, 22);
                while lock(&stretches).is_empty() {
                    publish_all(&bus, |_| {}, 23);
                }
            });
            let (bus, stretches, publishing) = (&bus, &stretches, Arc::new(publishing));
            for _ in 0..2 {
                let publishing = Arc::clone(&publishing);
                scope.spawn(move || {
                    while !publishing.is_finished() {
                        let mut guest =
                            bus.subscriber("guest").late().capacity(50).subscribe::<AnyEvent>();
                        let seen: Vec<(u64, u64)> = (0..30)
                            .filter_map(|_| guest.try_recv().ok())
                            .map(|event| (event.sequence(), event.missed()))
                            .collect();
                        if seen.len() > 1 {
                            lock(stretches).push(seen);
                        }
                    }
                });
            }
        });
        bus.close();
        let all: Vec<u64> = all.iter().map(|event| event.sequence()).collect();
        assert!(all.iter().copied().eq(1..=all.len() as u64), "no number is left out");
        for stretch in lock(&stretches).iter() {
            let unbroken = |pair: &[(u64, u64)]| pair[0].0 + 1 + pair[1].1 == pair[1].0;
            assert!(stretch.windows(2).all(unbroken), "{stretch:?}");
        }
    });
}

#[test]
fn subscriber_gets_whatever_is_published_after_it_has_subscribed() {
    in_time("subscribers beside a publisher", || {
        let bus = Bus::new();
        bus.start();
        let published = AtomicU64::new(0);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = 0;
                while !done.load(Ordering::SeqCst) {
                    number += 1;
                    bus.publish(A(0, number));
                    published.store(number, Ordering::SeqCst);
                }
            });
            for round in 0..200 {
                let guest = bus.subscriber("guest").late().capacity(usize::MAX);
                let mut guest = guest.subscribe::<A>();
                let all = (round % 5 == 0).then(|| {
                    let all = bus.subscriber("all").late().lossy().capacity(1);
                    all.subscribe::<AnyEvent>()
                });
                let before = published.load(Ordering::SeqCst);
                if round % 7 == 0 {
                    bus.pause();
                    bus.start();
                }
                // One may be in progress that was started before.
                let first = guest.blocking_recv().unwrap().1;
                assert!(first <= before + 2, "{first} is the first, {before} were published");
                let next: Vec<u64> = guest.try_iter().take(5).map(|event| event.1).collect();
                assert!(
                    next.iter().copied().eq((first + 1..).take(next.len())),
                    "{first}, {next:?}"
                );
                drop(all);
            }
            done.store(true, Ordering::SeqCst);
        });
    });
}

#[test]
fn numbers_tell_the_order_of_publication() {
    let bus = Bus::new();
    let buffered = bus.publish(A(0, 0)).sequence().unwrap();
    bus.start();
    assert_eq!(bus.publish(A(0, 1)).sequence(), None, "nobody listens");
    let mut reader = bus.subscriber("reader").late().subscribe::<B>();
    let heard = bus.publish(B(0, 0)).sequence().unwrap();
    assert!(buffered < heard);
    assert_eq!(reader.try_recv().unwrap().sequence(), heard);
}

#[derive(Debug, Request)]
#[request(type = "ask", response = A)]
struct Ask;

#[test]
fn question_is_seen_before_its_answer_and_what_led_to_it() {
    in_time("question is seen before its answer and what led to it", || {
        let bus = Bus::new();
        let mut witness = bus.subscribe::<AnyEvent>("witness");
        let mut responder = bus.responder::<Ask>("responder");
        bus.start();
        let thread = thread::spawn(move || {
            let call: Call<Ask> = responder.blocking_recv().unwrap();
            call.respond(A(0, 0));
        });
        let gathered = bus.request(Ask).expect(["responder"]).gather_blocking().unwrap();
        thread.join().unwrap();
        bus.publish(B(0, 0));
        let seen: Vec<_> = witness.try_iter().collect();
        let types: Vec<_> = seen.iter().map(AnyEvent::event_type).collect();
        assert_eq!(types, ["ask", "order.a", "order.b"]);
        assert_eq!(seen[0].sequence(), gathered.sequence());
        assert_eq!(seen[1].cause(), Some(gathered.sequence()));
        assert_eq!(gathered.get("responder").unwrap().sequence(), seen[1].sequence());
    });
}
