//! What every form of a received event reports about itself.

use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{AnyEvent, Bus, Call, Delivery, Event, EventSet, Metadata, Received, Request};

use crate::support::poll;

#[derive(Debug, Event)]
struct Tick(u32);

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

/// Its own method takes precedence, and the trait's is still there.
#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<Ask>),
}

impl Inbox {
    fn sequence(&self) -> &'static str {
        match self {
            Self::Tick(_) => "tick",
            Self::Ask(_) => "ask",
        }
    }
}

fn shown(metadata: Metadata) -> (&'static str, u64, u64, Option<u64>, Option<Duration>) {
    let Metadata { event_type, sequence, missed, cause, queued_for, .. } = metadata;
    assert_eq!(metadata.published_at.is_some(), queued_for.is_some());
    (event_type, sequence, missed, cause, queued_for)
}

#[test]
fn every_form_says_the_same() {
    let clock = ManualClock::new();
    let bus = Bus::builder().timestamps(true).clock(clock.clone()).build().unwrap();
    let mut inbox = bus.subscriber("inbox").capacity(2).subscribe::<Inbox>();
    let mut all = bus.subscribe::<AnyEvent>("all");
    let mut ticks = bus.subscribe::<Tick>("ticks");
    bus.start();
    bus.publish_caused_by(Tick(1), 40);
    let mut gather = bus.request(Ask).expect(["inbox"]).gather();
    assert!(poll(&mut gather).is_pending());
    bus.publish(Tick(2));
    clock.advance(Duration::from_secs(3));
    let three = Some(Duration::from_secs(3));
    let first = inbox.try_recv().unwrap();
    assert_eq!(first.sequence(), "tick");
    assert_eq!(Received::sequence(&first), 1);
    assert_eq!(shown(first.metadata()), ("tick", 1, 0, Some(40), three));
    let second = inbox.try_recv().unwrap();
    assert_eq!(shown(second.metadata()), ("ask", 2, 0, None, three));
    bus.publish(Tick(3));
    let third = inbox.try_recv().unwrap();
    assert_eq!(shown(third.metadata()), ("tick", 4, 1, None, Some(Duration::ZERO)));
    assert_eq!((third.event_type(), third.missed(), third.cause()), ("tick", 1, None));
    assert_eq!(shown(all.try_recv().unwrap().metadata()), shown(first.metadata()));
    assert_eq!(shown(ticks.try_recv().unwrap().metadata()), shown(first.metadata()));
    let Inbox::Ask(call) = second else { panic!("the call") };
    assert_eq!(shown(call.metadata()), ("ask", 2, 0, None, three));
    assert_eq!((call.published_at(), call.queued_for()), (call.metadata().published_at, three));
    call.respond(Tick(0));
    assert!(poll(&mut gather).is_ready());
}

#[test]
fn lent_events_say_so_too() {
    let bus = Bus::new();
    let mut ticks = bus.subscriber("ticks").capacity(1).subscribe::<Tick>();
    bus.start();
    bus.publish(Tick(1));
    bus.publish(Tick(2));
    drop(ticks.try_recv());
    bus.publish(Tick(3));
    let tick = ticks.try_recv_batch().unwrap().next().unwrap();
    assert_eq!((tick.0, shown(tick.metadata())), (3, ("tick", 3, 1, None, None)));
}
