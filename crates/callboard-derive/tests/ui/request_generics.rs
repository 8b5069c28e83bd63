use callboard::{Event, Request};

#[derive(Debug, Event)]
struct Verdict;

#[derive(Debug, Request)]
#[request(response = Verdict)]
struct Validate<T> {
    what: T,
}

fn main() {}
