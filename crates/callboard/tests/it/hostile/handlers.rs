//! Handlers that `serve` runs.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use callboard::testing::{block_on, settle_within};
use callboard::{Bus, Call, Outcome};

use super::{Answer, Ask, Company, Deed, Place, Reaches, Tick, try_everything};
use crate::support::{Log, OnDrop, forget, in_a_process, in_time, poll, publish_all, soon};

/// A handler's future that does the deed when it is polled, or when it is dropped.
struct Handling {
    polled: Option<Deed>,
    _dropped: Option<OnDrop>,
    ends: bool,
}

impl Handling {
    fn polled(deed: &Deed) -> Self {
        Self { polled: Some(deed.clone()), _dropped: None, ends: true }
    }

    fn dropped(deed: &Deed, ends: bool) -> Self {
        let deed = deed.clone();
        Self { polled: None, _dropped: Some(OnDrop::new(move || deed.run())), ends }
    }
}

impl Future for Handling {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.polled.iter().for_each(Deed::run);
        if self.ends { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Serves two events, the first with this handler's future, in one task with the bus.
fn serve(deed: &Deed, limit: usize, handling: fn(&Deed) -> Handling) {
    let bus = deed.running();
    let ticks = bus.subscriber("served").late().subscribe::<Tick>();
    publish_all(&bus, (0..2).map(Tick));
    let begun = Log::new();
    let log = begun.clone();
    let mut serving = pin!(ticks.serve_concurrent(limit, |tick| {
        log.push(tick.0);
        if tick.0 == 0 {
            handling(deed)
        } else {
            Handling { polled: None, _dropped: None, ends: true }
        }
    }));
    deed.arm();
    poll_twice(&mut serving);
    assert_eq!(begun.take(), [0, 1], "the next event is handled whatever this one did");
}

/// Twice, unless the deed has closed the bus and the future has ended.
fn poll_twice(serving: &mut Pin<&mut impl Future>) {
    if poll(serving).is_pending() {
        let _ = poll(serving);
    }
}

const fn fenced(name: &'static str, run: fn(&Deed)) -> Place {
    Place { name, panic: Reaches::Nobody, run }
}

const PLACES: &[Place] = &[
    fenced("a handler, before its future", |deed| {
        let bus = deed.running();
        let ticks = bus.subscriber("served").late().subscribe::<Tick>();
        publish_all(&bus, (0..2).map(Tick));
        let begun = Log::new();
        let log = begun.clone();
        let mut serving = pin!(ticks.serve(|tick| {
            log.push(tick.0);
            deed.run();
            std::future::ready(())
        }));
        deed.arm();
        poll_twice(&mut serving);
        assert_eq!(begun.take(), [0, 1]);
    }),
    fenced("a handler's future", |deed| serve(deed, 1, Handling::polled)),
    fenced("a handler's future, of several", |deed| serve(deed, 3, Handling::polled)),
    fenced("the destructor of a handler's future", |deed| {
        serve(deed, 1, |deed| Handling::dropped(deed, true));
    }),
    fenced("the destructor of a handler's future that is given up", |deed| {
        serve(deed, 2, |deed| Handling::dropped(deed, false));
    }),
    fenced("a responder's handler", |deed| {
        let bus = deed.running();
        let oracle = bus.subscriber("oracle").late().responder::<Ask>();
        let mut serving = pin!(oracle.serve(async |call: Call<Ask>| {
            deed.run();
            call.respond(Answer(1));
        }));
        let mut gather = bus.request(Ask).expect(["oracle"]).gather();
        assert!(poll(&mut gather).is_pending());
        deed.arm();
        let _ = poll(&mut serving);
        let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("its part is over") };
        let outcome = gathered.outcome("oracle").unwrap();
        assert!(matches!(outcome, Outcome::Responded | Outcome::Abandoned | Outcome::NotAwaited));
    }),
    Place {
        name: "the destructor of what a handler has captured",
        panic: Reaches::Caller,
        run: |deed| {
            let bus = deed.running();
            let ticks = bus.subscriber("served").late().subscribe::<Tick>();
            let last = OnDrop::new({
                let deed = deed.clone();
                move || deed.run()
            });
            let mut serving = Box::pin(ticks.serve(move |_| {
                let _captured = &last;
                async {}
            }));
            assert!(poll(&mut serving).is_pending());
            deed.arm();
            drop(serving);
        },
    },
];

#[test]
fn handlers_do_as_they_like() {
    try_everything(PLACES, &[Company::Full, Company::Reader]);
}

#[test]
fn several_handlers_that_are_given_up_may_panic() {
    in_a_process("hostile::handlers::several_handlers_that_are_given_up_may_panic", || {
        let bus = Bus::new();
        let ticks = bus.subscribe::<Tick>("served");
        bus.start();
        publish_all(&bus, (0..3).map(Tick));
        let mut serving = Box::pin(ticks.serve_concurrent(3, |_| {
            let bomb = OnDrop::new(|| panic!("expected: a handler's destructor panics"));
            async move {
                let _bomb = bomb;
                std::future::pending().await
            }
        }));
        assert!(poll(&mut serving).is_pending());
        drop(serving);
        assert!(bus.snapshot().subscribers.is_empty());
    });
}

/// It would wait for itself: it is named in the error, and its timeout expires.
#[test]
fn handler_that_waits_for_its_own_bus_to_be_done_is_named() {
    in_time("a handler that waits for itself", || {
        let bus = Bus::new();
        let ticks = bus.subscribe::<Tick>("served");
        bus.start();
        bus.publish(Tick(0));
        let (inner, said) = (bus.clone(), Log::new());
        let log = said.clone();
        soon(
            "the service's end",
            ticks.serve(async |_| {
                let settled = block_on(settle_within(&inner, Duration::from_millis(1)));
                log.push(settled.unwrap_err().to_string());
                let drained = block_on(inner.close_and_drain(Duration::from_millis(1)));
                log.push(drained.unwrap_err().to_string());
            }),
        );
        assert!(said.take().iter().all(|said| said.contains("served")));
        assert_eq!(soon("the drain", bus.close_and_drain(Duration::ZERO)), Ok(()));
    });
}

/// Only its asker is affected, and learns of it by the timeout.
#[test]
fn handler_that_forgets_its_call_costs_its_asker_the_timeout() {
    in_time("a handler that forgets its call", || {
        let bus = Bus::new();
        let [forgetful, good] = ["forgetful", "good"].map(|name| bus.responder::<Ask>(name));
        bus.start();
        let mut forgetting = pin!(forgetful.serve(async |call| forget(call)));
        let mut answering = pin!(good.serve(async |call: Call<Ask>| call.respond(Answer(1))));
        let request = bus.request(Ask).expect(["forgetful", "good"]);
        let mut gather = request.timeout(Duration::from_millis(5)).gather();
        assert!(poll(&mut gather).is_pending());
        assert!(poll(&mut forgetting).is_pending() && poll(&mut answering).is_pending());
        let gathered = soon("the timeout", gather).unwrap();
        assert_eq!(gathered.get("good").unwrap().0, 1);
        assert_eq!(gathered.outcome("forgetful"), Some(Outcome::TimedOutHandling));
        assert!(bus.snapshot().requests.open.is_empty());
    });
}
