//! One bus, read under tokio, under smol, and from a plain thread, at once.
//!
//! `cargo run -p callboard --example runtimes`

use std::thread;
use std::time::Duration;

use callboard::{Bus, Event};

#[derive(Debug, Event)]
struct Tick(u32);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus = Bus::builder().expect_subscribers(["tokio", "smol", "thread"]).build()?;

    let subscriber = bus.clone();
    let tokio = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let ticks = subscriber.subscribe::<Tick>("tokio");
        drop(subscriber);
        runtime.block_on(ticks.serve(async |tick| println!("tokio:  {}", tick.0)));
        Ok::<(), std::io::Error>(())
    });

    let mut ticks = bus.subscribe::<Tick>("smol");
    let smol = thread::spawn(move || {
        smol::block_on(async {
            while let Some(tick) = ticks.recv().await {
                println!("smol:   {}", tick.0);
            }
        });
    });

    let mut ticks = bus.subscribe::<Tick>("thread");
    let plain = thread::spawn(move || {
        for tick in ticks.iter() {
            println!("thread: {}", tick.0);
        }
    });

    bus.publish(Tick(1));
    let started = bus.start_when_ready_blocking(Duration::from_secs(5))?;
    assert_eq!(started.replayed, 1);
    bus.publish(Tick(2));
    smol::block_on(bus.close_and_drain(Duration::from_secs(5)))?;

    tokio.join().expect("the tokio reader ended")?;
    smol.join().expect("the smol reader ended");
    plain.join().expect("the plain reader ended");
    Ok(())
}
