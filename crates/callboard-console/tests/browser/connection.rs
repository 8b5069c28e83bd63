//! What the page says when nothing comes any more.

use crate::browser::look_at;
use crate::traffic::{Made, console_of, listen, watched};

const STATUS: &str = "document.getElementById('status-word').textContent";

#[test]
fn lost_connection_is_said_and_made_again() {
    let (bus, console) = watched();
    listen(&bus, "reader");
    bus.start();
    look_at(async |view| {
        view.open(&console.url()).await;
        view.until(&format!("{STATUS} === 'live'")).await;
        let age = view.text("#age").await;
        assert!(age.starts_with("updated 0.") && age.ends_with(" s ago"), "{age}");

        let address = console.address().to_string();
        console.shutdown().await;
        view.until(&format!("{STATUS} === 'connection lost, reconnecting'")).await;
        view.until("parseFloat(document.getElementById('age').textContent.split(' ')[1]) > 1")
            .await;

        let again = console_of(&bus, &address);
        view.until(&format!("{STATUS} === 'live'")).await;
        let late = bus.subscriber("late").late().subscribe::<callboard::AnyEvent>();
        view.until("document.querySelector('[data-key=late]') !== null").await;
        drop((late, again));
    });
}

#[test]
fn bus_that_is_gone_is_said_to_be() {
    let (bus, console) = watched();
    let _reader = bus.subscriber("reader").subscribe::<Made<0>>();
    bus.start();
    look_at(async |view| {
        view.open(&console.url()).await;
        bus.close();
        view.until(&format!("{STATUS} === 'the bus is gone'")).await;
        view.until("document.getElementById('heading').textContent.includes('closed')").await;
        // What was known last is still there.
        view.until("document.querySelector('[data-key=reader]') !== null").await;
    });
}
