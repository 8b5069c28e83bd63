//! Generating the code for a checked event set.
//!
//! A batch borrows events, so it can't hand out items of the set, which own them. For a set with
//! events there is a second enum with the same variants, whose events are borrowed.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, GenericArgument, Ident, Path, PathArguments, Type, TypePath};

use crate::ast::{EventSet, Member};
use crate::expand;

/// `impl EventSet`, and the enum that a batch lends.
pub(crate) fn event_set(set: &EventSet<'_>) -> TokenStream {
    // In the other enum, `Self` would be another type.
    let types: Vec<Type> = set.members.iter().map(|it| named_self(it.ty, set.ident)).collect();
    let members = set.members.iter().zip(&types);
    let members = members.map(|(member, ty)| Member { ty, ..*member }).collect();
    expand(&EventSet { root: set.root.clone(), members, ..*set })
}

fn expand(set: &EventSet<'_>) -> TokenStream {
    let EventSet { root, ident, members, .. } = set;
    let attributes = attributes();
    let lends = members.iter().any(|it| event_of(it.ty).is_some());
    let (lent, lifetime) = if lends {
        (format_ident!("{ident}Ref"), quote!(<'lent>))
    } else {
        (Ident::clone(ident), TokenStream::new())
    };
    let lent_set = lends.then(|| lent_set(set, &lent));
    let lifetime_of_any = lends.then(|| quote!(<'_>));
    let kept = if lends { quote!(#lent::keep(lent)) } else { quote!(lent) };
    let interests = members.iter().map(|it| call(root, it.ty, "interest", TokenStream::new()));
    let items = by_number(set, &|Member { ty, variant, .. }| {
        let item = call(root, ty, "take", variable(ty));
        quote!(Self::#variant(#item))
    });
    let lent_items = by_number(set, &|Member { ty, variant, .. }| {
        let item = call(root, ty, "lent", variable(ty));
        let item = if event_of(ty).is_some() { item } else { call(root, ty, "keep", item) };
        quote!(#lent::#variant(#item))
    });
    let (scope, received) = (arms(set, "scope", false), received(set, ident, false));
    quote! {
        #attributes
        impl #root::EventSet for #ident {
            type Item = Self;
            type Ref<'lent> = #lent #lifetime;
            type Lent<'lent> = ::core::iter::Empty<#lent #lifetime>;

            fn interest() -> #root::__private::Interest {
                #root::__private::Interest::members([ #(#interests),* ])
            }

            #[inline(always)]
            fn item(taken: #root::__private::Taken) -> Self {
                match taken.member() { #items }
            }

            #[inline]
            fn lent<'lent>(taken: #root::__private::LentTaken<'lent>) -> #lent #lifetime {
                match taken.member() { #lent_items }
            }

            fn keep(lent: #lent #lifetime_of_any) -> Self {
                #kept
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
    let EventSet { root, attrs, ident, members, vis } = set;
    let attributes = attributes();
    let variants = members.iter().map(|Member { attrs, ty, variant }| {
        let (doc, attrs) = (format!("[`{ident}::{variant}`], lent."), copied(attrs));
        let held = match event_of(ty) {
            Some(event) => quote!(#root::EventRef<'lent, #event>),
            None => quote!(#ty),
        };
        quote!(#[doc = #doc] #attrs #variant(#held))
    });
    let convert = |from: &Ident, to: &Ident, by: TokenStream| {
        let arms = members.iter().map(|Member { ty, variant, .. }| {
            let inner = variable(ty);
            let converted =
                if event_of(ty).is_some() { quote!(#by(#inner)) } else { inner.clone() };
            quote!(#from::#variant(#inner) => #to::#variant(#converted))
        });
        quote!(#(#arms),*)
    };
    let owned = convert(ident, lent, quote!(::core::convert::From::from));
    let kept = convert(lent, ident, quote!(#root::EventRef::keep));
    let received = received(set, lent, true);
    let attrs = copied(attrs);
    let about = format!("An item of [`{ident}`], lent by a batch.");
    let reason = "a derive repeats the names of the set, and need not be used";
    quote! {
        #[doc = #about]
        #attrs
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

/// `impl Received` for the set or its lent counterpart.
fn received(set: &EventSet<'_>, of: &Ident, is_lent: bool) -> TokenStream {
    let (root, attributes) = (&set.root, attributes());
    let lifetime = is_lent.then(|| quote!(<'_>));
    let (metadata, receipt) = (arms(set, "metadata", is_lent), arms(set, "receipt", is_lent));
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

/// The arms of a `match` on an item of the set, or of its lent counterpart, that call a method.
fn arms(set: &EventSet<'_>, method: &str, is_lent: bool) -> TokenStream {
    let root = &set.root;
    let arms = set.members.iter().map(|Member { ty, variant, .. }| {
        let inner = variable(ty);
        let result = if is_lent && event_of(ty).is_some() {
            let received = call(root, ty, "received", quote_spanned!(ty.span()=> &*#inner));
            let method = format_ident!("{method}");
            quote!(#root::Received::#method(#received))
        } else {
            call(root, ty, method, inner.clone())
        };
        quote!(Self::#variant(#inner) => #result)
    });
    quote!(#(#arms),*)
}

/// The arms of a `match` on the number of the member that was taken.
fn by_number(set: &EventSet<'_>, item: &dyn Fn(&Member<'_>) -> TokenStream) -> TokenStream {
    let last = set.members.len().saturating_sub(1);
    let arms = set.members.iter().enumerate().map(|(at, member)| {
        let pattern = if at == last { quote!(_) } else { quote!(#at) };
        let (variable, item) = (variable(member.ty), item(member));
        quote!(#pattern => {
            let #variable = taken;
            #item
        })
    });
    quote!(#(#arms),*)
}

/// The attributes that the counterpart of a set, or of one of its variants, has as well.
fn copied(attrs: &[Attribute]) -> TokenStream {
    let is_copied = |attr: &&Attribute| {
        let hides = |doc: &Attribute| doc.parse_args::<Ident>().is_ok_and(|it| it == "hidden");
        let path = attr.path();
        path.is_ident("non_exhaustive")
            || path.is_ident("deprecated")
            || (path.is_ident("doc") && hides(attr))
    };
    attrs.iter().filter(is_copied).map(|attr| quote!(#attr)).collect()
}

/// A type in which `Self` is replaced by the set.
fn named_self(ty: &Type, set: &Ident) -> Type {
    fn replace(tokens: TokenStream, set: &Ident) -> TokenStream {
        let tokens = tokens.into_iter().map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => TokenTree::Ident(set.clone()),
            TokenTree::Group(group) => {
                let mut replaced = Group::new(group.delimiter(), replace(group.stream(), set));
                replaced.set_span(group.span());
                TokenTree::Group(replaced)
            }
            token => token,
        });
        tokens.collect()
    }
    syn::parse2(replace(ty.to_token_stream(), set)).unwrap_or_else(|_| ty.clone())
}

/// A call of a method of `Member`. It spans the member's type, from its first token to its last, so
/// that rustc reports a mistake in the type there, and once.
fn call(root: &Path, ty: &Type, method: &str, argument: TokenStream) -> TokenStream {
    let last = last_of(ty);
    let method = Ident::new(method, last);
    let function = quote_spanned!(ty.span()=> <#ty as #root::Member>::#method);
    let argument = quote_spanned!(last=> (#argument));
    quote!(#function #argument)
}

/// A variable at the end of a member's type, for the same reason. It has the type's hygiene, too, so
/// its name is one that nothing in the user's code has.
fn variable(ty: &Type) -> TokenStream {
    Ident::new("__callboard_inner", last_of(ty)).into_token_stream()
}

fn last_of(ty: &Type) -> Span {
    let last = ty.to_token_stream().into_iter().last();
    last.map_or_else(|| ty.span(), |token| token.span())
}

/// The event of a member's type, if that is spelled `Delivery<E>`: then it is lent.
fn event_of(ty: &Type) -> Option<&GenericArgument> {
    let path = match ty {
        Type::Path(TypePath { path, .. }) => path,
        // As a macro writes it.
        Type::Group(group) => return event_of(&group.elem),
        Type::Paren(paren) => return event_of(&paren.elem),
        _ => return None,
    };
    let last = path.segments.last().filter(|last| last.ident == "Delivery")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.first()
}

/// The attributes of each `impl`.
fn attributes() -> TokenStream {
    let attributes = expand::attributes();
    let reason = "the paths of a derive are written where its members are";
    quote!(#attributes #[allow(unused_qualifications, reason = #reason)])
}
