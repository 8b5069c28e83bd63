//! Subscribers come and go while publishers publish, and the bus is paused, resumed and closed.

use std::sync::{Arc, Mutex};

use callboard::{Bus, Delivery, Overflow, Subscription, TryRecvError};

use super::props::{Change, Note, Tally};
use super::stage::{Latch, Stage, breathe};

const PUBLISHERS: usize = 2;
const EVENTS: usize = 3;
const READERS: usize = 2;
const KEYS: usize = 2;

/// What one subscription received, in its order.
#[derive(Debug, Default)]
struct Diary {
    seen: Vec<Seen>,
    /// It read until the bus was closed.
    to_the_end: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    sequence: u64,
    missed: u64,
    publisher: usize,
    number: usize,
}

type Diaries = Arc<Mutex<Vec<Diary>>>;

/// How a reader takes what is there.
#[derive(Debug, Clone, Copy)]
enum Way {
    One,
    Many,
    Batch,
    Try,
}

const WAYS: [Way; 4] = [Way::One, Way::Many, Way::Batch, Way::Try];

pub(crate) fn scenario(stage: &mut impl Stage) {
    let tally = Tally::default();
    let bus = stage.builder().build().expect("the settings are good");
    if stage.once_in(2) {
        bus.start();
    }
    let witness = bus.subscriber("witness").late().subscribe::<Note>();
    let witnessed = Diaries::default();
    stage.play("witness", read(witness, Way::One, usize::MAX, Arc::clone(&witnessed)));

    let capacity = KEYS + stage.choose(2);
    let changes = bus.subscriber("changes").late().overflow(Overflow::Coalesce).capacity(capacity);
    let in_the_midst = stage.once_in(3);
    stage.play("changes", gather_changes(changes.subscribe(), in_the_midst));

    let published = Latch::new(PUBLISHERS);
    for publisher in 0..PUBLISHERS {
        let part = publish(bus.clone(), tally.clone(), publisher, published.clone());
        stage.play("publisher", part);
    }
    let diaries = Diaries::default();
    for _ in 0..READERS {
        let visits: Vec<_> = (0..2)
            .map(|_| {
                let overflow = [Overflow::DropNewest, Overflow::DropOldest][stage.choose(2)];
                let builder = bus.subscriber("reader").late().overflow(overflow);
                let builder = builder.capacity(1 + stage.choose(3));
                let most = [1, 2, usize::MAX][stage.choose(3)];
                (builder, WAYS[stage.choose(WAYS.len())], most)
            })
            .collect();
        let diaries = Arc::clone(&diaries);
        stage.play("reader", async move {
            for (builder, way, most) in visits {
                read(builder.subscribe(), way, most, Arc::clone(&diaries)).await;
            }
        });
    }
    stage.play("director", direct(bus.clone(), published, in_the_midst));
    stage.finish();

    let witnessed = witnessed.lock().unwrap();
    let witnessed = &witnessed[0];
    witnessed.check(&witnessed.seen);
    for diary in diaries.lock().unwrap().iter() {
        diary.check(&witnessed.seen);
    }
    if !in_the_midst {
        assert_eq!(witnessed.seen.len(), PUBLISHERS * EVENTS, "everything was published in time");
    }
    tally.settle(bus);
}

async fn publish(bus: Bus, tally: Tally, publisher: usize, published: Latch) {
    for number in 0..EVENTS {
        bus.publish(Note { publisher, number, token: tally.token() });
        breathe().await;
        bus.publish(Change { key: number % KEYS, times: 1, token: tally.token() });
        breathe().await;
    }
    published.arrive();
}

/// Pauses, resumes and closes the bus; after everything was published, unless in the midst of it.
async fn direct(bus: Bus, published: Latch, in_the_midst: bool) {
    bus.start();
    breathe().await;
    bus.pause();
    breathe().await;
    bus.start();
    breathe().await;
    bus.pause();
    if in_the_midst {
        bus.start();
    } else {
        published.wait().await;
        bus.start();
    }
    bus.close();
}

