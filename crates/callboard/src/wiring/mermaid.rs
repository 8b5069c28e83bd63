//! The graph as a Mermaid flowchart, a line per node and per edge.

use std::fmt::Write as _;

use super::id::{Ids, shown};
use super::{WiredEdge, Wiring};
use crate::catalogue::EventRole;

impl Wiring {
    /// The graph as a [Mermaid](https://mermaid.js.org) flowchart, which GitHub and GitLab draw in
    /// Markdown.
    ///
    /// Components have round ends, events are rectangles, requests hexagons, and answers have round
    /// corners. Arrows follow the events; a dotted arrow was declared but never seen. A note below
    /// a type's name says what is missing, such as a subscriber.
    ///
    /// Mermaid draws at most 500 edges unless `maxEdges` is raised.
    ///
    /// Names may be any text. Equal wirings produce equal text.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    ///
    /// #[derive(Debug, Event)]
    /// struct OrderPlaced;
    ///
    /// let bus = Bus::new();
    /// let _orders = bus.subscribe::<OrderPlaced>("billing");
    /// bus.start();
    /// assert_eq!(bus.wiring().to_mermaid(), r#"%% A dotted arrow was declared and never seen.
    /// flowchart LR
    ///     c_billing(["billing"])
    ///     e_order_placed["order.placed<br>no publisher"]:::orphan
    ///     e_order_placed -.-> c_billing
    ///     classDef orphan stroke:#c0392b,stroke-width:2px
    /// "#);
    /// ```
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let components = Ids::new("c_", "", self.components.iter().map(|it| it.name.as_str()));
        let types = Ids::new("e_", "", self.types.iter().map(|it| it.event_type.as_str()));
        let mut text = "%% A dotted arrow was declared and never seen.\nflowchart LR\n".to_owned();
        for of in &self.components {
            let label = label(&of.name, of.notes());
            let _ = writeln!(text, "    {}([\"{label}\"])", components.of(&of.name));
        }
        for of in &self.types {
            let (open, close) = match of.role {
                EventRole::Event => ("[", "]"),
                EventRole::Request { .. } => ("{{", "}}"),
                EventRole::Response { .. } => ("(", ")"),
            };
            let (id, label) = (types.of(&of.event_type), label(&of.event_type, of.notes()));
            let class = if of.notes().is_empty() { "" } else { ":::orphan" };
            let _ = writeln!(text, "    {id}{open}\"{label}\"{close}{class}");
        }
        for WiredEdge { component, event_type, relation, seen } in &self.edges {
            let (component, event_type) = (components.of(component), types.of(event_type));
            let (from, to) = if relation.is_outgoing() {
                (component, event_type)
            } else {
                (event_type, component)
            };
            let arrow = if *seen { "-->" } else { "-.->" };
            let label = relation.label().map(|it| format!("|{it}|")).unwrap_or_default();
            let _ = writeln!(text, "    {from} {arrow}{label} {to}");
        }
        text.push_str("    classDef orphan stroke:#c0392b,stroke-width:2px\n");
        text
    }
}

/// A name with notes below it.
fn label(name: &str, notes: Vec<String>) -> String {
    let lines = std::iter::once(name).chain(notes.iter().map(String::as_str));
    lines.map(escaped).collect::<Vec<_>>().join("<br>")
}

/// Escapes text within quotes: characters special to Mermaid or Markdown become numeric entities.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in shown(text).chars() {
        let plain = letter.is_alphanumeric() || " .,-_/()".contains(letter);
        if plain {
            escaped.push(letter);
        } else {
            let _ = write!(escaped, "#{};", u32::from(letter));
        }
    }
    escaped
}
