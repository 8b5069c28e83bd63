//! Generating the code for a checked event set.
//!
//! A batch borrows events, so it can't hand out items of the set, which own them. For a set with
//! events there is a second enum with the same variants, whose events are borrowed.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{GenericArgument, Ident, Path, PathArguments, Type, TypePath};

use crate::ast::{EventSet, Member};
use crate::expand::attributes;

/// `impl EventSet`, and the enum that a batch lends.
pub(crate) fn event_set(set: &EventSet<'_>) -> TokenStream {
    let EventSet { root, ident, members, .. } = set;
    let attributes = attributes();
    let lends = members.iter().any(|it| event_of(it.ty).is_some());
    let (lent, lifetime) = if lends {
        (format_ident!("{ident}Ref"), quote!(<'lent>))
    } else {
        (Ident::clone(ident), TokenStream::new())
    };
    let lent_set = lends.then(|| lent_set(set, &lent));
    let interests = members.iter().map(|it| call(root, it.ty, "interest", TokenStream::new()));
    let items = by_number(set, &|Member { ty, variant }| {
        let item = call(root, ty, "take", quote!(taken));
        quote!(Self::#variant(#item))
    });
    let lent_items = by_number(set, &|Member { ty, variant }| {
        let item = call(root, ty, "lent", quote!(taken));
        let item = if event_of(ty).is_some() { item } else { call(root, ty, "keep", item) };
        quote!(#lent::#variant(#item))
    });
    let of_item = |method| {
        let arms = members.iter().map(move |Member { ty, variant }| {
            let result = call(root, ty, method, quote!(inner));
            quote!(Self::#variant(inner) => #result)
        });
        quote!(#(#arms),*)
    };
    let (scope, metadata, receipt) = (of_item("scope"), of_item("metadata"), of_item("receipt"));
    let received = received(set, ident, &metadata, &receipt);
    quote! {
        #attributes
        impl #root::EventSet for #ident {
            type Item = Self;
            type Ref<'lent> = #lent #lifetime;
            type Lent<'lent> = ::core::iter::Empty<#lent #lifetime>;

            fn interest() -> #root::__private::Interest {
                #root::__private::Interest::members([ #(#interests),* ])
            }

            #[inline]
            fn item(taken: #root::__private::Taken) -> Self {
                match taken.member() { #items }
            }

            #[inline]
            fn lent<'lent>(taken: #root::__private::LentTaken<'lent>) -> #lent #lifetime {
                match taken.member() { #lent_items }
            }

            fn scope(item: &Self) -> #root::__private::Scope {
                match item { #scope }
            }
        }

        #received
        #lent_set
    }
}

/// The enum whose items a batch lends.
///
/// The types of its variants are not spelled as projections (`<Delivery<E> as Member>::Ref<'_>`):
/// rustc would report a mistake in a member's type several times.
fn lent_set(set: &EventSet<'_>, lent: &Ident) -> TokenStream {
    let EventSet { root, ident, members, vis } = set;
    let attributes = attributes();
    let variants = members.iter().map(|Member { ty, variant }| {
        let doc = format!("[`{ident}::{variant}`], lent.");
        let held = match event_of(ty) {
            Some(event) => quote!(#root::EventRef<'lent, #event>),
            None => quote!(#ty),
        };
        quote!(#[doc = #doc] #variant(#held))
    });
    let convert = |from: &Ident, to: &Ident, by: TokenStream| {
        let arms = members.iter().map(|Member { ty, variant }| match event_of(ty) {
            Some(_) => quote!(#from::#variant(inner) => #to::#variant(#by(inner))),
            None => quote!(#from::#variant(inner) => #to::#variant(inner)),
        });
        quote!(#(#arms),*)
    };
    let owned = convert(ident, lent, quote!(::core::convert::From::from));
    let kept = convert(lent, ident, quote!(#root::EventRef::keep));
    let of_item = |method: &str| {
        let arms = members.iter().map(|Member { ty, variant }| {
            let result = if event_of(ty).is_some() {
                let (received, method) =
                    (call(root, ty, "received", quote!(&*inner)), format_ident!("{method}"));
                quote!(#root::Received::#method(#received))
            } else {
                call(root, ty, method, quote!(inner))
            };
            quote!(Self::#variant(inner) => #result)
        });
        quote!(#(#arms),*)
    };
    let received = received(set, lent, &of_item("metadata"), &of_item("receipt"));
    let about = format!("An item of [`{ident}`], lent by a batch.");
    let reason = "a derive repeats the names of the set, and need not be used";
    quote! {
        #[doc = #about]
        #[derive(Debug)]
        #[allow(
            dead_code, deprecated, non_camel_case_types, unused_qualifications,
            reason = #reason
        )]
        #vis enum #lent<'lent> { #(#variants),* }

        #attributes
        impl #lent<'_> {
            /// Keeps the item beyond the batch.
            #[must_use]
            #[allow(dead_code, reason = #reason)]
            #vis fn keep(self) -> #ident {
                match self { #kept }
            }
        }

        #attributes
        impl ::core::convert::From<#ident> for #lent<'_> {
            fn from(item: #ident) -> Self {
                match item { #owned }
            }
        }

        #received
    }
}

/// `impl Received` for the set or its lent counterpart, with the arms of the methods.
fn received(
    set: &EventSet<'_>,
    of: &Ident,
    metadata: &TokenStream,
    receipt: &TokenStream,
) -> TokenStream {
    let (root, attributes) = (&set.root, attributes());
    let lifetime = (of != set.ident).then(|| quote!(<'_>));
    quote! {
        #attributes
        impl #root::Received for #of #lifetime {
            fn metadata(&self) -> #root::Metadata {
                match self { #metadata }
            }

            fn receipt(&self) -> ::core::option::Option<&#root::__private::Receipt> {
                match self { #receipt }
            }
        }
    }
}

/// The arms of a `match` on a member's number.
fn by_number(set: &EventSet<'_>, item: &dyn Fn(&Member<'_>) -> TokenStream) -> TokenStream {
    let last = set.members.len().saturating_sub(1);
    let arms = set.members.iter().enumerate().map(|(at, member)| {
        let pattern = if at == last { quote!(_) } else { quote!(#at) };
        let item = item(member);
        quote!(#pattern => #item)
    });
    quote!(#(#arms),*)
}

/// A call of a method of `Member`. It spans the member's type, from its first token to its last, so
/// that rustc reports a mistake in the type there, and once.
fn call(root: &Path, ty: &Type, method: &str, argument: TokenStream) -> TokenStream {
    let last = ty.to_token_stream().into_iter().last();
    let last = last.map_or_else(|| ty.span(), |token| token.span());
    let method = Ident::new(method, last);
    let function = quote_spanned!(ty.span()=> <#ty as #root::Member>::#method);
    let mut span = ty.span();
    let argument = argument.into_iter().map(|mut token| {
        token.set_span(std::mem::replace(&mut span, last));
        token
    });
    let argument: TokenStream = argument.collect();
    let argument = quote_spanned!(last=> (#argument));
    quote!(#function #argument)
}

/// The event of a member's type, if that is spelled `Delivery<E>`: then it is lent.
fn event_of(ty: &Type) -> Option<&GenericArgument> {
    let Type::Path(TypePath { path, .. }) = ty else { return None };
    let last = path.segments.last().filter(|last| last.ident == "Delivery")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.first()
}
