//! The documentation of an item: its doc comments, and the names and types of its parts.
//!
//! A doc comment is one `#[doc = "…"]` per line, or one with several lines if it is written as `/**
//! … */`. Its value may also be a macro, such as `include_str!("order.md")`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::{Attribute, Data, DeriveInput, Expr, ExprLit, Fields, Lit, Macro, Meta};

use crate::spell::spell;

/// The documentation of an event type.
pub(crate) struct Contract {
    /// The doc comment of the type.
    pub(crate) doc: Doc,
    /// The fields of a struct.
    pub(crate) fields: Vec<Field>,
    /// The variants of an enum.
    pub(crate) variants: Vec<Variant>,
}

/// One field.
pub(crate) struct Field {
    /// Its name, without `r#`, or its number.
    pub(crate) name: String,
    /// Its type as written.
    pub(crate) ty: String,
    /// Its doc comment.
    pub(crate) doc: Doc,
}

/// One variant.
pub(crate) struct Variant {
    /// Its name, without `r#`.
    pub(crate) name: String,
    /// Its doc comment.
    pub(crate) doc: Doc,
    /// Its fields.
    pub(crate) fields: Vec<Field>,
}

/// A doc comment. As tokens it is an expression of type `&'static str`.
#[derive(Default)]
pub(crate) struct Doc(Vec<Piece>);

enum Piece {
    Text(String),
    Macro(Macro),
}

impl Contract {
    /// The contract of an item. For a union, which can't be an event, it has only the doc comment.
    pub(crate) fn of(input: &DeriveInput) -> Self {
        let (mut fields, mut variants) = (Vec::new(), Vec::new());
        match &input.data {
            Data::Struct(data) => fields = fields_of(&data.fields),
            Data::Enum(data) => variants.extend(data.variants.iter().map(|it| Variant {
                name: it.ident.unraw().to_string(),
                doc: Doc::of(&it.attrs),
                fields: fields_of(&it.fields),
            })),
            Data::Union(_) => {}
        }
        Self { doc: Doc::of(&input.attrs), fields, variants }
    }
}

fn fields_of(fields: &Fields) -> Vec<Field> {
    let field = |(number, field): (usize, &syn::Field)| Field {
        name: field.ident.as_ref().map_or(number.to_string(), |name| name.unraw().to_string()),
        ty: spell(field.ty.to_token_stream()),
        doc: Doc::of(&field.attrs),
    };
    fields.iter().enumerate().map(field).collect()
}

impl Doc {
    fn of(attrs: &[Attribute]) -> Self {
        let mut doc = Self::default();
        let is_doc = |attr: &&Attribute| attr.path().is_ident("doc");
        for attr in attrs.iter().filter(is_doc) {
            // `#[doc(hidden)]` and the like are lists.
            let Meta::NameValue(meta) = &attr.meta else { continue };
            let Some(piece) = Piece::of(&meta.value) else { continue };
            if !doc.0.is_empty() {
                doc.push(Piece::Text("\n".to_owned()));
            }
            doc.push(piece);
        }
        doc.trim();
        doc
    }

    fn push(&mut self, piece: Piece) {
        match (self.0.last_mut(), piece) {
            (Some(Piece::Text(text)), Piece::Text(more)) => text.push_str(&more),
            (_, piece) => self.0.push(piece),
        }
    }

    /// Removes blank lines before and after the text.
    fn trim(&mut self) {
        if let Some(Piece::Text(text)) = self.0.first_mut() {
            *text = text.trim_start_matches('\n').to_owned();
        }
        if let Some(Piece::Text(text)) = self.0.last_mut() {
            text.truncate(text.trim_end().len());
        }
    }
}

impl ToTokens for Doc {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match &self.0[..] {
            [] => quote!(""),
            [Piece::Text(text)] => quote!(#text),
            pieces => quote!(::core::concat!(#(#pieces),*)),
        });
    }
}

impl Piece {
    /// The value of one attribute; `None` if rustc will refuse it.
    fn of(value: &Expr) -> Option<Self> {
        match value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                Some(Self::Text(text_of(&text.value())))
            }
            Expr::Macro(value) => Some(Self::Macro(value.mac.clone())),
            // Surrounds a fragment of a macro that generated the item.
            Expr::Group(group) => Self::of(&group.expr),
            _ => None,
        }
    }
}

