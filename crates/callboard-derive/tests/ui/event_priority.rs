use callboard::{Event, Priority};

#[derive(Debug, Event)]
#[event(priority = "high")]
struct Quoted;

#[derive(Debug, Event)]
#[event(priority = 9)]
struct Number;

#[derive(Debug, Event)]
#[event(priority)]
struct Missing;

#[derive(Debug, Event)]
#[event(priority = Priority::High)]
struct Variant;

#[derive(Debug, Event)]
#[event(priority = urgency())]
struct Called;

fn urgency() -> Priority {
    Priority::High
}

fn main() {}
