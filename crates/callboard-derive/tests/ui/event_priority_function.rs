use callboard::{Event, Priority};

#[derive(Debug, Event)]
#[event(priority = urgent)]
struct Unknown;

#[derive(Debug, Event)]
#[event(priority = Self::urgency)]
struct WrongSignature;

impl WrongSignature {
    fn urgency(self) -> Priority {
        Priority::High
    }
}

fn main() {}
