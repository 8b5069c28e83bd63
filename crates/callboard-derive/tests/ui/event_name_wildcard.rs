use callboard::Event;

#[derive(Debug, Event)]
#[event(type = "config.*")]
struct Star;

#[derive(Debug, Event)]
#[event(type = "config.>")]
struct Rest;

fn main() {}
