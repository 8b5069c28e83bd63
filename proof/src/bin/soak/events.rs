//! The event types: one for each way in which the bus treats events. Every event carries its
//! [`Origin`] and a payload that depends on its number, so that a reader can check both.

use std::sync::atomic::{AtomicU64, Ordering};

use callboard::{
    AnyEvent, AnyEventRef, Call, Coalesce, Delivery, Event, EventRef, EventSet, Priority, Received,
    Request,
};

/// Where an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The number of the component that published it.
    pub(crate) publisher: u32,
    /// Its number among the events of that component.
    pub(crate) number: u32,
    pub(crate) priority: Priority,
    /// Whether its publisher published it before it made the next one.
    pub(crate) ordered: bool,
    /// The question that it answers, by publisher and number.
    pub(crate) question: (u32, u32),
}

/// An event of the soak.
pub(crate) trait Sent: 'static {
    fn new(origin: Origin, census: &'static Census) -> Self
    where
        Self: Sized;
    fn kind(&self) -> Kind;
    fn origin(&self) -> Origin;
    /// Whether the value is the one that was published.
    fn is_intact(&self) -> bool;
}

/// A number that depends on the number of an event.
fn checksum(number: u32) -> u32 {
    number.wrapping_mul(0x9e37_79b1) ^ 0x5eed_1e55
}

macro_rules! events {
    ($($(#[$attribute:meta])* $name:ident($payload:ty);)*) => {
        /// The event types by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($name,)*
        }

        impl Kind {
            pub(crate) const ALL: [Self; Self::COUNT] = [$(Self::$name),*];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $name::TYPE,)*
                }
            }
        }

        $(
            #[derive(Debug)]
            $(#[$attribute])*
            pub(crate) struct $name {
                origin: Origin,
                payload: $payload,
                checksum: u32,
            }

            impl Sent for $name {
                fn new(origin: Origin, census: &'static Census) -> Self {
                    let payload = Payload::new(origin.number, census);
                    Self { origin, payload, checksum: checksum(origin.number) }
                }

                fn kind(&self) -> Kind {
                    Kind::$name
                }

                fn origin(&self) -> Origin {
                    self.origin
                }

                fn is_intact(&self) -> bool {
                    let number = self.origin.number;
                    self.checksum == checksum(number) && self.payload.fits(number)
                }
            }
        )*
    };
}

events! {
    /// Plain data: it has no destructor.
    #[derive(Event)] #[event(type = "soak.tick")] Tick(());
    #[derive(Event)] #[event(type = "soak.note")] Note(Life);
    #[derive(Event)] #[event(type = "soak.blob")] Blob(Bytes);
    /// Large, so that a block of the log holds few.
    #[derive(Event)] #[event(type = "soak.slab", priority = low)] Slab(Large);
    /// Coalesces by merging.
    #[derive(Event)] #[event(type = "state.change")] Change(Life);
    /// Coalesces by keeping the latest.
    #[derive(Event)] #[event(type = "state.status", retain)] Status(Bytes);
    #[derive(Event)] #[event(type = "state.leader", retain)] Leader(Life);
    #[derive(Event)] #[event(type = "soak.alarm", priority = Self::urgency)] Alarm(Life);
    #[derive(Request)] #[request(type = "ask.inquiry", response = Verdict)] Inquiry(Life);
    #[derive(Event)] #[event(type = "ask.verdict")] Verdict(Bytes);
}

/// Runs code with a name for the type of a kind.
macro_rules! with_type {
    ($kind:expr, $name:ident => $code:expr) => {
        $crate::events::with_type!(
            $kind, $name => $code, Tick Note Blob Slab Change Status Leader Alarm Inquiry Verdict
        )
    };
    ($kind:expr, $name:ident => $code:expr, $($event:ident)*) => {
        match $kind {
            $($crate::events::Kind::$event => {
                type $name = $crate::events::$event;
                $code
            })*
        }
    };
}
pub(crate) use with_type;

impl Kind {
    pub(crate) const COUNT: usize = 10;

    /// Those that are published, and neither asked nor answered.
    pub(crate) const PUBLISHED: [Self; 8] = {
        let [published @ .., Self::Inquiry, Self::Verdict] = Self::ALL else { unreachable!() };
        published
    };

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The priority of its events, unless they are published with another.
    pub(crate) fn priority(self) -> Priority {
        if self == Self::Slab { Priority::Low } else { Priority::Normal }
    }
}

impl Alarm {
    fn urgency(&self) -> Priority {
        self.origin.priority
    }
}

/// How many keys the events of the coalescing types have.
const KEYS: u32 = 24;

impl Coalesce for Change {
    type Key = u32;

    fn key(&self) -> u32 {
        self.origin.number % KEYS
    }

