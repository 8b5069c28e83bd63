//! Recording a snapshot with the `metrics` facade.

mod links;

use std::collections::BTreeMap;
use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::overflow::{DropReason, Dropped, Ledger};
use crate::registry::Phase;
use crate::snapshot::{Snapshot, SubscriberSnapshot};

/// How many subscribers, and how many event types, have their own series.
const OWN_SERIES: usize = 250;

/// The label value for all others.
const OTHER: &str = "(other)";

/// A histogram's buckets: the longest time that falls into each, and its count.
type Buckets = [(Duration, u64)];

/// The combined figures of event types with one name.
#[derive(Default)]
struct OfType {
    published: u64,
    unheard: u64,
}

/// The combined figures of subscriptions with one name.
#[derive(Default)]
struct OfSubscriber {
    ledger: Ledger,
    queued: usize,
    capacity: usize,
    high_water: usize,
    oldest: Duration,
    handling: u64,
    handled: u64,
    busy: Duration,
    panics: u64,
    times: Vec<(Duration, u64)>,
}

impl OfSubscriber {
    fn add(&mut self, of: &SubscriberSnapshot) {
        self.ledger.add(&of.ledger);
        self.queued += of.queued;
        self.capacity = self.capacity.saturating_add(of.capacity);
        self.high_water = self.high_water.max(of.high_water);
        self.oldest = self.oldest.max(of.oldest.unwrap_or_default());
        self.handling += of.handling;
        self.handled += of.handled;
        self.busy = self.busy.saturating_add(of.busy);
        for (bound, count) in of.handler_times.iter().flat_map(|times| &times.buckets) {
            match self.times.iter_mut().find(|(other, _)| other == bound) {
                Some((_, sum)) => *sum += count,
                None => self.times.push((*bound, *count)),
            }
        }
        self.panics += of.panics;
    }
}

/// Figures by label value, for at most `OWN` values.
#[derive(Default)]
struct Series<'a, T, const OWN: usize = OWN_SERIES>(BTreeMap<&'a str, T>);

impl<'a, T: Default, const OWN: usize> Series<'a, T, OWN> {
    /// The figures for a name: the first `OWN` names have their own.
    fn of(&mut self, name: &'a str) -> &mut T {
        let own = self.0.contains_key(name) || self.0.len() < OWN;
        self.0.entry(if own { name } else { OTHER }).or_default()
    }
}

impl Snapshot {
    /// Records the snapshot's figures with the `metrics` facade, with their units. The
    /// [guide](crate::guide::watching#metrics) has a table of them.
    ///
    /// For a single recording. To record repeatedly, use
    /// [`record_since`](Self::record_since).
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::Bus;
    ///
    /// let bus = Bus::new();
    /// bus.snapshot().record();
    /// ```
    pub fn record(&self) {
        self.record_changes(None);
    }

    /// Like [`record`](Self::record), after an `earlier` snapshot of the bus was recorded:
    /// histograms get the values since then, and the gauges of ended subscribers are set to 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::Bus;
    ///
    /// let bus = Bus::new();
    /// let mut told = bus.snapshot();
    /// told.record();
    /// for _ in 0..3 {
    ///     let now = bus.snapshot();      // every few seconds
    ///     now.record_since(&told);
    ///     told = now;
    /// }
    /// ```
    pub fn record_since(&self, earlier: &Self) {
        self.record_changes(Some(earlier));
    }

    fn record_changes(&self, earlier: Option<&Self>) {
        describe();
        self.record_types();
        let mut present = self.by_subscriber();
        let before = earlier.map_or_else(Series::default, Self::by_subscriber);
        for name in before.0.keys() {
            present.0.entry(name).or_default();
        }
        for (name, of) in &present.0 {
            self.record_subscriber(name, of);
            if !of.times.is_empty() {
                let times =
                    histogram!("callboard_handler_seconds", "subscriber" => (*name).to_owned());
                record_times(&times, before.0.get(name).map_or(&[], |of| &of.times), &of.times);
            }
        }
        self.record_bus();
        self.record_requests(earlier);
        self.record_links(earlier);
    }

