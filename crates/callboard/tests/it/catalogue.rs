//! The catalogue: which event types are known, and what their contracts say.

use std::sync::Arc;
use std::time::Duration;

use callboard::{
    Abilities, AnyEvent, Bus, Call, CatalogueEntry, Coalesce, Contract, Delivery, Event, EventRole,
    EventSet, FindingKind, Priority, Request,
};

/// An order was accepted
/// and stored.
///
/// Published once per order.
#[derive(Debug, Event)]
#[event(retain)]
struct OrderPlaced {
    /// In cents,
    /// without tax.
    _total: u32,
    _items: Vec<(u64, Arc<str>)>,
}

/// What became of an order.
#[derive(Debug, Event)]
#[event(priority = Self::urgency)]
#[expect(dead_code, reason = "only its contract matters")]
enum OrderEnded {
    /// The customer has it.
    Delivered,
    Cancelled {
        /// In their words.
        reason: Option<String>,
    },
    Lost(u8, &'static str),
}

impl OrderEnded {
    fn urgency(&self) -> Priority {
        Priority::Low
    }
}

/// How many there are.
#[derive(Debug, Event)]
struct StockCounted;

/// Asks for the stock.
#[derive(Debug, Request)]
#[request(type = "stock.ask", response = StockCounted, priority = high)]
struct AskStock;

#[derive(Debug, Request)]
#[request(type = "reserve.ask", response = StockCounted)]
struct AskReserve;

/// Written by hand, as before there were contracts.
#[derive(Debug)]
struct Tick;

impl Event for Tick {
    const TYPE: &'static str = "tick";
    const ABILITIES: Abilities<Self> = Abilities::new().coalesce();
}

impl Coalesce for Tick {
    type Key = ();

    fn key(&self) {}
}

#[derive(Debug, EventSet)]
enum Inbox {
    Placed(Delivery<OrderPlaced>),
    Ask(Call<AskStock>),
}

#[derive(Debug, EventSet)]
enum AllEvents {
    Placed(Delivery<OrderPlaced>),
    Ended(Delivery<OrderEnded>),
    Stock(Call<AskStock>),
    Reserve(Call<AskReserve>),
    Tick(Delivery<Tick>),
}

fn names(bus: &Bus) -> Vec<&'static str> {
    bus.catalogue().iter().map(|entry| entry.event_type).collect()
}

fn entry(bus: &Bus, name: &str) -> CatalogueEntry {
    bus.catalogue().into_iter().find(|entry| entry.event_type == name).expect(name)
}

fn declared() -> Bus {
    let bus = Bus::new();
    bus.declare::<AllEvents>();
    bus
}

#[test]
fn contract_has_the_docs_names_and_types_of_fields() {
    let placed = entry(&declared(), "order.placed");
    assert!(placed.rust_type.ends_with("catalogue::OrderPlaced"), "{}", placed.rust_type);
    assert_eq!(placed.doc, "An order was accepted\nand stored.\n\nPublished once per order.");
    let fields: Vec<_> = placed.fields.iter().map(|it| (it.name, it.rust_type, it.doc)).collect();
    assert_eq!(
        fields,
        [("_total", "u32", "In cents,\nwithout tax."), ("_items", "Vec<(u64, Arc<str>)>", ""),]
    );
    assert!(placed.variants.is_empty());
}

#[test]
fn contract_has_the_variants_of_an_enum_with_their_fields() {
    let ended = entry(&declared(), "order.ended");
    assert!(ended.fields.is_empty());
    let variants: Vec<_> = ended.variants.iter().map(|it| (it.name, it.doc)).collect();
    assert_eq!(variants, [("Delivered", "The customer has it."), ("Cancelled", ""), ("Lost", "")]);
    let fields = |variant: usize| -> Vec<_> {
        let fields = ended.variants[variant].fields.iter();
        fields.map(|it| (it.name, it.rust_type, it.doc)).collect()
    };
    assert!(fields(0).is_empty());
    assert_eq!(fields(1), [("reason", "Option<String>", "In their words.")]);
    assert_eq!(fields(2), [("0", "u8", ""), ("1", "&'static str", "")]);
}

