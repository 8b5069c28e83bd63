use callboard::{Call, Event, EventSet};

#[derive(Debug, Event)]
struct ConfigParsed;

#[derive(Debug, EventSet)]
enum Inbox {
    Config(Call<ConfigParsed>),
}

fn main() {}
