//! Hostile or faulty user code: wherever the bus runs it, it panics, waits for another thread that
//! uses the bus, uses the bus itself, or leaks what it was given.
//!
//! A *place* is one way for the bus to run user code; a *deed* is what that code does. Each file
//! has the places of one kind, and tries every deed in each of them. Deeds that panic or wait are
//! also tried in company, on which a panic must have no effect.

mod apis;
mod callbacks;
mod clocks;
mod consumers;
mod destructors;
mod futures;
mod handlers;
#[cfg(feature = "tracing")]
mod log;
mod names;
mod schedules;
mod sizes;
mod wakers;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::{Arc, Mutex};
use std::thread;

use callboard::{AnyEvent, Bus, Dropped, Event, Phase, Request, Subscription};

use crate::support::{Log, Wakes, forget, in_time, lock, poll, poll_with};
use apis::APIS;

#[derive(Debug, Event)]
#[event(type = "hostile.tick")]
struct Tick(u64);

#[derive(Debug, Event)]
#[event(type = "hostile.answer")]
struct Answer(u64);

#[derive(Debug, Request)]
#[request(type = "hostile.ask", response = Answer)]
struct Ask;

/// One way for the bus to run user code.
#[derive(Clone, Copy)]
struct Place {
    name: &'static str,
    panic: Reaches,
    /// Opens a bus, arms the deed, and has the bus run it.
    run: fn(&Deed),
}

/// The code that a panic of user code reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaches {
    Nobody,
    /// The caller of the bus: it is that caller's own code.
    Caller,
}

/// What the user code does, once, after it was armed.
#[derive(Clone)]
struct Deed(Arc<Inner>);

#[derive(Clone, Copy)]
struct Code {
    name: &'static str,
    /// The code panics on purpose: any other panic is the bus's, or a failed assertion.
    panics: bool,
    run: fn(&Bus),
}

struct Inner {
    code: Code,
    company: Option<Company>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bus: Option<Bus>,
    armed: bool,
    ran: bool,
    /// The message of its panic.
    panicked: Option<String>,
    companions: Option<Companions>,
}

/// Which other subscribers the bus has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    /// A subscriber without capacity: its losses are reported.
    Full,
    /// A subscriber that sleeps until an event arrives.
    Reader,
}

enum Companions {
    Full { all: Subscription<AnyEvent>, reported: Log<Dropped> },
    Reader { all: Subscription<AnyEvent>, wakes: Arc<Wakes> },
}

impl Code {
    const NONE: Self = Self { name: "none", panics: false, run: |_| {} };

    const PANICKING: Self =
        Self { name: "panicking", panics: true, run: |_| panic!("expected: a user's code panics") };

    const PANICKING_TWICE: Self =
        Self { name: "panicking twice", panics: true, run: |_| panic_any(Explosive) };

    const WAITING: Self = Self {
        name: "waiting for another thread",
        panics: false,
        // Joined by hand: ThreadSanitizer does not see the end of a scope.
        run: |bus| {
            let all = || APIS.iter().for_each(|(_, api)| api(bus));
            thread::scope(|scope| scope.spawn(all).join()).unwrap();
        },
    };
}

impl Deed {
    fn new(code: Code, company: Option<Company>) -> Self {
        Self(Arc::new(Inner { code, company, state: Mutex::default() }))
    }

    /// The bus under test, not started.
    fn bus(&self) -> Bus {
        self.bus_of(Bus::new())
    }

    /// The bus under test, started.
    fn running(&self) -> Bus {
        let bus = self.bus();
        bus.start();
        bus
    }

    fn bus_of(&self, bus: Bus) -> Bus {
        let companions = self.0.company.map(|company| Companions::on(&bus, company));
        let mut state = lock(&self.0.state);
        (state.bus, state.companions) = (Some(bus.clone()), companions);
        bus
    }

    /// From now on, the deed is done when the bus runs it.
    fn arm(&self) {
        let mut state = lock(&self.0.state);
        let closed = state.bus.as_ref().is_none_or(|bus| bus.phase() == Phase::Closed);
        if let Some(companions) = state.companions.take_if(|_| !closed) {
            // Destructors that run here may ask whether the deed is armed.
            drop(state);
            let companions = companions.rested();
            state = lock(&self.0.state);
            state.companions = Some(companions);
        }
        state.armed = true;
    }

    /// The user code.
    fn run(&self) {
        let bus = {
            let mut state = lock(&self.0.state);
            if !std::mem::take(&mut state.armed) {
                return;
            }
            state.bus.clone().expect("a place has a bus")
        };
        let done = catch_unwind(AssertUnwindSafe(|| (self.0.code.run)(&bus)));
        let mut state = lock(&self.0.state);
        (state.ran, state.panicked) = (true, done.as_ref().err().map(|panic| said(&**panic)));
        // The deed may itself have woken readers, and replaced the callback.
        let concerned = if done.is_ok() { state.companions.take() } else { None };
        drop(state);
        drop(concerned);
        done.unwrap_or_else(|panic| resume_unwind(panic));
    }

    /// The message of the panic, if the deed has panicked.
    fn panicked(&self) -> Option<String> {
        lock(&self.0.state).panicked.clone()
    }

