//! The expansions against a stand-in for the core, which shows what they ask of it.

use board::__private::{Interest, LentTaken, Receipt, Scope, Taken};
use board::{
    Coalesce, Event, EventSet, FieldContract, Member, Metadata, Priority, Received, Request,
};

/// What the expansions name, and nothing else.
mod board;

#[derive(callboard::Event)]
#[event(crate = board)]
struct Plain;

#[derive(callboard::Event)]
#[event(crate = board, retain, priority = high)]
struct Found;

impl Coalesce for Found {}

#[derive(callboard::Event)]
#[event(crate = board, priority = Self::urgency, coalesce)]
struct Asserted;

impl Coalesce for Asserted {}

impl Asserted {
    const fn urgency(&self) -> Priority {
        let Self = self;
        Priority::High
    }
}

#[derive(callboard::Request)]
#[request(crate = board, response = Plain)]
#[event(retain, priority = low)]
struct Check;

#[test]
fn abilities_are_asked_for_in_order() {
    assert_eq!(Plain::ABILITIES.calls(), ["contract"]);
    assert_eq!(Found::ABILITIES.calls(), ["coalesce", "high", "retain", "contract"]);
    assert_eq!(Asserted::ABILITIES.calls(), ["coalesce", "priority_by", "contract"]);
    assert_eq!(Check::ABILITIES.calls(), ["low", "retain", "contract", "request"]);
}

/// A struct.
#[derive(callboard::Event)]
#[event(crate = board)]
struct Described {
    /// A field.
    _field: Vec<u8>,
}

#[derive(callboard::Event)]
#[event(crate = board)]
#[expect(dead_code, reason = "only its contract matters")]
enum Cases {
    /// A variant.
    One(u8),
    Other,
}

#[test]
fn contract_has_only_what_there_is() {
    let plain = Plain::ABILITIES.described().expect("it has one");
    assert_eq!((plain.doc, plain.fields.len(), plain.variants.len()), ("", 0, 0));
    let described = Described::ABILITIES.described().expect("it has one");
    assert_eq!(described.doc, "A struct.");
    assert_eq!(described.fields, [FieldContract(["_field", "Vec<u8>", "A field."])]);
    assert!(described.variants.is_empty());
    let cases = Cases::ABILITIES.described().expect("it has one");
    assert!(cases.fields.is_empty());
    let variants: Vec<_> = cases.variants.iter().map(|it| (it.name, it.doc, it.fields)).collect();
    let one: &[_] = &[FieldContract(["0", "u8", ""])];
    assert_eq!(variants, [("One", "A variant.", one), ("Other", "", &[])]);
}

/// Holds whatever was taken for it.
#[derive(Debug)]
struct Held<const AT: usize>(usize);

impl<const AT: usize> Received for Held<AT> {
    fn metadata(&self) -> Metadata {
        <Self as Member>::metadata(self)
    }

    fn receipt(&self) -> Option<&Receipt> {
        <Self as Member>::receipt(self)
    }
}

impl<const AT: usize> Member for Held<AT> {
    type Ref<'a> = Self;

    fn interest() -> Interest {
        Interest(vec![["a", "b", "c"][AT]])
    }

    fn take(taken: Taken) -> Self {
        Self(taken.member())
    }

    fn lent(taken: LentTaken<'_>) -> Self {
        Self(taken.member())
    }

    fn keep(lent: Self) -> Self {
        lent
    }

    fn scope(_: &Self) -> Scope {
        Scope(["a", "b", "c"][AT])
    }

    fn metadata(_: &Self) -> Metadata {
        Metadata(["a", "b", "c"][AT])
    }

    fn receipt(_: &Self) -> Option<&Receipt> {
        Some(&[Receipt("a"), Receipt("b"), Receipt("c")][AT])
    }
}

#[derive(Debug, callboard::EventSet)]
#[event_set(crate = board)]
enum Inbox {
    First(Held<0>),
    Second(Held<1>),
    Last(Held<2>),
}

#[derive(Debug, callboard::EventSet)]
#[event_set(crate = board)]
enum Single {
    Only(Held<0>),
}

#[test]
fn set_lists_its_members_in_order() {
    assert_eq!(Inbox::interest().0, ["a", "b", "c"]);
    assert_eq!(Single::interest().0, ["a"]);
}

#[test]
fn item_is_the_variant_of_the_member_taken() {
    assert!(matches!(Inbox::item(Taken(0)), Inbox::First(Held(0))));
    assert!(matches!(Inbox::item(Taken(1)), Inbox::Second(Held(1))));
    assert!(matches!(Inbox::item(Taken(2)), Inbox::Last(Held(2))));
    assert!(matches!(Single::item(Taken(0)), Single::Only(Held(0))));
}

/// A set of which one member can be lent.
#[derive(Debug, callboard::EventSet)]
#[event_set(crate = board)]
enum Mixed {
    Event(board::Delivery<u8>),
    Held(Held<1>),
}

#[test]
fn lent_item_is_the_variant_of_the_member_taken_and_can_be_kept() {
    let (event, held) = (Mixed::lent(LentTaken(&0)), Mixed::lent(LentTaken(&1)));
    assert!(matches!(&event, MixedRef::Event(board::EventRef(Ok(0), _))));
    assert_eq!((event.metadata(), event.receipt()), (Metadata("event"), None));
    assert!(matches!(event.keep(), Mixed::Event(board::Delivery(0, _))));
    assert!(matches!(&held, MixedRef::Held(Held(1))));
    assert_eq!((held.metadata(), held.receipt()), (Metadata("b"), Some(&Receipt("b"))));
    assert!(matches!(held.keep(), Mixed::Held(Held(1))));
    let owned = MixedRef::from(Mixed::Event(Member::take(Taken(0))));
    assert!(matches!(&owned, MixedRef::Event(board::EventRef(Err(0), _))));
    assert!(matches!(<Mixed as EventSet>::keep(owned), Mixed::Event(board::Delivery(0, _))));
}

#[test]
fn set_without_events_is_not_lent() {
    assert!(matches!(Inbox::lent(LentTaken(&0)), Inbox::First(Held(0))));
    assert!(matches!(Inbox::lent(LentTaken(&2)), Inbox::Last(Held(2))));
    assert!(matches!(Single::keep(Single::lent(LentTaken(&0))), Single::Only(Held(0))));
}

#[test]
fn scope_is_that_of_the_member_held() {
    let scopes = [Inbox::First(Held(0)), Inbox::Second(Held(1)), Inbox::Last(Held(2))]
        .map(|item| Inbox::scope(&item));
    assert_eq!(scopes, [Scope("a"), Scope("b"), Scope("c")]);
}

#[test]
fn metadata_is_that_of_the_member_held() {
    let items = [Inbox::First(Held(0)), Inbox::Second(Held(1)), Inbox::Last(Held(2))];
    let receipts = items.each_ref().map(|item| item.receipt());
    assert_eq!(receipts, [&Receipt("a"), &Receipt("b"), &Receipt("c")].map(Some));
    assert_eq!(items.map(|item| item.metadata()), ["a", "b", "c"].map(Metadata));
}

#[test]
fn names_and_answers_are_there() {
    fn answer_of<Q: Request<Response = A>, A: Event>(_: &Q) -> &'static str {
        A::TYPE
    }
    assert_eq!(Found::TYPE, "found");
    assert_eq!(Asserted::TYPE, "asserted");
    assert_eq!(answer_of(&Check), "plain");
}
