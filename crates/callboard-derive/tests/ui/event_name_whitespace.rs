use callboard::Event;

#[derive(Debug, Event)]
#[event(type = "config parsed")]
struct ConfigParsed;

#[derive(Debug, Event)]
#[event(type = "config.ready\n")]
struct ConfigReady;

fn main() {}
