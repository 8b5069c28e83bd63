//! Reading `#[event(…)]`, `#[request(…)]` and `#[event_set(…)]`.
//!
//! This stage handles the syntax: which options exist, which attribute takes which, and what kind
//! of value each has. `valid` interprets the values.

use syn::{Attribute, ExprPath, Ident, LitStr, Meta, Path, Type};

use crate::errors::Errors;
use crate::written::Written;

/// A helper attribute of a derive, with its options.
pub(crate) struct Helper {
    /// The attribute's name.
    pub(crate) name: &'static str,
    options: &'static [Key],
    example: &'static str,
}

/// `#[event(…)]`, of `Event` and `Request`.
const EVENT: Helper = Helper {
    name: "event",
    options: &[Key::Type, Key::Priority, Key::Retain, Key::Coalesce, Key::Schema, Key::Crate],
    example: "#[event(type = \"config.parsed\")]",
};

/// `#[request(…)]`, of `Request`.
const REQUEST: Helper = Helper {
    name: "request",
    options: &[
        Key::Response,
        Key::Type,
        Key::Priority,
        Key::Retain,
        Key::Coalesce,
        Key::Schema,
        Key::Crate,
    ],
    example: "#[request(response = Verdict)]",
};

/// `#[event_set(…)]`, of `EventSet`.
const EVENT_SET: Helper = Helper {
    name: "event_set",
    options: &[Key::Crate],
    example: "#[event_set(crate = some::path)]",
};

/// The attributes of `#[derive(Event)]`.
pub(crate) const OF_EVENT: &[Helper] = &[EVENT];
/// The attributes of `#[derive(Request)]`.
pub(crate) const OF_REQUEST: &[Helper] = &[REQUEST, EVENT];
/// The attributes of `#[derive(EventSet)]`.
pub(crate) const OF_EVENT_SET: &[Helper] = &[EVENT_SET];

/// The options as written, each at most once.
#[derive(Default)]
pub(crate) struct Options {
    /// `type = "…"`
    pub(crate) subject: Option<LitStr>,
    /// `priority = …`
    pub(crate) priority: Option<ExprPath>,
    /// `retain`
    pub(crate) retain: Option<Ident>,
    /// `coalesce`
    pub(crate) coalesce: Option<Ident>,
    /// `schema`
    pub(crate) schema: Option<Ident>,
    /// `response = …`
    pub(crate) response: Option<Type>,
    /// `crate = …`
    pub(crate) root: Option<Path>,
}

impl Options {
    /// Reads every attribute among `attrs` that is one of `helpers`.
    pub(crate) fn read(attrs: &[Attribute], helpers: &[Helper], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        for attr in attrs {
            let Some(helper) = Helper::of(attr, helpers) else {
                continue;
            };
            let Meta::List(list) = &attr.meta else {
                let Helper { name, example, .. } = helper;
                errors.at(
                    &attr.meta,
                    format_args!("`{name}` takes its options in parentheses: `{example}`"),
                );
                continue;
            };
            match list.parse_args_with(Written::list) {
                Ok(list) => {
                    for written in list {
                        options.add(written, helper, errors);
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        options
    }

    fn add(&mut self, written: Written, helper: &Helper, errors: &mut Errors) {
        let Some(key) = helper.key(&written.name, errors) else {
            return;
        };
        let expects = key.expects();
        match key {
            Key::Type => written.value(&mut self.subject, |it| it.parse(), expects, errors),
            Key::Priority => written.value(&mut self.priority, |it| it.parse(), expects, errors),
            Key::Response => written.value(&mut self.response, |it| it.parse(), expects, errors),
            Key::Crate => written.value(&mut self.root, Path::parse_mod_style, expects, errors),
            Key::Retain => written.flag(&mut self.retain, expects, errors),
            Key::Coalesce => written.flag(&mut self.coalesce, expects, errors),
            Key::Schema => written.flag(&mut self.schema, expects, errors),
        }
    }
}

impl Helper {
    /// The one of `helpers` that matches `attr`.
    pub(crate) fn of<'h>(attr: &Attribute, helpers: &'h [Self]) -> Option<&'h Self> {
        helpers.iter().find(|helper| attr.path().is_ident(helper.name))
    }

    /// The option of this attribute with this name.
    fn key(&self, name: &Ident, errors: &mut Errors) -> Option<Key> {
        let key = Key::ALL.into_iter().find(|key| name == key.name());
        match key {
            Some(key) if self.options.contains(&key) => return Some(key),
            Some(Key::Response) => errors.at(
                name,
                "`response` is an option of `#[request(…)]`, on a type that derives `Request`",
            ),
            _ => {
                let attr = self.name;
                let known: Vec<_> = self.options.iter().map(|key| key.name()).collect();
                let known = known.join("`, `");
                errors.at(
                    name,
                    format_args!("unknown option `{name}`; `#[{attr}(…)]` takes `{known}`"),
                );
            }
        }
        None
    }
}

/// An option's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Type,
    Priority,
    Retain,
    Coalesce,
    Schema,
    Response,
    Crate,
}

impl Key {
    const ALL: [Self; 7] = [
        Self::Type,
        Self::Priority,
        Self::Retain,
        Self::Coalesce,
        Self::Schema,
        Self::Response,
        Self::Crate,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Priority => "priority",
            Self::Retain => "retain",
            Self::Coalesce => "coalesce",
            Self::Schema => "schema",
            Self::Response => "response",
            Self::Crate => "crate",
        }
    }

    /// Describes the expected syntax.
    fn expects(self) -> &'static str {
        match self {
            Self::Type => "`type` takes a string: `type = \"config.parsed\"`",
            Self::Priority => {
                "`priority` takes `high`, `normal`, `low` (without quotes), \
                 or the path of a `fn(&Self) -> Priority`"
            }
            Self::Retain => "`retain` has no value; a comma separates it from other options",
            Self::Coalesce => "`coalesce` has no value; a comma separates it from other options",
            Self::Schema => "`schema` has no value; a comma separates it from other options",
            Self::Response => "`response` takes a type: `response = YourType`",
            Self::Crate => "`crate` takes a path, without quotes: `crate = some::path`",
        }
    }
}
