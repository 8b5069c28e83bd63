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

/// Takes the names of what describes it.
#[derive(Debug, ::callboard::Event)]
#[expect(dead_code, reason = "only its names matter")]
enum Contract {
    VariantContract,
    FieldContract(FieldContract),
}

#[derive(Debug, ::callboard::Event)]
#[expect(dead_code, reason = "only its names matter")]
struct FieldContract {
    concat: ::core::primitive::u8,
}

macro_rules! concat {
    () => {};
}

#[doc = stringify!(of a macro)]
#[derive(Debug, ::callboard::Event)]
struct VariantContract;

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
    assert_eq!(Contract::TYPE, "contract");
    assert_eq!(FieldContract::TYPE, "field.contract");
    assert_eq!(VariantContract::TYPE, "variant.contract");
    concat!();
}
