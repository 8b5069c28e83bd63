//! The graph and the catalogue as an AsyncAPI document.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::id::{Ids, PLAIN};
use super::schema::{payload, summary};
use super::{Relation, WiredEdge, Wiring};
use crate::bus::Bus;
use crate::catalogue::{CatalogueEntry, EventRole};
use crate::event::Priority;

impl Bus {
    /// The program as an [AsyncAPI](https://www.asyncapi.com) 3.0 document, with this title and
    /// version. It needs the feature `asyncapi`.
    ///
    /// - A channel per event type, with its doc comment; the type's name is its address.
    /// - An operation per component and type of the [wiring](Self::wiring): `send` for publishing
    ///   and asking, `receive` for hearing and answering, with the reply of requests. It is tagged
    ///   with the component's name, and has `x-never-seen` where the wiring has a dotted arrow. The
    ///   description names components that hear everything.
    /// - A schema per type: its JSON Schema if the type offers one (with the feature `schemars`),
    ///   else its fields or variants with their doc comments and Rust types.
    ///
    /// The document contains no counts, so equal wirings of the same types have equal documents.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    ///
    /// /// An order was accepted.
    /// #[derive(Debug, Event)]
    /// struct OrderPlaced {
    ///     /// In cents.
    ///     total: u32,
    /// }
    ///
    /// let bus = Bus::new();
    /// let _orders = bus.subscribe::<OrderPlaced>("billing");
    ///
    /// let document = bus.asyncapi("Shop", "1.0.0");
    /// assert_eq!(document["asyncapi"], "3.0.0");
    /// let channel = &document["channels"]["order.placed"];
    /// assert_eq!(channel["description"], "An order was accepted.");
    /// assert_eq!(document["operations"]["billing.hears.order.placed"]["action"], "receive");
    /// let total = &document["components"]["schemas"]["order.placed"]["properties"]["total"];
    /// assert_eq!(total["description"], "In cents.\n\nRust type: `u32`");
    /// ```
    pub fn asyncapi(&self, title: impl Into<String>, version: impl Into<String>) -> Value {
        let snapshot = self.snapshot();
        let catalogue = self.catalogue();
        Wiring::of(&snapshot, &catalogue).asyncapi(&catalogue, title, version)
    }
}

impl Wiring {
    /// The AsyncAPI document of a wiring and its catalogue; see [`Bus::asyncapi`]. It needs the
    /// feature `asyncapi`.
    ///
    /// # Examples
    ///
    /// ```
    /// let bus = callboard::Bus::new();
    /// let _log = bus.subscribe::<callboard::AnyEvent>("log");
    /// let wiring = bus.wiring().without(["log"]);
    /// let document = wiring.asyncapi(&bus.catalogue(), "Shop", "1.0.0");
    /// assert_eq!(document["info"]["title"], "Shop");
    /// assert!(document["info"]["description"].is_null());
    /// ```
    #[must_use]
    pub fn asyncapi(
        &self,
        catalogue: &[CatalogueEntry],
        title: impl Into<String>,
        version: impl Into<String>,
    ) -> Value {
        let mut document = Document::new(self, catalogue);
        let mut channels = Map::new();
        for of in &self.types {
            channels.insert(document.id(&of.event_type), document.channel(&of.event_type));
            document.message(&of.event_type);
        }
        let mut operations = Map::new();
        for edge in &self.edges {
            if let Some(operation) = document.operation(edge) {
                let (component, of_type) =
                    (document.components.of(&edge.component), document.id(&edge.event_type));
                let mut id = format!("{component}.{}.{of_type}", edge.relation);
                while operations.contains_key(&id) {
                    id.push('_');
                }
                operations.insert(id, operation);
            }
        }
        let mut info = json!({ "title": title.into(), "version": version.into() });
        let everything = self.components.iter().filter(|it| it.hears_everything);
        let everything: Vec<_> = everything.map(|it| format!("`{}`", it.name)).collect();
        if !everything.is_empty() {
            info["description"] =
                format!("Every event is heard by {}.", everything.join(", ")).into();
        }
        json!({
            "asyncapi": "3.0.0",
            "info": info,
            "channels": channels,
            "operations": operations,
            "components": { "messages": document.messages, "schemas": document.schemas },
        })
    }
}

