//! Comparing a program's wiring with a file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::wiring::{Relation, Wiring};

/// The environment variable that makes the check write files.
const RENEW: &str = "CALLBOARD_RENEW";

/// Checks that a program's wiring, as [Mermaid](Wiring::to_mermaid), matches a file.
///
/// It fails if a component begins or stops publishing, hearing, asking or answering something, and
/// names the change. To accept a difference, or to create the file, run the test with the
/// environment variable `CALLBOARD_RENEW=1` and review the change of the file: the check then writes
/// the file, with its folders, and passes.
///
/// - A relative `path` starts at the package whose test runs: at `CARGO_MANIFEST_DIR`, which cargo
///   sets, or otherwise at the current folder.
/// - Take the wiring after the program has done its work, and before its components end: a dropped
///   subscription is not in the wiring. [`settle`](super::settle) waits until the bus is idle.
/// - To leave out components of the test, such as a [`Recorder`](super::Recorder), pass
///   `bus.wiring().without(["recorder"])`.
/// - If timing decides whether an edge is used, pass `bus.wiring().all_seen()`.
///
/// Line endings don't matter.
///
/// # Panics
///
/// If the file differs or can't be read or written. The message says what to do.
///
/// # Examples
///
/// ```no_run
/// use callboard::testing::assert_wiring;
///
/// # let bus = callboard::Bus::new();
/// assert_wiring(&bus, "docs/wiring.mmd");
/// ```
#[track_caller]
pub fn assert_wiring(wiring: impl Into<Wiring>, path: impl AsRef<Path>) {
    let renew = std::env::var_os(RENEW).is_some_and(|value| !value.is_empty() && value != "0");
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    if let Err(complaint) = check(&wiring.into(), &folder.join(path), renew) {
        panic!("{complaint}");
    }
}

/// Returns the difference as an error, if there is one.
fn check(wiring: &Wiring, path: &Path, renew: bool) -> Result<(), String> {
    let text = wiring.to_mermaid();
    let shown = path.display();
    let old = match fs::read_to_string(path) {
        Ok(old) => Some(old.replace("\r\n", "\n")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("cannot read the wiring in `{shown}`: {error}")),
    };
    if old.as_ref() == Some(&text) {
        return Ok(());
    }
    if renew {
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = folder.and_then(|()| fs::write(path, &text));
        return written.map_err(|error| format!("cannot write the wiring to `{shown}`: {error}"));
    }
    Err(match old {
        None => format!(
            "there is no wiring in `{shown}` to compare with. To write it, run this test with \
             {RENEW}=1. It would be:\n\n{text}"
        ),
        Some(old) => format!(
            "the wiring is not that of `{shown}`:\n{}\n{}\nTo accept it, run this test with \
             {RENEW}=1 and review the change of the file.",
            told(&old, &text),
            lines(&old, &text),
        ),
    })
}

/// The differences in words, one per line.
fn told(old: &str, new: &str) -> String {
    let (old, new) = (Drawing::read(old), Drawing::read(new));
    let mut told = String::new();
    for name in new.nodes.keys().filter(|name| !old.nodes.contains_key(*name)) {
        let _ = writeln!(told, "  {} is new", name.told());
    }
    for (name, notes) in &old.nodes {
        match new.nodes.get(name) {
            None => {
                let _ = writeln!(told, "  {} is gone", name.told());
            }
            Some(now) if now != notes => {
                let now = if now.is_empty() { "nothing is missing" } else { now };
                let notes = if notes.is_empty() { "nothing was missing" } else { notes };
                let _ = writeln!(told, "  {}: now {now}, before {notes}", name.told());
            }
            Some(_) => {}
        }
    }
    for (edge, seen) in &new.edges {
        let Edge { component, relation, event_type } = edge;
        let _ = match old.edges.get(edge) {
            Some(before) if before == seen => Ok(()),
            Some(_) => {
                let how =
                    if *seen { "seen now, and not before" } else { "seen before, and not now" };
                writeln!(told, "  `{component}` {relation} `{event_type}`: {how}")
            }
            None => {
                let how = if *seen { "" } else { " (never seen)" };
                writeln!(told, "  `{component}` now {relation} `{event_type}`{how}")
            }
        };
    }
    for edge in old.edges.keys().filter(|edge| !new.edges.contains_key(*edge)) {
        let Edge { component, relation, event_type } = edge;
        let _ = writeln!(told, "  `{component}` no longer {relation} `{event_type}`");
    }
    if told.is_empty() {
        told.push_str("  the same nodes and arrows, written in another way\n");
    }
    told
}

