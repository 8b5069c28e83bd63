use callboard::{Delivery, Event, EventSet};

#[derive(Debug, Event)]
struct ConfigParsed;

#[derive(Debug, EventSet)]
enum Inbox {
    Config(String),
    Parsed(Delivery<ConfigParsed>),
}

#[derive(Debug, EventSet)]
enum BareEvent {
    Config(ConfigParsed),
}

fn main() {}
