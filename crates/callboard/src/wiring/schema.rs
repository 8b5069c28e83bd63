//! The schemas of an AsyncAPI document.

use serde_json::{Map, Value, json};

#[cfg(feature = "schemars")]
use super::id::{Ids, PLAIN};
use crate::catalogue::CatalogueEntry;
use crate::event::FieldContract;

/// The schema of a type's payload. Referenced definitions are added to `schemas`, under names that
/// begin with the type's `id`.
#[cfg_attr(
    not(feature = "schemars"),
    expect(unused_variables, reason = "only a JSON Schema refers")
)]
pub(super) fn payload(entry: &CatalogueEntry, id: &str, schemas: &mut Map<String, Value>) -> Value {
    #[cfg(feature = "schemars")]
    if let Some(schema) = entry.schema.clone() {
        return moved(schema, entry, id, schemas);
    }
    let mut schema = fields(entry.fields);
    if !entry.variants.is_empty() {
        let variant = |it: &crate::event::VariantContract| {
            let mut variant = fields(it.fields);
            variant["title"] = it.name.into();
            describe(&mut variant, it.doc);
            variant
        };
        schema["anyOf"] = entry.variants.iter().map(variant).collect();
    }
    describe(&mut schema, entry.doc);
    schema["x-rust-type"] = entry.rust_type.into();
    schema
}

/// The first paragraph of a doc comment, on one line.
pub(super) fn summary(doc: &str) -> String {
    let lines = doc.lines().map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

/// An object with these fields, without schemas, since the serialized form of Rust types is not
/// known.
fn fields(fields: &[FieldContract]) -> Value {
    if fields.is_empty() {
        return json!({});
    }
    let property = |field: &FieldContract| {
        let rust_type = format!("Rust type: `{}`", field.rust_type);
        let description = match field.doc {
            "" => rust_type,
            doc => format!("{doc}\n\n{rust_type}"),
        };
        (field.name.to_owned(), json!({ "description": description }))
    };
    json!({ "type": "object", "properties": fields.iter().map(property).collect::<Map<_, _>>() })
}

fn describe(schema: &mut Value, doc: &str) {
    if !doc.is_empty() {
        schema["description"] = doc.into();
    }
}

/// Embeds a standalone JSON Schema in another document.
#[cfg(feature = "schemars")]
fn moved(
    mut schema: Value,
    entry: &CatalogueEntry,
    id: &str,
    schemas: &mut Map<String, Value>,
) -> Value {
    let Some(object) = schema.as_object_mut() else { return schema };
    object.remove("$schema");
    object.entry("x-rust-type").or_insert_with(|| entry.rust_type.into());
    if !entry.doc.is_empty() {
        object.entry("description").or_insert_with(|| entry.doc.into());
    }
    let Some(Value::Object(definitions)) = object.remove("definitions") else {
        refer(&mut schema, &|_| id.to_owned());
        return schema;
    };
    let names: Vec<String> = definitions.keys().cloned().collect();
    let ids = Ids::new(&format!("{id}."), PLAIN, names.iter().map(String::as_str));
    let target = |name: Option<&str>| name.map_or(id, |name| ids.of(name)).to_owned();
    refer(&mut schema, &target);
    for (name, mut definition) in definitions {
        refer(&mut definition, &target);
        schemas.insert(ids.of(&name).to_owned(), definition);
    }
    schema
}

/// Rewrites references within the schema to `target`, given a definition's name, or `None` for the
/// root.
#[cfg(feature = "schemars")]
fn refer(schema: &mut Value, target: &dyn Fn(Option<&str>) -> String) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                let name = match value.as_str() {
                    Some("#") if key == "$ref" => None,
                    Some(reference) if key == "$ref" => {
                        let Some(name) = reference.strip_prefix("#/definitions/") else { continue };
                        Some(name_in(name))
                    }
                    _ => {
                        refer(value, target);
                        continue;
                    }
                };
                *value = format!("#/components/schemas/{}", target(name.as_deref())).into();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| refer(value, target)),
        _ => {}
    }
}

/// The definition's name in a reference, which is a URI fragment with a JSON pointer.
#[cfg(feature = "schemars")]
fn name_in(reference: &str) -> String {
    let mut bytes = Vec::with_capacity(reference.len());
    let mut rest = reference.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| str::from_utf8(after.get(..2)?).ok()).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).replace("~1", "/").replace("~0", "~")
}

#[cfg(all(test, feature = "schemars", not(any(callboard_loom, callboard_shuttle))))]
mod tests {
    use super::name_in;

    #[test]
    fn name_is_read_from_a_reference() {
        for (reference, name) in [
            ("Item", "Item"),
            ("a%22b%C3%A9", "a\"b\u{e9}"),
            ("a~1b~0c~01", "a/b~c~1"),
            ("100%", "100%"),
            ("%zz%", "%zz%"),
        ] {
            assert_eq!(name_in(reference), name);
        }
    }
}
