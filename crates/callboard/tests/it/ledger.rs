//! Promise 5: offered = delivered + queued + dropped, at every quiescent moment, for every
//! subscription and event type.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use callboard::{
    AnyEvent, Bus, Call, Coalesce, Delivery, DropReason, Event, EventSet, Gather, Ledger, Overflow,
    Phase, Priority, Request, Snapshot, Subscription,
};

use crate::support::{Log, Rng, in_time, poll, publish_all};

#[derive(Debug, Event)]
struct Plain;

#[derive(Debug, Event)]
struct Keyed(u8);

impl Coalesce for Keyed {
    type Key = u8;

    fn key(&self) -> u8 {
        self.0
    }
}

#[derive(Debug, Event)]
#[event(retain)]
struct Kept;

#[derive(Debug, Request)]
#[request(response = Plain)]
struct Ask;

#[derive(Debug, EventSet)]
enum Inbox {
    Plain(Delivery<Plain>),
    Keyed(Delivery<Keyed>),
    Kept(Delivery<Kept>),
    Ask(Call<Ask>),
}

/// Checks every account, and each type's against those of its subscribers.
fn assert_balances(snapshot: &Snapshot, what: &str) {
    assert!(snapshot.balances(), "{what}: {snapshot:#?}");
    let mut queued: BTreeMap<&str, u64> = BTreeMap::new();
    for subscriber in &snapshot.subscribers {
        assert!(subscriber.ledger.balances(), "{what}: {subscriber:#?}");
        for account in &subscriber.accounts {
            assert!(account.ledger.balances(), "{what}: {account:#?}");
            *queued.entry(&account.event_type).or_default() += account.ledger.queued;
        }
    }
    for event_type in &snapshot.types {
        let of_type = event_type.event_type.as_str();
        assert!(event_type.ledger.balances(), "{what}: {event_type:#?}");
        assert!(event_type.buffered.balances(), "{what}: {event_type:#?}");
        assert_eq!(event_type.ledger.queued, *queued.entry(of_type).or_default(), "{what}");
    }
}

/// A random sequence of operations on one bus.
struct Program {
    bus: Bus,
    rng: Rng,
    inboxes: Vec<Subscription<Inbox>>,
    universal: Vec<Subscription<AnyEvent>>,
    /// The subscribers that read a log, unless they drop the oldest or merge.
    plain: Vec<Subscription<Plain>>,
    gathers: Vec<Gather<Ask>>,
    calls: Vec<Call<Ask>>,
    taken: u64,
    reported: Log<DropReason>,
}

impl Program {
    fn new(seed: u64) -> Self {
        let reported = Log::new();
        let log = reported.clone();
        let bus = Bus::builder()
            .pre_start_capacity(8)
            .on_drop(move |dropped| log.push(dropped.reason()))
            .build()
            .unwrap();
        Self {
            bus,
            rng: Rng::new(seed),
            inboxes: Vec::new(),
            universal: Vec::new(),
            plain: Vec::new(),
            gathers: Vec::new(),
            calls: Vec::new(),
            taken: 0,
            reported,
        }
    }

    fn step(&mut self) {
        let choice = self.rng.below(20);
        match choice {
            0..=4 => drop(self.bus.publish(Plain)),
            5 | 6 => drop(self.bus.publish(Keyed(self.rng.below(3) as u8))),
            7 => drop(self.bus.publish(Kept)),
            8 => drop(self.bus.publish_with(Plain, Priority::High)),
            9 | 10 => self.subscribe(),
            11 => self.unsubscribe(),
            12..=14 => self.receive(),
            15 => drop(self.bus.start()),
            16 if self.rng.one_in(3) => self.bus.pause(),
            17 => self.ask(),
            18 if !self.gathers.is_empty() => {
                let place = self.rng.below(self.gathers.len());
                drop(self.gathers.swap_remove(place));
            }
            _ => self.answer(),
        }
    }

    fn subscribe(&mut self) {
        let overflow = [Overflow::DropNewest, Overflow::DropOldest, Overflow::Coalesce];
        let mut builder = self
            .bus
            .subscriber("somebody")
            .late()
            .capacity(self.rng.below(5))
            .overflow(overflow[self.rng.below(3)]);
        if self.rng.one_in(2) {
            builder = builder.with_retained();
        }
        match self.rng.below(4) {
            0 => self.universal.push(builder.subscribe()),
            1 => self.universal.push(builder.subscribe_matching("*")),
            2 => self.plain.push(builder.subscribe()),
            _ => self.inboxes.push(builder.subscribe()),
        }
    }

