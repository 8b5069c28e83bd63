//! The expansions against a stand-in for the core, which shows what they ask of it.

use board::__private::{Interest, LentTaken, Receipt, Scope, Taken};
use board::{
    Coalesce, Event, EventSet, FieldContract, Member, Metadata, Priority, Received, Request,
};

/// What the expansions name, and nothing else.
mod board {
    use std::marker::PhantomData;

    pub(crate) trait Event: Sized {
        const TYPE: &'static str;
        const ABILITIES: Abilities<Self>;
    }

    pub(crate) trait Request: Event {
        type Response;
    }

    pub(crate) trait Coalesce: Event {}

    #[derive(Clone, Copy)]
    pub(crate) enum Priority {
        High,
        Low,
    }

    /// The calls that made it, in order.
    pub(crate) struct Abilities<E> {
        calls: [&'static str; 5],
        contract: Option<&'static Contract>,
        len: usize,
        of: PhantomData<E>,
    }

    impl<E> Abilities<E> {
        pub(crate) const fn new() -> Self {
            let calls = [""; 5];
            Self { calls, contract: None, len: 0, of: PhantomData }
        }

        const fn then(mut self, call: &'static str) -> Self {
            self.calls[self.len] = call;
            self.len += 1;
            self
        }

        pub(crate) const fn coalesce(self) -> Self
        where
            E: Coalesce,
        {
            self.then("coalesce")
        }

        pub(crate) const fn priority(self, priority: Priority) -> Self {
            self.then(match priority {
                Priority::High => "high",
                Priority::Low => "low",
            })
        }

        pub(crate) const fn priority_by(self, _: fn(&E) -> Priority) -> Self {
            self.then("priority_by")
        }

        pub(crate) const fn retain(self) -> Self {
            self.then("retain")
        }

        pub(crate) const fn request(self) -> Self {
            self.then("request")
        }

        pub(crate) const fn contract(mut self, contract: &'static Contract) -> Self {
            self.contract = Some(contract);
            self.then("contract")
        }

        pub(crate) fn calls(&self) -> &[&'static str] {
            &self.calls[..self.len]
        }

        pub(crate) fn described(&self) -> Option<&'static Contract> {
            self.contract
        }
    }

    #[derive(Debug)]
    pub(crate) struct Contract {
        pub(crate) doc: &'static str,
        pub(crate) fields: &'static [FieldContract],
        pub(crate) variants: &'static [VariantContract],
    }

