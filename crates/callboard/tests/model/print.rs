//! Prints a program as the test that it is.

use std::fmt::Write;

use crate::program::{Op, Program};

/// What `Debug` leaves out: the type that a variant is of.
const TYPES: [(&str, &[&str]); 6] = [
    ("Kind", &["Plain", "Change", "Status", "Kept", "Ranked", "Urgent", "Ask", "Reply"]),
    ("Wants", &["One", "Trio", "Desk", "Calls", "Everything", "Matching"]),
    ("Overflow", &["DropNewest", "DropOldest", "Coalesce"]),
    ("Priority", &["Low", "Normal", "High"]),
    ("Rule", &["All", "First", "AtLeast", "Until", "Settled"]),
    (
        "How",
        &[
            "TryRecv",
            "Recv",
            "BlockingRecv",
            "RecvTimeout",
            "TryIter",
            "Iter",
            "RecvMany",
            "TryBatch",
            "Batch",
            "BlockingBatch",
        ],
    ),
];

/// The test whose first `ops` operations these are.
pub(crate) fn program(program: &Program, ops: usize) -> String {
    let Program { pre_start_capacity, timestamps, expects, .. } = program;
    let mut text = format!(
        "run(&Program {{\n    pre_start_capacity: {pre_start_capacity},\n    \
         timestamps: {timestamps},\n    expects: {expects},\n    ops: vec![\n"
    );
    for op in &program.ops[..ops] {
        writeln!(text, "        {},", operation(op)).expect("a string takes all");
    }
    text + "    ],\n});"
}

fn operation(op: &Op) -> String {
    let text = format!("{op:?}");
    let of_op = text.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(text.len());
    let (variant, fields) = text.split_at(of_op);
    format!("Op::{variant}{}", expressions(fields))
}

/// Has the output of `Debug` say what the compiler wants to read.
fn expressions(debug: &str) -> String {
    let mut text = String::new();
    // Every other piece is a string literal.
    for (number, piece) in debug.split('"').enumerate() {
        if number % 2 == 1 {
            write!(text, "\"{piece}\"").expect("a string takes all");
            continue;
        }
        for word in piece.split_inclusive(|letter: char| !letter.is_alphanumeric()) {
            let name = word.trim_end_matches(|letter: char| !letter.is_alphanumeric());
            if let Some((of, _)) = TYPES.iter().find(|(_, variants)| variants.contains(&name)) {
                text += of;
                text += "::";
            }
            text += &word.replace('[', "vec![");
        }
    }
    text
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect::<String>().replace(",}", "}")
}

macro_rules! printed_as_written {
    ($($op:expr;)*) => {$(
        assert_eq!(without_spaces(&operation(&$op)), without_spaces(stringify!($op)));
    )*};
}

#[test]
fn an_operation_is_printed_as_it_is_written() {
    use crate::asking::Rule;
    use crate::events::{Kind, Opening, Wants};
    use crate::program::How;
    use callboard::{Overflow, Priority};
    printed_as_written! {
        Op::Start;
        Op::Publish { kind: Kind::Ask, key: 0 };
        Op::PublishWith { kind: Kind::Plain, key: 2, priority: Priority::High };
        Op::PublishCausedBy { kind: Kind::Kept, key: 2, cause: Some(3) };
        Op::Ask { expect: vec!["a", "b"], rule: Rule::AtLeast(2), timeout: 5, key: 1 };
        Op::AskWithin { call: 0, expect: vec![], rule: Rule::Settled, timeout: 0, key: 2 };
        Op::Receive { slot: 1, how: How::TryBatch(2), keep: true };
        Op::Respond { call: 0, key: 1 };
        Op::Subscribe(Opening {
            name: "a",
            wants: Wants::Matching("model.*"),
            capacity: 1000,
            overflow: Overflow::DropOldest,
            lossy: false,
            late: true,
            retained: false,
            concurrent: false
        });
        Op::Subscribe(Opening {
            name: "One",
            wants: Wants::One(Kind::Urgent),
            capacity: 1,
            overflow: Overflow::Coalesce,
            lossy: false,
            late: true,
            retained: false,
            concurrent: false
        });
    }
}
