use callboard::{Delivery, Event, EventSet};

#[derive(Debug, Event)]
struct ConfigParsed;

#[derive(Debug, EventSet)]
enum Inbox {
    Config(Delivery<ConfigParsed>, u64),
}

fn main() {}