    fn unsubscribe(&mut self) {
        if self.rng.one_in(3) && !self.inboxes.is_empty() {
            let place = self.rng.below(self.inboxes.len());
            drop(self.inboxes.swap_remove(place));
        } else if self.rng.one_in(2) && !self.plain.is_empty() {
            let place = self.rng.below(self.plain.len());
            drop(self.plain.swap_remove(place));
        } else if !self.universal.is_empty() {
            let place = self.rng.below(self.universal.len());
            drop(self.universal.swap_remove(place));
        }
    }

    fn receive(&mut self) {
        for inbox in &mut self.inboxes {
            match inbox.try_recv() {
                Ok(Inbox::Ask(call)) => self.calls.push(call),
                Ok(Inbox::Plain(_) | Inbox::Keyed(_) | Inbox::Kept(_)) => {}
                Err(_) => continue,
            }
            self.taken += 1;
        }
        for universal in &mut self.universal {
            self.taken += universal.try_iter().take(self.rng.below(4)).count() as u64;
        }
        for plain in &mut self.plain {
            self.taken += plain.try_iter().take(self.rng.below(4)).count() as u64;
        }
    }

    fn ask(&mut self) {
        let mut gather = self.bus.request(Ask).expect(["somebody"]).gather();
        if poll(&mut gather).is_pending() {
            self.gathers.push(gather);
        }
    }

    fn answer(&mut self) {
        if self.calls.is_empty() {
            return;
        }
        let place = self.rng.below(self.calls.len());
        let call = self.calls.swap_remove(place);
        match self.rng.below(3) {
            0 => call.respond(Plain),
            1 => call.decline("no"),
            _ => drop(call),
        }
    }

    fn check(&self, what: &str) {
        let snapshot = self.bus.snapshot();
        assert_balances(&snapshot, what);
        let delivered: u64 = snapshot.types.iter().map(|kind| kind.ledger.delivered).sum();
        assert_eq!(delivered, self.taken, "{what}: what was received was counted");
        let lost: u64 =
            snapshot.types.iter().map(|kind| kind.ledger.lost() + kind.buffered.lost()).sum();
        assert_eq!(lost, self.reported.len() as u64, "{what}: what was lost was reported");
        if snapshot.phase == Phase::Running {
            assert_eq!(snapshot.buffer.queued, 0);
        }
    }
}

#[test]
fn ledger_balances_after_every_step_of_random_programs() {
    for seed in 0..25 {
        let mut program = Program::new(seed);
        for step in 0..200 {
            program.step();
            program.check(&format!("seed {seed}, step {step}"));
        }
        program.bus.close();
        program.check(&format!("seed {seed}, closed"));
        program.gathers.clear();
        program.calls.clear();
        program.inboxes.clear();
        program.universal.clear();
        program.plain.clear();
        program.check(&format!("seed {seed}, everybody gone"));
        let snapshot = program.bus.snapshot();
        assert!(snapshot.types.iter().all(|event_type| event_type.ledger.queued == 0));
        assert!(snapshot.requests.open.is_empty(), "seed {seed}");
    }
}

#[test]
fn ledger_of_one_subscription_names_every_reason() {
    let bus = Bus::new();
    let coalescing = bus.subscriber("c").overflow(Overflow::Coalesce).subscribe::<Keyed>();
    let full = bus.subscriber("f").capacity(1).subscribe::<Plain>();
    bus.start();
    publish_all(&bus, (0..3).map(|_| Keyed(1)));
    publish_all(&bus, (0..3).map(|_| Plain));
    assert!(coalescing.ledger().drops().eq([(DropReason::Coalesced, 2)]));
    assert_eq!((coalescing.ledger().lost(), coalescing.len()), (0, 1), "nothing is lost by it");
    assert!(full.ledger().drops().eq([(DropReason::Full, 2)]));
    drop(full);
    let departed = bus.snapshot().event_type("plain").unwrap().ledger;
    assert!(departed.drops().eq([(DropReason::Full, 2), (DropReason::Unsubscribed, 1)]));
    assert_eq!(departed.offered, 3, "the type's account outlives the subscriber");
}

