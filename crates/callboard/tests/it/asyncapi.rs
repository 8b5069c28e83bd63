//! The AsyncAPI document. The official parser checks that it is valid: `cargo xtask test --only
//! documents`.

use callboard::testing::block_on;
use callboard::{AnyEvent, Bus, Call, Delivery, Event, EventSet, Request};
use serde_json::{Value, json};

/// An order was accepted
/// and stored.
///
/// Once per order.
#[derive(Debug, Event)]
#[event(retain, priority = high)]
struct OrderPlaced {
    /// In cents.
    _total: u32,
    _items: Vec<u64>,
}

/// What became of it.
#[derive(Debug, Event)]
#[expect(dead_code, reason = "only its contract matters")]
enum OrderEnded {
    /// The customer has it.
    Delivered,
    Cancelled {
        reason: String,
    },
}

/// How many there are.
#[derive(Debug, Event)]
struct Counted;

/// Asks for the stock.
#[derive(Debug, Request)]
#[request(type = "stock.ask", response = Counted)]
struct AskStock;

#[derive(Debug, EventSet)]
enum Shipping {
    Placed(Delivery<OrderPlaced>),
    Ended(Delivery<OrderEnded>),
}

/// Resolves a reference; fails if it leads nowhere.
fn follow<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    let target = reference["$ref"].as_str().expect("a reference");
    let pointer = target.strip_prefix('#').expect("within the document");
    document.pointer(pointer).unwrap_or_else(|| panic!("{target} leads nowhere"))
}

/// Follows every reference.
fn follow_all(document: &Value, part: &Value) -> usize {
    match part {
        Value::Object(object) if object.contains_key("$ref") => {
            follow(document, part);
            1
        }
        Value::Object(object) => object.values().map(|part| follow_all(document, part)).sum(),
        Value::Array(parts) => parts.iter().map(|part| follow_all(document, part)).sum(),
        _ => 0,
    }
}

#[test]
fn channel_has_the_name_the_doc_comment_and_the_message_of_its_type() {
    let bus = Bus::new();
    bus.declare::<Shipping>();
    let document = bus.asyncapi("Shop", "1.2.3");
    assert_eq!(document["asyncapi"], "3.0.0");
    assert_eq!(document["info"], json!({ "title": "Shop", "version": "1.2.3" }));
    let channel = &document["channels"]["order.placed"];
    assert_eq!(channel["address"], "order.placed");
    assert_eq!(channel["description"], "An order was accepted\nand stored.\n\nOnce per order.");
    assert_eq!(channel["summary"], "An order was accepted and stored.");
    let message = follow(&document, &channel["messages"]["order.placed"]);
    assert_eq!((&message["x-retained"], &message["x-priority"]), (&json!(true), &json!("high")));
    assert!(message["contentType"].is_null(), "nobody says how it would be written");
    assert_eq!(follow_all(&document, &document), 4);
}

#[test]
fn schema_of_a_struct_has_its_fields_with_docs_and_rust_types() {
    let bus = Bus::new();
    bus.declare::<OrderPlaced>();
    let document = bus.asyncapi("Shop", "1");
    let schema = &document["components"]["schemas"]["order.placed"];
    assert_eq!(schema["x-rust-type"], bus.catalogue()[0].rust_type);
    assert_eq!(
        schema["properties"],
        json!({
            "_total": { "description": "In cents.\n\nRust type: `u32`" },
            "_items": { "description": "Rust type: `Vec<u64>`" },
        })
    );
}

#[test]
fn schema_of_an_enum_has_its_variants() {
    let bus = Bus::new();
    bus.declare::<OrderEnded>();
    let document = bus.asyncapi("Shop", "1");
    let variants = &document["components"]["schemas"]["order.ended"]["anyOf"];
    assert_eq!(variants[0], json!({ "title": "Delivered", "description": "The customer has it." }));
    assert_eq!(variants[1]["title"], "Cancelled");
    assert_eq!(variants[1]["properties"]["reason"]["description"], "Rust type: `String`");
}

