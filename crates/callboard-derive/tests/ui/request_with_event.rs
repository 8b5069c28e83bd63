use callboard::{Event, Request};

#[derive(Debug, Event)]
struct Verdict;

// A request is an event already.
#[derive(Debug, Event, Request)]
#[request(response = Verdict)]
struct ValidateConfig;

fn main() {}
