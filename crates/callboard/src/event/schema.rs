//! Which JSON Schema describes an event type.

use super::Abilities;

#[cfg(feature = "schemars")]
impl<E: schemars::JsonSchema> Abilities<E> {
    /// The type has a JSON Schema, which [`Bus::catalogue`](crate::Bus::catalogue) lists: that of
    /// [schemars](https://docs.rs/schemars), for values as serde writes them, in draft 7 of the
    /// language, which AsyncAPI uses. Attribute: `schema`. It needs the feature `schemars`.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    /// use schemars::JsonSchema;
    ///
    /// #[derive(Debug, Event, JsonSchema)]
    /// #[event(schema)]
    /// struct OrderPlaced {
    ///     /// In cents, without tax.
    ///     total: u32,
    /// }
    ///
    /// let bus = Bus::new();
    /// bus.declare::<OrderPlaced>();
    /// let schema = bus.catalogue()[0].schema.clone().unwrap();
    /// assert_eq!(schema["properties"]["total"]["description"], "In cents, without tax.");
    /// assert_eq!(schema["properties"]["total"]["type"], "integer");
    /// ```
    #[must_use]
    pub const fn schema(mut self) -> Self {
        self.schema = Some(|| {
            let settings = schemars::generate::SchemaSettings::draft07().for_serialize();
            settings.into_generator().into_root_schema_for::<E>().to_value()
        });
        self
    }
}

/// Says what is missing where a schema is asked for without the feature.
#[cfg(not(feature = "schemars"))]
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a JSON Schema of an event needs callboard's feature `schemars`",
    label = "add `features = [\"schemars\"]` to the dependency on callboard"
)]
pub trait SchemaFeature {}

#[cfg(not(feature = "schemars"))]
impl<E> Abilities<E> {
    #[doc(hidden)]
    #[must_use]
    pub const fn schema(self) -> Self
    where
        Self: SchemaFeature,
    {
        self
    }
}
