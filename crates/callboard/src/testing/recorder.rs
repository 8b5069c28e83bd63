//! The recorder of published events.

use std::fmt;

use crate::bus::Bus;
use crate::event::{AnyEvent, Delivery, Event};
use crate::report::count;
use crate::subscription::Subscription;
use crate::sync::isolate;

/// Keeps all events published since it was attached.
///
/// It never drops an event, and [`settle`](super::settle) ignores it.
///
/// # Examples
///
/// ```
/// use callboard::testing::{Matcher, Recorder};
/// use callboard::{Bus, Event};
///
/// #[derive(Debug, Event)]
/// struct Asked(u32);
/// #[derive(Debug, Event)]
/// struct Done;
///
/// let bus = Bus::new();
/// let mut recorder = Recorder::attach(&bus);
/// bus.start();
/// bus.publish(Asked(1));
/// bus.publish(Asked(2));
/// bus.publish(Done);
///
/// recorder.expect(["asked", "done"]);
/// recorder.expect([Matcher::of(|asked: &Asked| asked.0 == 2), Matcher::named("done")]);
/// recorder.expect_only(["asked", "asked", "done"]);
/// assert_eq!(recorder.of::<Asked>().len(), 2);
/// ```
pub struct Recorder {
    subscription: Subscription<AnyEvent>,
    events: Vec<AnyEvent>,
}

/// Matches expected events. An event type's name converts into one.
pub struct Matcher {
    description: String,
    matches: Box<dyn Fn(&AnyEvent) -> bool>,
}

impl Recorder {
    /// Attaches a recorder, under the name `recorder`.
    #[track_caller]
    #[must_use]
    pub fn attach(bus: &Bus) -> Self {
        let builder = bus.subscriber("recorder").capacity(usize::MAX).late().excluded_from_settle();
        Self { subscription: builder.subscribe(), events: Vec::new() }
    }

    /// The events recorded so far, in publication order, regardless of priority.
    pub fn events(&mut self) -> &[AnyEvent] {
        let new = self.events.len();
        self.events.extend(self.subscription.try_iter());
        // Events arrive by priority, so their order would otherwise depend on when they were read.
        self.events[new..].sort_by_key(AnyEvent::sequence);
        &self.events
    }

    /// The events of one type, in order.
    pub fn of<E: Event>(&mut self) -> Vec<Delivery<E>> {
        self.events().iter().filter_map(|event| event.clone().downcast().ok()).collect()
    }

    /// Discards the events recorded so far.
    pub fn clear(&mut self) {
        self.events();
        self.events.clear();
    }

    /// Checks that these events were recorded in this order, with any others in between.
    ///
    /// # Panics
    ///
    /// If they were not. The message shows the first event that was not found, and the whole
    /// record.
    #[track_caller]
    pub fn expect<M: Into<Matcher>>(&mut self, expected: impl IntoIterator<Item = M>) {
        let mut rest = self.events().iter();
        for (number, matcher) in expected.into_iter().enumerate() {
            let matcher: Matcher = matcher.into();
            if !rest.any(|event| (matcher.matches)(event)) {
                self.fail(format_args!(
                    "event {number}, {matcher:?}, was not recorded in its place"
                ));
            }
        }
    }

    /// Checks that exactly these events were recorded, in this order.
    ///
    /// # Panics
    ///
    /// If they were not. The message shows the first difference, and the whole record.
    #[track_caller]
    pub fn expect_only<M: Into<Matcher>>(&mut self, expected: impl IntoIterator<Item = M>) {
        let expected: Vec<Matcher> = expected.into_iter().map(Into::into).collect();
        let events = self.events();
        let wrong =
            expected.iter().zip(events).position(|(matcher, event)| !(matcher.matches)(event));
        if let Some(number) = wrong {
            self.fail(format_args!("event {number} should be {:?}", expected[number]));
        }
        let recorded = events.len();
        if recorded != expected.len() {
            let expected = count(expected.len(), "event");
            self.fail(format_args!("{expected} expected, {recorded} recorded"));
        }
    }

    /// Panics with the whole record. The record is formatted first, since an event's `Debug` that
    /// panics within a panic aborts the process.
    #[track_caller]
    fn fail(&self, what: fmt::Arguments<'_>) -> ! {
        let message = format!("{what}\n{self}");
        panic!("{message}");
    }
}

/// Shows the events already [read](Recorder::events), and the number of new ones.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("events", &self.events)
            .field("since", &self.subscription.len())
            .finish()
    }
}

/// Shows the events already [read](Recorder::events), one per line.
impl fmt::Display for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recorded, {}:", count(self.events.len(), "event"))?;
        for (number, event) in self.events.iter().enumerate() {
            let event_type = event.event_type();
            let shown = isolate(
                format_args!("the `Debug` of `{event_type}`"),
                "the recorder shows the other events",
                || format!("{event:?}"),
            );
            let shown = shown.as_deref().unwrap_or("(its `Debug` panics)");
            write!(f, "\n  {number}: {event_type} {shown}")?;
        }
        match self.subscription.len() {
            0 => Ok(()),
            since => write!(f, "\n  and {since} since; `events()` takes them in"),
        }
    }
}

impl Matcher {
    /// Matches an event whose type has this name.
    #[must_use]
    pub fn named(event_type: &str) -> Self {
        let name = event_type.to_owned();
        Self {
            description: format!("`{name}`"),
            matches: Box::new(move |event| event.event_type() == name),
        }
    }

    /// Matches an event of type `E` for which `holds` is true.
    #[must_use]
    pub fn of<E: Event>(holds: impl Fn(&E) -> bool + 'static) -> Self {
        Self {
            description: format!("`{}` with a condition", E::TYPE),
            matches: Box::new(move |event| event.downcast_ref().is_some_and(&holds)),
        }
    }
}

impl From<&str> for Matcher {
    fn from(event_type: &str) -> Self {
        Self::named(event_type)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)
    }
}
