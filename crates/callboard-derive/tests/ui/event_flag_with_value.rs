use callboard::Event;

#[derive(Debug, Event)]
#[event(retain = true)]
struct ConfigParsed;

#[derive(Debug, Event)]
#[event(coalesce(key))]
struct ConfigReady;

#[derive(Debug, Event)]
#[event(retain coalesce)]
struct ConfigGone;

fn main() {}