    fn has_run(&self) -> bool {
        lock(&self.0.state).ran
    }
}

impl fmt::Debug for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deed")
    }
}

impl Companions {
    fn on(bus: &Bus, company: Company) -> Self {
        let everything = bus.subscriber("company").late();
        match company {
            Company::Full => {
                let all = everything.capacity(0).subscribe();
                let reported = Log::new();
                let log = reported.clone();
                bus.on_drop(move |dropped| log.push(dropped.clone()));
                Self::Full { all, reported }
            }
            Company::Reader => Self::sleeping(everything.capacity(usize::MAX).subscribe()),
        }
    }

    fn sleeping(mut all: Subscription<AnyEvent>) -> Self {
        let (wakes, waker) = Wakes::new();
        let mut sleeps = all.recv();
        assert!(poll_with(&mut sleeps, &waker).is_pending());
        // So that the bus keeps the waker.
        forget(sleeps);
        Self::Reader { all, wakes }
    }

    /// A reader that was woken sleeps again, until more arrives.
    fn rested(self) -> Self {
        match self {
            Self::Reader { mut all, wakes } if wakes.count() > 0 => {
                let _ = all.try_iter().count();
                Self::sleeping(all)
            }
            restful => restful,
        }
    }

    /// Checks that they missed nothing.
    fn assert_untouched(&self) {
        match self {
            Self::Full { all, reported } => {
                let reported = reported.take();
                let to_them = reported.iter().filter(|dropped| dropped.subscriber() == "company");
                let lost = all.ledger().lost();
                assert_eq!(to_them.count() as u64, lost, "each loss is reported");
            }
            Self::Reader { all, wakes } => {
                assert!(all.is_empty() || wakes.count() > 0, "nobody is left asleep");
            }
        }
    }
}

/// Tries everything in each of these places, alone and in each of these companies, and lists all
/// failures.
fn try_everything(places: &[Place], companies: &[Company]) {
    let mut wrong = Vec::new();
    let mut attempt = |place: &Place, code: Code, company| {
        if let Err(panic) = catch_unwind(|| try_deed(place, code, company)) {
            let (what, said) = (code.name, said(&*panic));
            wrong.push(format!("{}, {what}, in company of {company:?}: {said}", place.name));
        }
    };
    for place in places {
        for company in std::iter::once(None).chain(companies.iter().copied().map(Some)) {
            for code in [Code::PANICKING, Code::PANICKING_TWICE, Code::WAITING] {
                attempt(place, code, company);
            }
        }
        for &(name, run) in APIS {
            attempt(place, Code { name, panics: false, run }, None);
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

/// The text of a panic, if it has one.
fn said(panic: &(dyn Any + Send)) -> String {
    let literal = || panic.downcast_ref::<&str>().map_or("?", |text| text);
    panic.downcast_ref::<String>().map_or_else(|| literal().to_owned(), String::clone)
}

/// A panic payload that itself panics when dropped.
struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("expected: a payload panics");
    }
}

fn try_deed(place: &Place, code: Code, company: Option<Company>) {
    let Place { name, panic, run } = *place;
    in_time(&format!("{name}, {}", code.name), move || {
        let deed = Deed::new(code, company);
        let payload = catch_unwind(AssertUnwindSafe(|| run(&deed))).err();
        assert!(deed.has_run(), "it is not run");
        match (payload, deed.panicked()) {
            // It is the place's own, and says what is wrong.
            (Some(payload), None) => resume_unwind(payload),
            (_, Some(said)) if !code.panics => panic!("the user's code panics: {said}"),
            (Some(payload), Some(_)) => {
                forget(payload);
                assert_eq!(panic, Reaches::Caller, "the panic gets out");
            }
            (None, Some(_)) => assert_eq!(panic, Reaches::Nobody, "the panic gets lost"),
            (None, None) => assert!(!code.panics, "there is no panic"),
        }
        assert_works(&deed);
    });
}

/// The bus still works, unless the deed has closed it.
fn assert_works(deed: &Deed) {
    let (bus, companions) = {
        let mut state = lock(&deed.0.state);
        (state.bus.take().expect("a place has a bus"), state.companions.take())
    };
    assert!(bus.snapshot().balances());
    companions.iter().for_each(|companions| companions.assert_untouched());
    if bus.phase() == Phase::Closed {
        assert!(bus.publish(Tick(0)).closed());
        return;
    }
    bus.start();
    let mut ticks = bus.subscriber("after").late().subscribe::<Tick>();
    let mut after = bus.subscriber("after").late().responder::<Ask>();
    let (wakes, waker) = Wakes::new();
    let mut recv = ticks.recv();
    assert!(poll_with(&mut recv, &waker).is_pending());
    assert!(bus.publish(Tick(7)).delivered() >= 1);
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut recv).is_ready());
    let mut gather = bus.request(Ask).expect(["after"]).gather();
    assert!(poll(&mut gather).is_pending());
    after.try_recv().unwrap().respond(Answer(1));
    assert!(poll(&mut gather).is_ready());
    drop(gather);
    assert!(bus.snapshot().balances());
}
