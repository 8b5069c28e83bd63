use callboard::{Delivery, Event, EventSet};

#[derive(Debug, Event)]
struct ConfigParsed;

#[derive(Debug, EventSet)]
enum Inbox {
    Config(Delivery<ConfigParsed>),
    Stop,
    Pause(),
}

fn main() {}
