//! Changes of one thing are merged by several publishers at once, in a queue or in the start buffer.

use callboard::{Bus, Overflow, Subscription};

use super::props::{Change, Tally};
use super::stage::{Latch, Stage, breathe};

const PUBLISHERS: usize = 2;
const CHANGES: usize = 2;

pub(crate) fn scenario(stage: &mut impl Stage) {
    let tally = Tally::default();
    let bus = stage.builder().build().expect("the settings are good");
    let buffered = stage.once_in(2);
    if !buffered {
        bus.start();
    }
    let changes = bus.subscriber("changes").late().overflow(Overflow::Coalesce).capacity(1);
    let changes = changes.subscribe::<Change>();
    let published = Latch::new(PUBLISHERS);
    for _ in 0..PUBLISHERS {
        let part = publish(bus.clone(), tally.clone(), published.clone());
        stage.play("publisher", part);
    }
    let at_once = stage.once_in(3);
    stage.play("reader", {
        let published = published.clone();
        async move {
            if !at_once {
                published.wait().await;
            }
            read(changes, at_once).await;
        }
    });
    let closer = bus.clone();
    stage.play("closer", async move {
        published.wait().await;
        closer.start();
        closer.close();
    });
    stage.finish();
    tally.settle(bus);
}

async fn publish(bus: Bus, tally: Tally, published: Latch) {
    for _ in 0..CHANGES {
        bus.publish(Change { key: 0, times: 1, token: tally.token() });
        breathe().await;
    }
    published.arrive();
}

/// Whoever merges, and whatever was read meanwhile, each change is in one of those that come; in the
/// first, if nothing was.
async fn read(mut changes: Subscription<Change>, at_once: bool) {
    let mut seen = Vec::new();
    while let Some(change) = changes.recv().await {
        change.token.read();
        assert_eq!(change.missed(), 0);
        seen.push(change.times);
    }
    assert_eq!(seen.iter().sum::<usize>(), PUBLISHERS * CHANGES, "{seen:?}");
    assert!(at_once || seen.len() == 1, "what waits is not merged: {seen:?}");
    let ledger = changes.ledger();
    assert!(ledger.balances() && ledger.lost() == 0, "{ledger:?}");
}