impl ToTokens for Piece {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Text(text) => text.to_tokens(tokens),
            Self::Macro(it) => it.to_tokens(tokens),
        }
    }
}

/// The text of one attribute without its margin: the space after `///`, or the prefix of each line
/// of a comment like `/** … */`.
fn text_of(written: &str) -> String {
    if !written.contains('\n') {
        return written.strip_prefix(' ').unwrap_or(written).to_owned();
    }
    let mut lines: Vec<&str> = written.lines().collect();
    let starred = |line: &str| line.starts_with([' ', '\t']) && line.trim_start().starts_with('*');
    if lines[1..].iter().all(|line| starred(line) || line.trim().is_empty()) {
        for line in &mut lines[1..] {
            *line = line.trim_start().strip_prefix('*').unwrap_or_default();
        }
    }
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let margin = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min();
    let inner = |line: &&str| line.get(margin.unwrap_or(0)..).unwrap_or_default().to_owned();
    lines.iter().map(inner).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use quote::ToTokens as _;
    use syn::parse_quote;

    use super::{Contract, Doc, text_of};

    #[test]
    fn margin_of_a_doc_comment_is_no_part_of_its_text() {
        for (written, text) in [
            (" A line.", "A line."),
            ("    code", "   code"),
            ("no space", "no space"),
            ("", ""),
            (" First.\n * Second.\n *   Third.\n ", "First.\nSecond.\n  Third.\n"),
            ("\n * First.\n *\n * Third.\n ", "\nFirst.\n\nThird.\n"),
            (" First.\n   Second.\n", "First.\n  Second."),
            ("List:\n* a\n* b", "List:\n* a\n* b"),
            ("\n    Indented.\n\n      More.", "\nIndented.\n\n  More."),
        ] {
            assert_eq!(text_of(written), text, "{written:?}");
        }
    }

    #[test]
    fn lines_are_joined_and_other_doc_attributes_left_out() {
        let doc = Doc::of(&[
            parse_quote!(#[doc = ""]),
            parse_quote!(#[doc = " One."]),
            parse_quote!(#[doc(alias = "two")]),
            parse_quote!(#[deprecated = "no doc"]),
            parse_quote!(#[doc = ""]),
            parse_quote!(#[doc = " Three."]),
            parse_quote!(#[doc = " "]),
        ]);
        assert_eq!(doc.to_token_stream().to_string(), r#""One.\n\nThree.""#);
        assert_eq!(Doc::of(&[]).to_token_stream().to_string(), r#""""#);
    }

    #[test]
    fn macro_in_a_doc_attribute_is_left_to_rustc() {
        let doc = Doc::of(&[
            parse_quote!(#[doc = " One."]),
            parse_quote!(#[doc = include_str!("two.md")]),
            parse_quote!(#[doc = " Three."]),
        ]);
        let expected = parse_quote! {
            ::core::concat!("One.\n", include_str!("two.md"), "\nThree.")
        };
        let expected: syn::Expr = expected;
        assert_eq!(doc.to_token_stream().to_string(), expected.to_token_stream().to_string());
    }

    #[test]
    fn parts_have_their_names_without_prefix_or_their_numbers() {
        let names = |contract: &Contract| -> Vec<String> {
            let fields = contract.fields.iter().map(|it| format!("{}: {}", it.name, it.ty));
            let variants = contract.variants.iter().map(|it| {
                let fields: Vec<_> = it.fields.iter().map(|it| &*it.name).collect();
                format!("{}({})", it.name, fields.join(","))
            });
            fields.chain(variants).collect()
        };
        let of = |input| names(&Contract::of(&input));
        assert_eq!(
            of(parse_quote!(
                struct A {
                    r#type: u8,
                    b: Vec<r#type>,
                }
            )),
            ["type: u8", "b: Vec<r#type>"]
        );
        assert_eq!(
            of(parse_quote!(
                struct A(u8, pub [u8; 2]);
            )),
            ["0: u8", "1: [u8; 2]"]
        );
        assert_eq!(
            of(parse_quote!(
                struct A;
            )),
            [""; 0]
        );
        assert_eq!(
            of(parse_quote!(
                enum A {
                    B,
                    r#C(u8, u8),
                    D { r#in: u8 },
                }
            )),
            ["B()", "C(0,1)", "D(in)"]
        );
        assert_eq!(of(parse_quote!(union A { b: u8 })), [""; 0]);
    }
}
