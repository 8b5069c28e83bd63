//! The code for an item with mistakes: the errors, and a minimal `impl`, so that rustc adds no
//! errors of its own where the type is used.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Generics, parse_quote};

use crate::ast::Item;
use crate::name;

/// `error`, and an `impl Event`.
pub(crate) fn event(item: &Item<'_>, error: &Error) -> TokenStream {
    let (root, ident) = (item.root(), item.ident);
    let errors = error.to_compile_error();
    let subject = name::subject_of(ident);
    let generics = lenient(item);
    let (params, arguments, bounds) = generics.split_for_impl();
    quote! {
        #errors

        #[automatically_derived]
        impl #params #root::Event for #ident #arguments #bounds {
            const TYPE: &'static str = #subject;
        }
    }
}

/// `error`, an `impl Event`, and an `impl Request` whose answer is the type itself unless it names
/// one.
pub(crate) fn request(item: &Item<'_>, error: &Error) -> TokenStream {
    let (root, ident) = (item.root(), item.ident);
    let event = event(item, error);
    let response = match &item.options.response {
        Some(response) => quote!(#response),
        None => quote!(Self),
    };
    let generics = lenient(item);
    let (params, arguments, bounds) = generics.split_for_impl();
    quote! {
        #event

        #[automatically_derived]
        impl #params #root::Request for #ident #arguments #bounds {
            type Response = #response;
        }
    }
}

/// `error`, and an `impl EventSet`.
pub(crate) fn event_set(item: &Item<'_>, error: &Error) -> TokenStream {
    let (root, ident) = (item.root(), item.ident);
    let errors = error.to_compile_error();
    let generics = lenient(item);
    let (params, arguments, bounds) = generics.split_for_impl();
    quote! {
        #errors

        #[automatically_derived]
        impl #params #root::EventSet for #ident #arguments #bounds {
            type Item = Self;
            type Ref<'lent> = Self;
            type Lent<'lent> = ::core::iter::Empty<Self>;

            fn interest() -> #root::__private::Interest {
                ::core::unreachable!()
            }

            fn item(_: #root::__private::Taken) -> Self {
                ::core::unreachable!()
            }

            fn lent(_: #root::__private::LentTaken<'_>) -> Self {
                ::core::unreachable!()
            }

            fn keep(lent: Self) -> Self {
                lent
            }

            fn scope(_: &Self) -> #root::__private::Scope {
                ::core::unreachable!()
            }
        }

        #[automatically_derived]
        impl #params #root::Received for #ident #arguments #bounds {
            fn metadata(&self) -> #root::Metadata {
                ::core::unreachable!()
            }
        }
    }
}

/// The item's own parameters, with the bounds of the traits assumed.
///
/// The `for<'lenient>` keeps rustc from checking bounds that involve no parameter of the item.
fn lenient(item: &Item<'_>) -> Generics {
    let mut generics = item.generics.clone();
    let bounds = &mut generics.make_where_clause().predicates;
    bounds.push(parse_quote! {
        for<'lenient> Self: ::core::fmt::Debug
            + ::core::marker::Send
            + ::core::marker::Sync
            + 'static
    });
    generics
}
