//! The expansions against a stand-in for the core, which shows what they ask of it.

use board::__private::{Interest, Scope, Taken};
use board::{Coalesce, Event, EventSet, Member, Priority, Request};

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
        len: usize,
        of: PhantomData<E>,
    }

    impl<E> Abilities<E> {
        pub(crate) const fn new() -> Self {
            let calls = [""; 5];
            Self { calls, len: 0, of: PhantomData }
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

        pub(crate) fn calls(&self) -> &[&'static str] {
            &self.calls[..self.len]
        }
    }

    pub(crate) trait Member {
        fn interest() -> __private::Interest;
        fn take(taken: __private::Taken) -> Self;
        fn scope(item: &Self) -> __private::Scope;
    }

    pub(crate) trait EventSet {
        type Item;
        type Ref<'a>: From<Self::Item>;
        type Lent<'a>: Iterator<Item = Self::Ref<'a>>;
        fn interest() -> __private::Interest;
        fn item(taken: __private::Taken) -> Self::Item;
        fn scope(item: &Self::Item) -> __private::Scope;
    }

    pub(crate) mod __private {
        use super::{Abilities, Coalesce, PhantomData};

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
    assert_eq!(Plain::ABILITIES.calls(), [""; 0]);
    assert_eq!(Found::ABILITIES.calls(), ["coalesce", "high", "retain"]);
    assert_eq!(Asserted::ABILITIES.calls(), ["coalesce", "priority_by"]);
    assert_eq!(Check::ABILITIES.calls(), ["low", "retain", "request"]);
}

/// Holds whatever was taken for it.
#[derive(Debug)]
struct Held<const AT: usize>(usize);

impl<const AT: usize> Member for Held<AT> {
    fn interest() -> Interest {
        Interest(vec![["a", "b", "c"][AT]])
    }

    fn take(taken: Taken) -> Self {
        Self(taken.member())
    }

    fn scope(_: &Self) -> Scope {
        Scope(["a", "b", "c"][AT])
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

#[test]
fn scope_is_that_of_the_member_held() {
    let scopes = [Inbox::First(Held(0)), Inbox::Second(Held(1)), Inbox::Last(Held(2))]
        .map(|item| Inbox::scope(&item));
    assert_eq!(scopes, [Scope("a"), Scope("b"), Scope("c")]);
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
