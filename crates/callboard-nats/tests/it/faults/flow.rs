//! A steady flow of events from one node to another, checked as it goes.

use std::sync::Arc;
use std::time::Duration;

use callboard_nats::{ImportSnapshot, LinkBuilder};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::world::{Node, Order, soon};

/// The bytes of a ring: an outage of a second or two fills it.
const RING: usize = 512 * 1024;

/// Beyond the bounds by no more than the packet that is being sent.
const PACKET: usize = 64 * 1024;

/// How many events, and how often.
const BURST: u64 = 40;
const EVERY: Duration = Duration::from_millis(10);

fn large(id: u64) -> Order {
    Order { id, text: "x".repeat(200) }
}

/// What has arrived: how many events, and the number of the last one.
#[derive(Debug, Clone, Copy, Default)]
struct Arrived {
    events: u64,
    next: u64,
}

/// Node `a` publishes orders all the time, and node `b` checks that they come once and in order.
pub(crate) struct Flow {
    pub(crate) a: Arc<Node>,
    pub(crate) b: Arc<Node>,
    stop: watch::Sender<bool>,
    publishing: JoinHandle<()>,
    published: watch::Receiver<u64>,
    arrived: watch::Receiver<Arrived>,
}

/// What a flow came to.
pub(crate) struct Ended {
    /// How many events were published on `a`'s bus.
    pub(crate) published: u64,
    /// The account of `b`.
    pub(crate) account: ImportSnapshot,
}

impl Flow {
    pub(crate) async fn start(a: &str, b: &str) -> Self {
        Self::start_with(a, b, |link| link, |link| link).await
    }

    pub(crate) async fn start_with(
        a: &str,
        b: &str,
        build_a: impl FnOnce(LinkBuilder) -> LinkBuilder,
        build_b: impl FnOnce(LinkBuilder) -> LinkBuilder,
    ) -> Self {
        let build_a = |link: LinkBuilder| build_a(link.export::<Order>().ring_bytes(RING));
        let a = Arc::new(Node::start(a, "a", build_a).await);
        let b = Arc::new(Node::start(b, "b", |link| build_b(link.import::<Order>())).await);
        let mut inbox = b.bus.subscriber("audit").capacity(1_000_000).subscribe::<Order>();
        a.meets(&["b"]).await;
        b.meets(&["a"]).await;

        let (arrive, arrived) = watch::channel(Arrived::default());
        tokio::spawn(async move {
            while let Some(order) = inbox.recv().await {
                let Arrived { events, next } = *arrive.borrow();
                assert!(order.id >= next, "{} comes again or too late, after {next}", order.id);
                assert_eq!(order.missed(), 0, "the test's own queue has room");
                arrive.send_replace(Arrived { events: events + 1, next: order.id + 1 });
            }
        });
        let (publish, published) = watch::channel(0);
        let (stop, mut stopped) = watch::channel(false);
        let from = Arc::clone(&a);
        let publishing = tokio::spawn(async move {
            let mut tick = tokio::time::interval(EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !*stopped.borrow_and_update() {
                tick.tick().await;
                let next = *publish.borrow();
                (next..next + BURST).for_each(|id| _ = from.bus.publish(large(id)));
                publish.send_replace(next + BURST);
                let link = from.link.snapshot();
                assert!(link.queued_bytes <= RING, "{} bytes are queued", link.queued_bytes);
                assert!(link.unconfirmed_bytes <= RING + PACKET, "{}", link.unconfirmed_bytes);
            }
        });
        let flow = Self { a, b, stop, publishing, published, arrived };
        flow.moves().await;
        flow
    }

    /// Waits until an event arrives that is published from now on.
    pub(crate) async fn moves(&self) {
        let now = *self.published.borrow();
        let mut arrived = self.arrived.clone();
        let came = tokio::time::timeout(
            crate::support::PATIENCE,
            arrived.wait_for(|arrived| arrived.next > now),
        );
        match came.await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => panic!("what arrives is wrong, see above"),
            Err(_) => {
                panic!("nothing moves: {:#?} {:#?}", self.a.link.snapshot(), self.b.link.snapshot())
            }
        }
    }

    /// Stops publishing, waits until everything is accounted for, and checks both accounts.
    pub(crate) async fn end(self) -> Ended {
        self.stop.send_replace(true);
        self.publishing.await.expect("the publisher stayed within its bounds");
        let published = *self.published.borrow();
        self.a
            .until("all to be taken and confirmed", |link| {
                let of = link.export("order.placed").unwrap();
                of.published == published && link.queued == 0 && link.unconfirmed == 0
            })
            .await;
        let a = self.a.link.snapshot();
        let sent = a.export("order.placed").unwrap().sent;
        let current = |of: &ImportSnapshot| of.incarnation == a.incarnation && of.last == sent;
        self.b.until("the account", |link| link.import("order.placed", "a").any(current)).await;
        self.a.assert_balanced();
        self.b.assert_balanced();
        let b = self.b.link.snapshot();
        let account = b.import("order.placed", "a").find(|of| current(of)).unwrap().clone();
        assert_eq!(account.first, 1, "they had met before the first event");
        assert_eq!(account.delivered + account.dropped.total(), sent, "{account:?}");
        assert_eq!(a.conflicts + b.conflicts, 0);
        let mut arrived = self.arrived.clone();
        let all = arrived.wait_for(|arrived| arrived.events >= account.delivered);
        let all = soon("all to arrive", all).await.expect("what arrives is right").events;
        assert_eq!(all, account.delivered, "what is in the account has arrived");
        Ended { published, account }
    }
}
