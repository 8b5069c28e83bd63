use std::fmt;

use callboard::Event;

#[derive(Event)]
union Reading {
    whole: u32,
    halves: [u16; 2],
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reading")
    }
}

fn main() {}
