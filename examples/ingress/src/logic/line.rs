//! One line of the narrative: aligned and coloured for people, JSON for machines.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::problem::{Problem, Severity, listed};

/// How a line should be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Part of the story.
    Info,
    /// A step that ended well.
    Good,
    /// Worth a look.
    Warning,
    /// Something is wrong.
    Error,
}

/// What led to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Its number.
    pub(crate) sequence: u64,
    /// Its type, when it is still remembered.
    pub(crate) event_type: Option<String>,
    /// How long it took from there.
    pub(crate) after: Option<Duration>,
}

/// What is said about an event.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// How it should be taken.
    pub(crate) level: Level,
    /// What happened.
    pub(crate) text: String,
    /// What is wrong. A single problem is in `text` already.
    pub(crate) problems: Vec<Problem>,
    /// Further lines on a terminal.
    pub(crate) remarks: Vec<String>,
    /// Further fields for `--json`, which are complete.
    pub(crate) fields: Vec<(&'static str, Value)>,
}

impl Body {
    /// Nothing but `text`.
    pub(crate) fn new(level: Level, text: String) -> Self {
        Self { level, text, problems: Vec::new(), remarks: Vec::new(), fields: Vec::new() }
    }
}

/// One line, with what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// When it happened.
    pub(crate) at: SystemTime,
    /// The event's number.
    pub(crate) sequence: u64,
    /// The event's type.
    pub(crate) event_type: String,
    /// What is said about it.
    pub(crate) body: Body,
    /// What led to it.
    pub(crate) cause: Option<Cause>,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Human,
    /// For machines.
    Json,
}

/// Writes `line`, without a line break at the end. On a terminal a line for each problem follows.
pub(crate) fn format(line: &Line, format: Format) -> String {
    match format {
        Format::Human => human(line),
        Format::Json => machine(line),
    }
}

/// `12 ms`, `1.4 s`.
pub(crate) fn short(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        1_000_000..60_000_000 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!("{} min {} s", micros / 60_000_000, micros / 1_000_000 % 60),
    }
}

fn human(line: &Line) -> String {
    let dim = Style::new().dimmed();
    let (style, mark) = look(line.body.level);
    let (_, clock) = utc(line.at);
    let mut text = format!(
        "{dim}{clock} {sequence:>4}{dim:#} {style}{mark} {name:<19}{style:#} {body}",
        sequence = line.sequence,
        name = line.event_type,
        body = line.body.text,
    );
    if let Some(cause) = &line.cause {
        let _ = write!(text, "  {dim}<- {}", cause.sequence);
        if let Some(name) = &cause.event_type {
            let _ = write!(text, " {name}");
        }
        if let Some(after) = cause.after {
            let _ = write!(text, ", {}", short(after));
        }
        let _ = write!(text, "{dim:#}");
    }
    let (problems, more) = listed(&line.body.problems);
    for problem in problems {
        let (style, mark) = look(level(problem.severity));
        let _ = write!(text, "\n{:INDENT$}{style}{mark}{style:#} {problem}", "");
    }
    for remark in more.iter().chain(&line.body.remarks) {
        let _ = write!(text, "\n{:INDENT$}  {remark}", "");
    }
    text
}

/// The column of the mark.
const INDENT: usize = 18;

fn look(level: Level) -> (Style, char) {
    let (color, mark) = match level {
        Level::Info => (AnsiColor::Cyan, ' '),
        Level::Good => (AnsiColor::Green, '+'),
        Level::Warning => (AnsiColor::Yellow, '!'),
        Level::Error => (AnsiColor::Red, 'x'),
    };
    (color.on_default(), mark)
}

/// How a problem of `severity` should be taken.
pub(crate) fn level(severity: Severity) -> Level {
    match severity {
        Severity::Fatal | Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Notice => Level::Info,
    }
}

fn machine(line: &Line) -> String {
    let (date, clock) = utc(line.at);
    let level = match line.body.level {
        Level::Info | Level::Good => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    let cause = line.cause.as_ref().map(|cause| {
        json!({
            "sequence": cause.sequence,
            "event": cause.event_type,
            "after_ms": cause.after.map(|after| after.as_secs_f64() * 1e3),
        })
    });
    let mut value = json!({
        "time": format!("{date}T{clock}Z"),
        "sequence": line.sequence,
        "event": line.event_type,
        "level": level,
        "message": line.body.text,
        "cause": cause,
    });
    if !line.body.problems.is_empty() {
        value["problems"] = json!(line.body.problems);
    }
    for (name, field) in &line.body.fields {
        value[*name] = field.clone();
    }
    value.to_string()
}

/// Date and time of day, in UTC.
fn utc(at: SystemTime) -> (String, String) {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Days since 1970 to a date, by counting in eras of 400 years that begin on 1 March.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + carry;
    (
        format!("{year:04}-{month:02}-{date:02}"),
        format!(
            "{:02}:{:02}:{:02}.{:03}",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60,
            since.subsec_millis()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line {
            at: UNIX_EPOCH + Duration::from_millis(1_772_446_272_007),
            sequence: 12,
            event_type: "config.loaded".to_owned(),
            body: Body::new(Level::Good, "2 files".to_owned()),
            cause: Some(Cause {
                sequence: 3,
                event_type: Some("settings.changed".to_owned()),
                after: Some(Duration::from_micros(1_250)),
            }),
        }
    }

    #[test]
    fn people_get_columns() {
        let text = anstream::adapter::strip_str(&human(&line())).to_string();
        let expected =
            "10:11:12.007   12 + config.loaded       2 files  <- 3 settings.changed, 1.2 ms";
        assert_eq!(text, expected);
    }

    #[test]
    fn problems_get_lines_of_their_own() {
        let mut line = line();
        line.cause = None;
        let file = std::path::Path::new("a.yaml");
        line.body.problems =
            vec![Problem::error(file, Some(1), "bad"), Problem::warning(file, Some(2), "odd")];
        line.body.remarks = vec!["by the way".to_owned()];
        let text = anstream::adapter::strip_str(&human(&line)).to_string();
        let lines: Vec<_> = text.lines().skip(1).collect();
        let expected = [
            "                  x a.yaml:1: bad",
            "                  ! a.yaml:2: odd",
            "                    by the way",
        ];
        assert_eq!(lines, expected);
        let value: Value = serde_json::from_str(&machine(&line)).unwrap();
        assert_eq!(value["problems"][1]["severity"], "warning");
        assert_eq!(value["problems"][1]["line"], 2);
    }

    #[test]
    fn machines_get_json() {
        let value: serde_json::Value = serde_json::from_str(&machine(&line())).unwrap();
        assert_eq!(value["time"], "2026-03-02T10:11:12.007Z");
        assert_eq!(value["event"], "config.loaded");
        assert_eq!(value["cause"]["after_ms"], 1.25);
    }

    #[test]
    fn dates_are_right_around_leap_days() {
        let date = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds)).0;
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(951_868_800), "2000-03-01");
        assert_eq!(date(1_798_761_599), "2026-12-31");
    }

    #[test]
    fn durations_are_short() {
        let of = |micros| short(Duration::from_micros(micros));
        assert_eq!(of(840), "840 µs");
        assert_eq!(of(12_300), "12 ms");
        assert_eq!(of(1_440_000), "1.4 s");
        assert_eq!(of(61_000_000), "1 min 1 s");
    }
}
