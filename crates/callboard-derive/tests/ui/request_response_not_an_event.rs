use callboard::Request;

#[derive(Debug)]
struct Verdict;

#[derive(Debug, Request)]
#[request(response = Verdict)]
struct ValidateConfig;

fn main() {}
