//! A synthetic bus of twenty components and fifty event types, to look at the console with.
//!
//! `cargo run --release -p console -- --help` says what can be chosen.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use callboard::{Bus, Call, Event, Publisher, Request};
use callboard_console::Console;
use lexopt::prelude::*;
use tokio::time::{MissedTickBehavior, interval, sleep};

const HELP: &str = "\
A synthetic bus of twenty components and fifty event types, with a console.

Usage: console [OPTIONS]

Options:
  --port N         the console's port; 0 for a free one [default: 4870]
  --rate N         events a second [default: 5000]
  --faults LIST    what is wrong: `all`, `none`, or some of `stall`, `missing`, `small`,
                   separated by commas [default: all]
  -h, --help       this text
";

/// Ten areas, each with a component that publishes its five event types, and one that hears all of
/// an area's.
const AREAS: [&str; 10] = [
    "order", "payment", "stock", "shipment", "customer", "cart", "price", "review", "coupon",
    "session",
];

/// The event types, five for each area.
const NAMES: [&str; 50] = [
    "order.created",
    "order.changed",
    "order.paid",
    "order.shipped",
    "order.closed",
    "payment.begun",
    "payment.authorised",
    "payment.captured",
    "payment.refused",
    "payment.refunded",
    "stock.counted",
    "stock.reserved",
    "stock.released",
    "stock.low",
    "stock.ordered",
    "shipment.packed",
    "shipment.labelled",
    "shipment.handed.over",
    "shipment.arrived",
    "shipment.lost",
    "customer.registered",
    "customer.changed",
    "customer.moved",
    "customer.warned",
    "customer.left",
    "cart.opened",
    "cart.filled",
    "cart.emptied",
    "cart.saved",
    "cart.abandoned",
    "price.raised",
    "price.lowered",
    "price.planned",
    "price.compared",
    "price.fixed",
    "review.written",
    "review.rated",
    "review.answered",
    "review.hidden",
    "review.removed",
    "coupon.issued",
    "coupon.used",
    "coupon.expired",
    "coupon.refused",
    "coupon.withdrawn",
    "session.begun",
    "session.renewed",
    "session.moved",
    "session.expired",
    "session.ended",
];

/// An event of the type with this number.
#[derive(Clone)]
struct Made<const N: usize> {
    id: u64,
    note: &'static str,
}

impl<const N: usize> Event for Made<N> {
    const TYPE: &'static str = NAMES[N];
}

impl<const N: usize> fmt::Debug for Made<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAMES[N]).field("id", &self.id).field("note", &self.note).finish()
    }
}

/// A price is asked for.
#[derive(Debug, Request)]
#[request(type = "quote.asked", response = Quote)]
struct AskQuote {
    order: u64,
}

/// A price.
#[derive(Debug, Event)]
#[event(type = "quote.given")]
struct Quote {
    cents: u64,
}

struct Options {
    port: u16,
    rate: u64,
    stall: bool,
    missing: bool,
    small: bool,
}

fn main() -> ExitCode {
    let outcome = parse().map_err(|error| error.to_string()).and_then(|options| match options {
        Some(options) => run(&options),
        None => {
            print!("{HELP}");
            Ok(())
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::from(2)
        }
    }
}

fn parse() -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options { port: 4870, rate: 5_000, stall: true, missing: true, small: true };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => options.port = parser.value()?.parse()?,
            Long("rate") => options.rate = parser.value()?.parse()?,
            Long("faults") => {
                let list = parser.value()?.string()?;
                let has = |fault| list == "all" || list.split(',').any(|one| one == fault);
                let known = ["all", "none", "stall", "missing", "small"];
                if let Some(odd) = list.split(',').find(|one| !known.contains(one)) {
                    return Err(format!("--faults: `{odd}` is none of {}", known.join(", ")).into());
                }
                (options.stall, options.missing, options.small) =
                    (has("stall"), has("missing"), has("small"));
            }
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}

fn run(options: &Options) -> Result<(), String> {
    let bus = Bus::builder()
        .timestamps(true)
        .expect_responders(responders(options.missing).iter().copied())
        .build()
        .map_err(|error| error.to_string())?;
    let console = Console::builder(&bus)
        .bind(format!("127.0.0.1:{}", options.port))
        .title("demo")
        .spawn()
        .map_err(|error| error.to_string())?;
    println!("console: {}", console.url());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(program(&bus, options));
    Ok(())
}

