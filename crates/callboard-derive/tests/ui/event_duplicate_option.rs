use callboard::Event;

#[derive(Debug, Event)]
#[event(type = "config.parsed", type = "config.ready")]
struct ConfigParsed;

#[derive(Debug, Event)]
#[event(retain)]
#[event(retain)]
struct ConfigReady;

fn main() {}
