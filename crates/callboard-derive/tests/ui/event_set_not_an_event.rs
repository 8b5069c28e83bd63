use callboard::{Delivery, EventSet};

#[derive(Debug)]
struct ConfigParsed;

#[derive(Debug, EventSet)]
enum Inbox {
    Config(Delivery<ConfigParsed>),
}

fn main() {}
