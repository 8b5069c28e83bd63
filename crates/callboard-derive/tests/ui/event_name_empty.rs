use callboard::Event;

#[derive(Debug, Event)]
#[event(type = "")]
struct ConfigParsed;

fn main() {}