#[test]
fn entry_has_the_role_and_the_abilities_of_its_type() {
    let bus = declared();
    let placed = entry(&bus, "order.placed");
    assert_eq!(placed.role, EventRole::Event);
    assert_eq!(
        (placed.priority, placed.retained, placed.coalesces),
        (Some(Priority::Normal), true, false)
    );
    assert_eq!(entry(&bus, "order.ended").priority, None, "it is computed");
    let ask = entry(&bus, "stock.ask");
    assert_eq!(ask.role, EventRole::Request { response: "stock.counted" });
    assert_eq!(ask.priority, Some(Priority::High));
    let requests = vec!["reserve.ask", "stock.ask"];
    assert_eq!(entry(&bus, "stock.counted").role, EventRole::Response { requests });
    assert!(entry(&bus, "tick").coalesces);
}

#[test]
fn event_by_hand_has_an_empty_contract() {
    let tick = entry(&declared(), "tick");
    assert_eq!((tick.doc, tick.fields.len(), tick.variants.len()), ("", 0, 0));
}

#[test]
fn event_by_hand_may_attach_a_contract() {
    #[derive(Debug)]
    struct Tock;

    impl Event for Tock {
        const TYPE: &'static str = "tock";
        const ABILITIES: Abilities<Self> =
            Abilities::new().contract(&Contract::new("After a tick."));
    }

    let bus = Bus::new();
    bus.declare::<Tock>();
    assert_eq!(bus.catalogue()[0].doc, "After a tick.");
}

#[test]
fn type_is_known_once_it_is_subscribed_to() {
    let bus = Bus::new();
    assert!(names(&bus).is_empty());
    let ticks = bus.subscribe::<Tick>("ticks");
    assert_eq!(names(&bus), ["tick"]);
    let _inbox = bus.subscribe::<Inbox>("inbox");
    assert_eq!(names(&bus), ["order.placed", "stock.ask", "stock.counted", "tick"]);
    drop(ticks);
    assert_eq!(names(&bus).len(), 4, "a type is not forgotten");
}

#[test]
fn type_is_known_once_it_is_published_before_and_after_the_start() {
    let bus = Bus::new();
    bus.publish(StockCounted);
    assert_eq!(names(&bus), ["stock.counted"]);
    assert_eq!(bus.catalogue()[0].role, EventRole::Event, "no request is known");
    bus.start();
    bus.publish(Tick);
    assert_eq!(names(&bus), ["stock.counted", "tick"]);
}

#[test]
fn type_is_known_once_it_is_asked_and_so_is_its_response() {
    let bus = Bus::new();
    bus.start();
    let request = bus.request(AskStock).expect(["nobody"]).timeout(Duration::from_secs(5));
    drop(request.gather_blocking());
    assert_eq!(names(&bus), ["stock.ask", "stock.counted"]);
    let lines: Vec<String> = bus.catalogue().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "`stock.ask` (request, answered by `stock.counted`): Asks for the stock.",
            "`stock.counted` (response to `stock.ask`): How many there are.",
        ]
    );
}

#[test]
fn response_that_is_a_request_brings_its_own_response() {
    #[derive(Debug, Request)]
    #[request(response = Pong)]
    struct Ping;
    #[derive(Debug, Request)]
    #[request(response = Ping)]
    struct Pong;
    #[derive(Debug, Request)]
    #[request(response = Ping)]
    struct Serve;
    #[derive(Debug, Request)]
    #[request(response = Self)]
    struct Echo;

    let request = |response| EventRole::Request { response };
    let roles = |bus: &Bus| -> Vec<_> {
        bus.catalogue().into_iter().map(|entry| (entry.event_type, entry.role)).collect()
    };
    let bus = Bus::new();
    bus.declare::<Serve>();
    assert_eq!(
        roles(&bus),
        [("ping", request("pong")), ("pong", request("ping")), ("serve", request("ping")),]
    );
    let bus = Bus::new();
    bus.declare::<Echo>();
    assert_eq!(roles(&bus), [("echo", request("echo"))]);
}

