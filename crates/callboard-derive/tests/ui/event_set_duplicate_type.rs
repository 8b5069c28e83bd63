use callboard::{Delivery, Event, EventSet};

#[derive(Debug, Event)]
struct ConfigParsed;

#[derive(Debug, EventSet)]
enum Inbox {
    Config(Delivery<ConfigParsed>),
    Again(Delivery<ConfigParsed>),
}

fn main() {}
