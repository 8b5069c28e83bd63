//! A test waits until everybody is done, while batch readers read and handlers publish.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use callboard::testing::settle;
use callboard::{Bus, Subscription};

use super::props::{Note, Tally};
use super::stage::{Latch, Stage, breathe, give_way};

const EVENTS: usize = 3;

/// What a reader has finished with.
type Done = Arc<AtomicUsize>;

pub(crate) fn scenario(stage: &mut impl Stage) {
    let tally = Tally::default();
    let bus = stage.builder().build().expect("the settings are good");
    let done: [Done; 3] = Default::default();
    let batches = bus.subscribe::<Note>("batches");
    stage.play("batches", read_batches(batches, Arc::clone(&done[0])));
    let echo = bus.subscribe::<Note>("echo");
    stage.play("echo", answer(echo, bus.clone(), tally.clone(), Arc::clone(&done[1])));
    let slow = bus.subscribe::<Note>("slow");
    stage.play("slow", read(slow, Arc::clone(&done[2])));
    bus.start();
    let published = Latch::new(1);
    stage.play("publisher", publish(bus.clone(), tally.clone(), published.clone()));
    let tester = bus.clone();
    let early = stage.once_in(3);
    stage.play("tester", async move {
        if early {
            settle(&tester).await.expect("it settles, now and then");
        }
        published.wait().await;
        settle(&tester).await.expect("everybody is done, some time");
        // Each event brought about another one.
        for done in done {
            assert_eq!(done.load(Ordering::SeqCst), 2 * EVENTS);
        }
        let snapshot = tester.snapshot();
        assert!(snapshot.balances());
        assert!(snapshot.subscribers.iter().all(|it| it.queued == 0 && it.handling == 0));
        tester.close();
    });
    stage.finish();
    tally.settle(bus);
}

async fn publish(bus: Bus, tally: Tally, published: Latch) {
    for number in 0..EVENTS {
        bus.publish(Note { publisher: 0, number, token: tally.token() });
        breathe().await;
    }
    published.arrive();
}

async fn read_batches(mut notes: Subscription<Note>, done: Done) {
    while let Some(batch) = notes.recv_batch().await {
        for note in batch {
            note.token.read();
            done.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn read(mut notes: Subscription<Note>, done: Done) {
    while let Some(note) = notes.recv().await {
        breathe().await;
        note.token.read();
        done.fetch_add(1, Ordering::SeqCst);
    }
}

/// Publishes one for each of the publisher's.
async fn answer(notes: Subscription<Note>, bus: Bus, tally: Tally, done: Done) {
    notes
        .serve(async |note| {
            give_way().await;
            if note.publisher == 0 {
                bus.publish(Note { publisher: 1, number: note.number, token: tally.token() });
            }
            done.fetch_add(1, Ordering::SeqCst);
        })
        .await;
}