#[test]
fn component_has_an_operation_for_what_it_publishes_and_hears() {
    let bus = Bus::new();
    let _shipping = bus.subscribe::<Shipping>("shipping");
    let shop = bus.publisher::<OrderPlaced>("shop");
    bus.start();
    shop.publish(OrderPlaced { _total: 1, _items: Vec::new() });
    let document = bus.asyncapi("Shop", "1");
    let operations = document["operations"].as_object().unwrap();
    let names: Vec<_> = operations.keys().map(String::as_str).collect();
    let expected = [
        "shipping.hears.order.ended",
        "shipping.hears.order.placed",
        "shop.publishes.order.placed",
    ];
    assert_eq!(names, expected);
    let [unseen, heard, published] = expected.map(|name| &operations[name]);
    let action = |operation: &Value| operation["action"].as_str().unwrap().to_owned();
    assert_eq!([action(unseen), action(heard), action(published)], ["receive", "receive", "send"]);
    assert_eq!((&unseen["x-never-seen"], &heard["x-never-seen"]), (&json!(true), &json!(null)));
    assert_eq!(published["tags"], json!([{ "name": "shop" }]));
    assert_eq!(follow(&document, &published["channel"])["address"], "order.placed");
    follow_all(&document, &document);
}

#[test]
fn request_is_sent_by_its_asker_and_received_by_its_responder_with_the_reply() {
    let bus = Bus::new();
    let mut warehouse = bus.responder::<AskStock>("warehouse");
    bus.start();
    let asking = std::thread::spawn({
        let bus = bus.clone();
        move || bus.request(AskStock).expect(["warehouse"]).gather_blocking().unwrap()
    });
    block_on(warehouse.recv()).unwrap().respond(Counted);
    asking.join().unwrap();
    let document = bus.asyncapi("Shop", "1");
    let operations = document["operations"].as_object().unwrap();
    assert_eq!(operations.len(), 2, "that it replies is said with the request: {document:#}");
    for (name, action) in
        [("unnamed.asks.stock.ask", "send"), ("warehouse.answers.stock.ask", "receive")]
    {
        let operation = &operations[name];
        assert_eq!(operation["action"], action);
        assert_eq!(follow(&document, &operation["channel"])["address"], "stock.ask");
        assert_eq!(follow(&document, &operation["reply"]["channel"])["address"], "counted");
        let message = follow(&document, &operation["reply"]["messages"][0]);
        assert_eq!(follow(&document, message)["name"], "counted");
    }
    follow_all(&document, &document);
}

#[test]
fn component_that_hears_everything_is_named_in_the_description() {
    let bus = Bus::new();
    bus.declare::<OrderPlaced>();
    let _log = bus.subscribe::<AnyEvent>("log");
    let _tap = bus.subscriber("tap").subscribe_matching(">");
    let document = bus.asyncapi("Shop", "1");
    assert_eq!(document["info"]["description"], "Every event is heard by `log`, `tap`.");
    assert_eq!(document["operations"], json!({}));
}

#[test]
fn names_that_mean_something_in_a_document_are_kept_apart_and_refer_to_themselves() {
    macro_rules! odd {
        ($($event:ident $name:literal)*) => {
            $(
                #[derive(Debug)]
                struct $event;
                impl Event for $event {
                    const TYPE: &'static str = $name;
                }
            )*
            fn declare(bus: &Bus) -> Vec<&'static str> {
                $(bus.publisher::<$event>($name);)*
                vec![$($name),*]
            }
        };
    }
    odd! { A "a/b" B "a~b" C "{a}" D "" E "a?b#c" F "__proto__" G "a.b" H "größe" }
    let bus = Bus::new();
    let names = declare(&bus);
    let document = bus.asyncapi("Odd", "1");
    let channels = document["channels"].as_object().unwrap();
    assert_eq!(channels.len(), names.len());
    assert_eq!(document["operations"].as_object().unwrap().len(), names.len());
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    for (id, channel) in channels {
        assert!(!id.is_empty() && id.chars().all(plain), "{id}");
        let name = channel["title"].as_str().unwrap();
        let address = ["a.b", "größe", "__proto__", ""].contains(&name).then_some(name);
        assert_eq!(channel["address"].as_str(), address, "an address with braces has parameters");
    }
    let mut titles: Vec<_> = channels.values().map(|it| it["title"].as_str().unwrap()).collect();
    let mut names = names;
    titles.sort_unstable();
    names.sort_unstable();
    assert_eq!(titles, names);
    follow_all(&document, &document);
}

