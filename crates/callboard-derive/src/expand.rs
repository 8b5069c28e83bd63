//! Generating the code for a checked event or request.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;

use crate::ast::{Event, Priority, Request};
use crate::contract::{Contract, Field, Variant};

/// `impl Event`.
pub(crate) fn event(event: &Event<'_>) -> TokenStream {
    event_with(event, TokenStream::new())
}

/// `impl Event` and `impl Request`.
pub(crate) fn request(request: &Request<'_>) -> TokenStream {
    let Request { event, response } = request;
    let Event { root, ident, .. } = event;
    let event = event_with(event, quote!(.request()));
    let attributes = attributes();
    quote! {
        #event

        #attributes
        impl #root::Request for #ident {
            type Response = #response;
        }
    }
}

/// `impl Event`, with `more` appended to its abilities.
fn event_with(event: &Event<'_>, more: TokenStream) -> TokenStream {
    let Event { root, ident, subject, .. } = event;
    let attributes = attributes();
    let base = abilities(event);
    let priority = event.priority.as_ref().map(|priority| match priority {
        Priority::Level(level) => quote!(.priority(#root::Priority::#level)),
        Priority::By(function) => quote!(.priority_by(#function)),
    });
    let retain = event.retain.map(|retain| quote!(.#retain()));
    // At the option's own span, so that rustc reports a missing schema there.
    let schema = event.schema.map(|schema| quote_spanned!(schema.span()=> .#schema()));
    let contract = contract(root, &event.contract);
    quote! {
        #attributes
        impl #root::Event for #ident {
            const TYPE: &'static str = #subject;
            const ABILITIES: #root::Abilities<Self> = {
                #base #priority #retain #schema .contract(#contract) #more
            };
        }
    }
}

/// The abilities, with `coalesce` as the only option.
fn abilities(event: &Event<'_>) -> TokenStream {
    let root = &event.root;
    match event.coalesce {
        // At the option's own span, so that rustc reports a missing implementation there.
        Some(coalesce) => {
            quote_spanned!(coalesce.span()=> #root::Abilities::<Self>::new().#coalesce())
        }
        // Detects `impl Coalesce`: an inherent constant takes precedence over a trait's. `Probe` is
        // not imported, since the event may have that name.
        None => quote! {
            use #root::__private::NotCoalescing as _;
            #root::__private::Probe::<Self>::ABILITIES
        },
    }
}

/// A `&'static Contract`.
fn contract(root: &Path, contract: &Contract) -> TokenStream {
    let Contract { doc, fields, variants } = contract;
    let fields = with_fields(root, fields);
    let variants = (!variants.is_empty()).then(|| {
        let variants = variants.iter().map(|Variant { name, doc, fields }| {
            let fields = with_fields(root, fields);
            quote!(#root::VariantContract::new(#name, #doc) #fields)
        });
        quote!(.with_variants(const { &[ #(#variants),* ] }))
    });
    quote!(const { &#root::Contract::new(#doc) #fields #variants })
}

/// The call that adds the fields, if there are any.
fn with_fields(root: &Path, fields: &[Field]) -> Option<TokenStream> {
    let field =
        |Field { name, ty, doc }: &Field| quote!(#root::FieldContract::new(#name, #ty, #doc));
    let list = fields.iter().map(field);
    (!fields.is_empty()).then(|| quote!(.with_fields(const { &[ #(#list),* ] })))
}

/// The attributes of each `impl`.
pub(crate) fn attributes() -> TokenStream {
    quote! {
        #[automatically_derived]
        #[allow(deprecated, reason = "whoever uses a deprecated event is told, not its derive")]
    }
}
