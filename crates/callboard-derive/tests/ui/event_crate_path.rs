use callboard::{Event, Request};

#[derive(Debug, Event)]
#[event(crate = "callboard")]
struct ConfigParsed;

// One error, however often the path stands in the expansion.
#[derive(Debug, Request)]
#[request(crate = bus, response = ConfigParsed)]
struct ParseConfig;

fn main() {}
