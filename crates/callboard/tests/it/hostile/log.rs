//! The program's log: a `tracing` subscriber runs wherever the bus logs something.

use std::sync::Arc;
use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{Bus, Delivery, EventSet};
use tracing::Level;

use super::{Company, Deed, Place, Reaches, Tick, try_everything};
use crate::listening::{Listener, listening, said_as};
use crate::support::{Log, OnDrop, publish_all};

/// Does the deed when it receives a message.
struct Told(Deed);

impl Listener for Told {
    fn told(&self, _: Level, _: String) {
        self.0.run();
    }
}

/// Does the deed when it is asked whether a message is enabled.
struct Asked(Deed);

impl Listener for Asked {
    fn asked(&self) {
        self.0.run();
    }

    fn told(&self, _: Level, _: String) {}
}

/// Fails on every message.
struct Broken;

impl Listener for Broken {
    fn told(&self, _: Level, _: String) {
        panic!("expected: the log panics");
    }
}

/// Everything that the bus logs while `code` runs, each with its level.
fn said(code: impl FnOnce()) -> Vec<String> {
    said_as(code).into_iter().map(|(level, what)| format!("{level}: {what}")).collect()
}

fn armed(deed: &Deed, code: impl FnOnce()) {
    deed.arm();
    listening(Told(deed.clone()), code);
}

const fn place(name: &'static str, run: fn(&Deed)) -> Place {
    Place { name, panic: Reaches::Nobody, run }
}

const PLACES: &[Place] = &[
    place("the log, of a late subscriber", |deed| {
        let bus = deed.running();
        let mut late = None;
        armed(deed, || late = Some(bus.subscribe::<Tick>("late")));
        assert!(late.is_some());
    }),
    place("the log, when it is asked", |deed| {
        let bus = deed.running();
        deed.arm();
        listening(Asked(deed.clone()), || drop(bus.subscribe::<Tick>("late")));
    }),
    place("the log, of a bad pattern", |deed| {
        let bus = deed.running();
        let bad = bus.subscriber("bad").late();
        armed(deed, || drop(bad.subscribe_matching("a..b")));
    }),
    place("the log, of a critical drop", |deed| {
        let bus = deed.running();
        let _full = bus.subscriber("full").late().capacity(0).subscribe::<Tick>();
        armed(deed, || publish_all(&bus, [Tick(0)]));
    }),
    place("the log, of an overflow of the start buffer", |deed| {
        let bus = deed.bus_of(Bus::builder().pre_start_capacity(1).build().unwrap());
        armed(deed, || publish_all(&bus, (0..3).map(Tick)));
    }),
    place("the log, of a name given twice", |deed| {
        let bus = deed.running();
        publish_all(&bus, [one::Parsed]);
        armed(deed, || publish_all(&bus, [two::Parsed]));
    }),
    place("the log, of a user's panic", |deed| {
        let bus = deed.running();
        let bomb = OnDrop::new(|| panic!("expected: a callback's destructor panics"));
        bus.on_drop(move |_| {
            let _ = &bomb;
        });
        armed(deed, || bus.on_drop(|_| {}));
    }),
    place("the log, of a bus that ends with events waiting", |deed| {
        let _bus = deed.running();
        let ending = Bus::new();
        let mut ticks = ending.subscribe::<Tick>("clock");
        ending.publish(Tick(0));
        armed(deed, || drop(ending));
        assert!(ticks.blocking_recv().is_none(), "it is closed all the same");
    }),
    place("the log, of a bus that is not started", |deed| {
        let clock = ManualClock::new();
        let bus = deed.bus_of(Bus::builder().clock(clock.clone()).build().unwrap());
        bus.publish(Tick(0));
        armed(deed, || clock.advance(Duration::from_secs(60)));
    }),
];

mod one {
    #[derive(Debug, callboard::Event)]
    #[event(type = "hostile.parsed")]
    pub(super) struct Parsed;
}

mod two {
    #[derive(Debug, callboard::Event)]
    #[event(type = "hostile.parsed")]
    pub(super) struct Parsed;
}

mod three {
    #[derive(Debug, callboard::Event)]
    #[event(type = "hostile.parsed")]
    pub(super) struct Parsed;
}

#[test]
fn log_does_as_it_likes() {
    try_everything(PLACES, &[Company::Reader]);
}

/// A panic of the log used to leave `publish`, and to suppress the reports of the drops.
#[test]
fn log_that_panics_hides_no_drop_and_leaves_no_publisher() {
    let bus = Bus::new();
    let open = |name: &str| bus.subscriber(name).capacity(0).subscribe::<Tick>();
    let _full = ["a", "b", "c"].map(open);
    let told = Log::new();
    let log = told.clone();
    bus.on_drop(move |dropped| log.push((dropped.subscriber().to_owned(), dropped.sequence())));
    bus.start();
    listening(Broken, || {
        for _ in 0..2 {
            assert_eq!(bus.publish(Tick(0)).dropped(), 3);
        }
    });
    let all = [("a", 1), ("b", 1), ("c", 1), ("a", 2), ("b", 2), ("c", 2)];
    assert_eq!(told.take(), all.map(|(name, number)| (name.to_owned(), number)));
}

