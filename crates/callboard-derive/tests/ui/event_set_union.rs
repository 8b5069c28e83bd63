use callboard::EventSet;

#[derive(EventSet)]
union Inbox {
    whole: u32,
    halves: [u16; 2],
}

fn main() {}
