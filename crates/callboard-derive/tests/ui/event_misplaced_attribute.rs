use callboard::Event;

#[derive(Debug, Event)]
struct ConfigParsed {
    #[event(priority = high)]
    version: u64,
}

#[derive(Debug, Event)]
enum Stage {
    #[event(type = "stage.entered")]
    Entered,
    Left(#[event(retain)] u64),
}

fn main() {}
