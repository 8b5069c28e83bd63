use callboard::Event;

#[derive(Debug, Event)]
#[event(type = config.parsed)]
struct ConfigParsed;

#[derive(Debug, Event)]
#[event(type)]
struct ConfigReady;

#[derive(Debug, Event)]
#[event(type =, retain)]
struct ConfigGone;

fn main() {}
