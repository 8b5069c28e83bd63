use callboard::{Delivery, Event, EventSet};

#[derive(Debug, Event)]
struct ConfigParsed;

#[derive(Debug, EventSet)]
#[event_set(type = "inbox")]
enum Inbox {
    Config(Delivery<ConfigParsed>),
}

fn main() {}
