//! Declining: the reason may come from the request, and the request may outlive the call.

use std::thread;

use callboard::{Bus, Delivery, Event, Outcome, Request};

use crate::support::{Census, Token, poll, soon};

#[derive(Debug, Event)]
struct Verdict;

#[derive(Debug, Request)]
#[request(response = Verdict)]
struct Validate {
    name: String,
    _token: Token,
}

/// Asks `validator`, which runs `act`, and returns its outcome.
fn asked(act: impl FnOnce(callboard::Call<Validate>)) -> Option<Outcome> {
    let (bus, census) = (Bus::new(), Census::default());
    let mut validator = bus.responder::<Validate>("validator");
    bus.start();
    let request = Validate { name: "web".to_owned(), _token: census.token() };
    let mut gather = bus.request(request).expect(["validator"]).gather();
    assert!(poll(&mut gather).is_pending());
    act(validator.try_recv().unwrap());
    assert_eq!(census.alive(), 0, "nobody has the request any more");
    soon("the request", gather).unwrap().outcome("validator")
}

#[test]
fn reason_may_be_made_from_the_request() {
    let declined = |reason: &str| Some(Outcome::Declined(reason.into()));
    let made = asked(|call| call.decline_with(|request| format!("`{}` is too long", request.name)));
    assert_eq!(made, declined("`web` is too long"));
    assert_eq!(asked(|call| call.decline_with(|_| "no")), declined("no"));
}

#[test]
fn reason_that_can_not_be_made_abandons_the_call() {
    let outcome = asked(|call| {
        let thread = thread::spawn(move || {
            call.decline_with(|request| -> String { panic!("expected: on {}", request.name) });
        });
        assert!(thread.join().is_err());
    });
    assert_eq!(outcome, Some(Outcome::Abandoned));
}

#[test]
fn request_may_be_kept_beyond_its_call() {
    for declines in [true, false] {
        let (bus, census) = (Bus::new(), Census::default());
        let mut validator = bus.subscriber("validator").capacity(1).responder::<Validate>();
        bus.start();
        let ask = |name: &str| {
            let request = Validate { name: name.to_owned(), _token: census.token() };
            let mut gather = bus.request(request).expect(["validator"]).gather();
            drop(poll(&mut gather));
            gather
        };
        let [_first, _lost] = ["first", "lost"].map(ask);
        drop(validator.try_recv().unwrap());
        let gather = ask("third");
        let call = validator.try_recv().unwrap();
        let kept: Delivery<Validate> = call.delivery();
        if declines {
            call.decline("no");
        } else {
            call.respond(Verdict);
        }
        assert_eq!((&*kept.name, kept.sequence(), kept.missed()), ("third", 3, 1));
        let declined = Outcome::Declined("no".into());
        let outcome = soon("the request", gather).unwrap().outcome("validator");
        assert_eq!(outcome, Some(if declines { declined } else { Outcome::Responded }));
        drop((kept, validator, bus));
        assert_eq!(census.alive(), 0);
    }
}
