use callboard::Event;

#[derive(Debug, Event)]
#[event(name = "config.parsed", retain)]
struct ConfigParsed;

#[derive(Debug, Event)]
#[event(type = "config.ready", keys = HashMap<String, u32>, retain)]
struct ConfigReady;

fn main() {}