/// The lines that only one of two texts has, in order. Lines in both are left out, since each line
/// of a drawing is independent.
fn lines(old: &str, new: &str) -> String {
    let of_old: HashSet<&str> = old.lines().collect();
    let of_new: HashSet<&str> = new.lines().collect();
    let mut gone = old.lines().filter(|line| !of_new.contains(line)).peekable();
    let mut text = String::new();
    for line in new.lines().filter(|line| !of_old.contains(line)) {
        while let Some(gone) = gone.next_if(|gone| *gone <= line) {
            let _ = writeln!(text, "- {}", gone.trim());
        }
        let _ = writeln!(text, "+ {}", line.trim());
    }
    for gone in gone {
        let _ = writeln!(text, "- {}", gone.trim());
    }
    text
}

/// The parsed contents of a generated Mermaid text.
#[derive(Default)]
struct Drawing {
    /// The nodes with their notes.
    nodes: BTreeMap<Node, String>,
    /// The edges, and whether each was seen.
    edges: BTreeMap<Edge, bool>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    is_component: bool,
    name: String,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    component: String,
    relation: Relation,
    event_type: String,
}

impl Drawing {
    /// Parses a text; unknown lines are ignored.
    fn read(text: &str) -> Self {
        let mut drawing = Self::default();
        let mut by_id = HashMap::new();
        for line in text.lines().map(str::trim) {
            if let Some((id, node, notes)) = node(line) {
                by_id.insert(id, node.clone());
                drawing.nodes.insert(node, notes);
            }
        }
        for line in text.lines().map(str::trim) {
            let mut words = line.split(' ');
            let (Some(from), Some(arrow), Some(to), None) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                continue;
            };
            let (arrow, label) = arrow.split_once('|').unwrap_or((arrow, ""));
            let label = label.strip_suffix('|');
            let (Some(from), Some(to)) = (by_id.get(from), by_id.get(to)) else { continue };
            let (component, of_type) = if from.is_component { (from, to) } else { (to, from) };
            let Some(relation) = Relation::of(from.is_component, label) else { continue };
            let (component, event_type) = (component.name.clone(), of_type.name.clone());
            drawing.edges.insert(Edge { component, relation, event_type }, arrow == "-->");
        }
        drawing
    }
}

/// Parses a line into a node's identifier, the node, and its notes.
fn node(line: &str) -> Option<(&str, Node, String)> {
    let id = line.split(['[', '(', '{']).next()?;
    let label = line.split_once('"')?.1.rsplit_once('"')?.0;
    let mut parts = label.split("<br>").map(plain);
    let is_component = id.starts_with("c_");
    let name = parts.next()?;
    Some((id, Node { is_component, name }, parts.collect::<Vec<_>>().join(", ")))
}

/// Decodes the numeric entities of a label.
fn plain(label: &str) -> String {
    let mut parts = label.split('#');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let letter = part.split_once(';').and_then(|(number, rest)| {
            let letter = char::from_u32(number.parse().ok()?)?;
            Some((letter, rest))
        });
        match letter {
            Some((letter, rest)) => {
                text.push(letter);
                text.push_str(rest);
            }
            None => text.push_str(part),
        }
    }
    text
}

impl Node {
    fn told(&self) -> String {
        let kind = if self.is_component { "component" } else { "type" };
        format!("{kind} `{}`", self.name)
    }
}

