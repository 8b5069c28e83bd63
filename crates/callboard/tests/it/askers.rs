//! Who asks, as the wiring shows it.

use callboard::Bus;
use callboard::testing::block_on;

use crate::wiring::{AskStock, Counted, Paid, edges};

#[test]
fn asker_has_the_name_of_its_component() {
    let bus = Bus::new();
    let mut asked = bus.responder::<AskStock>("asked");
    let _till = bus.publisher::<Paid>("till");
    bus.start();
    let asking = std::thread::spawn({
        let bus = bus.clone();
        move || bus.request(AskStock).asker("till").expect(["asked"]).gather_blocking().unwrap()
    });
    let call = block_on(asked.recv()).unwrap();
    // A hand-written loop asks under its own name, and so do its helpers.
    for nested in [call.request(AskStock), call.context().request(AskStock, "helper 1")] {
        assert!(!nested.expect(["nobody"]).gather_blocking().unwrap().is_complete());
    }
    // A name that may be another for each request is no component.
    let request = bus.request(AskStock).asker("session 1").expect(["nobody"]);
    assert!(!request.gather_blocking().unwrap().is_complete());
    call.respond(Counted);
    asking.join().unwrap();
    assert_eq!(
        edges(&bus.wiring()),
        [
            "(unnamed) collects counted",
            "(unnamed) asks stock.ask",
            "asked replies with counted",
            "asked collects counted",
            "asked asks stock.ask",
            "asked answers stock.ask",
            "till collects counted",
            "till publishes paid?",
            "till asks stock.ask",
        ]
    );
}
