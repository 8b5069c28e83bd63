//! Events, their abilities, and the handles that readers receive.

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
pub use any::{AnyEvent, AnyEventRef};
pub use cause::Cause;
pub use coalesce::Coalesce;
pub(crate) use coalesce::{AsIs, ByKey, Key};
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
/// Any `Debug + Send + Sync + 'static` type is an event once it has a name. Derive the trait, or
/// write its one line by hand; everything beyond the name is an opt-in ability (see [`Abilities`]).
///
/// Publishing moves an event and never clones it. Put large data into a `Box`, a `Vec` or an `Arc`,
/// so that it isn't copied over the publisher's stack. An event is dropped once, by its last
/// holder, on any thread that uses the bus.
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
    /// The type's name on the bus: lower-case tokens separated by dots. Any text is allowed, but a
    /// [`Pattern`] can only match names of this form.
    ///
    /// It must be unique. The bus identifies types by their `TypeId`, not by this name, but it
    /// reports two types that share one (see
    /// [`FindingKind::NameClash`](crate::FindingKind::NameClash)), since people and patterns use
    /// the name.
    const TYPE: &'static str;

    /// What this type can do beyond being published. None by default; `#[derive(Event)]` sets it
    /// from the `#[event(…)]` attribute.
    const ABILITIES: Abilities<Self> = Abilities::new();
}
