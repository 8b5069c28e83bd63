//! Callbacks that a program passes to the bus: the functions of a type, the drop callback, a
//! predicate, a conversion.

use std::fmt;
use std::hash::{Hash, Hasher};

use callboard::{Abilities, AnyEvent, Bus, Coalesce, Event, Overflow, Priority};

use super::{Answer, Ask, Code, Company, Deed, Place, Reaches, Tick, try_everything};
use crate::support::{OnDrop, poll, publish_all};

/// Which of the functions of a type does the deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Rank,
    Key,
    Hash,
    Eq,
    DropOfKey,
    Absorb,
    Debug,
    Clone,
}

/// An event whose type's functions are user code.
struct Rigged(Function, Deed);

struct RiggedKey(Function, Deed);

impl Rigged {
    fn at(&self, function: Function) {
        if self.0 == function {
            self.1.run();
        }
    }
}

impl Event for Rigged {
    const TYPE: &'static str = "hostile.rigged";
    const ABILITIES: Abilities<Self> = Abilities::new()
        .priority_by(|rigged: &Self| {
            rigged.at(Function::Rank);
            Priority::Normal
        })
        .retain()
        .coalesce();
}

impl Coalesce for Rigged {
    type Key = RiggedKey;

    fn key(&self) -> RiggedKey {
        self.at(Function::Key);
        RiggedKey(self.0, self.1.clone())
    }

    fn absorb(&self, _older: &Self) -> Option<Self> {
        self.at(Function::Absorb);
        Some(Self(self.0, self.1.clone()))
    }
}

impl fmt::Debug for Rigged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at(Function::Debug);
        f.write_str("Rigged")
    }
}

impl Clone for Rigged {
    fn clone(&self) -> Self {
        self.at(Function::Clone);
        Self(self.0, self.1.clone())
    }
}

impl PartialEq for RiggedKey {
    fn eq(&self, _other: &Self) -> bool {
        if self.0 == Function::Eq {
            self.1.run();
        }
        true
    }
}

impl Eq for RiggedKey {}

impl Hash for RiggedKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        1_u8.hash(state);
        if self.0 == Function::Hash {
            self.1.run();
        }
    }
}

impl Drop for RiggedKey {
    fn drop(&mut self) {
        if self.0 == Function::DropOfKey && !std::thread::panicking() {
            self.1.run();
        }
    }
}

/// Publishes two events that coalesce, the second with its deed armed.
fn publish_rigged(bus: &Bus, deed: &Deed, function: Function) {
    bus.publish(Rigged(function, deed.clone()));
    deed.arm();
    bus.publish(Rigged(function, deed.clone()));
}

fn coalescing(deed: &Deed, function: Function) {
    let bus = deed.running();
    let coalesce = bus.subscriber("rigged").late().overflow(Overflow::Coalesce);
    let mut rigged = coalesce.subscribe::<Rigged>();
    publish_rigged(&bus, deed, function);
    assert!(rigged.try_iter().count() > 0, "an event is never lost for it");
}

fn coalescing_before_start(deed: &Deed, function: Function) {
    let bus = deed.bus();
    let mut rigged = bus.subscribe::<Rigged>("rigged");
    publish_rigged(&bus, deed, function);
    bus.start();
    assert!(
        rigged.try_iter().count() > 0
            || bus.snapshot().refused > 0
            || bus.retained::<Rigged>().is_none()
    );
}

const fn fenced(name: &'static str, run: fn(&Deed)) -> Place {
    Place { name, panic: Reaches::Nobody, run }
}

/// A place where the caller's own code runs.
const fn own(name: &'static str, run: fn(&Deed)) -> Place {
    Place { name, panic: Reaches::Caller, run }
}

const OF_TYPES: &[Place] = &[
    fenced("a priority", |deed| {
        let bus = deed.running();
        publish_rigged(&bus, deed, Function::Rank);
    }),
    fenced("a key", |deed| coalescing(deed, Function::Key)),
    fenced("a key's hash", |deed| coalescing(deed, Function::Hash)),
    fenced("a key's comparison", |deed| coalescing(deed, Function::Eq)),
    fenced("a key's destructor", |deed| coalescing(deed, Function::DropOfKey)),
    fenced("absorb", |deed| coalescing(deed, Function::Absorb)),
    fenced("a key, before the start", |deed| coalescing_before_start(deed, Function::Key)),
    fenced("absorb, before the start", |deed| coalescing_before_start(deed, Function::Absorb)),
    own("Debug, where it is asked for", |deed| {
        let bus = deed.running();
        let mut all = bus.subscriber("all").late().subscribe::<AnyEvent>();
        publish_rigged(&bus, deed, Function::Debug);
        let rigged = all.try_recv().unwrap();
        assert!(format!("{rigged:?}").contains("Rigged"));
    }),
];

