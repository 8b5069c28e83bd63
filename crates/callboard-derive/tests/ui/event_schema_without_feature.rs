use callboard::Event;

#[derive(Debug, Event)]
#[event(schema)]
struct ConfigParsed;

#[derive(Debug, Event)]
#[event(schema = true)]
struct ConfigReady;

fn main() {}
