//! `serde` implementations that can't be derived.

use crate::overflow::Ledger;

impl serde::Serialize for Ledger {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        struct Drops<'a>(&'a Ledger);
        impl serde::Serialize for Drops<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.drops())
            }
        }

        let mut fields = serializer.serialize_struct("Ledger", 4)?;
        fields.serialize_field("offered", &self.offered)?;
        fields.serialize_field("delivered", &self.delivered)?;
        fields.serialize_field("queued", &self.queued)?;
        fields.serialize_field("dropped", &Drops(self))?;
        fields.end()
    }
}
