//! Destructors of events: an event is dropped wherever its last holder releases it.

use callboard::{AnyEvent, Bus, Coalesce, Event, Overflow, Request, SubscriberBuilder};

use super::{Code, Company, Deed, Place, Reaches, Tick, try_everything};
use crate::support::{forget, in_a_process, poll};

/// Does its deed when it is dropped.
#[derive(Debug)]
struct Charge(Deed);

impl Drop for Charge {
    fn drop(&mut self) {
        self.0.run();
    }
}

#[derive(Debug, Event)]
#[event(type = "hostile.charged")]
struct Charged(#[expect(dead_code, reason = "only dropped")] Charge);

#[derive(Debug, Event)]
#[event(type = "hostile.kept", retain)]
struct Kept(#[expect(dead_code, reason = "only dropped")] Charge);

#[derive(Debug, Request)]
#[request(type = "hostile.ask.charged", response = Charged)]
struct AskCharged(#[expect(dead_code, reason = "only dropped")] Charge);

#[derive(Debug, Event)]
#[event(type = "hostile.merging")]
struct Merging(#[expect(dead_code, reason = "only dropped")] Charge);

impl Coalesce for Merging {
    type Key = ();

    fn key(&self) {}
}

fn charged(deed: &Deed) -> Charged {
    Charged(Charge(deed.clone()))
}

fn asked(deed: &Deed) -> AskCharged {
    AskCharged(Charge(deed.clone()))
}

/// A charge that does nothing.
fn dud() -> Charge {
    Charge(Deed::new(Code::NONE, None))
}

fn room(bus: &Bus, capacity: usize) -> SubscriberBuilder {
    bus.subscriber("charged").late().capacity(capacity)
}

/// A place where a panic reaches no caller.
const fn fenced(name: &'static str, run: fn(&Deed)) -> Place {
    Place { name, panic: Reaches::Nobody, run }
}

/// A place where the event is in its reader's hands.
const fn in_hand(name: &'static str, run: fn(&Deed)) -> Place {
    Place { name, panic: Reaches::Caller, run }
}

const PLACES: &[Place] = &[
    fenced("an event that nobody listens to", |deed| {
        let bus = deed.running();
        deed.arm();
        bus.publish(charged(deed));
    }),
    fenced("an event that nobody listens to, of a type that is known", |deed| {
        let bus = deed.running();
        bus.publish(Charged(dud()));
        deed.arm();
        bus.publish(charged(deed));
    }),
    fenced("an event for a closed bus", |deed| {
        let bus = deed.running();
        bus.close();
        deed.arm();
        bus.publish(charged(deed));
    }),
    fenced("an event that does not fit", |deed| {
        let bus = deed.running();
        let _full = room(&bus, 0).subscribe::<Charged>();
        deed.arm();
        bus.publish(charged(deed));
    }),
    fenced("an event that does not fit into a queue", |deed| {
        let bus = deed.running();
        let _full = room(&bus, 0).subscribe::<AnyEvent>();
        deed.arm();
        bus.publish(charged(deed));
    }),
    fenced("an event that makes room", |deed| {
        let bus = deed.running();
        let oldest = room(&bus, 1).overflow(Overflow::DropOldest).subscribe::<Charged>();
        bus.publish(charged(deed));
        deed.arm();
        bus.publish(Charged(dud()));
        drop(oldest);
    }),
    fenced("an event in the log when its reader leaves", |deed| {
        let bus = deed.running();
        let charges = room(&bus, 9).subscribe::<Charged>();
        bus.publish(Charged(dud()));
        bus.publish(charged(deed));
        bus.publish(Charged(dud()));
        deed.arm();
        drop(charges);
    }),
    fenced("an event in a queue when its reader leaves", |deed| {
        let bus = deed.running();
        let all = room(&bus, 9).subscribe::<AnyEvent>();
        bus.publish(charged(deed));
        bus.publish(Charged(dud()));
        deed.arm();
        drop(all);
    }),
    fenced("an event that waits for the start when the bus closes", |deed| {
        let bus = deed.bus();
        bus.publish(charged(deed));
        deed.arm();
        bus.close();
    }),
    fenced("an event for which the start buffer has no room", |deed| {
        let bus = deed.bus_of(Bus::builder().pre_start_capacity(1).build().unwrap());
        bus.publish(Tick(0));
        deed.arm();
        bus.publish(charged(deed));
    }),
    fenced("a retained event that is replaced", |deed| {
        let bus = deed.running();
        bus.publish(Kept(Charge(deed.clone())));
        deed.arm();
        bus.publish(Kept(dud()));
    }),
    fenced("a retained event when the bus closes", |deed| {
        let bus = deed.running();
        bus.publish(Kept(Charge(deed.clone())));
        deed.arm();
        bus.close();
    }),
    fenced("an event that was merged into another", |deed| {
        let bus = deed.running();
        let merging = room(&bus, 9).overflow(Overflow::Coalesce).subscribe::<Merging>();
        bus.publish(Merging(Charge(deed.clone())));
        deed.arm();
        bus.publish(Merging(dud()));
        drop(merging);
    }),
    fenced("an event that was merged into another before the start", |deed| {
        let bus = deed.bus();
        bus.publish(Merging(Charge(deed.clone())));
        deed.arm();
        bus.publish(Merging(dud()));
    }),
    fenced("a request that is taken back", |deed| {
        let bus = deed.running();
        let _oracle = room(&bus, 9).responder::<AskCharged>();
        let mut gather = bus.request(asked(deed)).expect(["charged"]).gather();
        assert!(poll(&mut gather).is_pending());
        deed.arm();
        drop(gather);
    }),
    fenced("a request whose responder leaves", |deed| {
        let bus = deed.running();
        let oracle = room(&bus, 9).responder::<AskCharged>();
        let mut gather = bus.request(asked(deed)).expect(["charged"]).gather();
        assert!(poll(&mut gather).is_pending());
        deed.arm();
        drop(oracle);
        assert!(poll(&mut gather).is_ready());
    }),
    fenced("a request that is answered", |deed| {
        let bus = deed.running();
        let mut oracle = room(&bus, 9).responder::<AskCharged>();
        let mut gather = bus.request(asked(deed)).expect(["charged"]).gather();
        assert!(poll(&mut gather).is_pending());
        let call = oracle.try_recv().unwrap();
        deed.arm();
        call.respond(Charged(dud()));
    }),
    fenced("an answer that comes late", |deed| {
        let bus = deed.running();
        let mut oracle = room(&bus, 9).responder::<AskCharged>();
        let mut gather = bus.request(AskCharged(dud())).expect(["charged"]).gather();
        assert!(poll(&mut gather).is_pending());
        let call = oracle.try_recv().unwrap();
        drop(gather);
        deed.arm();
        call.respond(charged(deed));
    }),
    fenced("an answer whose asker has gone", |deed| {
        let bus = deed.running();
        let mut oracle = room(&bus, 9).responder::<AskCharged>();
        let mut gather = bus.request(AskCharged(dud())).expect(["charged", "other"]).gather();
        let _other = bus.subscriber("other").late().responder::<AskCharged>();
        bus.pause();
        assert!(poll(&mut gather).is_pending());
        bus.start();
        oracle.try_recv().unwrap().respond(charged(deed));
        deed.arm();
        drop(gather);
    }),
    in_hand("an event that its reader gives up", |deed| {
        let bus = deed.running();
        let mut charges = room(&bus, 9).subscribe::<Charged>();
        bus.publish(charged(deed));
        let charged = charges.try_recv().unwrap();
        deed.arm();
        drop(charged);
    }),
    in_hand("an event that was lent", |deed| {
        let bus = deed.running();
        let mut charges = room(&bus, 9).subscribe::<Charged>();
        bus.publish(charged(deed));
        deed.arm();
        charges.try_recv_batch().unwrap().for_each(drop);
    }),
    fenced("an answer that a predicate has judged, when its asker gives up", |deed| {
        let bus = deed.running();
        let mut charged_one = room(&bus, 9).responder::<AskCharged>();
        let _silent = bus.subscriber("silent").late().responder::<AskCharged>();
        let request = bus.request(AskCharged(dud())).expect(["charged", "silent"]);
        let mut gather = request.until(|_| false).gather();
        assert!(poll(&mut gather).is_pending());
        charged_one.try_recv().unwrap().respond(charged(deed));
        assert!(poll(&mut gather).is_pending());
        deed.arm();
        drop(gather);
    }),
    fenced("an answer that its asker gives up", |deed| {
        let bus = deed.running();
        let mut oracle = room(&bus, 9).responder::<AskCharged>();
        let mut gather = bus.request(AskCharged(dud())).expect(["charged"]).gather();
        assert!(poll(&mut gather).is_pending());
        oracle.try_recv().unwrap().respond(charged(deed));
        let gathered = poll(&mut gather);
        deed.arm();
        drop(gathered);
    }),
    in_hand("a request that is never made", |deed| {
        let bus = deed.running();
        let request = bus.request(asked(deed)).expect(["charged"]);
        deed.arm();
        drop(request);
    }),
];

/// Places that must be alone, since company would be given the event.
const ALONE: &[Place] = &[fenced("an event that is replayed to nobody", |deed| {
    let bus = deed.bus();
    bus.publish(charged(deed));
    deed.arm();
    bus.start();
})];

#[test]
fn destructors_do_as_they_like() {
    try_everything(PLACES, &[Company::Full]);
    try_everything(ALONE, &[]);
}

/// In one place after the other, more destructors panic than one stack frame survives.
#[test]
fn several_destructors_may_panic_in_one_operation() {
    in_a_process("hostile::destructors::several_destructors_may_panic_in_one_operation", || {
        let mine = || {
            let deed = Deed::new(Code::PANICKING, None);
            deed.bus();
            deed.arm();
            Charge(deed)
        };
        let bus = Bus::new();
        for _ in 0..9 {
            bus.publish(Charged(mine()));
            bus.publish(Kept(mine()));
        }
        let (charges, all) =
            (room(&bus, 9).subscribe::<Charged>(), room(&bus, 9).subscribe::<AnyEvent>());
        bus.start();
        for _ in 0..9 {
            bus.publish(Charged(mine()));
            bus.publish(Kept(mine()));
        }
        drop((charges, all));
        bus.close();
        assert!(bus.snapshot().balances());
    });
}

/// Leaked events are never dropped, but do not block others.
#[test]
fn forgotten_events_stand_in_nobodys_way() {
    let bus = Bus::new();
    let mut charges = room(&bus, 2).subscribe::<Charged>();
    let mut oldest = room(&bus, 2).overflow(Overflow::DropOldest).subscribe::<Charged>();
    bus.start();
    for _ in 0..300 {
        assert_eq!(bus.publish(Charged(dud())).delivered(), 2);
        forget((charges.try_recv().unwrap(), oldest.try_recv().unwrap()));
    }
    assert!(bus.snapshot().balances() && charges.is_empty() && oldest.is_empty());
}
