use callboard::{Event, Request};

#[derive(Debug, Event)]
struct Verdict;

#[derive(Debug, Request)]
struct Bare;

#[derive(Debug, Request)]
#[request(type = "config.validate")]
struct Named;

// One error: `respons` is the mistake, that there is no response follows from it.
#[derive(Debug, Request)]
#[request(respons = Verdict)]
struct Misspelt;

#[derive(Debug, Request)]
#[request(response)]
struct Empty;

#[derive(Debug, Request)]
#[request(response = "Verdict")]
struct Quoted;

// One mistake, one error: the types can be used.
fn ask(_: impl Request) {}

fn main() {
    ask(Bare);
    ask(Misspelt);
}
