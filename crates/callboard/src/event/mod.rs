//! What travels on the bus: events, their abilities, and the handles their readers hold.

mod abilities;
mod any;
mod cause;
mod coalesce;
mod contract;
mod delivery;
mod info;
mod meta;
#[expect(unsafe_code, reason = "a receipt in one word: see its page")]
mod packed;
mod pattern;
mod receipt;
mod received;
mod schema;

pub use abilities::{Abilities, Priority};
pub use any::AnyEvent;
pub use cause::Cause;
pub use coalesce::Coalesce;
pub(crate) use coalesce::Key;
pub use contract::{Contract, FieldContract, VariantContract};
pub use delivery::{Delivery, EventRef};
pub(crate) use info::{TypeInfo, key_of, two_types};
pub(crate) use meta::{describe, metadata};
pub use pattern::{Pattern, PatternError};
pub(crate) use received::received;
pub use received::{Metadata, Received};

#[doc(hidden)]
pub use coalesce::{NotCoalescing, Probe};
#[doc(hidden)]
pub use receipt::Receipt;

use std::fmt;

/// An immutable value that says something happened.
///
/// Any `Debug + Send + Sync + 'static` type is an event once it has a name. Derive it, or write
/// the one line by hand; everything beyond the name is an ability that a type opts into (see
/// [`Abilities`]).
///
/// Publishing moves an event and never clones it: put large data into a `Box`, a `Vec` or an `Arc`, so
/// that it isn't copied over the publisher's stack. An event is dropped once,
/// by its last holder, which may be any thread that uses the bus.
///
/// # Examples
///
/// ```
/// use callboard::Event;
///
/// #[derive(Debug, Event)]
/// struct ConfigParsed {
///     version: u64,
/// }
///
/// #[derive(Debug, Event)]
/// #[event(type = "config.gone", priority = high)]
/// struct ConfigGone;
///
/// #[derive(Debug)]
/// struct Tick;
///
/// impl Event for Tick {
///     const TYPE: &'static str = "tick";
/// }
///
/// assert_eq!(ConfigParsed::TYPE, "config.parsed");
/// assert_eq!(ConfigGone::TYPE, "config.gone");
/// assert_eq!(Tick::TYPE, "tick");
/// ```
pub trait Event: fmt::Debug + Send + Sync + Sized + 'static {
    /// The type's name on the bus: tokens in lower case, separated by dots. Any text will do, but a
    /// [`Pattern`] names only what is such.
    ///
    /// It must be this type's alone. The bus tells types apart by themselves, not by this name;
    /// it reports two that share one (see [`FindingKind::NameClash`](crate::FindingKind::NameClash)),
    /// since people and patterns go by the name.
    const TYPE: &'static str;

    /// What this type can do beyond being published. None by default; `#[derive(Event)]` fills it
    /// in from the `#[event(…)]` attribute.
    const ABILITIES: Abilities<Self> = Abilities::new();
}
