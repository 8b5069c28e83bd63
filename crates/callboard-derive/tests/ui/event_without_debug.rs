use callboard::Event;

#[derive(Event)]
struct ConfigParsed;

fn main() {}
