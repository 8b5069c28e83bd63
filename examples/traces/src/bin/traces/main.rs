//! Places an order and asks for quotes, then prints the traces of both: `cargo run -p traces`.

use std::error::Error;
use std::time::Duration;

use traces::export::{in_memory, trees};
use traces::shop;
use tracing::Instrument;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (subscriber, exporter) = in_memory();
    tracing::subscriber::set_global_default(subscriber)?;
    let (bus, tasks) = shop::open()?;
    let span = tracing::info_span!("checkout");
    span.in_scope(|| bus.publish(shop::OrderPlaced { item: "lamp" }));
    drop(span);
    shop::quote(&bus).instrument(tracing::info_span!("compare carriers")).await?;
    bus.drain(Duration::from_secs(5)).await?;
    for task in tasks {
        task.await?;
    }
    for tree in trees(&exporter.get_finished_spans()?) {
        println!("{tree}");
    }
    Ok(())
}
