use callboard::Event;

#[derive(Debug, Event)]
struct __;

fn main() {}