    fn absorb(&self, older: &Self) -> Option<Self> {
        let intact = older.is_intact() && self.is_intact();
        let checksum = if intact { self.checksum } else { !self.checksum };
        let Life(census) = self.payload;
        Some(Self { origin: self.origin, payload: Life::new(0, census), checksum })
    }
}

impl Coalesce for Status {
    type Key = u32;

    fn key(&self) -> u32 {
        self.origin.number % KEYS
    }
}

/// How many payloads were made and dropped. After the end of a bus the two are equal: no payload
/// leaked, and none was dropped twice.
#[derive(Debug, Default)]
pub(crate) struct Census {
    made: AtomicU64,
    dropped: AtomicU64,
}

impl Census {
    pub(crate) const fn new() -> Self {
        Self { made: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }

    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::SeqCst)
    }
}

/// What an event carries, made from its number.
trait Payload {
    fn new(number: u32, census: &'static Census) -> Self;

    fn fits(&self, _number: u32) -> bool {
        true
    }
}

impl Payload for () {
    fn new(_number: u32, _census: &'static Census) -> Self {}
}

/// A payload that a [`Census`] counts.
#[derive(Debug)]
struct Life(&'static Census);

impl Payload for Life {
    fn new(_number: u32, census: &'static Census) -> Self {
        census.made.fetch_add(1, Ordering::SeqCst);
        Self(census)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// Memory of its own, from no byte to a little more than a page.
type Bytes = (Vec<u8>, Life);
type Large = ([u8; 900], Life);

impl Payload for Bytes {
    fn new(number: u32, census: &'static Census) -> Self {
        let length = if number.is_multiple_of(64) { 5_000 } else { number as usize % 200 };
        (vec![number as u8; length], Life::new(number, census))
    }

    fn fits(&self, number: u32) -> bool {
        let mut ends = self.0.first().into_iter().chain(self.0.last());
        ends.all(|byte| *byte == number as u8)
    }
}

impl Payload for Large {
    fn new(number: u32, census: &'static Census) -> Self {
        ([number as u8; 900], Life::new(number, census))
    }

    fn fits(&self, number: u32) -> bool {
        [self.0[0], self.0[899]] == [number as u8; 2]
    }
}

/// A set that only reads.
#[derive(Debug, EventSet)]
pub(crate) enum Trio {
    Note(Delivery<Note>),
    Change(Delivery<Change>),
    Leader(Delivery<Leader>),
}

/// A set that observes inquiries, and also answers them.
#[derive(Debug, EventSet)]
pub(crate) enum Desk {
    Tick(Delivery<Tick>),
    Alarm(Delivery<Alarm>),
    Seen(Delivery<Inquiry>),
    Call(Call<Inquiry>),
}

/// Anything that a subscription returns.
pub(crate) trait Item: Received {
    /// The event; `None` if it is none of the soak's.
    fn event(&self) -> Option<&dyn Sent>;

    /// Whether its reader is to answer it.
    fn is_call(&self) -> bool {
        false
    }

    fn into_call(self) -> Option<Call<Inquiry>>
    where
        Self: Sized,
    {
        None
    }
}

impl<E: Event + Sent> Item for Delivery<E> {
    fn event(&self) -> Option<&dyn Sent> {
        Some(&**self)
    }
}

impl<E: Event + Sent> Item for EventRef<'_, E> {
    fn event(&self) -> Option<&dyn Sent> {
        Some(&**self)
    }
}

impl Item for Call<Inquiry> {
    fn event(&self) -> Option<&dyn Sent> {
        Some(&**self)
    }

    fn is_call(&self) -> bool {
        true
    }

    fn into_call(self) -> Option<Self> {
        Some(self)
    }
}

/// An event of any type.
macro_rules! any_item {
    ($($held:ty)*) => {$(
        impl Item for $held {
            fn event(&self) -> Option<&dyn Sent> {
                let kind = Kind::named(self.event_type())?;
                with_type!(kind, E => self.downcast_ref::<E>().map(|event| event as &dyn Sent))
            }
        }
    )*};
}

/// An item of a set.
macro_rules! set_item {
    ($($set:ty: $($variant:ident)*;)*) => {$(
        impl Item for $set {
            fn event(&self) -> Option<&dyn Sent> {
                match self { $(Self::$variant(item) => item.event(),)* }
            }

            fn is_call(&self) -> bool {
                match self { $(Self::$variant(item) => item.is_call(),)* }
            }

            fn into_call(self) -> Option<Call<Inquiry>> {
                match self { $(Self::$variant(item) => item.into_call(),)* }
            }
        }
    )*};
}

any_item!(AnyEvent AnyEventRef<'_>);
set_item! {
    Trio: Note Change Leader;
    TrioRef<'_>: Note Change Leader;
    Desk: Tick Alarm Seen Call;
    DeskRef<'_>: Tick Alarm Seen Call;
}