#[cfg(all(test, not(any(callboard_loom, callboard_shuttle))))]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::check;
    use crate::bus::Bus;
    use crate::event::Event;
    use crate::publisher::Publisher;
    use crate::subscription::Subscription;
    use crate::wiring::Wiring;

    #[derive(Debug)]
    struct Placed;

    impl Event for Placed {
        const TYPE: &'static str = "order.placed";
    }

    #[derive(Debug)]
    struct Paid;

    impl Event for Paid {
        const TYPE: &'static str = "order \"paid\"";
    }

    struct Program {
        bus: Bus,
        shop: Publisher<Placed>,
        _billing: Subscription<Placed>,
    }

    impl Program {
        fn start() -> Self {
            let bus = Bus::new();
            let shop = bus.publisher::<Placed>("shop");
            let _billing = bus.subscribe::<Placed>("billing");
            bus.start();
            Self { bus, shop, _billing }
        }

        fn wiring(&self) -> Wiring {
            self.bus.wiring()
        }
    }

    /// A unique file in a folder that does not exist.
    struct File(PathBuf);

    impl File {
        fn new(name: &str) -> Self {
            let folder = format!("callboard-wiring-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(folder).join("docs/wiring.mmd"))
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let folder = self.0.parent().and_then(|docs| docs.parent());
            let _ = folder.map(fs::remove_dir_all);
        }
    }

    #[test]
    fn missing_file_is_told_with_the_text_and_written_on_request() {
        let (program, file) = (Program::start(), File::new("missing"));
        let complaint = check(&program.wiring(), &file.0, false).unwrap_err();
        assert!(complaint.starts_with("there is no wiring in `"), "{complaint}");
        assert!(complaint.contains("CALLBOARD_RENEW=1"), "{complaint}");
        assert!(complaint.contains("c_shop -.-> e_order_placed"), "{complaint}");
        assert!(!file.0.exists(), "nothing is written unasked");
        assert_eq!(check(&program.wiring(), &file.0, true), Ok(()));
        assert_eq!(check(&program.wiring(), &file.0, false), Ok(()));
        assert_eq!(fs::read_to_string(&file.0).unwrap(), program.wiring().to_mermaid());
    }

    #[test]
    fn difference_names_the_component_the_type_and_the_relation() {
        let (program, file) = (Program::start(), File::new("difference"));
        check(&program.wiring(), &file.0, true).unwrap();
        let before = fs::read_to_string(&file.0).unwrap();
        program.shop.publish(Placed);
        program.bus.publisher::<Paid>("till");
        let _audit = program.bus.subscriber("audit").late().subscribe::<Paid>();
        let wiring = program.bus.wiring().without(["billing"]);
        let complaint = check(&wiring, &file.0, false).unwrap_err();
        for line in [
            "  component `audit` is new",
            "  component `till` is new",
            "  type `order \"paid\"` is new",
            "  component `billing` is gone",
            "  type `order.placed`: now no subscriber, before nothing was missing",
            "  `audit` now hears `order \"paid\"` (never seen)",
            "  `till` now publishes `order \"paid\"` (never seen)",
            "  `shop` publishes `order.placed`: seen now, and not before",
            "  `billing` no longer hears `order.placed`",
            "- c_shop -.-> e_order_placed",
            "+ c_shop --> e_order_placed",
            "- e_order_placed -.-> c_billing",
            "To accept it, run this test with CALLBOARD_RENEW=1 and review the change of the file.",
        ] {
            assert!(complaint.lines().any(|it| it == line), "{line}\n\n{complaint}");
        }
        assert!(!complaint.contains("flowchart"), "{complaint}");
        assert_eq!(fs::read_to_string(&file.0).unwrap(), before, "nothing is written unasked");
        check(&wiring, &file.0, true).unwrap();
        let complaint = check(&program.wiring(), &file.0, false).unwrap_err();
        assert!(complaint.contains("  `billing` now hears `order.placed`\n"), "{complaint}");
    }

    #[test]
    fn line_endings_do_not_matter_and_the_order_does() {
        let (program, file) = (Program::start(), File::new("lines"));
        check(&program.wiring(), &file.0, true).unwrap();
        let text = fs::read_to_string(&file.0).unwrap();
        fs::write(&file.0, text.replace('\n', "\r\n")).unwrap();
        assert_eq!(check(&program.wiring(), &file.0, false), Ok(()));
        fs::write(&file.0, format!("\n{text}")).unwrap();
        let complaint = check(&program.wiring(), &file.0, false).unwrap_err();
        assert!(complaint.contains("the same nodes and arrows"), "{complaint}");
    }

    #[test]
    fn file_that_cannot_be_read_or_written_is_named() {
        let (program, file) = (Program::start(), File::new("folder"));
        fs::create_dir_all(&file.0).unwrap();
        for (renew, start) in [(false, "cannot read"), (true, "cannot read")] {
            let complaint = check(&program.wiring(), &file.0, renew).unwrap_err();
            assert!(
                complaint.starts_with(start) && complaint.contains("wiring.mmd"),
                "{complaint}"
            );
        }
        let below = file.0.join("a");
        fs::write(&below, "a file").unwrap();
        let complaint = check(&program.wiring(), &below.join("b.mmd"), true).unwrap_err();
        assert!(complaint.starts_with("cannot"), "{complaint}");
    }
}
