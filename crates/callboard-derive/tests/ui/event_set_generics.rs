use callboard::{Delivery, Event, EventSet};

#[derive(Debug, Event)]
struct ConfigParsed;

#[derive(Debug, EventSet)]
enum Inbox<E: Event> {
    Any(Delivery<E>),
}

// One mistake, one error: the type can be used.
fn subscribe<S: EventSet>() {}

fn subscriber() {
    subscribe::<Inbox<ConfigParsed>>();
}

fn main() {}
