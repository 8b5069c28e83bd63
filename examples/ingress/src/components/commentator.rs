//! Commentator: tells every event in one line, with what led to it and how long that took.
//!
//! It remembers the last events in a ring, so that a cause has a name. It is lossy: the story may
//! skip a line, the controller must not wait for a terminal.

use std::future::Future;
use std::io::Write;
use std::time::{Instant, SystemTime};

use callboard::{AnyEvent, Bus, Overflow};

use crate::events::tell::tell;
use crate::logic::count::count;
use crate::logic::line::{Body, Cause, Format, Level, Line, format};
use crate::logic::ring::Ring;

/// Its name on the bus.
pub(crate) const NAME: &str = "commentator";

/// How many events it remembers.
const REMEMBERED: usize = 1_000;
/// How many lines of one kind in a row are told one by one.
const IN_A_ROW: usize = 25;

/// Subscribes.
pub(crate) fn run(bus: &Bus, style: Format) -> impl Future<Output = ()> + Send + use<> {
    let inbox = bus
        .subscriber(NAME)
        .capacity(10_000)
        .overflow(Overflow::DropOldest)
        .lossy()
        .subscribe::<AnyEvent>();
    let mut story = Story::new(style);
    inbox.serve(move |event: AnyEvent| {
        let mut out = anstream::stdout().lock();
        for line in story.lines(&event) {
            // Nobody reads any more: there is nobody to tell.
            let _ = writeln!(out, "{line}");
        }
        async {}
    })
}

/// What was told so far.
struct Story {
    style: Format,
    /// Type and time of the last events.
    ring: Ring<(&'static str, Option<Instant>)>,
    /// The type of the last line and how many there were in a row.
    row: (&'static str, usize),
    /// Wall clock and monotonic clock at one moment, to tell the one by the other.
    epoch: (SystemTime, Instant),
}

impl Story {
    fn new(style: Format) -> Self {
        Self {
            style,
            ring: Ring::new(REMEMBERED),
            row: ("", 0),
            epoch: (SystemTime::now(), Instant::now()),
        }
    }

    /// The lines `event` adds to the story.
    fn lines(&mut self, event: &AnyEvent) -> Vec<String> {
        let name = event.event_type();
        let at = event.published_at();
        let cause = event.cause().map(|sequence| {
            let known = self.ring.get(sequence);
            Cause {
                sequence,
                event_type: known.map(|(name, _)| (*name).to_owned()),
                after: known.and_then(|(_, then)| Some(at?.saturating_duration_since((*then)?))),
            }
        });
        self.ring.push(event.sequence(), (name, at));
        let mut lines = Vec::new();
        if event.missed() > 0 {
            lines.push(self.aside(
                event,
                format!("{} came too fast to be told", count(event.missed() as usize, "event")),
            ));
        }
        // Machines get every line.
        let limit = if self.style == Format::Human { IN_A_ROW } else { usize::MAX };
        if self.row.0 == name {
            self.row.1 += 1;
        } else {
            if self.row.1 > limit {
                let more = self.row.1 - limit;
                let text = format!("and {more} more {}; --json tells each of them", self.row.0);
                lines.push(self.aside(event, text));
            }
            self.row = (name, 1);
        }
        let body = tell(event);
        if self.row.1 <= limit || matches!(body.level, Level::Warning | Level::Error) {
            let line = self.line(event, name, body, cause);
            lines.push(format(&line, self.style));
        }
        lines
    }

    fn aside(&self, event: &AnyEvent, text: String) -> String {
        format(&self.line(event, "...", Body::new(Level::Info, text), None), self.style)
    }

    fn line(&self, event: &AnyEvent, name: &str, body: Body, cause: Option<Cause>) -> Line {
        let (wall, then) = self.epoch;
        let at = event.published_at().map_or_else(SystemTime::now, |at| {
            // What was published before the commentator was made is a little older than it.
            match at.checked_duration_since(then) {
                Some(since) => wall + since,
                None => wall - then.duration_since(at),
            }
        });
        Line { at, sequence: event.sequence(), event_type: name.to_owned(), body, cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{HaproxyStopped, ResourceRemoved};

    fn told(publish: impl FnOnce(&Bus)) -> Vec<String> {
        let bus = Bus::builder().timestamps(true).build().unwrap();
        let mut everything = bus.subscribe::<AnyEvent>("test");
        bus.start();
        publish(&bus);
        let mut story = Story::new(Format::Human);
        let events: Vec<_> = everything.try_iter().collect();
        let lines = events.iter().flat_map(|event| story.lines(event));
        lines.map(|line| anstream::adapter::strip_str(&line).to_string()).collect()
    }

    #[test]
    fn a_cause_is_told_with_its_name_and_the_time_since() {
        let lines = told(|bus| {
            let first = bus.publish(HaproxyStopped { pid: Some(7) });
            bus.publish_caused_by(HaproxyStopped { pid: None }, first.sequence().unwrap());
        });
        assert!(lines[0].contains("haproxy.stopped") && lines[0].contains("pid 7"), "{lines:?}");
        let cause = lines[1].split("<- ").nth(1).unwrap();
        assert!(cause.contains("haproxy.stopped, "), "{lines:?}");
    }

    #[test]
    fn a_long_row_is_cut_short() {
        let lines = told(|bus| {
            for number in 0..IN_A_ROW + 5 {
                let file = number.to_string().into();
                bus.publish(ResourceRemoved { file });
            }
            bus.publish(HaproxyStopped { pid: None });
        });
        assert_eq!(lines.len(), IN_A_ROW + 2);
        assert!(lines[IN_A_ROW].contains("and 5 more resource.removed"), "{lines:?}");
    }
}
