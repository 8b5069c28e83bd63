//! Promise 7, the hardest part: an event's `Drop` may use the bus, wherever the event is dropped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use callboard::{
    Bus, Coalesce, Delivery, Event, EventSet, Overflow, Request, SubscriberBuilder, Subscription,
};

use crate::support::{OnDrop, in_time, lock, poll, publish_all};

#[derive(Debug, Event)]
struct Trap {
    _on_drop: OnDrop,
}

#[derive(Debug, Event)]
#[event(retain)]
struct KeptTrap {
    _on_drop: OnDrop,
}

#[derive(Debug, Request)]
#[request(response = Trap)]
struct AskTrap {
    _on_drop: OnDrop,
}

#[derive(Debug, EventSet)]
enum Traps {
    Trap(Delivery<Trap>),
    Kept(Delivery<KeptTrap>),
}

#[derive(Debug, Event)]
struct Echo;

/// Creates destructors that use the bus, and counts how many have run.
#[derive(Clone)]
struct Snare {
    bus: Bus,
    sprung: Arc<AtomicUsize>,
    close: bool,
}

impl Snare {
    fn new(bus: &Bus) -> Self {
        Self { bus: bus.clone(), sprung: Arc::default(), close: false }
    }

    /// A destructor that uses everything.
    fn set(&self) -> OnDrop {
        let snare = self.clone();
        OnDrop::new(move || {
            let bus = &snare.bus;
            bus.publish(Echo);
            bus.publish(Trap { _on_drop: OnDrop::nothing() });
            let visitor = bus.subscriber("visitor").late().with_retained().subscribe::<Traps>();
            bus.publish(KeptTrap { _on_drop: OnDrop::nothing() });
            drop(visitor);
            let mut gather =
                bus.request(AskTrap { _on_drop: OnDrop::nothing() }).expect(["traps"]).gather();
            let _ = poll(&mut gather);
            drop(gather);
            assert!(bus.snapshot().balances());
            if snare.close {
                bus.close();
            }
            snare.sprung.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn trap(&self) -> Trap {
        Trap { _on_drop: self.set() }
    }

    fn sprung(&self) -> usize {
        self.sprung.load(Ordering::SeqCst)
    }
}

fn with_room(bus: &Bus, capacity: usize) -> SubscriberBuilder {
    bus.subscriber("traps").late().capacity(capacity)
}

/// Runs a scenario twice: with destructors that leave the bus open, and with ones that close it.
fn both_ways(what: &'static str, deaths: usize, scenario: fn(&Bus, &Snare)) {
    for close in [false, true] {
        in_time(what, move || {
            let bus = Bus::new();
            let snare = Snare { close, ..Snare::new(&bus) };
            scenario(&bus, &snare);
            assert_eq!(snare.sprung(), deaths, "{what}: all were dropped, once");
            assert!(bus.snapshot().balances(), "{what}");
        });
    }
}

#[test]
fn of_an_event_nobody_listens_to() {
    both_ways("nobody listens", 1, |bus, snare| {
        bus.start();
        bus.publish(snare.trap());
    });
}

#[test]
fn of_an_event_published_to_a_closed_bus() {
    both_ways("published to a closed bus", 1, |bus, snare| {
        bus.close();
        bus.publish(snare.trap());
    });
}

#[test]
fn of_an_event_that_did_not_fit() {
    both_ways("did not fit", 2, |bus, snare| {
        let _full = with_room(bus, 0).subscribe::<Trap>();
        bus.start();
        bus.publish(snare.trap());
        bus.publish(snare.trap());
    });
}

#[test]
fn of_an_event_that_made_room() {
    both_ways("made room", 2, |bus, snare| {
        let room = with_room(bus, 1).overflow(Overflow::DropOldest).subscribe::<Trap>();
        bus.start();
        bus.publish(snare.trap());
        bus.publish(Trap { _on_drop: OnDrop::nothing() });
        assert_eq!(snare.sprung(), 1);
        bus.publish(snare.trap());
        drop(room);
    });
}

#[test]
fn of_events_left_behind_by_an_unsubscriber() {
    both_ways("left behind", 3, |bus, snare| {
        let leaves = with_room(bus, 10).subscribe::<Trap>();
        bus.start();
        publish_all(bus, (0..3).map(|_| snare.trap()));
        drop(leaves);
    });
}

#[test]
fn of_events_still_buffered_when_the_bus_closes() {
    both_ways("still buffered", 3, |bus, snare| {
        let _traps = with_room(bus, 10).subscribe::<Trap>();
        publish_all(bus, (0..3).map(|_| snare.trap()));
        bus.close();
    });
}

#[test]
fn of_events_replayed_to_nobody() {
    both_ways("replayed to nobody", 3, |bus, snare| {
        publish_all(bus, (0..3).map(|_| snare.trap()));
        bus.start();
    });
}

#[test]
fn of_a_retained_event_that_is_replaced_and_one_that_is_not() {
    both_ways("retained", 2, |bus, snare| {
        bus.start();
        bus.publish(KeptTrap { _on_drop: snare.set() });
        bus.publish(KeptTrap { _on_drop: OnDrop::nothing() });
        assert_eq!(snare.sprung(), 1);
        bus.publish(KeptTrap { _on_drop: snare.set() });
        bus.close();
    });
}

#[test]
fn of_a_withdrawn_request() {
    both_ways("withdrawn", 2, |bus, snare| {
        let _traps = with_room(bus, 10).responder::<AskTrap>();
        for started in [false, true] {
            if started {
                bus.start();
            }
            let ask = AskTrap { _on_drop: snare.set() };
            let mut gather = bus.request(ask).expect(["traps"]).gather();
            let _ = poll(&mut gather);
            drop(gather);
        }
    });
}

#[test]
fn of_late_and_duplicate_and_unexpected_answers() {
    both_ways("answers that do not count", 3, |bus, snare| {
        let open = || with_room(bus, 10).responder::<AskTrap>();
        let (mut one, mut namesake) = (open(), open());
        let mut stranger = bus.subscriber("stranger").responder::<AskTrap>();
        bus.start();
        let ask = AskTrap { _on_drop: OnDrop::nothing() };
        let mut gather = bus.request(ask).expect(["traps"]).gather();
        assert!(poll(&mut gather).is_pending());
        let namesake = namesake.try_recv().unwrap();
        let stranger = stranger.try_recv().unwrap();
        stranger.respond(snare.trap());
        one.try_recv().unwrap().respond(snare.trap());
        let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("it was answered") };
        namesake.respond(snare.trap());
        drop(gathered);
        drop(gather);
    });
}

#[test]
fn of_the_last_handle() {
    in_time("an event that holds the last handle of its bus", || {
        let bus = Bus::new();
        let mut traps = bus.subscribe::<Trap>("traps");
        bus.start();
        let last = bus.clone();
        bus.publish(Trap { _on_drop: OnDrop::new(move || drop(last)) });
        drop(bus);
        drop(traps.try_recv().unwrap());
        assert!(traps.blocking_recv().is_none(), "the bus has closed");
    });
}

#[test]
fn of_an_event_that_holds_a_subscription() {
    in_time("an event that holds a subscription", || {
        let bus = Bus::new();
        let held = bus.subscribe::<Trap>("held");
        let _other = with_room(&bus, 0).subscribe::<Trap>();
        bus.start();
        bus.publish(Trap { _on_drop: OnDrop::new(move || drop(held)) });
        assert_eq!(bus.snapshot().subscribers.len(), 2, "it waits in its own queue");
        bus.close();
    });
}

/// Calls a function while it absorbs, and uses the bus when it is dropped.
#[derive(Debug, Event)]
struct Merging {
    _on_drop: OnDrop,
    amount: u32,
}

/// What to do while absorbing, and what to give the merged event as a destructor.
type Plot = (Box<dyn Fn() + Send>, Box<dyn Fn() -> OnDrop + Send>);
static PLOT: Mutex<Option<Plot>> = Mutex::new(None);
/// The tests that set `PLOT`, one at a time.
static PLOTTING: Mutex<()> = Mutex::new(());

impl Coalesce for Merging {
    type Key = ();

    fn key(&self) {}

    fn absorb(&self, older: &Self) -> Option<Self> {
        let plot = lock(&PLOT).take();
        let on_drop = plot.map_or_else(OnDrop::nothing, |(meanwhile, on_drop)| {
            meanwhile();
            on_drop()
        });
        Some(Self { _on_drop: on_drop, amount: self.amount + older.amount })
    }
}

fn merging(amount: u32) -> Merging {
    Merging { _on_drop: OnDrop::nothing(), amount }
}

#[test]
fn of_a_merged_event_whose_parts_were_replayed_meanwhile() {
    let _one_at_a_time = lock(&PLOTTING);
    in_time("a start while buffered events merge", || {
        let bus = Bus::new();
        let mut ticks = bus.subscribe::<Merging>("clock");
        let snare = Snare::new(&bus);
        let (starting, sets) = (bus.clone(), snare.clone());
        let start = move || {
            starting.start();
        };
        *lock(&PLOT) = Some((Box::new(start), Box::new(move || sets.set())));
        bus.publish(merging(1));
        bus.publish(merging(2));
        assert_eq!(snare.sprung(), 1, "the merged event came too late and was dropped");
        assert_eq!(ticks.try_iter().map(|tick| tick.amount).sum::<u32>(), 3, "once each");
    });
}

#[test]
fn of_a_merged_event_whose_parts_were_read_meanwhile() {
    let _one_at_a_time = lock(&PLOTTING);
    in_time("a reader that is faster than a merge", || {
        let bus = Bus::new();
        let coalesce = bus.subscriber("clock").overflow(Overflow::Coalesce);
        let ticks: Arc<Mutex<Subscription<Merging>>> = Arc::new(Mutex::new(coalesce.subscribe()));
        bus.start();
        let snare = Snare::new(&bus);
        let read = Arc::new(AtomicUsize::new(0));
        let (reader, amount, sets) = (Arc::clone(&ticks), Arc::clone(&read), snare.clone());
        let take = move || {
            let tick = lock(&reader).try_recv().expect("the older one is queued");
            amount.fetch_add(tick.amount as usize, Ordering::SeqCst);
        };
        *lock(&PLOT) = Some((Box::new(take), Box::new(move || sets.set())));
        bus.publish(merging(1));
        bus.publish(merging(2));
        assert_eq!(snare.sprung(), 1, "the merged event came too late and was dropped");
        let rest: u32 = lock(&ticks).try_iter().map(|tick| tick.amount).sum();
        assert_eq!(read.load(Ordering::SeqCst) as u32 + rest, 3, "once each");
        assert!(bus.snapshot().balances());
    });
}