    fn record_types(&self) {
        let mut series: Series<'_, OfType> = Series::default();
        let mut buffered = Ledger::default();
        for of in &self.types {
            let figures = series.of(&of.event_type);
            figures.published += of.published;
            figures.unheard += of.unheard;
            buffered.add(&of.buffered);
        }
        for (event_type, of) in series.0 {
            let event_type = || event_type.to_owned();
            counter!("callboard_published_total", "event_type" => event_type())
                .absolute(of.published);
            counter!("callboard_unheard_total", "event_type" => event_type()).absolute(of.unheard);
        }
        record_drops(Dropped::BUFFER, &buffered);
    }

    fn by_subscriber(&self) -> Series<'_, OfSubscriber> {
        let mut series: Series<'_, OfSubscriber> = Series::default();
        self.subscribers.iter().for_each(|of| series.of(&of.name).add(of));
        series
    }

    fn record_subscriber(&self, name: &str, of: &OfSubscriber) {
        record_drops(name, &of.ledger);
        let gauge = |figure: &'static str, value: f64| {
            gauge!(figure, "subscriber" => name.to_owned()).set(value);
        };
        let counter = |figure: &'static str, value: u64| {
            counter!(figure, "subscriber" => name.to_owned()).absolute(value);
        };
        counter("callboard_delivered_total", of.ledger.delivered);
        gauge("callboard_queued", float(of.queued));
        gauge("callboard_queue_capacity", float(of.capacity));
        gauge("callboard_queue_high_water", float(of.high_water));
        if self.timestamps {
            gauge("callboard_queue_age_seconds", of.oldest.as_secs_f64());
        }
        counter("callboard_handled_total", of.handled);
        counter("callboard_handler_panics_total", of.panics);
        gauge("callboard_handlers_running", float(of.handling));
        gauge("callboard_handler_busy_seconds", of.busy.as_secs_f64());
    }

    fn record_bus(&self) {
        let paused = self.phase == Phase::Buffering && self.started;
        let phases = [
            ("buffering", self.phase == Phase::Buffering && !paused),
            ("paused", paused),
            ("running", self.phase == Phase::Running),
            ("closed", self.phase == Phase::Closed),
        ];
        for (phase, is) in phases {
            gauge!("callboard_phase", "phase" => phase).set(f64::from(u8::from(is)));
        }
        counter!("callboard_refused_total").absolute(self.refused);
        gauge!("callboard_missing").set(float(self.missing.len()));
        gauge!("callboard_buffered").set(float(self.buffer.queued));
        gauge!("callboard_buffer_capacity").set(float(self.buffer.capacity));
        gauge!("callboard_buffer_high_water").set(float(self.buffer.high_water));
        gauge!("callboard_memory_bytes").set(float(self.bytes));
    }

    fn record_requests(&self, earlier: Option<&Self>) {
        let requests = &self.requests;
        let endings = &requests.endings;
        let outcomes = [
            ("met", endings.met),
            ("unreachable", endings.unreachable),
            ("timed_out", endings.timed_out),
            ("closed", endings.closed),
            ("refused", endings.refused),
            ("given_up", endings.given_up),
        ];
        for (outcome, count) in outcomes {
            counter!("callboard_requests_total", "outcome" => outcome).absolute(count);
        }
        gauge!("callboard_requests_open").set(float(requests.open.len()));
        counter!("callboard_late_answers_total").absolute(requests.late);
        counter!("callboard_duplicate_answers_total").absolute(requests.duplicate);
        let before = earlier.map_or(&[][..], |earlier| &earlier.requests.endings.times);
        record_times(&histogram!("callboard_gather_seconds"), before, &endings.times);
    }
}

