//! The trait of what can be subscribed to: one type, everything, or a set of types as an enum.

use std::iter::Empty;

use crate::engine::{LentEvents, LentTaken, Reader, Scope, Taken};
use crate::error::TryRecvError;
use crate::event::{
    AnyEvent, AnyEventRef, Delivery, Event, EventRef, Metadata, Receipt, Received, TypeInfo,
};
use crate::log::Moment;
use crate::registry::{Interest, MemberInterest, Role, Wanted};

/// A type that can be subscribed to.
///
/// - An [`Event`] type: the item is a [`Delivery`] of it.
/// - [`AnyEvent`]: all published events.
/// - [`Call<Q>`](crate::Call): the requests of type `Q`; the subscriber is a responder.
/// - An enum with `#[derive(EventSet)]` whose variants each hold a `Delivery<E>` or a `Call<Q>`: a
///   component's whole inbox as one type, matched exhaustively, in publication order. The item is
///   the enum itself. If one variant holds a `Call<Q>`, subscribing also signs in as a responder.
///
/// Implement it only with the derive; its methods are not part of the stable interface.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Call, Delivery, Event, EventSet, Request};
///
/// #[derive(Debug, Event)]
/// struct ConfigParsed { version: u64 }
///
/// #[derive(Debug, Event)]
/// struct ResourceChanged { name: &'static str }
///
/// #[derive(Debug, Event)]
/// struct Verdict { valid: bool }
///
/// #[derive(Debug, Request)]
/// #[request(type = "config.validate", response = Verdict)]
/// struct ValidateConfig;
///
/// #[derive(Debug, EventSet)]
/// enum Inbox {
///     Config(Delivery<ConfigParsed>),
///     Changed(Delivery<ResourceChanged>),
///     Ask(Call<ValidateConfig>),
/// }
///
/// let bus = Bus::new();
/// let mut inbox = bus.subscribe::<Inbox>("basic");      // also signs in as responder "basic"
/// bus.start();
/// bus.publish(ResourceChanged { name: "web" });
/// bus.publish(ConfigParsed { version: 1 });
///
/// let mut seen = Vec::new();
/// for item in inbox.try_iter() {
///     match item {
///         Inbox::Config(config) => seen.push(format!("version {}", config.version)),
///         Inbox::Changed(change) => seen.push(change.name.to_owned()),
///         Inbox::Ask(call) => call.respond(Verdict { valid: true }),
///     }
/// }
/// assert_eq!(seen, ["web", "version 1"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be subscribed to",
    label = "neither an event, nor `AnyEvent`, nor a set of events",
    note = "derive `Event` for an event type, `EventSet` for an enum of `Delivery<E>` and `Call<Q>`"
)]
pub trait EventSet: Sized + 'static {
    /// The item that a subscription returns.
    type Item: Received + Send + 'static;

    /// The item that a [`Batch`](crate::Batch) lends: an [`EventRef`] for one type, an
    /// [`AnyEventRef`] for everything. For an enum that holds deliveries, it is an enum of the same
    /// variants, whose name ends in `Ref`; for one that holds calls only, the enum itself. A function
    /// for what any subscription lends takes a `&impl Received`.
    type Ref<'a>: From<Self::Item> + Received;

    #[doc(hidden)]
    type Lent<'a>: Iterator<Item = Self::Ref<'a>>;

    /// Whether this is a single type whose events are read from its log.
    #[doc(hidden)]
    const TAKES_LOGGED: bool = false;

    #[doc(hidden)]
    fn interest() -> Interest;

    #[doc(hidden)]
    fn item(taken: Taken) -> Self::Item;

    #[doc(hidden)]
    fn take_logged(reader: &mut Reader, now: Moment) -> Option<Self::Item> {
        let _ = (reader, now);
        None
    }

    /// Takes the next item of a reader that has no log.
    #[doc(hidden)]
    #[inline]
    fn take_locked(reader: &mut Reader, now: Moment) -> Result<Self::Item, TryRecvError> {
        reader.finish_and_take(now).map(Self::item)
    }

    /// Takes the next item of a batch that is not lent.
    #[doc(hidden)]
    fn take_in_batch(reader: &mut Reader, now: Moment) -> Result<Self::Item, TryRecvError> {
        reader.take_in_batch(now).map(Self::item)
    }

    #[doc(hidden)]
    fn lend(reader: &mut Reader, now: Moment) -> Option<Self::Lent<'_>> {
        let _ = (reader, now);
        None
    }

    #[doc(hidden)]
    fn lent(taken: LentTaken<'_>) -> Self::Ref<'_>;

    /// Keeps a lent item beyond its batch, for code that is generic over sets; otherwise, it has a
    /// method `keep`.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event, EventSet, Subscription};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick(u32);
    ///
    /// fn take_all<S: EventSet>(inbox: &mut Subscription<S>) -> Vec<S::Item> {
    ///     inbox.try_recv_batch().into_iter().flatten().map(S::keep).collect()
    /// }
    ///
    /// let bus = Bus::new();
    /// let mut ticks = bus.subscribe::<Tick>("clock");
    /// bus.start();
    /// bus.publish(Tick(1));
    /// assert_eq!(take_all(&mut ticks)[0].0, 1);
    /// ```
    fn keep(lent: Self::Ref<'_>) -> Self::Item;

    #[doc(hidden)]
    fn scope(item: &Self::Item) -> Scope;
}

/// What a variant of an [`EventSet`] may hold: a [`Delivery<E>`](Delivery) or a
/// [`Call<Q>`](crate::Call).
#[diagnostic::on_unimplemented(
    message = "a variant of an event set can't hold `{Self}`",
    label = "expected a `Delivery<E>` or a `Call<Q>`",
    note = "wrap the event type: `Delivery<{Self}>`"
)]
pub trait Member: Sized + Send + 'static {
    /// What a [`Batch`](crate::Batch) lends: an [`EventRef`], or the call itself.
    type Ref<'a>: From<Self> + Received;

    #[doc(hidden)]
    fn interest() -> MemberInterest;

    #[doc(hidden)]
    fn take(taken: Taken) -> Self;

    #[doc(hidden)]
    fn lent(taken: LentTaken<'_>) -> Self::Ref<'_>;

    #[doc(hidden)]
    fn keep(lent: Self::Ref<'_>) -> Self;

    #[doc(hidden)]
    fn received<'a>(lent: &'a Self::Ref<'_>) -> &'a dyn Received {
        lent
    }

    #[doc(hidden)]
    fn scope(item: &Self) -> Scope;

    #[doc(hidden)]
    fn metadata(item: &Self) -> Metadata;

    #[doc(hidden)]
    fn receipt(item: &Self) -> Option<&Receipt>;
}

impl<E: Event> Member for Delivery<E> {
    type Ref<'a> = EventRef<'a, E>;

    fn interest() -> MemberInterest {
        MemberInterest::of::<E>(Role::Observe)
    }

    #[inline(always)]
    fn take(taken: Taken) -> Self {
        taken.into_delivery()
    }

    #[inline]
    fn lent(taken: LentTaken<'_>) -> EventRef<'_, E> {
        taken.into_event()
    }

    fn keep(lent: EventRef<'_, E>) -> Self {
        lent.keep()
    }

    fn scope(item: &Self) -> Scope {
        Scope::of_event(TypeInfo::of::<E>(), item.stamp())
    }

    fn metadata(item: &Self) -> Metadata {
        Received::metadata(item)
    }

    fn receipt(item: &Self) -> Option<&Receipt> {
        Received::receipt(item)
    }
}

impl<E: Event> EventSet for E {
    type Item = Delivery<E>;
    type Ref<'a> = EventRef<'a, E>;
    type Lent<'a> = LentEvents<'a, E>;

    const TAKES_LOGGED: bool = true;

    #[inline]
    fn take_logged(reader: &mut Reader, now: Moment) -> Option<Delivery<E>> {
        reader.take_logged(now)
    }

    #[inline]
    fn take_locked(reader: &mut Reader, now: Moment) -> Result<Delivery<E>, TryRecvError> {
        reader.finish_and_take_one(now)
    }

    fn take_in_batch(reader: &mut Reader, now: Moment) -> Result<Delivery<E>, TryRecvError> {
        reader.take_one_in_batch(now)
    }

    #[inline]
    fn lend(reader: &mut Reader, now: Moment) -> Option<LentEvents<'_, E>> {
        reader.lend(now)
    }

    fn interest() -> Interest {
        Interest::members([MemberInterest::of::<E>(Role::Observe)])
    }

    #[inline]
    fn item(taken: Taken) -> Delivery<E> {
        taken.into_delivery()
    }

    fn lent(taken: LentTaken<'_>) -> EventRef<'_, E> {
        taken.into_event()
    }

    fn keep(lent: EventRef<'_, E>) -> Delivery<E> {
        lent.keep()
    }

    fn scope(item: &Delivery<E>) -> Scope {
        Scope::of_event(TypeInfo::of::<E>(), item.stamp())
    }
}

impl EventSet for AnyEvent {
    type Item = Self;
    type Ref<'a> = AnyEventRef<'a>;
    type Lent<'a> = Empty<AnyEventRef<'a>>;

    fn interest() -> Interest {
        Interest(Wanted::Everything)
    }

    #[inline]
    fn lent(taken: LentTaken<'_>) -> AnyEventRef<'_> {
        taken.into_any()
    }

    fn keep(lent: AnyEventRef<'_>) -> Self {
        lent.keep()
    }

    #[inline]
    fn item(taken: Taken) -> Self {
        taken.into_any()
    }

    fn scope(item: &Self) -> Scope {
        Scope::of_event(item.info(), item.stamp())
    }
}
