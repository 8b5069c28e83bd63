//! The list of errors found so far.
//!
//! Every check adds to one list and continues, so that a user sees all mistakes in one build, each
//! once.

use std::fmt::Display;

use quote::ToTokens;

/// A list of compile errors, empty until a check fails.
#[derive(Clone, Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds an error that underlines `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Whether no check has failed.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// `value`, if no check has failed.
    pub(crate) fn or<T>(self, value: T) -> syn::Result<T> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }
}
