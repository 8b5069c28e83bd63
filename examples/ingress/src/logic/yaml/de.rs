//! A serde deserializer over parsed YAML, whose errors carry the line and the field.

use std::fmt;

use saphyr::{Scalar, YamlData};
use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::super::placeholder::explain;
use super::{Node, as_str, line, placeholder};

/// An error at a line of the text that was parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    /// The line, counted from 1; 0 until it is known.
    pub(crate) line: usize,
    /// The field it happened in, outermost first.
    path: Vec<String>,
    /// What is wrong.
    pub(crate) reason: String,
}

impl Located {
    /// `reason`, at `line`.
    pub(crate) fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line, path: Vec::new(), reason: reason.into() }
    }

    /// Remembers the innermost line only.
    fn at(mut self, line: usize) -> Self {
        if self.line == 0 {
            self.line = line;
        }
        self
    }

    fn below(mut self, segment: String) -> Self {
        self.path.insert(0, segment);
        self
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = String::new();
        for segment in &self.path {
            if !path.is_empty() && !segment.starts_with('[') {
                path.push('.');
            }
            path.push_str(segment);
        }
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Located {}

impl de::Error for Located {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(0, message.to_string())
    }
}

/// Reads a `T` out of `node`.
pub(crate) fn from_node<T: for<'de> Deserialize<'de>>(node: &Node<'_>) -> Result<T, Located> {
    T::deserialize(Value(node)).map_err(|error| error.at(line(node)))
}

/// One node, as serde sees it.
struct Value<'n, 'a>(&'n Node<'a>);

impl<'de> Deserializer<'de> for Value<'_, '_> {
    type Error = Located;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Located> {
        let result = match &self.0.data {
            YamlData::Value(Scalar::Null) => visitor.visit_unit(),
            YamlData::Value(Scalar::Boolean(value)) => visitor.visit_bool(*value),
            YamlData::Value(Scalar::Integer(value)) => visitor.visit_i64(*value),
            YamlData::Value(Scalar::FloatingPoint(value)) => visitor.visit_f64(**value),
            YamlData::Value(Scalar::String(text)) => visitor.visit_str(text),
            YamlData::Sequence(items) => visitor.visit_seq(Items { items, next: 0 }),
            YamlData::Mapping(entries) => {
                visitor.visit_map(Entries { entries: entries.iter(), value: None })
            }
            _ => Err(Located::new(0, "a value that YAML cannot resolve")),
        };
        result.map_err(|error| {
            // An error of a nested value has a line already; a string has no nested values.
            let innermost = error.line == 0 || matches!(self.0.data, YamlData::Mapping(_));
            let found = placeholder(self.0).filter(|_| innermost);
            match found.as_deref().and_then(explain) {
                Some(reason) => Located::new(line(self.0), reason),
                None => error.at(line(self.0)),
            }
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Located> {
        match self.0.data {
            YamlData::Value(Scalar::Null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Located> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Located> {
        let text = as_str(self.0).ok_or_else(|| Located::new(line(self.0), "expected a name"))?;
        visitor
            .visit_enum(text.into_deserializer())
            .map_err(|error: Located| error.at(line(self.0)))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'n, 'a> {
    items: &'n [Node<'a>],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Located;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Located> {
        let index = self.next;
        let Some(item) = self.items.get(index) else {
            return Ok(None);
        };
        self.next += 1;
        seed.deserialize(Value(item))
            .map(Some)
            .map_err(|error| error.at(line(item)).below(format!("[{index}]")))
    }
}

struct Entries<'n, 'a, I> {
    entries: I,
    value: Option<(&'n Node<'a>, &'n Node<'a>)>,
}

impl<'de, 'n, 'a: 'n, I> MapAccess<'de> for Entries<'n, 'a, I>
where
    I: Iterator<Item = (&'n Node<'a>, &'n Node<'a>)>,
{
    type Error = Located;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Located> {
        let Some((name, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some((name, value));
        let key = match &name.data {
            YamlData::Value(Scalar::String(text)) => {
                seed.deserialize(StrDeserializer::<Located>::new(text))
            }
            // `8080: web` in a map of strings: what YAML reads as a number is a name to Kubernetes.
            YamlData::Value(Scalar::Integer(number)) => {
                seed.deserialize(number.to_string().into_deserializer())
            }
            _ => {
                let reason = placeholder(name).as_deref().and_then(explain);
                Err(Located::new(0, reason.unwrap_or_else(|| "a key must be a string".to_owned())))
            }
        };
        key.map(Some).map_err(|error| error.at(line(name)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Located> {
        let Some((name, value)) = self.value.take() else {
            return Err(Located::new(0, "a value was read before its key"));
        };
        seed.deserialize(Value(value))
            .map_err(|error| error.at(line(value)).below(as_str(name).unwrap_or("?").to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::documents;
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Outer {
        list: Vec<Inner>,
        #[serde(default)]
        maybe: Option<String>,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Inner {
        port: u16,
    }

    fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Located> {
        from_node(&documents(text).unwrap()[0])
    }

    #[test]
    fn a_wrong_type_names_line_and_field() {
        let error = read::<Outer>("list:\n- port: 1\n- port: web\n").unwrap_err();
        assert_eq!(error.line, 3);
        let text = error.to_string();
        assert!(text.starts_with("list[1].port: invalid type"), "{text}");
    }

    #[test]
    fn a_missing_field_names_the_object() {
        let error = read::<Outer>("list:\n- port: 1\n-\n  other: 2\n").unwrap_err();
        assert_eq!(error.line, 4);
        assert!(error.to_string().contains("missing field `port`"), "{error}");
    }

    #[test]
    fn null_is_none() {
        let outer: Outer = read("list: [{port: 7}]\nmaybe: null\n").unwrap();
        assert_eq!((outer.list[0].port, outer.maybe), (7, None));
    }

    #[test]
    fn numbers_serve_as_keys() {
        let map: BTreeMap<String, String> = read("80: web\n").unwrap();
        assert_eq!(map["80"], "web");
        let error = read::<Vec<Inner>>("- port: 70000\n").unwrap_err();
        assert_eq!(error.line, 1);
        assert!(error.to_string().starts_with("[0].port: invalid value"), "{error}");
    }
}
