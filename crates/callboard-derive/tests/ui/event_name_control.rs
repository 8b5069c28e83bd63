use callboard::Event;

#[derive(Debug, Event)]
#[event(type = "config.\u{7}parsed")]
struct ConfigParsed;

fn main() {}
