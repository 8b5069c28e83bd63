//! The event stream of one client: it sends the latest values and keeps no queue.

use std::future::pending;
use std::sync::Arc;

use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use hyper::body::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Server;
use super::routes::Body;
use crate::watch::{Feed, Window, event};

/// The first event.
#[derive(Serialize)]
struct Hello<'a> {
    title: &'a str,
    pid: u32,
    version: &'a str,
    history_seconds: u64,
    token_required: bool,
}

#[derive(Serialize)]
struct Gone {
    reason: &'static str,
}

#[derive(Serialize)]
struct Tail<'a> {
    missed: u64,
    events: &'a RawValue,
}

/// Starts a client's stream. It ends when the bus or the connection is closed.
pub(super) fn stream(server: &Arc<Server>, tail: bool, permit: OwnedSemaphorePermit) -> Body {
    let (sender, body) = Channel::new(1);
    let options = &server.watch.options;
    let hello = Hello {
        title: &options.title,
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION"),
        history_seconds: options.history.as_secs(),
        token_required: server.access.token_required(),
    };
    let hello = event("hello", &hello);
    let feed = server.watch.feed(tail);
    tokio::spawn(async move {
        send(sender, hello, feed).await;
        drop(permit);
    });
    body.boxed_unsync()
}

/// Sends until the bus is closed, or until the connection is, which is the `None`.
async fn send(mut sender: Sender<Bytes>, hello: Bytes, mut feed: Feed) -> Option<()> {
    sender.send_data(hello).await.ok()?;
    let mut told = 0;
    loop {
        // Sending waits until hyper has written the previous event. Values that are replaced in the
        // meantime are never sent.
        let next = tokio::select! {
            biased;
            state = latest(&mut feed.state) => match state? {
                // No state was computed yet.
                state if state.is_empty() => continue,
                state => state,
            },
            gone = latest(&mut feed.gone) => match gone? {
                Some(reason) => {
                    let gone = event("gone", &Gone { reason });
                    return sender.send_data(gone).await.ok();
                }
                None => continue,
            },
            point = latest(&mut feed.point) => point?,
            window = latest_of(feed.tail.as_mut()) => match tail(&window?, &mut told) {
                Some(tail) => tail,
                None => continue,
            },
        };
        sender.send_data(next).await.ok()?;
    }
}

/// The next value of a channel; `None` if it is closed.
async fn latest<T: Clone>(place: &mut watch::Receiver<T>) -> Option<T> {
    place.changed().await.ok()?;
    Some(place.borrow_and_update().clone())
}

async fn latest_of<T: Clone>(place: Option<&mut watch::Receiver<T>>) -> Option<T> {
    match place {
        Some(place) => latest(place).await,
        None => pending().await,
    }
}

/// Writes a window as an event. Events of windows that were not sent to this client count as
/// missed. `told` is the number of events, shown or missed, up to the last window that was sent.
fn tail(window: &Window, told: &mut u64) -> Option<Bytes> {
    let events = window.events.as_deref()?;
    let skipped = if *told == 0 { 0 } else { window.before.saturating_sub(*told) };
    *told = window.before + window.missed + window.shown;
    Some(event("tail", &Tail { missed: window.missed + skipped, events }))
}
