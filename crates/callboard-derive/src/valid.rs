//! Checking that an item can be an event, a request or an event set.
//!
//! Each check adds at most one error, which underlines the mistake and describes what is expected.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Data, DeriveInput, Error, ExprPath, Field, Fields, GenericParam, Ident, LitStr,
    Variant,
};

use crate::ast::{Event, EventSet, Item, Member, Priority, Request};
use crate::attr::Helper;
use crate::contract::Contract;
use crate::errors::Errors;
use crate::name;

/// Checks for `#[derive(Event)]`.
pub(crate) fn event<'a>(item: &'a Item<'_>) -> syn::Result<Event<'a>> {
    let mut errors = item.errors.clone();
    let event = check_event(item, &mut errors);
    errors.or(event)
}

/// Checks for `#[derive(Request)]`.
pub(crate) fn request<'a>(item: &'a Item<'_>) -> syn::Result<Request<'a>> {
    let mut errors = item.errors.clone();
    let event = check_event(item, &mut errors);
    let response = item.options.response.as_ref();
    let response = response.ok_or_else(|| missing_response(item));
    // A mistake in an attribute may be the reason why there is no response.
    if let (Err(missing), true) = (&response, item.errors.is_empty()) {
        errors.push(missing.clone());
    }
    errors.or(())?;
    Ok(Request { event, response: response? })
}

/// Checks for `#[derive(EventSet)]`.
pub(crate) fn event_set<'a>(item: &'a Item<'_>) -> syn::Result<EventSet<'a>> {
    let mut errors = item.errors.clone();
    check_misplaced(item, &mut errors);
    if !item.generics.params.is_empty() {
        errors.at(
            item.generics,
            "an event set has no parameters: \
             name each variant's event, as in `Config(Delivery<ConfigParsed>)`",
        );
    }
    let mut members = Vec::new();
    match item.data {
        Data::Enum(data) if !data.variants.is_empty() => {
            members.extend(
                data.variants.iter().filter_map(|variant| check_member(variant, &mut errors)),
            );
        }
        Data::Enum(_) => errors.at(
            item.ident,
            "an event set has at least one variant, such as `Config(Delivery<ConfigParsed>)`",
        ),
        Data::Struct(_) | Data::Union(_) => errors.at(
            item.ident,
            "an event set is an enum with a variant for each event and request: \
             `enum Inbox { Config(Delivery<ConfigParsed>), Ask(Call<ValidateConfig>) }`",
        ),
    }
    check_distinct(&members, &mut errors);
    let DeriveInput { attrs, vis, .. } = item.input;
    errors.or(EventSet { root: item.root(), attrs, vis, ident: item.ident, members })
}

fn check_event<'a>(item: &'a Item<'_>, errors: &mut Errors) -> Event<'a> {
    check_misplaced(item, errors);
    if let Data::Union(data) = item.data {
        errors.at(
            data.union_token,
            "an event is a struct or an enum: nobody can tell which field of a union is there",
        );
    }
    check_parameters(item, errors);
    let options = &item.options;
    Event {
        root: item.root(),
        ident: item.ident,
        subject: check_subject(item, errors),
        priority: options.priority.as_ref().map(|path| check_priority(path, errors)),
        retain: options.retain.as_ref(),
        coalesce: options.coalesce.as_ref(),
        schema: options.schema.as_ref(),
        contract: Contract::of(item.input),
    }
}

/// Checks that helper attributes are on the item, not on a part of it.
fn check_misplaced(item: &Item<'_>, errors: &mut Errors) {
    for attr in attributes_inside(item.data) {
        if let Some(Helper { name, .. }) = Helper::of(attr, item.helpers) {
            let ident = item.ident;
            errors.at(
                attr,
                format_args!("`#[{name}(…)]` goes above `{ident}` itself, not inside it"),
            );
        }
    }
}

fn attributes_inside(data: &Data) -> Vec<&Attribute> {
    fn on_field(field: &Field) -> &[Attribute] {
        &field.attrs
    }
    match data {
        Data::Struct(data) => data.fields.iter().flat_map(on_field).collect(),
        Data::Union(data) => data.fields.named.iter().flat_map(on_field).collect(),
        Data::Enum(data) => data
            .variants
            .iter()
            .flat_map(|it| it.attrs.iter().chain(it.fields.iter().flat_map(on_field)))
            .collect(),
    }
}

