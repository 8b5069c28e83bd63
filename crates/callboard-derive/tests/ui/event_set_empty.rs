use callboard::EventSet;

#[derive(Debug, EventSet)]
enum Inbox {}

fn main() {}
