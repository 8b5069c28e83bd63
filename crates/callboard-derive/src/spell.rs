//! A type's source text with conventional spacing: `Vec<(u64, String)>`.
//!
//! A macro sees tokens, not the text between them, so the spaces must be reconstructed.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The tokens of a type as text.
pub(crate) fn spell(tokens: TokenStream) -> String {
    let mut atoms = Vec::new();
    flatten(tokens, &mut atoms);
    let mut text = String::new();
    let mut previous: Option<&Atom> = None;
    for atom in &atoms {
        if previous.is_some_and(|previous| is_spaced(previous, atom)) {
            text.push(' ');
        }
        text.push_str(&atom.text);
        previous = Some(atom);
    }
    text
}

/// A piece of text without spaces.
struct Atom {
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A name or a literal.
    Word,
    /// A word that the rest of a type follows: `dyn`, `mut`.
    Keyword,
    Lifetime,
    /// `(`, `[` or `<`.
    Open,
    /// `)`, `]` or `>`.
    Close,
    /// `,`, `;` or `:`.
    Separator,
    /// The `&` of `&str`, the `*` of `*const u8`.
    Prefix,
    /// `->`, `=`, `+`, or a brace: it has space on both sides.
    Infix,
    /// `::`, `.` or `!`.
    Joint,
}

fn flatten(tokens: TokenStream, atoms: &mut Vec<Atom>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let (kind, text) = match token {
            TokenTree::Group(group) => {
                let (kinds, texts) = match group.delimiter() {
                    Delimiter::Parenthesis => ([Kind::Open, Kind::Close], ["(", ")"]),
                    Delimiter::Bracket => ([Kind::Open, Kind::Close], ["[", "]"]),
                    Delimiter::Brace => ([Kind::Infix; 2], ["{", "}"]),
                    // Surrounds a fragment of a macro that generated the item.
                    Delimiter::None => {
                        flatten(group.stream(), atoms);
                        continue;
                    }
                };
                atoms.push(Atom { kind: kinds[0], text: texts[0].to_owned() });
                flatten(group.stream(), atoms);
                (kinds[1], texts[1].to_owned())
            }
            TokenTree::Ident(ident) => word(ident.to_string()),
            TokenTree::Literal(literal) => (Kind::Word, literal.to_string()),
            TokenTree::Punct(punct) => {
                let mut text = punct.as_char().to_string();
                let joint = punct.spacing() == Spacing::Joint;
                let joins = |next: &TokenTree| match (next, punct.as_char()) {
                    (TokenTree::Punct(next), ':' | '-' | '=' | '.') if joint => {
                        matches!(next.as_char(), ':' | '>' | '=' | '.')
                    }
                    (TokenTree::Ident(_), '\'') => true,
                    _ => false,
                };
                if let Some(next) = tokens.next_if(joins) {
                    text.push_str(&next.to_string());
                }
                (kind_of_sign(&text, atoms.last()), text)
            }
        };
        atoms.push(Atom { kind, text });
    }
}

fn word(text: String) -> (Kind, String) {
    let keyword = matches!(&*text, "as" | "const" | "dyn" | "extern" | "impl" | "mut" | "unsafe");
    (if keyword { Kind::Keyword } else { Kind::Word }, text)
}

fn kind_of_sign(sign: &str, previous: Option<&Atom>) -> Kind {
    match sign {
        "<" => Kind::Open,
        ">" => Kind::Close,
        "," | ";" | ":" => Kind::Separator,
        "::" | "." | "!" => Kind::Joint,
        "?" => Kind::Prefix,
        lifetime if lifetime.starts_with('\'') => Kind::Lifetime,
        // After an operand it is an operator.
        _ if previous.is_some_and(|it| matches!(it.kind, Kind::Word | Kind::Close)) => Kind::Infix,
        "&" | "*" | "-" => Kind::Prefix,
        _ => Kind::Infix,
    }
}

fn is_spaced(before: &Atom, after: &Atom) -> bool {
    use Kind::{Close, Infix, Joint, Keyword, Lifetime, Open, Prefix, Separator, Word};
    match (before.kind, after.kind) {
        (_, Close | Separator) => false,
        (Open | Prefix | Joint, _) => false,
        (Separator | Infix, _) | (_, Infix) => true,
        (Keyword | Lifetime, _) => true,
        (Word | Close, after) => matches!(after, Word | Keyword | Lifetime | Prefix),
    }
}

#[cfg(test)]
mod tests {
    use super::spell;

    #[track_caller]
    fn assert_spelled_as_written(types: &[&str]) {
        for text in types {
            let ty: syn::Type = syn::parse_str(text).expect(text);
            assert_eq!(spell(quote::ToTokens::to_token_stream(&ty)), *text);
        }
    }

    #[test]
    fn paths_and_their_arguments() {
        assert_spelled_as_written(&[
            "u8",
            "Arc<str>",
            "Vec<(u64, String)>",
            "::std::collections::BTreeMap<String, Vec<Option<u8>>>",
            "<Self as Trait<u8>>::Item",
            "r#type::Of<'static, T>",
            "Table<4, { N + 1 }, -1, 'c'>",
            "Table<{ N * 2 - 1 }>",
        ]);
    }

    #[test]
    fn tuples_arrays_pointers_and_references() {
        assert_spelled_as_written(&[
            "()",
            "(u8,)",
            "[[u8; 2]; N * 2]",
            "&'static [u8]",
            "&'static mut (u8, &'static &'static str)",
            "&'static mut *const [u8]",
            "*mut <T as Trait>::Item",
            "!",
        ]);
    }

    #[test]
    fn functions_and_trait_objects() {
        assert_spelled_as_written(&[
            "fn(u8, name: &str) -> !",
            "unsafe extern \"C\" fn(*const u8)",
            "for<'a> fn(&'a u8) -> &'a u8",
            "Box<dyn for<'a> Fn(&'a str) -> bool + Send + 'static>",
            "Box<dyn ::std::any::Any + Send>",
            "Box<dyn Iterator<Item = (u8, u8)> + ?Sized>",
            "&'static (dyn Fn() + Sync)",
            "kind!(u8)",
        ]);
    }
}
