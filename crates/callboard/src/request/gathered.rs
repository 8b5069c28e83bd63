//! The result of a request.

use std::sync::Arc;
use std::{fmt, mem};

use super::parts::{Part, Parts};
use crate::error::Incomplete;
use crate::event::{Delivery, Event, TypeInfo};
use crate::outcome::{End, Outcome};
use crate::report::first_of;
use crate::sync::discard;

/// The result of a request: the answers, why the other responders did not answer, and why the
/// request ended.
///
/// A partial result is not an error; the asker decides whether it is enough.
pub struct Gathered<R: 'static> {
    /// The request's type.
    pub(super) request: &'static TypeInfo,
    pub(super) sequence: u64,
    /// Responders that answered come first, in the order of their answers.
    pub(super) parts: Parts<R>,
    pub(super) responded: usize,
    pub(super) unexpected: Vec<(Arc<str>, Delivery<R>)>,
    pub(super) end: End,
}

impl<R: Event> Gathered<R> {
    /// The answers of the expected responders, with their names, in order of arrival.
    pub fn responses(&self) -> impl ExactSizeIterator<Item = (&str, &Delivery<R>)> + Clone {
        (0..self.responded).map(|place| match self.parts.get(place) {
            Some((name, Part { answer: Some((_, answer)), .. })) => (name, answer),
            _ => unreachable!("those who have answered come first"),
        })
    }

    /// The answers of responders that were not expected. They don't count towards completion.
    pub fn unexpected(&self) -> impl ExactSizeIterator<Item = (&str, &Delivery<R>)> + Clone {
        self.unexpected.iter().map(|(name, answer)| (&**name, answer))
    }

    /// The expected responders that did not answer, and why, in the order in which they were
    /// expected.
    pub fn missing(&self) -> impl ExactSizeIterator<Item = (&str, Outcome)> {
        let missing = self.parts.named().skip(self.responded);
        missing.map(|(name, part)| (name, part.outcome(self.end)))
    }

    /// The answer of one expected responder.
    pub fn get(&self, responder: &str) -> Option<&Delivery<R>> {
        self.responses().find(|(name, _)| *name == responder).map(|(_, answer)| answer)
    }

    /// The outcome of one expected responder; `None` if it was not expected.
    pub fn outcome(&self, responder: &str) -> Option<Outcome> {
        if self.get(responder).is_some() {
            return Some(Outcome::Responded);
        }
        self.missing().find(|(name, _)| *name == responder).map(|(_, outcome)| outcome)
    }

    /// The answers of all expected responders, in order of arrival.
    ///
    /// # Errors
    ///
    /// If any answer is missing, even if the completion rule was met: the missing responders, and
    /// why.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event, Request};
    /// # #[derive(Debug, Event)]
    /// # struct Health(bool);
    /// # #[derive(Debug, Request)]
    /// # #[request(type = "health", response = Health)]
    /// # struct Probe;
    /// # let bus = Bus::new();
    /// # let mut disk = bus.responder::<Probe>("disk");
    /// # std::thread::spawn(move || disk.iter().for_each(|call| call.respond(Health(true))));
    /// # bus.start();
    /// let all = bus.request(Probe).expect(["disk"]).gather_blocking()?.into_all()?;
    /// assert_eq!((all[0].0.as_str(), all[0].1.0), ("disk", true));
    ///
    /// let gathered = bus.request(Probe).expect(["cache", "disk"]).settled().gather_blocking()?;
    /// let error = gathered.into_all().unwrap_err();
    /// assert_eq!(error.to_string(), "1 of 2 responders answered `health`: `cache` no such responder");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_all(self) -> Result<Vec<(String, Delivery<R>)>, Incomplete> {
        if self.responded < self.parts.len() {
            let missing = self.missing().map(|(name, outcome)| (name.to_owned(), outcome));
            return Err(Incomplete {
                request: self.request.name,
                responded: self.responded,
                end: self.end,
                missing: missing.collect(),
            });
        }
        let answers = self.responses().map(|(name, answer)| (name.to_owned(), answer.clone()));
        Ok(answers.collect())
    }

    /// Why the request ended.
    pub fn end(&self) -> End {
        self.end
    }

    /// Whether the completion rule was met.
    pub fn is_complete(&self) -> bool {
        self.end == End::Met
    }

    /// The request's sequence number, which its answers carry as their [`cause`](Delivery::cause);
    /// 0 if the bus never accepted it.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl<R: 'static> Drop for Gathered<R> {
    fn drop(&mut self) {
        if mem::needs_drop::<R>() {
            let parts = mem::replace(&mut self.parts, Parts::new());
            discard_answers(parts, mem::take(&mut self.unexpected));
        }
    }
}

/// Drops answers one by one, since their destructors may panic.
pub(super) fn discard_answers<R>(parts: Parts<R>, unexpected: Vec<(Arc<str>, Delivery<R>)>) {
    parts.into_answers().for_each(discard);
    unexpected.into_iter().for_each(discard);
}

impl<R: 'static> Clone for Gathered<R> {
    fn clone(&self) -> Self {
        Self {
            request: self.request,
            sequence: self.sequence,
            parts: self.parts.clone(),
            responded: self.responded,
            unexpected: self.unexpected.clone(),
            end: self.end,
        }
    }
}

/// Shows the answers as events; each has this request as its cause.
impl<R: Event> fmt::Debug for Gathered<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Gathered");
        shown.field("end", &self.end);
        shown.field("sequence", &self.sequence);
        shown.field("responses", &ByName::of(self.responses().map(|(name, it)| (name, &**it))));
        if !self.unexpected.is_empty() {
            let unexpected = self.unexpected().map(|(name, it)| (name, &**it));
            shown.field("unexpected", &ByName::of(unexpected));
        }
        shown.field("missing", &ByName::of(self.missing())).finish()
    }
}

/// Formats as a map from responders' names, in the order of the entries.
struct ByName<'a, T>(Vec<(&'a str, T)>);

impl<'a, T> ByName<'a, T> {
    fn of(entries: impl Iterator<Item = (&'a str, T)>) -> Self {
        Self(entries.collect())
    }
}

impl<T: fmt::Debug> fmt::Debug for ByName<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, it)| (name, it))).finish()
    }
}

/// How the request ended, how many responders answered, and why the others did not.
impl<R: Event> fmt::Display for Gathered<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {} answered", self.end, self.responded, self.parts.len())?;
        let missing = self.missing().map(|(name, outcome)| format!("`{name}` {outcome}"));
        if missing.len() > 0 {
            write!(f, "; {}", first_of(missing, ", "))?;
        }
        let strangers = self.unexpected().map(|(name, _)| format!("`{name}`"));
        if strangers.len() > 0 {
            write!(f, "; answered, but not expected: {}", first_of(strangers, ", "))?;
        }
        Ok(())
    }
}
