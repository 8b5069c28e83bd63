//! Nothing but absolute paths: no import of ours is in scope, and the names of our own items
//! and of the prelude's are taken.

#[derive(Debug, ::callboard::Event)]
struct Probe;

#[derive(Debug, ::callboard::Event)]
struct Abilities;

#[derive(Debug, ::callboard::Event)]
#[event(priority = NotCoalescing::of)]
struct NotCoalescing;

impl NotCoalescing {
    const fn of(&self) -> ::callboard::Priority {
        let Self = self;
        ::callboard::Priority::Low
    }
}

#[derive(Debug, ::callboard::Request)]
#[request(response = Probe, priority = high)]
struct Option;

#[derive(Debug, ::callboard::EventSet)]
enum Member {
    Result(::callboard::Delivery<Probe>),
    Some(::callboard::Call<Option>),
}

mod callboard {}

#[test]
fn expansion_needs_no_name_in_scope() {
    use ::callboard::{Event as _, EventSet};

    fn set<S: EventSet>() {}
    set::<Member>();
    assert_eq!(Probe::TYPE, "probe");
    assert_eq!(Abilities::TYPE, "abilities");
    assert_eq!(NotCoalescing::TYPE, "not.coalescing");
    assert_eq!(Option::TYPE, "option");
}