/// Runs until it is killed.
async fn program(bus: &Bus, options: &Options) {
    for area in AREAS {
        listen(bus, area);
    }
    let stalled = bus.subscriber("invoices").capacity(200).subscribe_matching("payment.*");
    let stall = options.stall;
    tokio::spawn(async move {
        let mut stalled = stalled;
        while let Some(event) = stalled.recv().await {
            if stall {
                // A handler that blocks: it waits for what never comes.
                std::future::pending::<()>().await;
            }
            drop(event);
        }
    });
    let capacity = if options.small { 16 } else { 200 };
    let mut archive = bus.subscriber("archive").capacity(capacity).subscribe::<Made<49>>();
    tokio::spawn(async move { while archive.recv().await.is_some() {} });
    tokio::spawn(burst(bus.publisher("session-service")));
    let mut statistics =
        bus.subscriber("statistics").capacity(1_000).lossy().subscribe::<callboard::AnyEvent>();
    tokio::spawn(async move { while statistics.recv().await.is_some() {} });
    for (name, takes) in [("pricing", 3), ("taxes", 9)] {
        let calls = bus.responder::<AskQuote>(name);
        tokio::spawn(async move {
            let answer = |call: Call<AskQuote>| async move {
                sleep(Duration::from_millis(takes)).await;
                let cents = call.order % 10_000;
                call.respond(Quote { cents });
            };
            calls.serve(answer).await;
        });
    }
    bus.start();
    tokio::spawn(ask(bus.clone(), options.missing));
    publish(bus, options.rate).await;
}

/// A component that hears all of an area's events, and takes its time.
fn listen(bus: &Bus, area: &'static str) {
    let component = format!("{area}-view");
    let subscriber = bus.subscriber(component).capacity(1_000);
    let mut inbox = subscriber.subscribe_matching(format!("{area}.*"));
    tokio::spawn(async move {
        while let Some(event) = inbox.recv().await {
            if event.sequence() % 500 == 0 {
                sleep(Duration::from_millis(event.sequence() % 7)).await;
            }
        }
    });
}

/// Those that are to answer; the last of them, if it is missing, never signs in.
fn responders(missing: bool) -> &'static [&'static str] {
    if missing { &["pricing", "taxes", "credit"] } else { &["pricing", "taxes"] }
}

/// Publishes sixty events in a row, each second.
async fn burst(publisher: Publisher<Made<49>>) {
    let mut pause = interval(Duration::from_secs(1));
    for burst in 0.. {
        pause.tick().await;
        publisher.publish_all((0..60).map(|one| Made { id: burst * 60 + one, note: "at once" }));
    }
}

/// Asks for a quote, again and again.
async fn ask(bus: Bus, missing: bool) {
    let mut pause = interval(Duration::from_millis(400));
    for order in 0.. {
        pause.tick().await;
        let request = bus.request(AskQuote { order }).expect(responders(missing).iter().copied());
        let gathered = request.timeout(Duration::from_secs(1)).gather().await;
        if let Ok(quotes) = gathered {
            let _lowest = quotes.responses().map(|(_, quote)| quote.cents).min();
        }
    }
}

/// Publishes the next event of its type.
type Source = Box<dyn Fn(u64) + Send>;

macro_rules! sources {
    ($bus:expr; $($number:literal)*) => {
        vec![$({
            let publisher: Publisher<Made<$number>> =
                $bus.publisher(format!("{}-service", AREAS[$number / 5]));
            Box::new(move |id| {
                publisher.publish(Made { id, note: "as it comes" });
            }) as Source
        }),*]
    };
}

/// Publishes at a rate, more of some types than of others.
async fn publish(bus: &Bus, rate: u64) {
    const A_TICK: Duration = Duration::from_millis(20);
    let sources = sources!(bus;
        0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24
        25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48);
    let mut ticks = interval(A_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let began = std::time::Instant::now();
    let mut published = 0;
    loop {
        ticks.tick().await;
        let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
        while published < due {
            // The first ones of each area often, the last ones seldom.
            let dice = published.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            let (area, kind) = (dice % 10, (dice / 10 % 31).min(30));
            let kind = match kind {
                0..=15 => 0,
                16..=23 => 1,
                24..=27 => 2,
                28..=29 => 3,
                _ => 4,
            };
            let source = sources.get((area * 5 + kind) as usize);
            if let Some(source) = source {
                source(published);
            }
            published += 1;
        }
    }
}
