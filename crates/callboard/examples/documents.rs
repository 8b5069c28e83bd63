//! Writes what a bus says of itself (AsyncAPI, Mermaid, DOT) to a folder, for a small shop and for
//! a bus whose names mean something to those languages. `cargo xtask test --only documents` has
//! the official parsers read it:
//!
//! ```sh
//! cargo run -p callboard --example documents --all-features -- target/documents
//! ```

use std::any::Any;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use callboard::testing::{block_on, settle};
use callboard::{AnyEvent, Bus, Call, Delivery, Event, EventSet, Request};
use schemars::JsonSchema;
use serde::Serialize;

/// An order was accepted and stored.
///
/// Published once per order, by `shop`, after the write.
#[derive(Debug, Event, Serialize, JsonSchema)]
#[event(schema)]
struct OrderPlaced {
    /// In cents, without tax.
    total: u32,
    items: Vec<Item>,
    note: Option<String>,
    by_tag: BTreeMap<String, Item>,
}

/// A line of an order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Item {
    /// The number in the price list.
    number: u64,
    state: State,
    /// What it consists of.
    parts: Vec<Self>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "State of \"it\" / 100%~")]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum State {
    OnTheWay,
    Delivered { to: String },
}

/// A tree that refers to itself.
#[derive(Debug, Event, Serialize, JsonSchema)]
#[event(schema, priority = low)]
struct Category {
    name: String,
    within: Option<Box<Self>>,
}

/// Asks every warehouse whether it can deliver.
#[derive(Debug, Request)]
#[request(type = "stock.ask", response = StockCounted)]
struct AskStock {
    /// The number in the price list.
    _item: u64,
}

/// How many there are.
#[derive(Debug, Event)]
#[event(type = "stock.counted")]
enum StockCounted {
    /// As many as that.
    Pieces(#[expect(dead_code, reason = "only its contract matters")] u32),
    #[expect(dead_code, reason = "only its contract matters")]
    Unknown { why: &'static str },
}

#[derive(Debug, Event)]
#[event(type = "invoice.sent", retain)]
struct InvoiceSent(#[expect(dead_code, reason = "only its contract matters")] u32, ());

/// Nobody publishes it and nobody hears it.
#[derive(Debug, Event)]
struct Forgotten;

#[derive(Debug, EventSet)]
enum Billing {
    Placed(Delivery<OrderPlaced>),
    Category(Delivery<Category>),
}

fn shop() -> (Bus, Vec<Box<dyn Any>>) {
    let bus = Bus::new();
    bus.declare::<Forgotten>();
    let billing = bus.subscribe::<Billing>("billing");
    let warehouse = bus.responder::<AskStock>("warehouse");
    let shop = bus.publisher::<OrderPlaced>("shop");
    bus.start();
    let asking = bus.clone();
    std::thread::spawn(move || {
        block_on(billing.serve(|item| {
            let bus = asking.clone();
            async move {
                if let Billing::Placed(placed) = item {
                    let request = bus.request(AskStock { _item: placed.items[0].number });
                    let stock = request.expect(["warehouse"]).timeout(Duration::from_secs(5));
                    drop(stock.gather().await);
                    bus.publish(InvoiceSent(placed.total, ()));
                }
            }
        }));
    });
    std::thread::spawn(move || {
        block_on(warehouse.serve(|call: Call<AskStock>| async {
            call.respond(StockCounted::Pieces(3));
        }));
    });
    let item = Item { number: 1, state: State::OnTheWay, parts: Vec::new() };
    let delivered = State::Delivered { to: "the door".into() };
    let part = Item { number: 2, state: delivered, parts: vec![item.clone()] };
    let by_tag = BTreeMap::from([("gift".to_owned(), part)]);
    shop.publish(OrderPlaced { total: 40, items: vec![item], note: None, by_tag });
    block_on(settle(&bus)).expect("the shop comes to rest");
    let log = bus.subscriber("log").lossy().late().subscribe::<AnyEvent>();
    let archive = bus.subscriber("archive").late().subscribe_matching("invoice.*");
    (bus, vec![Box::new(log), Box::new(archive)])
}

macro_rules! odd {
    ($($event:ident $name:literal),* $(,)?) => {
        $(
            #[derive(Debug)]
            struct $event;
            impl Event for $event {
                const TYPE: &'static str = $name;
            }
        )*
        /// A bus whose components and types have these names.
        fn odd() -> (Bus, Vec<Box<dyn Any>>) {
            let bus = Bus::new();
            let kept: Vec<Box<dyn Any>> = vec![
                $(
                    Box::new(bus.subscribe::<$event>($name)),
                    Box::new(bus.publisher::<$event>($event::TYPE)),
                )*
                Box::new(bus.subscriber("# all").subscribe_matching(">")),
                Box::new(bus.subscriber("# some").subscribe_matching("*.\"*")),
            ];
            (bus, kept)
        }
    };
}

odd! {
    Empty "",
    End "end",
    Subgraph "subgraph",
    Default "default",
    Quotes "a\"]:::x; b --> c",
    Code "`code` **bold** _it_ 1. list",
    Number "#quot; #35; &amp; &",
    Style "style x:y#z;",
    Back "back\\slash\\",
    BackQuote "\\\"",
    Lines "a\nb\r\n\tc\u{0}\u{2028}\u{202e}",
    Tags "<br><script>alert(1)</script>",
    Braces "{order}/{id}?x=1#frag",
    Pointer "a/b~c%2F",
    Words "größe.メモ.🦀",
    Comment "%% comment %%{init}%%",
    Pipe "a|b|c",
    Dots "a..b.",
    Proto "__proto__",
    Constructor "constructor",
}

fn write(folder: &Path, name: &str, bus: &Bus) -> std::io::Result<()> {
    let wiring = bus.wiring();
    let document = bus.asyncapi(name, "1.0.0");
    fs::write(folder.join(format!("{name}.asyncapi.json")), format!("{document:#}\n"))?;
    fs::write(folder.join(format!("{name}.mmd")), wiring.to_mermaid())?;
    fs::write(folder.join(format!("{name}.dot")), wiring.to_dot())
}

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| "target/documents".into());
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let (shop, _kept) = shop();
    print!("{}", shop.wiring());
    write(folder, "shop", &shop)?;
    let (odd, _kept) = odd();
    write(folder, "odd", &odd)?;
    write(folder, "empty", &Bus::new())
}
