use callboard::Event;

#[derive(Debug, Event)]
#[event(type = ".config")]
struct Leading;

#[derive(Debug, Event)]
#[event(type = "config.")]
struct Trailing;

#[derive(Debug, Event)]
#[event(type = "config..parsed")]
struct Between;

fn main() {}
