//! The graph in DOT, the language of Graphviz.

use std::fmt::Write as _;

use super::id::{Ids, shown};
use super::{WiredEdge, Wiring};
use crate::catalogue::EventRole;

impl Wiring {
    /// The graph in DOT, the language of [Graphviz](https://graphviz.org): `dot -Tsvg` draws it.
    ///
    /// Shapes and arrows are those of [`to_mermaid`](Self::to_mermaid), with dashed arrows for
    /// dotted ones. Names may be any text. Equal wirings produce equal text.
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
    /// let dot = bus.wiring().to_dot();
    /// assert!(dot.contains(r#"e_order_placed -> c_billing [style=dashed]"#), "{dot}");
    /// ```
    #[must_use]
    pub fn to_dot(&self) -> String {
        let components = Ids::new("c_", "", self.components.iter().map(|it| it.name.as_str()));
        let types = Ids::new("e_", "", self.types.iter().map(|it| it.event_type.as_str()));
        let mut text = "digraph wiring {\n    rankdir=LR\n    node [shape=box]\n".to_owned();
        for of in &self.components {
            let (id, label) = (components.of(&of.name), label(&of.name, of.notes()));
            let _ = writeln!(text, "    {id} [label=\"{label}\", style=rounded, penwidth=2]");
        }
        for of in &self.types {
            let shape = match of.role {
                EventRole::Event => "",
                EventRole::Request { .. } => ", shape=hexagon",
                EventRole::Response { .. } => ", style=rounded",
            };
            let (id, label) = (types.of(&of.event_type), label(&of.event_type, of.notes()));
            let colour = if of.notes().is_empty() { "" } else { ", color=\"#c0392b\"" };
            let _ = writeln!(text, "    {id} [label=\"{label}\"{shape}{colour}]");
        }
        for WiredEdge { component, event_type, relation, seen } in &self.edges {
            let (component, event_type) = (components.of(component), types.of(event_type));
            let (from, to) = if relation.is_outgoing() {
                (component, event_type)
            } else {
                (event_type, component)
            };
            let label = relation.label().map(|it| format!("label={it}"));
            let dashed = (!seen).then(|| "style=dashed".to_owned());
            let attributes: Vec<_> = label.into_iter().chain(dashed).collect();
            let attributes = match attributes.as_slice() {
                [] => String::new(),
                some => format!(" [{}]", some.join(", ")),
            };
            let _ = writeln!(text, "    {from} -> {to}{attributes}");
        }
        text.push_str("}\n");
        text
    }
}

/// A name with notes below it.
fn label(name: &str, notes: Vec<String>) -> String {
    let lines = std::iter::once(name).chain(notes.iter().map(String::as_str));
    lines.map(escaped).collect::<Vec<_>>().join("\\n")
}

/// Escapes text within quotes. Graphviz reads a backslash and the next character as one escape, and
/// entities as in HTML.
fn escaped(text: &str) -> String {
    let text = shown(text).replace('\\', "\\\\");
    text.replace('&', "&amp;").replace('"', "\\\"")
}