#[cfg(feature = "schemars")]
mod schemas {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;

    use super::{Bus, Call, Event, EventSet, Request, Value, follow, follow_all, json};

    /// The event's own words.
    #[derive(Debug, Event, JsonSchema)]
    #[event(type = "parcel.packed", schema)]
    #[expect(dead_code, reason = "only its schema matters")]
    struct Packed {
        /// In grams.
        weight: u32,
        #[serde(rename(serialize = "things", deserialize = "other"))]
        items: Vec<Item>,
        within: Option<Box<Self>>,
        sizes: BTreeMap<String, Item>,
    }

    #[derive(Debug, JsonSchema)]
    #[schemars(rename = "an \"Item\"/~")]
    #[expect(dead_code, reason = "only its schema matters")]
    struct Item {
        number: u64,
        parts: Vec<Self>,
    }

    #[derive(Debug, Request, JsonSchema)]
    #[request(response = Packed, schema)]
    #[expect(dead_code, reason = "only its schema matters")]
    struct Pack {
        items: Vec<Item>,
    }

    #[derive(Debug, EventSet)]
    enum All {
        Pack(Call<Pack>),
    }

    #[test]
    fn type_that_offers_a_schema_has_it_in_the_catalogue() {
        let bus = Bus::new();
        bus.declare::<All>();
        bus.declare::<super::OrderPlaced>();
        let catalogue = bus.catalogue();
        let schemas: Vec<_> =
            catalogue.iter().map(|it| (it.event_type, it.schema.is_some())).collect();
        assert_eq!(schemas, [("order.placed", false), ("pack", true), ("parcel.packed", true)]);
        let schema = catalogue[2].schema.as_ref().unwrap();
        assert_eq!(schema["properties"]["weight"]["description"], "In grams.");
        assert_eq!(schema["properties"]["weight"]["type"], "integer");
        assert!(schema["properties"]["things"].is_object(), "it is what serde would write");
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    }

    #[test]
    fn json_schema_is_the_payload_and_its_parts_are_found_in_the_document() {
        let bus = Bus::new();
        bus.declare::<All>();
        let document = bus.asyncapi("Post", "1");
        let schemas = &document["components"]["schemas"];
        let schema = &schemas["parcel.packed"];
        assert_eq!(schema["properties"]["weight"]["type"], "integer");
        assert!(schema["$schema"].is_null() && schema["definitions"].is_null());
        let item = follow(&document, &schema["properties"]["things"]["items"]);
        assert_eq!(item["properties"]["number"]["type"], "integer");
        let part = follow(&document, &item["properties"]["parts"]["items"]);
        assert_eq!(part, item, "a part that refers to itself");
        let within = &schema["properties"]["within"]["anyOf"][0];
        assert_eq!(follow(&document, within), schema, "a whole that refers to itself");
        assert_eq!(schema["x-rust-type"], bus.catalogue()[1].rust_type);
        let keys: Vec<_> = schemas.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["pack", "pack.an_Item", "parcel.packed", "parcel.packed.an_Item"]);
        let message = &document["components"]["messages"]["parcel.packed"];
        assert_eq!(message["contentType"], "application/json");
        follow_all(&document, &document);
    }

    #[test]
    fn schema_that_panics_costs_the_schema_only() {
        struct Broken;
        impl JsonSchema for Broken {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                "Broken".into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                panic!("expected")
            }
        }
        #[derive(Debug, Event)]
        #[event(schema)]
        struct Fragile;
        impl JsonSchema for Fragile {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                "Fragile".into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                generator.subschema_for::<Broken>()
            }
        }

        let bus = Bus::new();
        bus.declare::<Fragile>();
        assert_eq!(bus.catalogue()[0].schema, None);
        let document: Value = bus.asyncapi("Post", "1");
        assert!(document["components"]["schemas"]["fragile"]["x-rust-type"].is_string());
        assert_eq!(document["operations"], json!({}));
    }
}