/// What is gathered of the changes is what was published of them, however they were merged.
async fn gather_changes(mut changes: Subscription<Change>, in_the_midst: bool) {
    let (mut times, mut last) = (0, 0);
    while let Some(change) = changes.recv().await {
        change.token.read();
        times += change.times;
        assert!(change.sequence() > last, "changes come in their order");
        last = change.sequence();
    }
    assert!(times <= PUBLISHERS * EVENTS, "a change is counted twice");
    assert!(times == PUBLISHERS * EVENTS || in_the_midst, "a change is lost");
    let ledger = changes.ledger();
    assert!(ledger.balances(), "{ledger:?}");
    assert_eq!(ledger.queued, 0, "{ledger:?}");
    assert_eq!(ledger.lost(), 0, "there is room for one change of each thing: {ledger:?}");
}

/// Reads up to `most` events, or to the end.
async fn read(mut notes: Subscription<Note>, way: Way, most: usize, diaries: Diaries) {
    let mut diary = Diary::default();
    while diary.seen.len() < most && !diary.to_the_end {
        match way {
            Way::One => match notes.recv().await {
                Some(note) => diary.enter(&note),
                None => diary.to_the_end = true,
            },
            Way::Many => {
                let mut many = Vec::new();
                diary.to_the_end = notes.recv_many(&mut many, 2).await == 0;
                many.iter().for_each(|note| diary.enter(note));
            }
            Way::Batch => match notes.recv_batch().await {
                Some(batch) => {
                    for note in batch {
                        note.token.read();
                        diary.seen.push(Seen {
                            sequence: note.sequence(),
                            missed: note.missed(),
                            publisher: note.publisher,
                            number: note.number,
                        });
                    }
                }
                None => diary.to_the_end = true,
            },
            Way::Try => match notes.try_recv() {
                Ok(note) => diary.enter(&note),
                Err(TryRecvError::Closed) => diary.to_the_end = true,
                Err(TryRecvError::Empty) => break,
            },
        }
    }
    if diary.to_the_end {
        let ledger = notes.ledger();
        let missed = diary.seen.iter().map(|seen| seen.missed).sum::<u64>();
        assert_eq!(ledger.delivered, diary.seen.len() as u64, "{ledger:?} {diary:?}");
        assert_eq!(ledger.queued, 0, "{ledger:?}");
        assert_eq!(ledger.lost(), missed + notes.pending_missed(), "{ledger:?} {diary:?}");
    }
    diaries.lock().unwrap().push(diary);
}

impl Diary {
    fn enter(&mut self, note: &Delivery<Note>) {
        note.token.read();
        self.seen.push(Seen {
            sequence: note.sequence(),
            missed: note.missed(),
            publisher: note.publisher,
            number: note.number,
        });
    }

    /// It agrees with what one who missed nothing has seen.
    fn check(&self, witnessed: &[Seen]) {
        let places: Vec<_> = self.seen.iter().map(|seen| seen.place(witnessed)).collect();
        for (pair, seen) in places.windows(2).zip(self.seen.iter().skip(1)) {
            assert!(pair[0] < pair[1], "events come in one order: {self:?}, not {witnessed:?}");
            let between = (pair[1] - pair[0] - 1) as u64;
            assert_eq!(seen.missed, between, "{self:?} of {witnessed:?}");
        }
        for publisher in 0..PUBLISHERS {
            let own = self.seen.iter().filter(|seen| seen.publisher == publisher);
            assert!(own.map(|seen| seen.number).is_sorted(), "{self:?}");
        }
    }
}

impl Seen {
    fn place(&self, witnessed: &[Self]) -> usize {
        let place = witnessed.iter().position(|other| other.sequence == self.sequence);
        place.unwrap_or_else(|| panic!("{self:?} is not of {witnessed:?}"))
    }
}