const HANDED_OVER: &[Place] = &[
    fenced("the drop callback", |deed| {
        let bus = deed.running();
        let _full = bus.subscriber("full").late().capacity(0).subscribe::<Tick>();
        let callback = deed.clone();
        bus.on_drop(move |_| callback.run());
        deed.arm();
        publish_all(&bus, [Tick(0)]);
        bus.on_drop(|_| {});
    }),
    fenced("the drop callback of a builder, before the start", |deed| {
        let callback = deed.clone();
        let builder = Bus::builder().pre_start_capacity(1).on_drop(move |_| callback.run());
        let bus = deed.bus_of(builder.build().unwrap());
        deed.arm();
        publish_all(&bus, (0..3).map(Tick));
        bus.on_drop(|_| {});
    }),
    fenced("the destructor of a drop callback that is replaced", |deed| {
        let bus = deed.running();
        let last = deed.clone();
        let on_drop = OnDrop::new(move || last.run());
        bus.on_drop(move |_| {
            let _ = &on_drop;
        });
        deed.arm();
        bus.on_drop(|_| {});
    }),
    fenced("the destructor of the drop callback of a bus that ends", |deed| {
        let ending = Bus::new();
        let _bus = deed.running();
        let last = deed.clone();
        let on_drop = OnDrop::new(move || last.run());
        ending.on_drop(move |_| {
            let _ = &on_drop;
        });
        deed.arm();
        drop(ending);
    }),
    own("a predicate", |deed| {
        let bus = deed.running();
        let mut oracle = bus.subscriber("oracle").late().responder::<Ask>();
        let judge = deed.clone();
        let until = bus.request(Ask).expect(["oracle"]).until(move |_| {
            judge.run();
            true
        });
        let mut gather = until.gather();
        assert!(poll(&mut gather).is_pending());
        oracle.try_recv().unwrap().respond(Answer(1));
        deed.arm();
        assert!(poll(&mut gather).is_ready());
    }),
    own("the destructor of a predicate", |deed| {
        let bus = deed.running();
        let last = deed.clone();
        let on_drop = OnDrop::new(move || last.run());
        let request = bus.request(Ask).expect(["oracle"]).until(move |_| {
            let _ = &on_drop;
            true
        });
        deed.arm();
        drop(request);
    }),
    Place {
        name: "the destructor of the predicate of a request that is given up",
        panic: Reaches::Nobody,
        run: |deed| {
            let bus = deed.running();
            let _oracle = bus.subscriber("oracle").late().responder::<Ask>();
            let last = deed.clone();
            let on_drop = OnDrop::new(move || last.run());
            let request = bus.request(Ask).expect(["oracle"]).until(move |_| {
                let _ = &on_drop;
                true
            });
            let mut gather = request.gather();
            assert!(poll(&mut gather).is_pending());
            deed.arm();
            drop(gather);
        },
    },
    own("a name's conversion", |deed| {
        let bus = deed.running();
        deed.arm();
        drop(bus.subscribe::<Tick>(Converted(deed)));
    }),
    own("the names that are expected", |deed| {
        let bus = deed.running();
        deed.arm();
        let names = std::iter::repeat_with(|| {
            deed.run();
            "oracle"
        });
        drop(bus.request(Ask).expect(names.take(2)));
    }),
    own("a pattern's conversion", |deed| {
        let bus = deed.running();
        deed.arm();
        drop(bus.subscriber("rigged").subscribe_matching(Converted(deed)));
    }),
];

struct Converted<'a>(&'a Deed);

impl From<Converted<'_>> for String {
    fn from(Converted(deed): Converted<'_>) -> Self {
        deed.run();
        "converted".to_owned()
    }
}

impl AsRef<str> for Converted<'_> {
    fn as_ref(&self) -> &str {
        self.0.run();
        "converted.*"
    }
}

#[test]
fn functions_of_types_do_as_they_like() {
    try_everything(OF_TYPES, &[Company::Full, Company::Reader]);
}

#[test]
fn functions_that_are_handed_over_do_as_they_like() {
    try_everything(HANDED_OVER, &[Company::Reader]);
}

#[test]
fn no_event_is_ever_cloned() {
    let bus = Bus::new();
    let deed = Deed::new(Code::PANICKING, None);
    let mut readers = ["a", "b"].map(|name| bus.subscribe::<Rigged>(name));
    let mut all = bus.subscribe::<AnyEvent>("all");
    bus.publish(Rigged(Function::Clone, deed.clone()));
    deed.bus();
    deed.arm();
    bus.start();
    bus.publish(Rigged(Function::Clone, deed.clone()));
    for reader in &mut readers {
        let copies = reader.try_recv().map(|rigged| [rigged.clone(), rigged.clone()]);
        assert!(copies.is_ok());
    }
    let all: Vec<AnyEvent> = all.try_iter().collect();
    assert_eq!(all.clone().len(), 2);
    assert!(bus.retained::<Rigged>().is_some() && !deed.has_run());
}
