//! The documentation of an event type, kept for `Bus::catalogue`.

/// The documentation of an event type: its doc comment, and the names, types and doc comments of
/// its fields or variants.
///
/// `#[derive(Event)]` and `#[derive(Request)]` generate it. A manual implementation of `Event` has
/// an empty one, unless it sets its own with [`Abilities::contract`](crate::Abilities::contract).
/// [`Bus::catalogue`](crate::Bus::catalogue) lists the contracts of all event types.
///
/// # Examples
///
/// ```
/// use callboard::{Abilities, Bus, Contract, Event, FieldContract};
///
/// #[derive(Debug)]
/// struct Tick(u64);
///
/// impl Event for Tick {
///     const TYPE: &'static str = "tick";
///     const ABILITIES: Abilities<Self> = Abilities::new().contract(
///         const {
///             &Contract::new("A second has passed.")
///                 .with_fields(const { &[FieldContract::new("0", "u64", "Seconds since the start.")] })
///         },
///     );
/// }
///
/// let bus = Bus::new();
/// bus.declare::<Tick>();
/// let tick = &bus.catalogue()[0];
/// assert_eq!(tick.doc, "A second has passed.");
/// assert_eq!(tick.fields[0].doc, "Seconds since the start.");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Contract {
    pub(crate) doc: &'static str,
    pub(crate) fields: &'static [FieldContract],
    pub(crate) variants: &'static [VariantContract],
}

/// The contract of a field of an event type or of one of its variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FieldContract {
    /// The field's name without `r#`; for a tuple field its number, from "0".
    pub name: &'static str,
    /// The field's type as written in the source, such as `Arc<str>`. Aliases and imports are not
    /// resolved.
    pub rust_type: &'static str,
    /// The field's doc comment; empty if there is none.
    pub doc: &'static str,
}

/// The contract of a variant of an event type that is an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct VariantContract {
    /// The variant's name without `r#`.
    pub name: &'static str,
    /// The variant's doc comment; empty if there is none.
    pub doc: &'static str,
    /// The variant's fields.
    pub fields: &'static [FieldContract],
}

impl Contract {
    pub(crate) const EMPTY: Self = Self::new("");

    /// A contract with this documentation, and neither fields nor variants.
    #[must_use]
    pub const fn new(doc: &'static str) -> Self {
        Self { doc, fields: &[], variants: &[] }
    }

    /// Describes the fields of a struct.
    #[must_use]
    pub const fn with_fields(mut self, fields: &'static [FieldContract]) -> Self {
        self.fields = fields;
        self
    }

    /// Describes the variants of an enum.
    #[must_use]
    pub const fn with_variants(mut self, variants: &'static [VariantContract]) -> Self {
        self.variants = variants;
        self
    }
}

impl FieldContract {
    /// A field with this name, type and documentation.
    #[must_use]
    pub const fn new(name: &'static str, rust_type: &'static str, doc: &'static str) -> Self {
        Self { name, rust_type, doc }
    }
}

impl VariantContract {
    /// A variant with this name and documentation, and no fields.
    #[must_use]
    pub const fn new(name: &'static str, doc: &'static str) -> Self {
        Self { name, doc, fields: &[] }
    }

    /// Describes the fields of the variant.
    #[must_use]
    pub const fn with_fields(mut self, fields: &'static [FieldContract]) -> Self {
        self.fields = fields;
        self
    }
}
