//! The subjects of a link, and their allowed contents.
//!
//! ```text
//! cb.<namespace>.e.<origin>.<event type>   events, and the probes of the handshake
//! cb.<namespace>.d.<origin>.<event type>   events of durable lanes, stored by JetStream
//! cb.<namespace>.s.<origin>                hello, beat and bye, for every node
//! cb.<namespace>.n.<origin>.<node>         acknowledgements, requests and answers, for one node
//! cb.<namespace>.m.<origin>                a node's marks, which only it hears itself
//! ```
//!
//! The origin is a separate token in every subject, so that the server's permissions can restrict a
//! node to its own name: it may only publish to `cb.<namespace>.*.<node>` and below.

use crate::error::Error;

/// The first token of every subject.
const PREFIX: &str = "cb";

/// The subjects of one node.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    base: String,
    node: String,
}

impl Subjects {
    pub(crate) fn new(namespace: &str, node: &str) -> Result<Self, Error> {
        check_token("namespace", namespace)?;
        check_token("node", node)?;
        Ok(Self { base: format!("{PREFIX}.{namespace}"), node: node.to_owned() })
    }

    pub(crate) fn namespace(&self) -> &str {
        self.base.get(PREFIX.len() + 1..).unwrap_or_default()
    }

    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// The subject on which this node publishes events of a type.
    pub(crate) fn events(&self, event_type: &str) -> String {
        format!("{}.e.{}.{event_type}", self.base, self.node)
    }

    /// The subject on which all nodes publish events of a type.
    pub(crate) fn all_events(&self, event_type: &str) -> String {
        format!("{}.e.*.{event_type}", self.base)
    }

    #[cfg(feature = "jetstream")]
    pub(crate) fn durable(&self, event_type: &str) -> String {
        format!("{}.d.{}.{event_type}", self.base, self.node)
    }

    #[cfg(feature = "jetstream")]
    pub(crate) fn all_durable(&self, event_type: &str) -> String {
        format!("{}.d.*.{event_type}", self.base)
    }

    #[cfg(feature = "jetstream")]
    pub(crate) fn every_durable(&self) -> String {
        format!("{}.d.>", self.base)
    }

    /// The name of the stream that holds the durable lanes.
    #[cfg(feature = "jetstream")]
    pub(crate) fn stream(&self) -> String {
        self.base.replace('.', "_")
    }

    /// The subject of messages from this node to all nodes.
    pub(crate) fn system(&self) -> String {
        format!("{}.s.{}", self.base, self.node)
    }

    pub(crate) fn all_system(&self) -> String {
        format!("{}.s.*", self.base)
    }

    /// The subject of messages from this node to one node.
    pub(crate) fn directed(&self, to: &str) -> String {
        format!("{}.n.{}.{to}", self.base, self.node)
    }

    /// The subject of messages from all nodes to this one.
    pub(crate) fn all_directed(&self) -> String {
        format!("{}.n.*.{}", self.base, self.node)
    }

    /// The subject of messages from this node to itself.
    pub(crate) fn marks(&self) -> String {
        format!("{}.m.{}", self.base, self.node)
    }

    /// The node that published to a subject of the link.
    pub(crate) fn origin<'a>(&self, subject: &'a str) -> Option<&'a str> {
        let rest = subject.strip_prefix(&*self.base)?.strip_prefix('.')?;
        let (_, rest) = rest.split_once('.')?;
        let origin = rest.split('.').next()?;
        (!origin.is_empty()).then_some(origin)
    }
}

/// Checks the name of a namespace, node, group or consumer, which is one token.
pub(crate) fn check_token(what: &'static str, token: &str) -> Result<(), Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if token.is_empty() || token.len() > 64 || !token.chars().all(allowed) {
        return Err(Error::bad(
            what,
            token,
            "1 to 64 letters, digits, hyphens and underscores, such as `eu-1`",
        ));
    }
    Ok(())
}

/// Checks an event type's name, which is one or more tokens.
pub(crate) fn check_event_type(event_type: &str) -> Result<(), Error> {
    check_tokens("event type", event_type)
}

/// Checks a subject for CloudEvents, which is one or more tokens, and not a subject of links.
pub(crate) fn check_subject(subject: &str) -> Result<(), Error> {
    if subject.split('.').next() == Some(PREFIX) {
        let right = "outside the subjects of links, which begin with `cb.`";
        return Err(Error::bad("subject for CloudEvents", subject, right));
    }
    check_tokens("subject for CloudEvents", subject)
}

fn check_tokens(what: &'static str, tokens: &str) -> Result<(), Error> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '*' | '>');
    let token = |token: &str| !token.is_empty() && token.chars().all(plain);
    if tokens.len() > 200 || !tokens.split('.').all(token) {
        return Err(Error::bad(
            what,
            tokens,
            "tokens with dots between them, without blanks, `*` and `>`, such as `config.parsed`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_the_token_after_the_kind() {
        let subjects = Subjects::new("shop", "eu-1").unwrap();
        assert_eq!(subjects.events("order.placed"), "cb.shop.e.eu-1.order.placed");
        for (subject, origin) in [
            ("cb.shop.e.eu-1.order.placed", Some("eu-1")),
            ("cb.shop.s.eu-2", Some("eu-2")),
            ("cb.shop.s.", None),
            ("cb.shop.s", None),
            ("cb.other.s.eu-2", None),
            ("cb.shopping.s.eu-2", None),
            ("", None),
        ] {
            assert_eq!(subjects.origin(subject), origin, "{subject}");
        }
    }

    #[test]
    fn names_that_are_no_tokens_are_refused_by_name() {
        for (namespace, node) in
            [("", "a"), ("a", ""), ("a.b", "a"), ("a", "*"), ("a", "b c"), ("ä", "a")]
        {
            let error = Subjects::new(namespace, node).unwrap_err().to_string();
            assert!(error.contains("such as `eu-1`"), "{error}");
        }
        for event_type in ["", ".", "a.", "a..b", "a.*", "a.>", "a b", "a\n"] {
            assert!(check_event_type(event_type).is_err(), "{event_type:?}");
        }
        assert!(check_event_type("config.parsed").is_ok());
    }
}