/// Counts drops for every reason, even with 0: a rate over a series that only starts with its first
/// drop would miss that drop.
fn record_drops(subscriber: &str, ledger: &Ledger) {
    let of_buffer = subscriber == Dropped::BUFFER;
    for reason in DropReason::ALL {
        let buffers = matches!(reason, DropReason::BufferFull | DropReason::Closed);
        let either = matches!(reason, DropReason::Coalesced | DropReason::Withdrawn);
        if buffers == of_buffer || either {
            let labels = [("subscriber", subscriber.to_owned()), ("reason", label(reason).into())];
            counter!("callboard_dropped_total", &labels).absolute(ledger.dropped(reason));
        }
    }
}

/// Records the times added since `before`, each as the upper bound of its bucket.
fn record_times(histogram: &metrics::Histogram, before: &Buckets, now: &Buckets) {
    for (bound, count) in now {
        let old = before.iter().find(|(other, _)| other == bound).map_or(0, |(_, old)| *old);
        let new = usize::try_from(count.saturating_sub(old)).unwrap_or(usize::MAX);
        if new > 0 {
            histogram.record_many(bound.as_secs_f64(), new);
        }
    }
}

/// A drop reason as the value of a label.
fn label(reason: DropReason) -> &'static str {
    match reason {
        DropReason::Full => "full",
        DropReason::Oldest => "oldest",
        DropReason::BufferFull => "buffer_full",
        DropReason::Closed => "closed",
        DropReason::Coalesced => "coalesced",
        DropReason::Unsubscribed => "unsubscribed",
        DropReason::Withdrawn => "withdrawn",
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
fn float(figure: impl TryInto<u64>) -> f64 {
    figure.try_into().unwrap_or(u64::MAX) as f64
}

/// Describes the figures to the recorder.
fn describe() {
    use Unit::{Bytes, Count, Seconds};

    let counters = [
        ("callboard_published_total", "Events published, by type."),
        ("callboard_unheard_total", "Events published that nobody listened to, by type."),
        ("callboard_delivered_total", "Events received, by subscriber."),
        ("callboard_dropped_total", "Events not received, by subscriber and reason."),
        ("callboard_refused_total", "Events refused because the bus was closed or being drained."),
        ("callboard_handled_total", "Events whose handling has ended, by subscriber."),
        ("callboard_handler_panics_total", "Handlers that panicked, by subscriber."),
        ("callboard_requests_total", "Requests that have ended, by outcome."),
        ("callboard_late_answers_total", "Answers that came after their request had ended."),
        ("callboard_duplicate_answers_total", "Answers by a name that had answered already."),
    ];
    for (name, help) in counters.into_iter().chain(links::COUNTERS) {
        describe_counter!(name, Count, help);
    }
    let gauges = [
        ("callboard_queued", Count, "Events that wait for a subscriber."),
        ("callboard_queue_capacity", Count, "Events that may wait for a subscriber."),
        ("callboard_queue_high_water", Count, "The most events that ever waited for a subscriber."),
        ("callboard_queue_age_seconds", Seconds, "Age of the oldest event that waits."),
        ("callboard_handlers_running", Count, "Handlers that run, by subscriber."),
        ("callboard_handler_busy_seconds", Seconds, "Time of all handlings that have ended."),
        ("callboard_phase", Count, "1 for the phase that the bus is in, 0 for the others."),
        (
            "callboard_missing",
            Count,
            "Expected subscribers and responders that have not signed in.",
        ),
        ("callboard_buffered", Count, "Events that wait for the start."),
        ("callboard_buffer_capacity", Count, "Events that may wait for the start."),
        ("callboard_buffer_high_water", Count, "The most events that ever waited for the start."),
        ("callboard_memory_bytes", Bytes, "Memory held by queues, buffer and retained events."),
        ("callboard_requests_open", Count, "Requests that wait for answers."),
    ];
    for (name, unit, help) in gauges.into_iter().chain(links::GAUGES) {
        describe_gauge!(name, unit, help);
    }
    describe_histogram!("callboard_handler_seconds", Seconds, "How long handlings took.");
    describe_histogram!("callboard_gather_seconds", Seconds, "How long requests took.");
}