#[test]
fn account_that_does_not_add_up_is_told_from_one_that_does() {
    let bus = Bus::new();
    let mut reader = bus.subscriber("reader").capacity(3).subscribe::<Plain>();
    publish_all(&bus, (0..2).map(|_| Plain));
    bus.start();
    publish_all(&bus, (0..3).map(|_| Plain));
    reader.try_recv().unwrap();
    let good = bus.snapshot();
    assert!(good.balances());
    let errors: [fn(&mut Ledger); 3] =
        [|it| it.offered += 1, |it| it.delivered += 1, |it| it.queued -= it.queued.min(1)];
    let accounts: [fn(&mut Snapshot) -> &mut Ledger; 4] = [
        |it| &mut it.subscribers[0].ledger,
        |it| &mut it.subscribers[0].accounts[0].ledger,
        |it| &mut it.types[0].ledger,
        |it| &mut it.types[0].buffered,
    ];
    for account in accounts {
        for err in errors {
            let mut bad = good.clone();
            let ledger = account(&mut bad);
            let before = *ledger;
            err(ledger);
            assert_eq!(ledger.balances(), *ledger == before, "{ledger:?}");
            assert_eq!(bad.balances(), *account(&mut bad) == before, "{bad:#?}");
        }
    }
    let mut bad = good.clone();
    bad.subscribers[0].queued += 1;
    assert!(!bad.balances(), "its queue is longer than its account says");
}

#[test]
fn ledger_is_shown_with_the_reasons_that_occurred() {
    let bus = Bus::new();
    let mut full = bus.subscriber("f").capacity(2).subscribe::<Plain>();
    bus.start();
    publish_all(&bus, (0..5).map(|_| Plain));
    full.try_recv().unwrap();
    let shown = "Ledger { offered: 5, delivered: 1, queued: 1, dropped: {Full: 3} }";
    assert_eq!(format!("{:?}", full.ledger()), shown);
}

#[test]
fn ledger_balances_once_a_storm_is_over() {
    for seed in 50..54 {
        in_time("a storm of everything", move || storm(seed));
    }
}

fn storm(seed: u64) {
    let bus = Bus::builder().pre_start_capacity(200).build().unwrap();
    let (published, taken) = (AtomicU64::new(0), AtomicU64::new(0));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let publishers = [0, 1].map(|n| {
            let (bus, published) = (&bus, &published);
            scope.spawn(move || {
                let mut rng = Rng::new(seed * 100 + n);
                for _ in 0..1_500 {
                    match rng.below(4) {
                        0 => bus.publish(Keyed(rng.below(4) as u8)),
                        1 => bus.publish(Kept),
                        _ => bus.publish(Plain),
                    };
                    published.fetch_add(1, Ordering::SeqCst);
                    match rng.below(60) {
                        0 => bus.pause(),
                        1..=3 => drop(bus.start()),
                        _ => {}
                    }
                }
            })
        });
        for n in 2..4 {
            let (bus, taken, done) = (&bus, &taken, &done);
            scope.spawn(move || {
                let mut rng = Rng::new(seed * 100 + n);
                while !done.load(Ordering::SeqCst) {
                    let overflow = [Overflow::DropOldest, Overflow::Coalesce][rng.below(2)];
                    let visitor = bus.subscriber("visitor").late().with_retained();
                    let mut visitor =
                        visitor.capacity(rng.below(20)).overflow(overflow).subscribe::<AnyEvent>();
                    for _ in 0..rng.below(50) {
                        taken.fetch_add(visitor.try_iter().count() as u64, Ordering::SeqCst);
                    }
                }
            });
        }
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        done.store(true, Ordering::SeqCst);
    });
    bus.start();
    let snapshot = bus.snapshot();
    assert_balances(&snapshot, &format!("seed {seed}"));
    let total = |count: fn(&callboard::TypeSnapshot) -> u64| snapshot.types.iter().map(count).sum();
    let (all, delivered): (u64, u64) =
        (total(|kind| kind.published), total(|kind| kind.ledger.delivered));
    assert_eq!(all, published.load(Ordering::SeqCst));
    assert_eq!(delivered, taken.load(Ordering::SeqCst));
}
