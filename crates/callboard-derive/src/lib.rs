//! The derives of [callboard](https://docs.rs/callboard): [`Event`](macro@Event),
//! [`Request`](macro@Request) and [`EventSet`](macro@EventSet).
//!
//! Use them through `callboard`, which re-exports them together with the traits of the same names.
//!
//! Every derive is the same pipeline, with one module per stage:
//!
//! 1. `attr`, over `written`, reads the attributes into options;
//! 2. `ast` models the item: as written, and as checked;
//! 3. `valid` turns the one into the other, or reports what is wrong and what is expected, and
//!    `contract`, over `spell`, reads the documentation;
//! 4. `expand` generates the `impl`s, with the subject from `name`;
//! 5. `fallback` replaces it after a mistake, so that one mistake is one error.

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod ast;
mod attr;
mod contract;
mod errors;
mod expand;
mod fallback;
mod name;
mod set;
mod spell;
mod valid;
mod written;

/// Names an event: implements `Event` for a struct or an enum.
///
/// The name is the type's own in dotted lower case, unless `type` sets another. An acronym is one
/// token, and digits stay with the letters before them: `HTTPRequest` is `http.request`,
/// `Http2Ready` is `http2.ready`. The type can't have parameters, since the name must identify a
/// single type.
///
/// Everything else is optional, in `#[event(…)]`:
///
/// | option | meaning |
/// | --- | --- |
/// | `type = "config.parsed"` | the name: tokens separated by dots, without whitespace and wildcards |
/// | `priority = high` | the priority of every event of the type; also `normal` (the default) and `low` |
/// | `priority = Self::urgency` | any other path is a `fn(&Self) -> Priority`, called for each event |
/// | `retain` | the bus keeps the latest event of the type, for late subscribers |
/// | `coalesce` | asserts that the type implements `Coalesce`; without it, the derive detects that |
/// | `schema` | the catalogue has the type's JSON Schema: it implements `schemars::JsonSchema`, and `callboard` has the feature `schemars` |
/// | `crate = some::path` | the path of `callboard`, if it is not `::callboard` |
///
/// The derive keeps the doc comments of the type, of its fields and of its variants, and the names
/// and types of the fields; `Bus::catalogue` lists them.
///
/// # Examples
///
/// ```
/// use callboard::{Event, Priority};
///
/// #[derive(Debug, Event)]
/// struct ConfigParsed {
///     version: u64,
/// }
///
/// #[derive(Debug, Event)]
/// #[event(type = "disk.level", priority = Self::urgency, retain)]
/// struct DiskLevel {
///     percent: u8,
/// }
///
/// impl DiskLevel {
///     fn urgency(&self) -> Priority {
///         if self.percent > 95 { Priority::High } else { Priority::Low }
///     }
/// }
///
/// assert_eq!(ConfigParsed::TYPE, "config.parsed");
/// assert_eq!(DiskLevel::TYPE, "disk.level");
/// ```
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let item = ast::Item::read(&input, attr::OF_EVENT);
    match valid::event(&item) {
        Ok(event) => expand::event(&event),
        Err(error) => fallback::event(&item, &error),
    }
    .into()
}

/// Names a request and its answer: implements `Request` and `Event`.
///
/// A request is an event, so derive only `Request`, not `Event` as well.
///
/// `#[request(response = YourType)]` is mandatory. The options of [`Event`](macro@Event) may be in
/// the same attribute or in a separate `#[event(…)]`.
///
/// # Examples
///
/// ```
/// use callboard::{Event, Request};
///
/// #[derive(Debug, Event)]
/// enum Verdict {
///     Valid,
///     Invalid { reason: String },
/// }
///
/// #[derive(Debug, Request)]
/// #[request(type = "config.validate", response = Verdict)]
/// struct ValidateConfig {
///     yaml: String,
/// }
///
/// assert_eq!(ValidateConfig::TYPE, "config.validate");
/// assert_eq!(<ValidateConfig as Request>::Response::TYPE, "verdict");
/// ```
#[proc_macro_derive(Request, attributes(request, event))]
pub fn derive_request(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let item = ast::Item::read(&input, attr::OF_REQUEST);
    match valid::request(&item) {
        Ok(request) => expand::request(&request),
        Err(error) => fallback::request(&item, &error),
    }
    .into()
}

/// Makes an enum a component's whole inbox: implements `EventSet`.
///
/// Each variant holds one `Delivery<E>` or one `Call<Q>`, and no two the same. The enum can't have
/// parameters. `#[event_set(crate = some::path)]` sets the path of `callboard`, if it is not
/// `::callboard`.
///
/// Beside an enum `Inbox` that holds deliveries, the derive makes an enum `InboxRef<'_>` with the
/// same variants and visibility, which batches lend. It holds an `EventRef<'_, E>` for each
/// `Delivery<E>`, and a call as it is: calls are owned, to be answered. `InboxRef::keep` returns an
/// `Inbox`. An enum that holds calls only has no such counterpart.
///
/// The derive only sees names. A delivery under another name, such as a type alias, stays owned
/// instead of lent. An alias called `Delivery` must have the event as its only parameter.
///
/// # Examples
///
/// ```
/// use callboard::{Call, Delivery, Event, EventSet, Request};
///
/// #[derive(Debug, Event)]
/// struct ConfigParsed;
///
/// #[derive(Debug, Request)]
/// #[request(response = ConfigParsed)]
/// struct ParseConfig;
///
/// #[derive(Debug, EventSet)]
/// enum Inbox {
///     Config(Delivery<ConfigParsed>),
///     Ask(Call<ParseConfig>),
/// }
///
/// fn handle(message: Inbox) {
///     match message {
///         Inbox::Config(config) => println!("from now on: {config:?}"),
///         Inbox::Ask(call) => println!("to be answered: {call:?}"),
///     }
/// }
/// ```
#[proc_macro_derive(EventSet, attributes(event_set))]
pub fn derive_event_set(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let item = ast::Item::read(&input, attr::OF_EVENT_SET);
    match valid::event_set(&item) {
        Ok(set) => set::event_set(&set),
        Err(error) => fallback::event_set(&item, &error),
    }
    .into()
}
