use callboard::{Event, Request};

#[derive(Debug, Event)]
struct Verdict;

#[derive(Debug, Event)]
#[event(type = "config.validate", response = Verdict)]
struct ValidateConfig;

#[derive(Debug, Request)]
#[event(response = Verdict)]
struct ValidateSecret;

fn main() {}
