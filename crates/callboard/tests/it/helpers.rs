//! Nested requests by helpers, which have a call's context but not the call: they count as its own.

use callboard::Call;
use callboard::testing::block_on;

use crate::cycles::{Answer, Ask, by_hand, call_in_hand, cycle};
use crate::support::{Log, forget, in_time, poll};

#[test]
fn helper_of_an_answered_call_keeps_its_responder_from_nothing() {
    let (bus, [mut a, mut b]) = by_hand(["a", "b"]);
    let first = call_in_hand(&bus, &mut a);
    b.try_iter().for_each(drop);
    let mut helping = first.context().request(Ask(vec![]), "helper").expect(["b"]).gather();
    assert!(poll(&mut helping).is_pending());
    let of_b = b.try_recv().unwrap();
    first.respond(Answer);
    a.try_iter().for_each(drop);
    let _next = call_in_hand(&bus, &mut a);
    let mut back = of_b.request(Ask(vec![])).expect(["a"]).gather();
    assert!(poll(&mut back).is_pending(), "`a` is busy with another call only");
    assert!(of_b.askers().iter().map(|asker| &*asker.name).eq(["helper"]));
}

#[test]
fn helper_of_a_served_call_that_asks_its_responder_is_a_cycle() {
    in_time("a helper that asks its own responder", || {
        let (bus, [a]) = by_hand(["a"]);
        let mut asking = bus.request(Ask(vec![])).expect(["a"]).gather();
        assert!(poll(&mut asking).is_pending());
        let ended = Log::new();
        let serving = a.serve(async |call: Call<Ask>| {
            let nested = call.context().request(Ask(vec![]), "helper").expect(["a"]).gather();
            let helping = std::thread::spawn(move || block_on(nested));
            ended.push(helping.join().unwrap().unwrap_err());
            call.respond(Answer);
        });
        let mut serving = Box::pin(serving);
        while poll(&mut asking).is_pending() {
            assert!(poll(&mut serving).is_pending());
        }
        assert_eq!(ended.take(), [cycle(&["a", "a"])]);
    });
}

#[test]
fn helper_of_a_call_that_is_being_answered_is_in_no_circle() {
    let (bus, [mut a, mut b]) = by_hand(["a", "b"]);
    let _full = bus.subscriber("full").late().capacity(0).subscribe::<Answer>();
    let of_a = call_in_hand(&bus, &mut a);
    b.try_iter().for_each(drop);
    let mut nested = of_a.request(Ask(vec![])).expect(["b"]).gather();
    assert!(poll(&mut nested).is_pending());
    a.try_iter().for_each(drop);
    let of_b = b.try_recv().unwrap();
    let (context, asked) = (of_b.context(), Log::new());
    let log = asked.clone();
    // The answer does not fit: the callback runs before it has arrived.
    bus.on_drop(move |_| {
        let mut gather = context.request(Ask(vec![]), "helper").expect(["a"]).gather();
        log.push(poll(&mut gather).is_pending());
        forget(gather);
    });
    of_b.respond(Answer);
    assert_eq!(asked.take(), [true], "`a` will have its answer");
    assert!(poll(&mut nested).is_ready());
}
