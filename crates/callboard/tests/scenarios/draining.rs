//! The bus is closed, and drains, while readers of every kind sleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callboard::{AnyEvent, Bus, Overflow, Priority, Subscription};

use super::props::{Note, Tally};
use super::stage::{Latch, Stage, breathe, give_way};

/// The clock stands still.
const EVER: Duration = Duration::from_secs(1);

pub(crate) fn scenario(stage: &mut impl Stage) {
    let tally = Tally::default();
    let bus = stage.builder().build().expect("the settings are good");
    let seen = Arc::new(AtomicUsize::new(0));
    let readers = 3;
    for _ in 0..readers {
        let queue = stage.once_in(2);
        let overflow = if queue { Overflow::DropOldest } else { Overflow::DropNewest };
        let builder = bus.subscriber("reader").late().overflow(overflow);
        let counts = Arc::clone(&seen);
        match stage.choose(5) {
            0 => stage.play("one by one", read(builder.subscribe(), counts)),
            1 => stage.play("batches", read_batches(builder.subscribe(), counts)),
            2 => stage.play("many", read_many(builder.subscribe(), counts)),
            3 => stage.play("served", serve(builder.subscribe(), counts)),
            _ => stage.play("everything", read_everything(builder.subscribe(), counts)),
        }
    }
    bus.start();
    let events = stage.choose(3);
    let urgent = stage.once_in(3);
    let published = Latch::new(1);
    stage.play("publisher", publish(bus.clone(), tally.clone(), events, urgent, published.clone()));
    let closer = bus.clone();
    let at_once = stage.once_in(2);
    stage.play("closer", async move {
        if !at_once {
            published.wait().await;
        }
        closer.close_and_drain(EVER).await.expect("everybody reads to the end");
    });
    stage.finish();
    if !at_once {
        assert_eq!(seen.load(Ordering::SeqCst), readers * events);
    }
    tally.settle(bus);
}

async fn publish(bus: Bus, tally: Tally, events: usize, urgent: bool, published: Latch) {
    for number in 0..events {
        let note = Note { publisher: 0, number, token: tally.token() };
        if urgent && number > 0 {
            bus.publish_with(note, Priority::High);
        } else {
            bus.publish(note);
        }
        breathe().await;
    }
    published.arrive();
}

async fn read(mut notes: Subscription<Note>, seen: Arc<AtomicUsize>) {
    while let Some(note) = notes.recv().await {
        note.token.read();
        seen.fetch_add(1, Ordering::SeqCst);
    }
}

async fn read_batches(mut notes: Subscription<Note>, seen: Arc<AtomicUsize>) {
    while let Some(batch) = notes.recv_batch().await {
        for note in batch {
            note.token.read();
            seen.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn read_many(mut notes: Subscription<Note>, seen: Arc<AtomicUsize>) {
    let mut many = Vec::new();
    while notes.recv_many(&mut many, 2).await > 0 {
        many.iter().for_each(|note| note.token.read());
        seen.fetch_add(many.drain(..).len(), Ordering::SeqCst);
    }
}

async fn serve(notes: Subscription<Note>, seen: Arc<AtomicUsize>) {
    notes
        .serve(async |note| {
            give_way().await;
            note.token.read();
            seen.fetch_add(1, Ordering::SeqCst);
        })
        .await;
}

async fn read_everything(mut events: Subscription<AnyEvent>, seen: Arc<AtomicUsize>) {
    while let Some(event) = events.recv().await {
        if let Some(note) = event.downcast_ref::<Note>() {
            note.token.read();
            seen.fetch_add(1, Ordering::SeqCst);
        }
    }
}
