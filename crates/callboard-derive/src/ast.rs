//! Our view of the item a derive stands on: first as written, then as checked.

use syn::{Data, DeriveInput, ExprPath, Generics, Ident, LitStr, Path, Type, parse_quote};

use crate::attr::{Helper, Options};
use crate::contract::Contract;
use crate::errors::Errors;

/// The item as written.
pub(crate) struct Item<'a> {
    /// The type's name.
    pub(crate) ident: &'a Ident,
    /// Its parameters; every derive refuses them.
    pub(crate) generics: &'a Generics,
    /// Its fields or variants.
    pub(crate) data: &'a Data,
    /// Its attributes of ours.
    pub(crate) options: Options,
    /// The whole item, for errors about what is missing.
    pub(crate) input: &'a DeriveInput,
    /// Which attributes those are.
    pub(crate) helpers: &'static [Helper],
    /// What reading them ran into.
    pub(crate) errors: Errors,
}

impl<'a> Item<'a> {
    /// Reads `input`, whose attributes of ours are `helpers`.
    pub(crate) fn read(input: &'a DeriveInput, helpers: &'static [Helper]) -> Self {
        let mut errors = Errors::default();
        let options = Options::read(&input.attrs, helpers, &mut errors);
        Self {
            ident: &input.ident,
            generics: &input.generics,
            data: &input.data,
            options,
            input,
            helpers,
            errors,
        }
    }

    /// The path of the `callboard` crate.
    pub(crate) fn root(&self) -> Path {
        let root = self.options.root.clone();
        root.unwrap_or_else(|| parse_quote!(::callboard))
    }
}

/// A type that can be an event.
pub(crate) struct Event<'a> {
    /// The path of the `callboard` crate.
    pub(crate) root: Path,
    /// The type's name.
    pub(crate) ident: &'a Ident,
    /// The event's name.
    pub(crate) subject: LitStr,
    /// How its priority is found, if it says so.
    pub(crate) priority: Option<Priority<'a>>,
    /// `retain`, if it is there.
    pub(crate) retain: Option<&'a Ident>,
    /// `coalesce`, if it is there.
    pub(crate) coalesce: Option<&'a Ident>,
    /// `schema`, if it is there.
    pub(crate) schema: Option<&'a Ident>,
    /// Its documentation.
    pub(crate) contract: Contract,
}

/// How an event's priority is found.
pub(crate) enum Priority<'a> {
    /// Every event of the type has the same; `High`, `Normal` or `Low`.
    Level(Ident),
    /// A function computes it from the event.
    By(&'a ExprPath),
}

/// A type that can be a request.
pub(crate) struct Request<'a> {
    /// A request is an event.
    pub(crate) event: Event<'a>,
    /// What answers it.
    pub(crate) response: &'a Type,
}

/// An enum that can be an inbox.
pub(crate) struct EventSet<'a> {
    /// The path of the `callboard` crate.
    pub(crate) root: Path,
    /// The enum's name.
    pub(crate) ident: &'a Ident,
    /// Its variants, at least one.
    pub(crate) members: Vec<Member<'a>>,
}

/// One variant of an inbox, and what it holds.
pub(crate) struct Member<'a> {
    /// The variant's name.
    pub(crate) variant: &'a Ident,
    /// The type of its only field.
    pub(crate) ty: &'a Type,
}
