//! The model of a derive's item: first as written, then as checked.

use syn::{
    Attribute, Data, DeriveInput, ExprPath, Generics, Ident, LitStr, Path, Type, Visibility,
    parse_quote,
};

use crate::attr::{Helper, Options};
use crate::contract::Contract;
use crate::errors::Errors;

/// The item as written.
pub(crate) struct Item<'a> {
    /// The type's name.
    pub(crate) ident: &'a Ident,
    /// Its generic parameters; every derive refuses them.
    pub(crate) generics: &'a Generics,
    /// Its fields or variants.
    pub(crate) data: &'a Data,
    /// The options of its helper attributes.
    pub(crate) options: Options,
    /// The whole item, for errors about missing parts.
    pub(crate) input: &'a DeriveInput,
    /// The helper attributes of the derive.
    pub(crate) helpers: &'static [Helper],
    /// The errors from reading the attributes.
    pub(crate) errors: Errors,
}

impl<'a> Item<'a> {
    /// Reads `input`, with the helper attributes `helpers`.
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
    /// How its priority is determined, if specified.
    pub(crate) priority: Option<Priority<'a>>,
    /// `retain`, if present.
    pub(crate) retain: Option<&'a Ident>,
    /// `coalesce`, if present.
    pub(crate) coalesce: Option<&'a Ident>,
    /// `schema`, if present.
    pub(crate) schema: Option<&'a Ident>,
    /// Its documentation.
    pub(crate) contract: Contract,
}

/// How an event's priority is determined.
pub(crate) enum Priority<'a> {
    /// Every event of the type has the same priority: `High`, `Normal` or `Low`.
    Level(Ident),
    /// A function computes it from the event.
    By(&'a ExprPath),
}

/// A type that can be a request.
pub(crate) struct Request<'a> {
    /// A request is an event.
    pub(crate) event: Event<'a>,
    /// The type of its answer.
    pub(crate) response: &'a Type,
}

/// An enum that can be an inbox.
pub(crate) struct EventSet<'a> {
    /// The path of the `callboard` crate.
    pub(crate) root: Path,
    /// The enum's attributes, visibility and name.
    pub(crate) attrs: &'a [Attribute],
    pub(crate) vis: &'a Visibility,
    pub(crate) ident: &'a Ident,
    /// Its variants, at least one.
    pub(crate) members: Vec<Member<'a>>,
}

/// One variant of an inbox, and its field.
pub(crate) struct Member<'a> {
    /// The variant's attributes and name.
    pub(crate) attrs: &'a [Attribute],
    pub(crate) variant: &'a Ident,
    /// The type of its only field.
    pub(crate) ty: &'a Type,
}
