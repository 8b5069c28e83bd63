//! A file with its mutants woven in.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::Result;
use crate::listed::{Genre, Mutant};
use crate::syntax::{Place, Syntax};

/// A file, and what can be switched in it.
#[derive(Debug)]
pub(crate) struct Woven {
    text: String,
    syntax: Syntax,
    /// Where something can be switched, and what. Of those that begin at one byte, what stands
    /// before it comes first, and then the longest, which holds the others.
    nodes: BTreeMap<Key, Vec<(usize, Switch)>>,
}

/// Where a node begins, whether it stands before that, and how long it is.
type Key = (usize, Before, Reverse<usize>);

/// Whether a node stands before its byte, instead of for what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Before {
    Yes,
    No,
}

/// What a mutant does.
#[derive(Debug)]
enum Switch {
    /// The function returns a value at once.
    Return(String),
    /// An expression is another, which is made of text and of pieces of it.
    Other(Vec<Piece>),
    /// An arm is not there. Here is its guard, if it has one.
    Arm(Option<Place>),
}

#[derive(Debug)]
enum Piece {
    Own(Place),
    Text(String),
}

impl Woven {
    /// # Errors
    /// When it isn't Rust.
    pub(crate) fn new(text: String) -> Result<Self> {
        let syntax = Syntax::of(&text)?;
        Ok(Self { text, syntax, nodes: BTreeMap::new() })
    }

    /// Adds a mutant; whether that was possible.
    pub(crate) fn weave_in(&mut self, id: usize, mutant: &Mutant) -> bool {
        let at = mutant.place.start;
        let known = (!self.syntax.is_constant(at)).then(|| self.switch(mutant)).flatten();
        let Some((place, switch)) = known else { return false };
        let before = match switch {
            Switch::Return(_) | Switch::Arm(_) => Before::Yes,
            Switch::Other(_) => Before::No,
        };
        let key = (place.start, before, Reverse(place.len()));
        self.nodes.entry(key).or_default().push((id, switch));
        true
    }

    /// What a mutant is as a switch, and what that stands for.
    fn switch(&self, mutant: &Mutant) -> Option<(Place, Switch)> {
        let Mutant { place, replacement, .. } = mutant;
        let at = place.start;
        match mutant.genre {
            // What only its trait is told of can't be of two types.
            Genre::FnValue if mutant.returns.contains("impl ") => None,
            Genre::FnValue => Some((at..at, Switch::Return(replacement.clone()))),
            Genre::MatchArm => {
                let (pattern, guard) = self.syntax.arms.get(&at)?;
                let end = guard.as_ref().map_or(pattern.end, |guard| guard.end);
                Some((pattern.end..end, Switch::Arm(guard.clone())))
            }
            Genre::BinaryOperator => {
                let (left, right) = self.syntax.binary.get(&at)?;
                let operator = Piece::Text(format!(" {replacement} "));
                let pieces = vec![Piece::Own(left.clone()), operator, Piece::Own(right.clone())];
                Some((left.start..right.end, Switch::Other(pieces)))
            }
            Genre::UnaryOperator => {
                let operand = self.syntax.unary.get(&at)?;
                Some((at..operand.end, Switch::Other(vec![Piece::Own(operand.clone())])))
            }
            Genre::MatchArmGuard => {
                Some((place.clone(), Switch::Other(vec![Piece::Text(replacement.clone())])))
            }
            Genre::StructField | Genre::Other => None,
        }
    }

    /// The file with those mutants that are wanted, each between marks: comments with its number.
    pub(crate) fn text(&self, wanted: impl Fn(usize) -> bool) -> String {
        let nodes = self.nodes.iter().filter_map(|((start, _, length), switches)| {
            let switches: Vec<_> = switches.iter().filter(|(id, _)| wanted(*id)).collect();
            let place = *start..start + length.0;
            (!switches.is_empty()).then_some(Node { place, switches })
        });
        let nodes: Vec<Node<'_>> = nodes.collect();
        Writer { text: &self.text, nodes: &nodes }.write(0..self.text.len(), 0)
    }
}

/// A place with the switches that are there.
struct Node<'a> {
    place: Place,
    switches: Vec<&'a (usize, Switch)>,
}

struct Writer<'a> {
    text: &'a str,
    nodes: &'a [Node<'a>],
}

