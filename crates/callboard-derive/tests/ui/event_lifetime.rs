use callboard::Event;

#[derive(Debug, Event)]
struct LineRead<'a> {
    line: &'a str,
}

fn main() {}