#[test]
fn catalogue_is_in_the_order_of_names_whatever_came_first() {
    mod other {
        #[derive(Debug, callboard::Event)]
        pub(super) struct Tick;
    }
    let all = ["order.ended", "order.placed", "reserve.ask", "stock.ask", "stock.counted", "tick"];
    assert_eq!(names(&declared()), all);
    let bus = Bus::new();
    bus.declare::<Tick>();
    bus.declare::<AllEvents>();
    assert_eq!(names(&bus), all, "declaring a type twice has no effect");
    bus.declare::<other::Tick>();
    let catalogue = bus.catalogue();
    let ticks: Vec<_> = catalogue[5..].iter().map(|entry| entry.rust_type).collect();
    assert!(ticks.len() == 2 && ticks.is_sorted(), "{ticks:?}");
}

#[test]
fn declared_types_that_share_a_name_are_a_finding() {
    #[derive(Debug, Event)]
    #[event(type = "tick")]
    struct Namesake;

    let bus = declared();
    bus.declare::<Namesake>();
    let _ticks = bus.subscribe::<AnyEvent>("all");
    bus.start();
    let kinds: Vec<_> = bus.diagnose().findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::NameClash]);
}

#[test]
fn everything_declares_nothing() {
    let bus = Bus::new();
    bus.declare::<AnyEvent>();
    let _all = bus.subscribe::<AnyEvent>("all");
    assert!(names(&bus).is_empty());
}

#[test]
fn type_that_is_only_declared_is_no_finding() {
    for started in [false, true] {
        let bus = declared();
        let _all = bus.subscriber("all").subscribe::<AnyEvent>();
        let _some = bus.subscriber("some").subscribe_matching("order.*");
        if started {
            bus.start();
        }
        bus.declare::<AllEvents>();
        let diagnosis = bus.diagnose();
        assert!(diagnosis.findings.is_empty(), "{diagnosis}");
        bus.close();
        bus.declare::<AllEvents>();
        assert!(bus.diagnose().findings.is_empty());
    }
}

#[test]
fn declared_type_is_diagnosed_as_others_once_it_is_used() {
    let bus = declared();
    let _ended = bus.subscribe::<OrderEnded>("ended");
    bus.start();
    bus.publish(Tick);
    drop(bus.request(AskReserve).expect(["nobody"]).gather_blocking());
    let findings = bus.diagnose().findings;
    let found: Vec<_> = findings.iter().map(|it| (it.kind, &*it.culprit)).collect();
    assert_eq!(
        found,
        [
            (FindingKind::NotSignedIn, "nobody"),
            (FindingKind::RequestFailed, "reserve.ask"),
            (FindingKind::NoResponder, "reserve.ask"),
            (FindingKind::Unheard, "tick"),
            (FindingKind::NeverPublished, "order.ended"),
        ]
    );
}

#[test]
fn declaring_changes_no_delivery() {
    let run = |declare: bool| {
        let bus = Bus::new();
        let mut all = bus.subscribe::<AnyEvent>("all");
        let mut ticks = bus.subscribe::<Tick>("ticks");
        if declare {
            bus.declare::<AllEvents>();
        }
        bus.publish(Tick);
        bus.publish(StockCounted);
        bus.start();
        bus.publish(OrderEnded::Delivered);
        let got: Vec<_> = all.try_iter().map(|it| (it.event_type(), it.sequence())).collect();
        drop(all);
        let unheard = bus.publish(OrderEnded::Delivered);
        bus.publish(Tick);
        let ticks: Vec<_> = ticks.try_iter().map(|it| (it.sequence(), it.missed())).collect();
        assert!(bus.snapshot().balances());
        (got, unheard, ticks)
    };
    let (got, unheard, ticks) = run(true);
    assert_eq!(got, [("tick", 1), ("stock.counted", 2), ("order.ended", 3)]);
    assert_eq!(ticks, [(1, 0), (4, 0)]);
    assert_eq!((got, unheard, ticks), run(false));
}

#[cfg(feature = "serde")]
#[test]
fn catalogue_can_be_serialised() {
    fn serialisable<T: serde::Serialize>(_: &T) {}
    serialisable(&declared().catalogue());
}