#[derive(Debug, EventSet)]
enum AllParsed {
    One(Delivery<one::Parsed>),
    Two(Delivery<two::Parsed>),
    Three(Delivery<three::Parsed>),
}

#[test]
fn log_names_all_types_that_share_a_name() {
    let bus = Bus::new();
    let mut all = None;
    let said = said(|| all = Some(bus.subscribe::<AllParsed>("all")));
    let types = |module: &str| format!("{}::{module}::Parsed", module_path!());
    for other in ["two", "three"] {
        let clash = said.iter().find(|said| said.contains(&types(other)));
        let clash = clash.unwrap_or_else(|| panic!("nothing is said of {other}: {said:?}"));
        assert!(clash.starts_with("ERROR") && clash.contains(&types("one")), "{clash}");
    }
    let clashes = bus.snapshot().name_clashes;
    assert!(clashes.iter().map(|clash| &clash.second).eq(&[types("two"), types("three")]));
    let findings = bus.diagnose().to_string();
    assert!(["one", "two", "three"].iter().all(|one| findings.contains(&types(one))), "{findings}");
}

/// Two versions of one crate may bring such types.
#[test]
fn log_tells_of_types_whose_names_are_the_same_everywhere() {
    let one = {
        #[derive(Debug, callboard::Event)]
        #[event(type = "hostile.twin")]
        struct Twin;
        |bus: &Bus| bus.publish(Twin)
    };
    let two = {
        #[derive(Debug, callboard::Event)]
        #[event(type = "hostile.twin")]
        struct Twin;
        |bus: &Bus| bus.publish(Twin)
    };
    let bus = Bus::new();
    let said = said(|| {
        one(&bus);
        two(&bus);
    });
    let [clash] = &said[..] else { panic!("{said:?}") };
    let name = clash.split('`').nth(3).unwrap();
    assert!(name.ends_with("::Twin"), "{clash}");
    assert!(clash.contains(&format!("two types `{name}`, as two versions of a crate")), "{clash}");
    assert!(bus.diagnose().to_string().contains("as two versions of a crate"));
}

type SameTick = Tick;

/// Two variants of one type, by two of its names.
#[derive(Debug, callboard::EventSet)]
enum Twice {
    Tick(callboard::Delivery<Tick>),
    Same(callboard::Delivery<SameTick>),
}

#[test]
fn log_tells_of_a_type_that_a_set_names_twice() {
    let bus = Bus::new();
    let said = said(|| drop(bus.subscribe::<Twice>("twice")));
    let [twice] = &said[..] else { panic!("{said:?}") };
    assert!(twice.starts_with("ERROR") && twice.contains("`twice`"), "{twice}");
    assert!(twice.contains("hostile::Tick`"), "{twice}");
}

#[test]
fn log_shows_a_name_on_one_line() {
    let bus = Bus::new();
    bus.start();
    let name = "a\n\u{1b}[31mERROR: all is lost\r";
    let said = said(|| {
        let bad = bus.subscriber(name).capacity(0);
        let _late = bad.subscribe::<Tick>();
        drop(bad.subscribe_matching("a\n..b"));
        bus.publish(Tick(0));
    });
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said.iter().all(|said| !said.contains(char::is_control)), "{said:?}");
}

#[test]
fn log_counts_critical_drops_and_tells_of_them_ever_more_rarely() {
    let bus = Bus::new();
    let full = |name: &str| bus.subscriber(name).late().capacity(0);
    let counts = |times: usize| -> Vec<u64> {
        let said = said(|| publish_all(&bus, (0..times).map(|_| Tick(0))));
        let count = |said: &String| said.split("; ").nth(1)?.split(' ').next()?.parse().ok();
        said.iter().map(|said| count(said).unwrap_or_else(|| panic!("{said}"))).collect()
    };
    bus.start();
    drop(full("a guest").subscribe::<Tick>());
    let _lossy = ["a", "b"].map(|name| full(name).lossy().subscribe::<Tick>());
    assert!(counts(10).is_empty(), "lossy drops are expected");
    let one = full("one").subscribe::<Tick>();
    assert_eq!(counts(20), [1, 2, 4, 8, 16]);
    let _two = full("two").subscribe::<Tick>();
    assert_eq!(counts(10), [32], "from 20, two at a time");
    drop(one);
    assert_eq!(counts(30), [64]);
}

#[test]
fn log_listens_from_several_threads() {
    let bus = Bus::new();
    let log = Arc::new(Log::new());
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (bus, log) = (&bus, Arc::clone(&log));
            scope.spawn(move || {
                listening(Broken, || {
                    let full = bus.subscriber("full").capacity(0).subscribe::<Tick>();
                    bus.start();
                    publish_all(bus, (0..100).map(Tick));
                    log.push((number, full.ledger().balances()));
                });
            });
        }
    });
    assert!(log.take().iter().all(|(_, balances)| *balances));
    assert!(bus.snapshot().balances());
}
