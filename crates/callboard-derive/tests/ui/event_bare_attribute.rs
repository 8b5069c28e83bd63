use callboard::Event;

#[derive(Debug, Event)]
#[event = "config.parsed"]
struct ConfigParsed;

#[derive(Debug, Event)]
#[event]
struct ConfigReady;

#[derive(Debug, Event)]
#[event("config.gone")]
struct ConfigGone;

fn main() {}
