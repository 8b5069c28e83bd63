//! What user code can do with a bus.

use std::pin::pin;
use std::time::Duration;

use callboard::testing::{Recorder, block_on, settle_within};
use callboard::{
    AnyEvent, Bus, Call, Coalesce, Delivery, Event, EventSet, Overflow, Priority,
    SubscriberBuilder, Subscription,
};
use futures_lite::StreamExt;

use super::{Answer, Ask};
use crate::support::{forget, poll, publish_all};

#[derive(Debug, Event)]
#[event(type = "hostile.echo", retain)]
struct Echo(#[expect(dead_code, reason = "tells them apart in messages")] u64);

impl Coalesce for Echo {
    type Key = ();

    fn key(&self) {}
}

/// An event that goes by the log of its type.
#[derive(Debug, Event)]
#[event(type = "hostile.note")]
struct Note(#[expect(dead_code, reason = "tells them apart in messages")] u64);

#[derive(Debug, EventSet)]
enum Inbox {
    Echo(Delivery<Echo>),
    Ask(Call<Ask>),
}

/// One use of a bus, by name.
pub(super) type Api = (&'static str, fn(&Bus));

/// Everything that a bus offers, one by one. Those that close the bus come last.
pub(super) const APIS: &[Api] = &[
    ("publish", |bus| publish_all(bus, [Note(0), Note(1)])),
    ("publish what is retained", |bus| publish_all(bus, [Echo(0), Echo(1)])),
    ("publish_with", |bus| {
        bus.publish_with(Note(0), Priority::High);
    }),
    ("publish_caused_by", |bus| {
        bus.publish_caused_by(Note(0), 1);
    }),
    ("subscribe", |bus| drop(bus.subscribe::<Note>("visitor"))),
    ("subscribe to everything", |bus| drop(bus.subscribe::<AnyEvent>("visitor"))),
    ("subscribe to a set", |bus| drop(bus.subscribe::<Inbox>("visitor"))),
    ("subscribe_matching", |bus| drop(visitor(bus).subscribe_matching("hostile.>"))),
    ("subscribe_matching nothing", |bus| drop(visitor(bus).subscribe_matching("a..b"))),
    ("with_retained", |bus| {
        bus.publish(Echo(0));
        drop(visitor(bus).with_retained().subscribe::<Echo>().try_recv());
    }),
    ("unsubscribe with events queued", |bus| drop((filled(bus), filled_queue(bus)))),
    ("overflow", |bus| {
        for overflow in [Overflow::DropNewest, Overflow::DropOldest, Overflow::Coalesce] {
            let one = visitor(bus).capacity(1).overflow(overflow);
            let (notes, echoes) = (one.subscribe::<Note>(), one.subscribe::<Echo>());
            publish_all(bus, (0..3).map(Note));
            publish_all(bus, (0..3).map(Echo));
            assert!(notes.ledger().balances() && echoes.ledger().balances());
        }
    }),
    ("phase and the like", |bus| {
        let _ = (bus.phase(), bus.retained::<Echo>(), format!("{bus:?}"));
    }),
    ("on_drop", |bus| bus.on_drop(|_| {})),
    ("start", |bus| {
        bus.start();
    }),
    ("pause", Bus::pause),
    ("pause and start", |bus| {
        bus.pause();
        publish_all(bus, (0..3).map(Note));
        bus.start();
    }),
    ("start_when_ready", |bus| {
        let _ = poll(&mut pin!(bus.start_when_ready(Duration::MAX)));
    }),
    ("start_when_ready_blocking", |bus| {
        let _ = bus.start_when_ready_blocking(Duration::ZERO);
    }),
    ("gather, dropped", |bus| {
        let _oracle = bus.responder::<Ask>("visitor");
        let _ = poll(&mut bus.request(Ask).expect(["visitor"]).gather());
    }),
    ("gather, answered", |bus| ask(bus, |call| call.respond(Answer(1)))),
    ("gather, declined", |bus| ask(bus, |call| call.decline("no"))),
    ("gather, abandoned", |bus| ask(bus, drop)),
    ("gather, nested", |bus| {
        ask(bus, |call| {
            let mut nested = call.request(Ask).expect(["visitor"]).gather();
            let _ = poll(&mut nested);
        });
    }),
    ("gather_blocking", |bus| {
        let request = bus.request(Ask).expect(["nobody"]);
        let _ = request.timeout(Duration::ZERO).gather_blocking();
    }),
    ("snapshot", |bus| assert!(bus.snapshot().balances())),
    ("diagnose", |bus| drop(bus.diagnose().to_string())),
    ("ledger and lengths", |bus| {
        let notes = filled(bus);
        assert!(notes.ledger().balances());
        let _ = (notes.len(), notes.is_empty(), notes.pending_missed(), notes.capacity());
        let _ = (notes.name(), format!("{notes:?}"));
    }),
    ("recv", |bus| {
        let _ = (poll(&mut filled(bus).recv()), poll(&mut filled_queue(bus).recv()));
    }),
    ("recv, sleeping", |bus| {
        let _ = poll(&mut bus.subscribe::<Note>("visitor").recv());
        let _ = poll(&mut bus.subscribe::<AnyEvent>("visitor").recv());
    }),
    ("try_recv", |bus| drop((filled(bus).try_recv(), filled_queue(bus).try_recv()))),
    ("blocking_recv", |bus| drop((filled(bus).blocking_recv(), filled(bus).iter().next()))),
    ("recv_timeout", |bus| {
        drop(bus.subscribe::<Note>("visitor").recv_timeout(Duration::ZERO));
        drop(filled_queue(bus).recv_timeout(Duration::ZERO));
    }),
    ("recv_batch", |bus| {
        let _ =
            poll(&mut Box::pin(filled(bus).recv_batch())).map(|batch| batch.map(Iterator::count));
        let _ = filled_queue(bus).try_recv_batch().map(Iterator::count);
    }),
    ("recv_many", |bus| {
        let mut notes = Vec::new();
        let _ = poll(&mut Box::pin(filled(bus).recv_many(&mut notes, 10)));
    }),
    ("stream", |bus| {
        let _ = poll(&mut filled(bus).next());
    }),
    ("serve", |bus| {
        let _ = poll(&mut Box::pin(filled(bus).serve(async |_| {})));
        let _ = poll(&mut Box::pin(filled_queue(bus).serve_concurrent(3, async |_| {})));
    }),
    ("settle", |bus| {
        let _ = block_on(settle_within(bus, Duration::ZERO));
    }),
    ("recorder", |bus| {
        let mut recorder = Recorder::attach(bus);
        bus.publish(Note(1));
        let _ = recorder.events();
    }),
    ("forget a subscription", |bus| forget((filled(bus), filled_queue(bus)))),
    ("forget what was received", |bus| {
        forget((filled(bus).try_recv(), filled_queue(bus).try_recv()));
    }),
    ("forget futures of receiving", |bus| {
        let mut notes = bus.subscribe::<Note>("visitor");
        let mut recv = notes.recv();
        let _ = poll(&mut recv);
        forget(recv);
        let mut batch = Box::pin(notes.recv_batch());
        let _ = poll(&mut batch);
        forget(batch);
    }),
    ("forget a batch", |bus| forget(filled(bus).try_recv_batch())),
    ("forget a gather", |bus| {
        let mut visitor = bus.responder::<Ask>("visitor");
        let mut gather = bus.request(Ask).expect(["visitor"]).gather();
        let _ = poll(&mut gather);
        forget(gather);
        drop(visitor.try_recv());
    }),
    ("forget a call", |bus| ask(bus, forget)),
    ("forget a service", |bus| {
        let mut serving = Box::pin(filled(bus).serve(async |_| std::future::pending().await));
        let _ = poll(&mut serving);
        forget(serving);
    }),
    ("forget a start", |bus| {
        let bus = bus.clone();
        let mut starting = Box::pin(async move { bus.start_when_ready(Duration::MAX).await });
        let _ = poll(&mut starting);
        forget(starting);
    }),
    ("close", Bus::close),
    ("close_and_drain", |bus| {
        let _ = poll(&mut pin!(bus.close_and_drain(Duration::MAX)));
    }),
];

fn visitor(bus: &Bus) -> SubscriberBuilder {
    bus.subscriber("visitor").late()
}

/// A reader of a log with something to read, if the bus is open.
fn filled(bus: &Bus) -> Subscription<Note> {
    bus.start();
    let notes = visitor(bus).subscribe();
    publish_all(bus, (0..3).map(Note));
    notes
}

/// A reader of a queue with something to read, if the bus is open.
fn filled_queue(bus: &Bus) -> Subscription<AnyEvent> {
    bus.start();
    let all = visitor(bus).subscribe();
    publish_all(bus, (0..3).map(Note));
    all
}

/// Asks, and has the call handled by `deal`, if the bus is open.
fn ask(bus: &Bus, deal: impl FnOnce(Call<Ask>)) {
    bus.start();
    let mut inbox = visitor(bus).subscribe::<Inbox>();
    let mut gather = bus.request(Ask).expect(["visitor"]).gather();
    let _ = poll(&mut gather);
    if let Ok(Inbox::Ask(call)) = inbox.try_recv() {
        deal(call);
        let _ = poll(&mut gather);
    }
}