impl Writer<'_> {
    /// What is at a place, with the nodes from number `from` on that are inside.
    fn write(&self, place: Place, from: usize) -> String {
        let (mut written, mut at) = (String::new(), place.start);
        for (number, node) in self.nodes.iter().enumerate().skip(from) {
            if node.place.start < at || node.place.end > place.end {
                continue;
            }
            if node.place.start >= place.end {
                break;
            }
            written += &self.text[at..node.place.start];
            written += &self.switched(node, number);
            at = node.place.end;
        }
        written + &self.text[at..place.end]
    }

    /// What stands in place of a node.
    fn switched(&self, node: &Node<'_>, number: usize) -> String {
        let ids: Vec<String> = node.switches.iter().map(|(id, _)| id.to_string()).collect();
        let open = format!("/*@{}{{*/", ids.join(","));
        let (mut before, mut off, mut branches) = (String::new(), Vec::new(), String::new());
        let mut guarded = None;
        for (id, switch) in &node.switches {
            let on = format!("crate::mutant::on({id})");
            match switch {
                Switch::Return(value) => {
                    before += &format!("/*@{id}{{*/if {on} {{ return {value}; }}/*}}@*/ ");
                }
                Switch::Arm(guard) => {
                    off.push(format!("!{on}"));
                    guarded.clone_from(guard);
                }
                Switch::Other(pieces) => {
                    let own = |piece: &Piece| match piece {
                        Piece::Text(text) => text.clone(),
                        Piece::Own(place) => self.write(place.clone(), number + 1),
                    };
                    let other: String = pieces.iter().map(own).collect();
                    branches += &format!("if {on} {{ /*@{id}{{*/{other}/*}}@*/ }} else ");
                }
            }
        }
        if !off.is_empty() {
            let guard = guarded.map(|guard| format!("({})", self.write(guard, number + 1)));
            off.extend(guard);
            before += &format!(" {open}if {}/*}}@*/", off.join(" && "));
        }
        if branches.is_empty() {
            return before;
        }
        let itself = self.write(node.place.clone(), number + 1);
        format!("{before}{open}({branches}{{ {itself} }})/*}}@*/")
    }
}

#[cfg(test)]
mod tests {
    use super::Woven;
    use crate::listed::{Genre, Mutant};

    fn woven(text: &str, mutants: &[(Genre, &str, &str)]) -> String {
        let mut file = Woven::new(text.to_owned()).unwrap();
        for (id, (genre, at, replacement)) in mutants.iter().enumerate() {
            let start = text.find(at).unwrap();
            let mutant = Mutant {
                file: "a.rs".into(),
                genre: *genre,
                place: start..start + at.len(),
                replacement: (*replacement).to_owned(),
                returns: String::new(),
                name: String::new(),
            };
            assert!(file.weave_in(id, &mutant), "{at}");
        }
        let text = file.text(|_| true);
        // The marks are not what is tested here.
        let plain = text.split("/*").map(|part| part.split_once("*/").map_or(part, |it| it.1));
        plain.collect::<String>().replace("crate::mutant::on", "on")
    }

    #[test]
    fn operators_are_nested() {
        let text = "fn f() { a == b && !c }";
        let mutants = [
            (Genre::BinaryOperator, "==", "!="),
            (Genre::BinaryOperator, "&&", "||"),
            (Genre::UnaryOperator, "!", ""),
        ];
        let left = "(if on(0) { a != b } else { a == b })";
        let right = "(if on(2) { c } else { !c })";
        assert_eq!(
            woven(text, &mutants),
            format!("fn f() {{ (if on(1) {{ {left} || {right} }} else {{ {left} && {right} }}) }}")
        );
    }

    #[test]
    fn functions_return_before_anything() {
        let text = "fn f() -> bool { a < b }";
        let mutants = [(Genre::FnValue, "a < b", "true"), (Genre::BinaryOperator, "<", "==")];
        assert_eq!(
            woven(text, &mutants),
            "fn f() -> bool { if on(0) { return true; } (if on(1) { a == b } else { a < b }) }"
        );
    }

    #[test]
    fn arms_are_guarded() {
        let text = "fn f() { match a { 1 => b, 2 if guard => d, _ => e } }";
        let arms = [(Genre::MatchArm, "1 => b", ""), (Genre::MatchArm, "2 if guard => d", "")];
        assert_eq!(
            woven(text, &arms),
            "fn f() { match a { 1 if !on(0) => b, 2 if !on(1) && (guard) => d, _ => e } }"
        );
        assert_eq!(
            woven(text, &[(Genre::MatchArmGuard, "guard", "true")]),
            "fn f() { match a { 1 => b, 2 if (if on(0) { true } else { guard }) => d, _ => e } }"
        );
    }

    #[test]
    fn constants_have_no_switches() {
        let text = "const fn f() -> bool { a < b }";
        let mut file = Woven::new(text.to_owned()).unwrap();
        let at = text.find('<').unwrap();
        let mutant = Mutant {
            file: "a.rs".into(),
            genre: Genre::BinaryOperator,
            place: at..at + 1,
            replacement: ">".to_owned(),
            returns: String::new(),
            name: String::new(),
        };
        assert!(!file.weave_in(0, &mutant));
        assert_eq!(file.text(|_| true), text);
    }
}
