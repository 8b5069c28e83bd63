//! The stand-in for the core.

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
pub(crate) struct EventRef<'a, E>(pub(crate) Result<&'a usize, usize>, pub(crate) PhantomData<E>);

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
