use callboard::{Event, Request};

#[derive(Debug, Event)]
struct Verdict;

#[derive(Debug, Request)]
#[request(type = "config.validate", response = Verdict)]
#[event(type = "config.check")]
struct ValidateConfig;

#[derive(Debug, Request)]
#[request(response = Verdict, response = Verdict)]
struct ValidateSecret;

fn main() {}
