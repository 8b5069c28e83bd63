use callboard::Event;

#[derive(Debug, Event)]
#[event(coalesce)]
struct ConfigParsed;

fn main() {}
