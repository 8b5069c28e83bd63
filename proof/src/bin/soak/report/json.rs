//! The page for machines.

use super::{Figures, Page};
use crate::checks::growth::Growth;

impl Page<'_> {
    /// All figures, as JSON.
    pub(crate) fn json(&self) -> String {
        let Self { run, totals, heap, memory, fault, time } = self;
        let requests = Figures::ENDS.iter().zip(totals.requests);
        let wakes = &run.wakes;
        let millis = |time: std::time::Duration| number(time.as_secs_f64() * 1_000.0);
        let mut text = object([
            ("verdict", string(self.verdict())),
            ("seed", string(&run.seed.to_string())),
            ("seconds", number(time.as_secs_f64())),
            ("buses", totals.buses.to_string()),
            ("phases", totals.phases.to_string()),
            ("components", totals.components.to_string()),
            ("published", totals.published.to_string()),
            ("received", totals.received.to_string()),
            ("missed", totals.missed.to_string()),
            ("requests", object(requests.map(|(end, count)| (*end, count.to_string())))),
            (
                "wake_gap_ms",
                object([
                    ("count", wakes.count().to_string()),
                    ("p50", millis(wakes.percentile(50))),
                    ("p99", millis(wakes.percentile(99))),
                    ("max", millis(wakes.longest())),
                ]),
            ),
            ("longest_wait_ms", millis(totals.longest_wait)),
            ("heap_without_bus_mib", grows(heap)),
            ("memory_mib", grows(memory)),
            (
                "fault",
                fault.map_or_else(
                    || "null".to_owned(),
                    |fault| {
                        object([
                            ("what", string(&fault.what)),
                            ("expected", string(&fault.expected)),
                            ("found", string(&fault.found)),
                            ("details", string(&fault.details)),
                        ])
                    },
                ),
            ),
        ]);
        text.push('\n');
        text
    }
}

fn grows(growth: &Growth) -> String {
    object([
        ("least", number(growth.least)),
        ("most", number(growth.most)),
        ("per_hour", number(growth.per_hour)),
        ("bound_per_hour", number(growth.bound)),
    ])
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members = members.into_iter().map(|(name, value)| format!("{}:{value}", string(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// A number; JSON has none that is infinite.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "null".to_owned() }
}

fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            letter if letter < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{number, object, string};

    #[test]
    fn what_is_written_is_json() {
        assert_eq!(string("a \"b\"\n\t"), "\"a \\\"b\\\"\\n\\u0009\"");
        assert_eq!([1.0, f64::INFINITY].map(number), ["1.000", "null"]);
        assert_eq!(object([("a", object([("b", number(0.5))]))]), "{\"a\":{\"b\":0.500}}");
    }
}
