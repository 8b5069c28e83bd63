//! One option as written, before it is interpreted.

use proc_macro2::{Punct, Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Ident, Token};

use crate::errors::Errors;

/// `name` or `name = value`.
pub(crate) struct Written {
    /// The name before any `=`.
    pub(crate) name: Ident,
    /// Everything up to the next comma, with the `=`; empty for a bare name.
    value: TokenStream,
}

impl Written {
    /// Reads the options between an attribute's parentheses.
    pub(crate) fn list(input: ParseStream<'_>) -> syn::Result<Vec<Self>> {
        let mut list = Vec::new();
        while !input.is_empty() {
            if !input.peek(Ident::peek_any) {
                let message = "an option begins with its name, as in `type = \"config.parsed\"`";
                return Err(input.error(message));
            }
            list.push(Self { name: input.call(Ident::parse_any)?, value: until_comma(input)? });
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(list)
    }

    /// Parses `name = value` into `slot`.
    pub(crate) fn value<T>(
        self,
        slot: &mut Option<T>,
        parse: fn(ParseStream<'_>) -> syn::Result<T>,
        expects: &str,
        errors: &mut Errors,
    ) {
        self.check_first(slot, errors);
        let assigned = |input: ParseStream<'_>| {
            input.parse::<Token![=]>()?;
            parse(input)
        };
        if let Ok(value) = assigned.parse2(self.value.clone()) {
            *slot = Some(value);
            return;
        }
        // Underlines the value without its `=`, or the name if there is no value.
        let value: TokenStream = self.value.into_iter().skip(1).collect();
        if value.is_empty() {
            errors.at(self.name, expects);
        } else {
            errors.at(value, expects);
        }
    }

    /// Takes a bare `name` into `slot`.
    pub(crate) fn flag(self, slot: &mut Option<Ident>, expects: &str, errors: &mut Errors) {
        self.check_first(slot, errors);
        if !self.value.is_empty() {
            errors.at(self.value, expects);
        }
        *slot = Some(self.name);
    }

    fn check_first<T>(&self, slot: &Option<T>, errors: &mut Errors) {
        if slot.is_some() {
            let name = &self.name;
            errors.at(name, format_args!("`{name}` is given twice; keep one"));
        }
    }
}

/// The tokens before the next comma that is not within `<…>`.
fn until_comma(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let begins_arrow = |punct: &Punct| punct.as_char() == '-' && punct.spacing() == Spacing::Joint;
    let mut tokens = TokenStream::new();
    let mut depth = 0_usize;
    let mut in_arrow = false;
    while !input.is_empty() && (depth > 0 || !input.peek(Token![,])) {
        let token: TokenTree = input.parse()?;
        let punct = match &token {
            TokenTree::Punct(punct) => Some(punct),
            _ => None,
        };
        match punct.map(Punct::as_char) {
            Some('<') => depth += 1,
            Some('>') if !in_arrow => depth = depth.saturating_sub(1),
            _ => {}
        }
        in_arrow = punct.is_some_and(begins_arrow);
        tokens.extend([token]);
    }
    Ok(tokens)
}
