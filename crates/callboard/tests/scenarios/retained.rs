//! Subscribers come for the latest event while newer ones are published.

use callboard::{Bus, Overflow, Subscription};

use super::props::{Leader, Tally};
use super::stage::{Latch, Stage, breathe};

const LEADERS: usize = 4;

pub(crate) fn scenario(stage: &mut impl Stage) {
    let tally = Tally::default();
    let bus = stage.builder().build().expect("the settings are good");
    bus.start();
    let published = Latch::new(1);
    stage.play("publisher", publish(bus.clone(), tally.clone(), published.clone()));
    for _ in 0..2 {
        let overflow = [Overflow::DropNewest, Overflow::DropOldest][stage.choose(2)];
        let builder = bus.subscriber("follower").late().with_retained().overflow(overflow);
        stage.play("follower", async move { follow(builder.subscribe()).await });
    }
    let closer = bus.clone();
    stage.play("closer", async move {
        published.wait().await;
        assert_eq!(closer.retained::<Leader>().map(|it| it.number), Some(LEADERS - 1));
        // Whoever comes now still gets the latest.
        let late = closer.subscriber("late").late().with_retained().subscribe::<Leader>();
        closer.close();
        follow(late).await;
    });
    stage.finish();
    tally.settle(bus);
}

async fn publish(bus: Bus, tally: Tally, published: Latch) {
    for number in 0..LEADERS {
        bus.publish(Leader { number, token: tally.token() });
        breathe().await;
    }
    published.arrive();
}

/// From the one that was the latest on, every leader comes, once and in order.
async fn follow(mut leaders: Subscription<Leader>) {
    let mut seen = Vec::new();
    while let Some(leader) = leaders.recv().await {
        leader.token.read();
        assert_eq!(leader.missed(), 0);
        seen.push(leader.number);
    }
    // Who came after the close may find nothing.
    let first = seen.first().copied().unwrap_or(LEADERS);
    assert_eq!(seen, (first..LEADERS).collect::<Vec<_>>());
    assert!(leaders.ledger().balances());
}
