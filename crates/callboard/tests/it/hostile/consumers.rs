//! Code that reads what the bus returns: lent events, snapshots, accounts, answers.

use std::fmt::{self, Write};

use callboard::{AnyEvent, Event};

use super::{Answer, Ask, Company, Deed, Place, Reaches, Tick, try_everything};
use crate::support::{poll, publish_all};

/// A place where the caller's own code runs.
const fn own(name: &'static str, run: fn(&Deed)) -> Place {
    Place { name, panic: Reaches::Caller, run }
}

struct Writer<'a>(&'a Deed);

impl Write for Writer<'_> {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        self.0.run();
        Ok(())
    }
}

const PLACES: &[Place] = &[
    own("one to whom events are lent", |deed| {
        let bus = deed.running();
        let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
        publish_all(&bus, (0..3).map(Tick));
        deed.arm();
        let lent = ticks.try_recv_batch().unwrap().map(|tick| {
            deed.run();
            tick.0
        });
        assert!(lent.eq(0..3));
    }),
    own("one to whom events of a queue are handed out", |deed| {
        let bus = deed.running();
        let mut all = bus.subscriber("all").late().subscribe::<AnyEvent>();
        publish_all(&bus, (0..3).map(Tick));
        deed.arm();
        for event in all.try_recv_batch().unwrap() {
            assert!(event.event_type().starts_with("hostile."));
            deed.run();
        }
    }),
    own("one who iterates", |deed| {
        let bus = deed.running();
        let mut ticks = bus.subscriber("clock").late().subscribe::<Tick>();
        publish_all(&bus, (0..3).map(Tick));
        deed.arm();
        assert!(ticks.try_iter().inspect(|_| deed.run()).take(3).map(|tick| tick.0).eq(0..3));
    }),
    own("one who reads a picture", |deed| {
        let bus = deed.running();
        let _ticks = bus.subscriber("clock").late().subscribe::<Tick>();
        publish_all(&bus, [Tick(0)]);
        deed.arm();
        let snapshot = bus.snapshot();
        for subscriber in &snapshot.subscribers {
            deed.run();
            assert!(subscriber.ledger.drops().inspect(|_| deed.run()).count() <= 1);
        }
        assert_eq!(snapshot.event_type(Tick::TYPE).unwrap().published, 1);
    }),
    own("one who writes a diagnosis", |deed| {
        let bus = deed.running();
        drop(bus.subscriber("bad").late().subscribe_matching("a..b"));
        deed.arm();
        write!(Writer(deed), "{} {:?}", bus.diagnose(), bus.snapshot()).unwrap();
    }),
    own("one who reads answers", |deed| {
        let bus = deed.running();
        let mut oracle = bus.subscriber("oracle").late().responder::<Ask>();
        let mut gather = bus.request(Ask).expect(["oracle", "nobody"]).at_least(1).gather();
        assert!(poll(&mut gather).is_pending());
        oracle.try_recv().unwrap().respond(Answer(1));
        deed.arm();
        let std::task::Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("answered") };
        assert_eq!(gathered.responses().inspect(|_| deed.run()).count(), 1);
        assert_eq!(gathered.missing().inspect(|_| deed.run()).count(), 1);
    }),
    #[cfg(feature = "metrics")]
    own("a recorder of metrics", |deed| {
        let bus = deed.running();
        let _ticks = bus.subscriber("clock").late().subscribe::<Tick>();
        let snapshot = bus.snapshot();
        deed.arm();
        metrics::with_local_recorder(&recorder::Rigged(deed), || snapshot.record());
    }),
];

#[cfg(feature = "metrics")]
mod recorder {
    use metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    };

    use super::Deed;

    /// Does the deed when it receives a metric.
    pub(super) struct Rigged<'a>(pub(super) &'a Deed);

    impl Recorder for Rigged<'_> {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            self.0.run();
            Counter::noop()
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }
}

#[test]
fn consumers_do_as_they_like() {
    try_everything(PLACES, &[Company::Full, Company::Reader]);
}
