//! The bus starts when everybody expected has come, while events are published.

use std::time::Duration;

use callboard::{Bus, Overflow, Priority, SubscriberBuilder};

use super::props::{Note, Tally};
use super::stage::{Latch, Stage, breathe};

/// The clock stands still.
const EVER: Duration = Duration::from_secs(1);

const EVENTS: usize = 3;

pub(crate) fn scenario(stage: &mut impl Stage) {
    let tally = Tally::default();
    let names = ["one", "two"];
    let bus = stage.builder().expect_subscribers(names).build().expect("the settings are good");
    let ready = Latch::new(2);
    for name in names {
        let overflow = [Overflow::DropNewest, Overflow::DropOldest][stage.choose(2)];
        let builder = bus.subscriber(name).overflow(overflow);
        let batches = stage.once_in(2);
        stage.play(name, async move { read(builder, batches).await });
    }
    if stage.once_in(2) {
        // It comes before the start or after; what it gets is the end of what there is.
        let builder = bus.subscriber("three").late();
        stage.play("three", async move { read_the_end(builder).await });
    }
    let starter = bus.clone();
    stage.play("starter", {
        let ready = ready.clone();
        async move {
            starter.start_when_ready(EVER).await.expect("everybody comes");
            ready.arrive();
        }
    });
    stage.play("publisher", publish(bus.clone(), tally.clone(), ready.clone()));
    let closer = bus.clone();
    let again = stage.once_in(2);
    stage.play("closer", async move {
        ready.wait().await;
        if again {
            closer.pause();
            closer.start();
        }
        closer.close_and_drain(EVER).await.expect("everybody reads to the end");
    });
    stage.finish();
    tally.settle(bus);
}

async fn publish(bus: Bus, tally: Tally, published: Latch) {
    for number in 0..EVENTS {
        bus.publish(Note { publisher: 0, number, token: tally.token() });
        breathe().await;
    }
    // One more that goes by the queues, behind the others.
    let last = Note { publisher: 0, number: EVENTS, token: tally.token() };
    bus.publish_with(last, Priority::Low);
    published.arrive();
}

/// Whoever was waited for gets everything, in order.
async fn read(builder: SubscriberBuilder, batches: bool) {
    let mut notes = builder.subscribe::<Note>();
    let mut seen = Vec::new();
    if batches {
        while let Some(batch) = notes.recv_batch().await {
            seen.extend(batch.map(|note| note.number));
        }
    } else {
        while let Some(note) = notes.recv().await {
            note.token.read();
            assert_eq!(note.missed(), 0);
            seen.push(note.number);
        }
    }
    assert_eq!(seen, (0..=EVENTS).collect::<Vec<_>>());
}

async fn read_the_end(builder: SubscriberBuilder) {
    let mut notes = builder.subscribe::<Note>();
    let mut seen = Vec::new();
    while let Some(note) = notes.recv().await {
        seen.push(note.number);
    }
    let first = seen.first().copied().unwrap_or(EVENTS + 1);
    assert_eq!(seen, (first..=EVENTS).collect::<Vec<_>>());
}