    #[derive(Debug, PartialEq, Eq)]
    pub(crate) struct FieldContract(pub(crate) [&'static str; 3]);

    #[derive(Debug)]
    pub(crate) struct VariantContract {
        pub(crate) name: &'static str,
        pub(crate) doc: &'static str,
        pub(crate) fields: &'static [FieldContract],
    }

    impl Contract {
        pub(crate) const fn new(doc: &'static str) -> Self {
            Self { doc, fields: &[], variants: &[] }
        }

        pub(crate) const fn with_fields(mut self, fields: &'static [FieldContract]) -> Self {
            self.fields = fields;
            self
        }

        pub(crate) const fn with_variants(mut self, variants: &'static [VariantContract]) -> Self {
            self.variants = variants;
            self
        }
    }

    impl FieldContract {
        pub(crate) const fn new(name: &'static str, ty: &'static str, doc: &'static str) -> Self {
            Self([name, ty, doc])
        }
    }

    impl VariantContract {
        pub(crate) const fn new(name: &'static str, doc: &'static str) -> Self {
            Self { name, doc, fields: &[] }
        }

        pub(crate) const fn with_fields(mut self, fields: &'static [FieldContract]) -> Self {
            self.fields = fields;
            self
        }
    }

    #[derive(Debug, PartialEq, Eq)]
    pub(crate) struct Metadata(pub(crate) &'static str);

    pub(crate) trait Received {
        fn metadata(&self) -> Metadata;
        fn receipt(&self) -> Option<&__private::Receipt>;
    }

    pub(crate) trait Member: Sized {
        type Ref<'a>: From<Self> + Received;
        fn interest() -> __private::Interest;
        fn take(taken: __private::Taken) -> Self;
        fn lent(taken: __private::LentTaken<'_>) -> Self::Ref<'_>;
        fn keep(lent: Self::Ref<'_>) -> Self;

        fn received<'a>(lent: &'a Self::Ref<'_>) -> &'a dyn Received {
            lent
        }
        fn scope(item: &Self) -> __private::Scope;
        fn metadata(item: &Self) -> Metadata;
        fn receipt(item: &Self) -> Option<&__private::Receipt>;
    }

    pub(crate) trait EventSet {
        type Item;
        type Ref<'a>: From<Self::Item>;
        type Lent<'a>: Iterator<Item = Self::Ref<'a>>;
        fn interest() -> __private::Interest;
        fn item(taken: __private::Taken) -> Self::Item;
        fn lent(taken: __private::LentTaken<'_>) -> Self::Ref<'_>;
        fn keep(lent: Self::Ref<'_>) -> Self::Item;
        fn scope(item: &Self::Item) -> __private::Scope;
    }

    #[derive(Debug)]
    pub(crate) struct Delivery<E>(pub(crate) usize, pub(crate) PhantomData<E>);

    #[derive(Debug)]
    pub(crate) struct EventRef<'a, E>(
        pub(crate) Result<&'a usize, usize>,
        pub(crate) PhantomData<E>,
    );

    impl<E> EventRef<'_, E> {
        pub(crate) fn keep(self) -> Delivery<E> {
            Delivery(self.0.map_or_else(|owned| owned, |lent| *lent), PhantomData)
        }
    }

    impl<E> From<Delivery<E>> for EventRef<'_, E> {
        fn from(delivery: Delivery<E>) -> Self {
            Self(Err(delivery.0), PhantomData)
        }
    }

    impl<E> Received for EventRef<'_, E> {
        fn metadata(&self) -> Metadata {
            Metadata("event")
        }

        fn receipt(&self) -> Option<&__private::Receipt> {
            None
        }
    }

    impl<E: 'static> Member for Delivery<E> {
        type Ref<'a> = EventRef<'a, E>;

        fn interest() -> __private::Interest {
            __private::Interest(vec!["event"])
        }

        fn take(taken: __private::Taken) -> Self {
            Self(taken.member(), PhantomData)
        }

        fn lent(taken: __private::LentTaken<'_>) -> EventRef<'_, E> {
            EventRef(Ok(taken.0), PhantomData)
        }

        fn keep(lent: EventRef<'_, E>) -> Self {
            lent.keep()
        }

        fn scope(_: &Self) -> __private::Scope {
            __private::Scope("event")
        }

        fn metadata(_: &Self) -> Metadata {
            Metadata("event")
        }

        fn receipt(_: &Self) -> Option<&__private::Receipt> {
            None
        }
    }

    pub(crate) mod __private {
        use super::{Abilities, Coalesce, PhantomData};

        #[derive(Debug, PartialEq)]
        pub(crate) struct Receipt(pub(crate) &'static str);

        pub(crate) struct Probe<E>(PhantomData<E>);

        impl<E: Coalesce> Probe<E> {
            pub(crate) const ABILITIES: Abilities<E> = Abilities::new().coalesce();
        }

        pub(crate) trait NotCoalescing<E> {
            const ABILITIES: Abilities<E> = Abilities::new();
        }

        impl<E> NotCoalescing<E> for Probe<E> {}

        pub(crate) struct Interest(pub(crate) Vec<&'static str>);

        impl Interest {
            pub(crate) fn members<const N: usize>(members: [Self; N]) -> Self {
                Self(members.into_iter().flat_map(|it| it.0).collect())
            }
        }

        pub(crate) struct Taken(pub(crate) usize);

        impl Taken {
            pub(crate) const fn member(&self) -> usize {
                self.0
            }
        }

        pub(crate) struct LentTaken<'a>(pub(crate) &'a usize);

        impl LentTaken<'_> {
            pub(crate) const fn member(&self) -> usize {
                *self.0
            }
        }

        #[derive(Debug, PartialEq, Eq)]
        pub(crate) struct Scope(pub(crate) &'static str);
    }
}

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
