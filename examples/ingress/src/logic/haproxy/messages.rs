//! What HAProxy prints, taken apart.

/// A complaint, and the line of the configuration it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alert {
    /// The line of the configuration, counted from 1.
    pub(crate) line: Option<usize>,
    /// The complaint.
    pub(crate) message: String,
}

/// The alerts among the lines of `output`, without those that only count others.
pub(crate) fn alerts(output: &str) -> Vec<Alert> {
    complaints(output, "[ALERT]")
}

/// The warnings among the lines of `output`.
pub(crate) fn warnings(output: &str) -> Vec<Alert> {
    complaints(output, "[WARNING]")
}

fn complaints(output: &str, label: &str) -> Vec<Alert> {
    let mut found: Vec<Alert> = Vec::new();
    // Whether the line before belongs to the last one found.
    let mut open = false;
    for line in output.lines() {
        match (line.strip_prefix("   | "), found.last_mut()) {
            (Some(more), Some(last)) if open => last.message += &format!(" {}", more.trim()),
            (Some(_), _) => {}
            (None, _) => {
                let next = complaint(line, label);
                open = next.is_some();
                found.extend(next);
            }
        }
    }
    found
}

fn complaint(line: &str, label: &str) -> Option<Alert> {
    let rest = line.strip_prefix(label)?;
    let (_, message) = rest.split_once(") : ")?;
    let message = message.strip_prefix("config : ").unwrap_or(message).trim();
    let counts =
        ["Error(s) found in", "Fatal errors found", "[haproxy.main()] Some protocols failed"];
    if counts.iter().any(|it| message.starts_with(it)) {
        return None;
    }
    let (line, message) = match place(message) {
        Some((line, prefix, rest)) => (Some(line), format!("{prefix}{rest}")),
        None => (None, message.to_owned()),
    };
    Some(Alert { line, message })
}

/// Splits `parsing [file:12] : reason`, `[file:12] : reason` and `Binding [file:12] for frontend f:
/// reason`.
fn place(message: &str) -> Option<(usize, &'static str, &str)> {
    for (start, prefix) in [("parsing [", ""), ("[", ""), ("Binding [", "binding ")] {
        let Some(rest) = message.strip_prefix(start) else {
            continue;
        };
        let (place, reason) = rest.split_once(']')?;
        let (_, line) = place.rsplit_once(':')?;
        return Some((line.parse().ok()?, prefix, reason.trim_start_matches([' ', ':'])));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parse_error_has_its_line() {
        let output = "\
[NOTICE]   (5073) : haproxy version is 2.6.12-1+deb12u4
[ALERT]    (5073) : config : parsing [/dev/stdin:3] : unknown keyword 'foo' in 'frontend' section
[ALERT]    (5073) : config : Error(s) found in configuration file : /dev/stdin
[ALERT]    (5073) : config : Fatal errors found in configuration.
";
        let expected = Alert {
            line: Some(3),
            message: "unknown keyword 'foo' in 'frontend' section".to_owned(),
        };
        assert_eq!(alerts(output), [expected]);
    }

    #[test]
    fn a_port_in_use_has_its_line_too() {
        let output = "[ALERT]    (3753) : Binding [h.cfg:11] for frontend f: cannot bind socket \
                      (Address already in use) for [127.0.0.1:18099]\n\
                      [ALERT]    (3753) : [haproxy.main()] Some protocols failed to start their listeners! Exiting.\n";
        let alerts = alerts(output);
        assert_eq!(alerts.len(), 1);
        assert_eq!(alerts[0].line, Some(11));
        assert!(alerts[0].message.starts_with("binding for frontend f: cannot bind"), "{alerts:?}");
    }

    #[test]
    fn warnings_are_told_apart_from_alerts() {
        let output = "[NOTICE]   (1) : haproxy version is 2.6.12-1+deb12u4\n\
                      [WARNING]  (1) : config : [b.cfg:14] : 'server b/x' : could not resolve address 'x'\n";
        assert_eq!(alerts(output), []);
        let message = "'server b/x' : could not resolve address 'x'".to_owned();
        assert_eq!(warnings(output), [Alert { line: Some(14), message }]);
    }

    #[test]
    fn the_further_lines_of_a_complaint_belong_to_it() {
        let output = "[ALERT]    (1) : config : bad.\n   | Worse.\n[WARNING]  (1) : config : odd.\n   | Very odd.\n   | Indeed.\n";
        assert_eq!(alerts(output)[0].message, "bad. Worse.");
        assert_eq!(warnings(output)[0].message, "odd. Very odd. Indeed.");
    }

    #[test]
    fn a_complaint_about_no_line_is_kept_whole() {
        let output =
            "[ALERT]    (1) : config : Proxy 'x': unable to find required use_backend: 'nope'.\n";
        let alerts = alerts(output);
        assert_eq!(alerts[0].line, None);
        assert!(alerts[0].message.starts_with("Proxy 'x'"));
    }
}
