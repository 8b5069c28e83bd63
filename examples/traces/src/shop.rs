//! The components: each runs on a task of its own, and knows only the bus.

use std::time::Duration;

use callboard::{BuildError, Bus, Call, Delivery, Event, Request};

/// A customer has placed an order.
#[derive(Debug, Event)]
pub struct OrderPlaced {
    /// What was ordered.
    pub item: &'static str,
}

/// An order was billed.
#[derive(Debug, Event)]
pub struct InvoiceSent;

/// What it would cost to ship something.
#[derive(Debug, Event)]
pub struct Price(pub u32);

/// Asks what it would cost to ship something.
#[derive(Debug, Request)]
#[request(type = "shipping.quote", response = Price)]
pub struct Quote;

/// How much of something is there.
#[derive(Debug, Event)]
pub struct Stock(pub u32);

/// Asks how much of something is there.
#[derive(Debug, Request)]
#[request(type = "stock.count", response = Stock)]
pub struct CountStock;

/// Builds a bus that traces, with all the components on it, and starts it.
///
/// # Errors
///
/// If the bus can't be built.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn open() -> Result<(Bus, Vec<tokio::task::JoinHandle<()>>), BuildError> {
    let bus = Bus::builder().trace(true).build()?;
    let orders = bus.subscribe::<OrderPlaced>("billing");
    let invoices = bus.subscribe::<InvoiceSent>("archive");
    let mut tasks = vec![
        tokio::spawn(orders.serve({
            let bus = bus.downgrade();
            move |_: Delivery<OrderPlaced>| {
                let bus = bus.upgrade();
                async move {
                    // What is published after an await still continues the trace.
                    tokio::task::yield_now().await;
                    bus.map(|bus| bus.publish(InvoiceSent));
                }
            }
        })),
        tokio::spawn(invoices.serve(async |_| {})),
        tokio::spawn(bus.responder::<CountStock>("warehouse").serve(async |call| {
            call.respond(Stock(3));
        })),
    ];
    for carrier in ["express", "post"] {
        let quotes = bus.responder::<Quote>(carrier);
        tasks.push(tokio::spawn(quotes.serve(async |call| call.respond(Price(7)))));
    }
    // This one asks another component before it answers.
    let quotes = bus.responder::<Quote>("courier");
    tasks.push(tokio::spawn(quotes.serve({
        let bus = bus.downgrade();
        move |call: Call<Quote>| {
            let bus = bus.upgrade();
            async move {
                let Some(bus) = bus else { return };
                match bus.ask(CountStock).of("warehouse").timeout(Duration::from_secs(5)).await {
                    Ok(stock) => call.respond(Price(stock.0)),
                    Err(error) => call.decline(error.to_string()),
                }
            }
        }
    })));
    bus.start();
    Ok((bus, tasks))
}

/// Asks every carrier, within one span of the program's own.
///
/// # Errors
///
/// If the request can't be made.
pub async fn quote(bus: &Bus) -> Result<usize, callboard::RequestError> {
    let gathered = bus.request(Quote).expect(["courier", "express", "post"]).gather().await?;
    Ok(gathered.responses().len())
}
