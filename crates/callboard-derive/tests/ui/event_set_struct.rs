use callboard::{Delivery, Event, EventSet};

#[derive(Debug, Event)]
struct ConfigParsed;

#[derive(Debug, EventSet)]
struct Inbox {
    config: Delivery<ConfigParsed>,
}

fn main() {}
