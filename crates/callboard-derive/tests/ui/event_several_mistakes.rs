use callboard::Event;

// Each mistake is reported, in one build.
#[derive(Debug, Event)]
#[event(type = "config parsed", priority = 9, retain = true, colour)]
struct ConfigParsed;

fn main() {}
