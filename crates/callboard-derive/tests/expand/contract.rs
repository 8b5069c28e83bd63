//! What the derives keep of an item's documentation.

use std::collections::BTreeMap;

use callboard::{Bus, CatalogueEntry, Event, FieldContract, Request};

fn entry<E: Event>() -> CatalogueEntry {
    let bus = Bus::new();
    bus.declare::<E>();
    let mut catalogue = bus.catalogue();
    catalogue.retain(|entry| entry.event_type == E::TYPE);
    catalogue.remove(0)
}

fn listed(fields: &[FieldContract]) -> Vec<[&'static str; 3]> {
    fields.iter().map(|it| [it.name, it.rust_type, it.doc]).collect()
}

/// First line,
///   second, indented.
///
/// "Quoted" \ and `code`.
#[derive(Debug, Event)]
#[doc = "As an attribute."]
#[doc(alias = "paper")]
#[doc = concat!("By a ", "macro.")]
struct Documented;

/// A comment
/// of a block's lines.
#[derive(Debug, Event)]
struct Lines;

/**
 * In the form
 *   of a block.
 */
#[derive(Debug, Event)]
struct Block;

#[derive(Debug, Event)]
struct Bare;

#[doc = include_str!("included.md")]
#[derive(Debug, Event)]
struct Included;

#[test]
fn doc_comment_is_kept_in_every_form() {
    assert_eq!(
        entry::<Documented>().doc,
        "First line,\n  second, indented.\n\n\"Quoted\" \\ and `code`.\nAs an attribute.\nBy a macro."
    );
    assert_eq!(entry::<Lines>().doc, "A comment\nof a block's lines.");
    assert_eq!(entry::<Block>().doc, "In the form\n  of a block.");
    assert_eq!(entry::<Included>().doc, include_str!("included.md"));
    assert_eq!(entry::<Bare>().doc, "");
}

type Alias = u8;

#[derive(Debug, Event)]
#[expect(dead_code, reason = "only its contract matters")]
struct Fields {
    /// A name that is a keyword.
    r#type: Alias,
    #[doc = "Of generics."]
    map: BTreeMap<String, Vec<(u64, Option<&'static str>)>>,
    call: fn(&mut [u8; 2]) -> bool,
    #[cfg(any())]
    /// Never there.
    left_out: Missing,
    #[cfg(not(any()))]
    #[cfg_attr(not(any()), doc = "Always there.")]
    kept: (),
}

#[derive(Debug, Event)]
#[expect(dead_code, reason = "only its contract matters")]
struct Tuple(
    /// The first.
    u8,
    Box<dyn std::any::Any + Send + Sync>,
);

#[test]
fn fields_have_their_names_types_and_docs() {
    assert_eq!(
        listed(entry::<Fields>().fields),
        [
            ["type", "Alias", "A name that is a keyword."],
            ["map", "BTreeMap<String, Vec<(u64, Option<&'static str>)>>", "Of generics."],
            ["call", "fn(&mut [u8; 2]) -> bool", ""],
            ["kept", "()", "Always there."],
        ]
    );
    assert_eq!(
        listed(entry::<Tuple>().fields),
        [["0", "u8", "The first."], ["1", "Box<dyn std::any::Any + Send + Sync>", ""]]
    );
    assert_eq!(listed(entry::<Bare>().fields), [[""; 3]; 0]);
}

/// Any of several.
#[derive(Debug, Event)]
#[expect(dead_code, reason = "only its contract matters")]
enum Variants {
    /// Holds nothing.
    Unit,
    Tuple(u8, /** Beside it. */ u16),
    #[cfg(any())]
    LeftOut(Missing),
    /// Has
    /// names.
    Named {
        /// The first.
        r#in: String,
    },
}

#[derive(Debug, Event)]
enum Never {}

#[test]
fn variants_have_their_names_fields_and_docs() {
    let entry = entry::<Variants>();
    assert_eq!((entry.doc, entry.fields.len()), ("Any of several.", 0));
    let variants: Vec<_> =
        entry.variants.iter().map(|it| (it.name, it.doc, listed(it.fields))).collect();
    assert_eq!(
        variants,
        [
            ("Unit", "Holds nothing.", vec![]),
            ("Tuple", "", vec![["0", "u8", ""], ["1", "u16", "Beside it."]]),
            ("Named", "Has\nnames.", vec![["in", "String", "The first."]]),
        ]
    );
    assert!(self::entry::<Never>().variants.is_empty());
}

/// Asks.
#[derive(Debug, Request)]
#[request(response = Bare)]
#[expect(dead_code, reason = "only its contract matters")]
struct Ask {
    /// For what.
    what: String,
}

#[test]
fn request_has_a_contract_too() {
    let entry = entry::<Ask>();
    assert_eq!(entry.doc, "Asks.");
    assert_eq!(listed(entry.fields), [["what", "String", "For what."]]);
}

macro_rules! written {
    ($(#[$attribute:meta])* $name:ident { $field:ident: $type:ty } $doc:literal) => {
        $(#[$attribute])*
        #[doc = $doc]
        #[derive(Debug, Event)]
        #[expect(dead_code, reason = "only its contract matters")]
        struct $name {
            #[doc = $doc]
            $field: Option<$type>,
        }
    };
}

written! {
    /// Of the caller's.
    Written { field: Vec<u8> } "Of the macro's."
}

#[test]
fn fragments_of_a_macro_are_spelled_without_its_bounds() {
    let entry = entry::<Written>();
    assert_eq!(entry.doc, "Of the caller's.\nOf the macro's.");
    assert_eq!(listed(entry.fields), [["field", "Option<Vec<u8>>", "Of the macro's."]]);
}