/// Checks that the item has no parameters: a name identifies exactly one type, and an event borrows
/// nothing.
fn check_parameters(item: &Item<'_>, errors: &mut Errors) {
    let params = &item.generics.params;
    let ident = item.ident;
    if params.is_empty() {
        return;
    }
    let borrows = |param| matches!(param, &GenericParam::Lifetime(_));
    let message = if params.iter().all(borrows) {
        format!(
            "an event borrows nothing (it is `'static`): \
             let `{ident}` own its data, in a `String` or an `Arc<str>` for example"
        )
    } else {
        format!(
            "an event's name stands for exactly one type, and `{ident}<…>` is many: \
             implement `Event` by hand for each one you publish, with a name of its own"
        )
    };
    errors.at(item.generics, message);
}

/// Returns the event's name: the given one, or the one derived from its type's.
fn check_subject(item: &Item<'_>, errors: &mut Errors) -> LitStr {
    let Some(given) = &item.options.subject else {
        let derived = name::subject_of(item.ident);
        if derived.is_empty() {
            let ident = item.ident;
            errors.at(
                ident,
                format_args!("no event name can be derived from `{ident}`: add `type = \"…\"`"),
            );
        }
        return LitStr::new(&derived, item.ident.span());
    };
    let subject = given.value();
    if let Some(mistake) = mistake_in(&subject) {
        errors.at(given, format_args!("{subject:?} is no event name: {mistake}"));
    }
    given.clone()
}

/// Why `subject` is not a valid event name; `None` if it is.
fn mistake_in(subject: &str) -> Option<&'static str> {
    if subject.is_empty() {
        Some("it is empty; write tokens separated by dots, as in \"config.parsed\"")
    } else if subject.contains(char::is_whitespace) {
        Some("it contains whitespace; separate its tokens with dots")
    } else if subject.contains(char::is_control) {
        Some("it contains a control character")
    } else if subject.contains(['*', '>']) {
        Some("`*` and `>` are for the patterns of subscribers; a name has none")
    } else if subject.starts_with('.') {
        Some("it starts with a dot; a dot stands between two tokens")
    } else if subject.ends_with('.') {
        Some("it ends with a dot; a dot stands between two tokens")
    } else if subject.contains("..") {
        Some("there is nothing between two of its dots")
    } else {
        None
    }
}

/// `high`, `normal` and `low` are levels; any other path names a function.
fn check_priority<'a>(path: &'a ExprPath, errors: &mut Errors) -> Priority<'a> {
    for (word, level) in [("high", "High"), ("normal", "Normal"), ("low", "Low")] {
        if path.path.is_ident(word) {
            return Priority::Level(Ident::new(level, path.span()));
        }
        // A function is not called `High`, but `Priority::High` is.
        if path.path.segments.last().is_some_and(|last| last.ident == level) {
            errors.at(path, format_args!("write `priority = {word}`"));
        }
    }
    Priority::By(path)
}

fn missing_response(item: &Item<'_>) -> Error {
    let ours = |attr: &&Attribute| attr.path().is_ident("request");
    let message = "a request names its answer: add `response = YourType`, \
                   as in `#[request(response = Verdict)]`";
    match item.input.attrs.iter().find(ours) {
        Some(attr) => Error::new_spanned(attr, message),
        None => Error::new_spanned(item.ident, message),
    }
}

/// Checks that a variant of an event set is a tuple variant with one field.
fn check_member<'a>(variant: &'a Variant, errors: &mut Errors) -> Option<Member<'a>> {
    let name = &variant.ident;
    let right = format!("write `{name}(Delivery<YourEvent>)` or `{name}(Call<YourRequest>)`");
    let (span, mistake) = match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            let ty = &fields.unnamed[0].ty;
            return Some(Member { attrs: &variant.attrs, variant: name, ty });
        }
        Fields::Unit => (name.span(), "holds nothing"),
        Fields::Unnamed(fields) if fields.unnamed.is_empty() => (fields.span(), "holds nothing"),
        Fields::Unnamed(fields) => (fields.span(), "holds more than one event"),
        Fields::Named(fields) => (fields.span(), "has named fields"),
    };
    errors.push(Error::new(span, format_args!("variant `{name}` {mistake}: {right}")));
    None
}

/// Checks that no two variants have the same type, which would be ambiguous.
fn check_distinct(members: &[Member<'_>], errors: &mut Errors) {
    let mut seen: HashMap<String, &Ident> = HashMap::new();
    for Member { variant, ty, .. } in members {
        match seen.entry(ty.to_token_stream().to_string()) {
            Entry::Vacant(entry) => {
                entry.insert(variant);
            }
            Entry::Occupied(entry) => errors.at(
                ty,
                format_args!(
                    "variants `{}` and `{variant}` hold the same type: keep one of them",
                    entry.get()
                ),
            ),
        }
    }
}