struct Document<'a> {
    entries: HashMap<&'a str, &'a CatalogueEntry>,
    components: Ids<'a>,
    types: Ids<'a>,
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl<'a> Document<'a> {
    fn new(wiring: &'a Wiring, catalogue: &'a [CatalogueEntry]) -> Self {
        let mut entries = HashMap::new();
        for entry in catalogue {
            // If two types share a name, the first wins.
            entries.entry(entry.event_type).or_insert(entry);
        }
        let components = wiring.components.iter().map(|it| it.name.as_str());
        let types = wiring.types.iter().map(|it| it.event_type.as_str());
        Self {
            entries,
            components: Ids::new("", PLAIN, components),
            types: Ids::new("", PLAIN, types),
            messages: Map::new(),
            schemas: Map::new(),
        }
    }

    fn id(&self, event_type: &str) -> String {
        self.types.of(event_type).to_owned()
    }

    fn doc(&self, event_type: &str) -> &'static str {
        self.entries.get(event_type).map_or("", |entry| entry.doc)
    }

    fn channel(&self, event_type: &str) -> Value {
        let id = self.types.of(event_type);
        // Braces, for example, would turn an address into one with parameters.
        let plain = event_type.chars().all(|it| it.is_alphanumeric() || ".-_".contains(it));
        let mut channel = json!({
            "address": plain.then_some(event_type),
            "title": event_type,
            "messages": { id: { "$ref": format!("#/components/messages/{id}") } },
        });
        describe(&mut channel, self.doc(event_type));
        channel
    }

    /// Adds the message of a type, and its schema.
    fn message(&mut self, event_type: &str) {
        let id = self.id(event_type);
        let mut message = json!({
            "name": event_type,
            "title": event_type,
            "payload": { "$ref": format!("#/components/schemas/{id}") },
        });
        describe(&mut message, self.doc(event_type));
        let mut schema = Value::Bool(true);
        if let Some(entry) = self.entries.get(event_type) {
            #[cfg(feature = "schemars")]
            if entry.schema.is_some() {
                message["contentType"] = "application/json".into();
            }
            match entry.priority {
                Some(Priority::Normal) => {}
                Some(priority) => message["x-priority"] = priority.to_string().into(),
                None => message["x-priority"] = "by value".into(),
            }
            for (ability, there) in
                [("x-retained", entry.retained), ("x-coalesces", entry.coalesces)]
            {
                if there {
                    message[ability] = true.into();
                }
            }
            schema = payload(entry, &id, &mut self.schemas);
        }
        self.schemas.insert(id.clone(), schema);
        self.messages.insert(id, message);
    }

    /// The operation for an edge. The reply to a request is part of the request's operation.
    fn operation(&self, edge: &WiredEdge) -> Option<Value> {
        let WiredEdge { component, event_type, relation, seen } = edge;
        let asks = match relation {
            Relation::Publishes | Relation::Hears => false,
            Relation::Asks | Relation::Answers => true,
            Relation::Replies | Relation::Collects => return None,
        };
        let action = if relation.is_outgoing() { "send" } else { "receive" };
        let mut operation = self.target(event_type);
        operation["action"] = action.into();
        operation["title"] = format!("{component} {relation} {event_type}").into();
        operation["tags"] = json!([{ "name": component }]);
        let role = self.entries.get(event_type.as_str()).map(|entry| &entry.role);
        if let (true, Some(EventRole::Request { response })) = (asks, role) {
            operation["reply"] = self.target(response);
        }
        if !seen {
            operation["x-never-seen"] = true.into();
        }
        Some(operation)
    }

    /// A channel with its only message.
    fn target(&self, event_type: &str) -> Value {
        let channel = format!("#/channels/{}", self.types.of(event_type));
        let message = format!("{channel}/messages/{}", self.types.of(event_type));
        json!({ "channel": { "$ref": channel }, "messages": [{ "$ref": message }] })
    }
}

/// Adds a doc comment: its full text, and its first paragraph if that is shorter.
fn describe(what: &mut Value, doc: &str) {
    if !doc.is_empty() {
        what["description"] = doc.into();
        let first = summary(doc);
        if first != doc {
            what["summary"] = first.into();
        }
    }
}
