use callboard::{Event, Request};

#[derive(Debug, Event)]
struct Verdict;

#[derive(Request)]
#[request(response = Verdict)]
union Question {
    whole: u32,
    halves: [u16; 2],
}

fn main() {}
