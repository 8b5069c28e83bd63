//! The graph as plain text.

use std::fmt;

use super::id::shown;
use super::{Relation, WiredEdge, Wiring};

impl fmt::Display for Wiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for component in &self.components {
            writeln!(f, "{}", shown(&component.name))?;
            for note in component.notes() {
                writeln!(f, "  {}", shown(&note))?;
            }
            for relation in Relation::ALL {
                let of = |edge: &&WiredEdge| {
                    edge.component == component.name && edge.relation == relation
                };
                let types: Vec<_> = self.edges.iter().filter(of).map(named).collect();
                if !types.is_empty() {
                    writeln!(f, "  {relation} {}", types.join(", "))?;
                }
            }
        }
        for of in self.types.iter().filter(|of| !of.notes().is_empty()) {
            writeln!(f, "{}: {}", shown(&of.event_type), of.notes().join(", "))?;
        }
        Ok(())
    }
}

fn named(edge: &WiredEdge) -> String {
    let seen = if edge.seen { "" } else { " (never seen)" };
    shown(&edge.event_type) + seen
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publishes => "publishes",
            Self::Hears => "hears",
            Self::Asks => "asks",
            Self::Answers => "answers",
            Self::Replies => "replies with",
            Self::Collects => "collects",
        })
    }
}
