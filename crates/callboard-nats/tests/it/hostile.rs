//! A foreign client that may publish under any name but those of the nodes says anything at all: nothing
//! panics, nothing grows beyond its bounds, and what the nodes have with each other goes on.
//!
//! Whoever may publish under a node's own name can do that node harm. That is for the server's
//! permissions to prevent: see `security.rs`.

use callboard_nats::LinkSnapshot;
use serde_json::{Value, json};

use crate::faults::flow::Flow;
use crate::faults::processes::Process;
use crate::faults::short_or_long;
use crate::foreign::{Foreign, header, packet, varint};
use crate::support::Server;
use crate::world::{Check, Order, Paid, Verdict, order, soon};

/// More nodes than a link remembers.
const CROWD: usize = 4_200;

/// Looks random, and is the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.below(256) as u8).collect()
    }
}

fn hello(incarnation: u64, names: &[String]) -> Value {
    json!({ "Hello": {
        "incarnation": incarnation, "generation": u64::MAX, "exports": ["order.placed"],
        "imports": [], "responders": { "order.check": names }, "subscribers": names,
    } })
}

fn beat(incarnation: u64, last: u64, heard_by: &[u64]) -> Value {
    let tails = json!({ "order.placed": last, "order.paid": last, "nobody.knows": last });
    json!({ "Beat": {
        "incarnation": incarnation, "generation": 1, "tails": tails, "heard_by": heard_by,
    } })
}

/// Garbage on every subject that a link hears.
async fn noise(foreign: &Foreign, random: &mut Random) {
    let subjects =
        ["e.x.order.placed", "e.x.order.paid", "s.x", "n.x.a", "n.x.b", "s.", "e..order.paid"];
    for _ in 0..short_or_long(300, 10_000) {
        for subject in subjects {
            foreign.publish(subject, random.bytes(200)).await;
        }
    }
    // A packet that ends early, and one with a wrong byte. Their body is no `Paid`.
    let whole = packet(1, 1, &[order(1), order(2)]);
    for length in 0..whole.len() {
        foreign.publish("e.x.order.paid", whole[..length].to_vec()).await;
        let mut wrong = whole.clone();
        wrong[length] = random.below(256) as u8;
        foreign.publish("e.y.order.paid", wrong).await;
    }
}

/// Numbers at the end of their range.
async fn large_numbers(foreign: &Foreign) {
    for subject in ["e.x.order.placed", "e.x.order.paid"] {
        for first in [u64::MAX, 1 << 53, 1 << 63, 1] {
            // With a body that is no event, and a probe.
            foreign.publish(subject, [header(0, 3, first), vec![0, 1, 0xc1]].concat()).await;
            foreign.publish(subject, header(1, 3, first)).await;
        }
        for length in [u64::MAX, u64::MAX / 2, 1 << 40] {
            let mut bytes = header(0, 3, 1);
            varint(&mut bytes, length);
            foreign.publish(subject, bytes.clone()).await;
            bytes.extend([0xff; 20]);
            foreign.publish(subject, bytes).await;
        }
    }
    for last in [0, u64::MAX, u64::MAX - 1, 1 << 53] {
        for (node, incarnation) in [("x", 3), ("z", 4)] {
            foreign.say(&format!("s.{node}"), &hello(incarnation, &[])).await;
            foreign.publish(&format!("e.{node}.order.placed"), header(1, incarnation, 1)).await;
            foreign.say(&format!("s.{node}"), &beat(incarnation, last, &[])).await;
        }
    }
}

/// Messages in the form of a link that make no sense.
async fn nonsense(foreign: &Foreign, own: [u64; 2]) {
    let ask = |request_type: &str, codec: u8, names: Vec<String>| {
        json!({ "Ask": {
            "incarnation": 1, "id": names.len(), "request_type": request_type, "names": names,
            "budget": 50, "chain": [{ "node": "a", "incarnation": own[0], "id": 1 }],
            "codec": codec, "metadata": [], "body": [0xc1],
        } })
    };
    for (node, incarnation) in [("a", own[0]), ("b", own[1])] {
        let subject = format!("n.x.{node}");
        for message in [
            json!("Who"),
            json!({ "Heard": { "incarnation": incarnation, "event_type": "nobody.knows" } }),
            json!({ "Withdraw": { "incarnation": 1, "id": 1 } }),
            ask("nobody.knows", 0, vec!["r".to_owned()]),
            ask("order.check", 0, vec!["r".to_owned(); 2]),
            ask("order.check", 9, vec!["r".to_owned(); 3]),
            json!({ "Reply": {
                "incarnation": incarnation, "id": 1, "request_type": "order.check",
                "parts": [["r", { "Answer": { "codec": 0, "body": [1, 2, 3] } }], ["s", "Gone"]],
            } }),
        ] {
            for _ in 0..20 {
                foreign.say(&subject, &message).await;
            }
        }
    }
    // A request that can be read, of nobody.
    let body = rmp_serde::to_vec_named(&Check { id: 1 }).unwrap();
    for id in 0..500_u64 {
        let names: Vec<String> = (0..20).map(|it| format!("nobody-{it}")).collect();
        let ask = json!({ "Ask": {
            "incarnation": 1, "id": id + 1_000, "request_type": "order.check", "names": names,
            "budget": null, "chain": [], "codec": 0, "metadata": [], "body": body,
        } });
        foreign.say("n.x.b", &ask).await;
    }
}

/// Names without number: of one node that everybody takes for present, and of very many nodes.
async fn crowds(foreign: &Foreign, own: [u64; 2]) {
    let names: Vec<String> = (0..5_000).map(|it| format!("name-{it}")).collect();
    foreign.say("s.x", &hello(9, &names)).await;
    foreign.say("n.x.b", &hello(9, &names)).await;
    foreign.say("s.x", &beat(9, 0, &own)).await;
    foreign.say("s.w", &hello(9, &["w".repeat(500_000)])).await;
    for node in 0..CROWD {
        foreign.say(&format!("s.c{node}"), &hello(1, &[format!("of-{node}")])).await;
        foreign.publish(&format!("e.c{node}.order.placed"), header(1, 1, 1)).await;
        if node % 100 == 99 {
            foreign.flush().await;
        }
    }
    // One node that is started again and again.
    for incarnation in 100..600 {
        foreign.say("s.v", &hello(incarnation, &["v".to_owned()])).await;
        foreign.publish("e.v.order.placed", header(1, incarnation, 1)).await;
    }
}

fn is_bounded(link: &LinkSnapshot) -> bool {
    let by_type = |of: &str| link.imports.iter().filter(|it| it.event_type == of).count();
    link.peers.len() <= 4_096
        && by_type("order.placed") <= 4_096 + 16
        && by_type("order.paid") <= 64
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_foreign_client_says_the_nodes_go_on() {
    let Some(server) = Server::start() else { return };
    let flow = Flow::start_with(
        &server.url(),
        &server.url(),
        |link| link.ask::<Check>(),
        |link| link.import::<Paid>().serve::<Check>(),
    )
    .await;
    let inbox = flow.b.bus.responder::<Check>("checker");
    tokio::spawn(inbox.serve(|call| async move {
        call.respond(Verdict { by: "checker".to_owned() });
    }));
    let foreign = Foreign::connect(&server.url()).await;
    let own = [&flow.a, &flow.b].map(|node| node.link.snapshot().incarnation);
    let mut random = Random(1);
    noise(&foreign, &mut random).await;
    large_numbers(&foreign).await;
    nonsense(&foreign, own).await;
    foreign.flush().await;
    flow.moves().await;
    crowds(&foreign, own).await;
    foreign.flush().await;
    flow.moves().await;

    flow.b.until("the garbage to be counted", |link| link.malformed > 1_000).await;
    for node in [&flow.a, &flow.b] {
        let link = node.link.snapshot();
        assert!(is_bounded(&link), "{} peers, {} accounts", link.peers.len(), link.imports.len());
        assert!(link.malformed > 500 && link.open_requests == 0, "{}", link.malformed);
        // Sums over all accounts, too, and what is said of them.
        let subscribers = node.bus.snapshot().subscribers.len();
        assert!(subscribers < 6_000, "{subscribers}");
        let _found = node.bus.diagnose().to_string();
    }
    let asked = flow.a.bus.request(Check { id: 1 }).expect(["checker"]).timeout(crate::world::LONG);
    assert_eq!(asked.gather().await.unwrap().get("checker").unwrap().by, "checker");
    let ended = flow.end().await;
    assert_eq!(ended.account.dropped.total(), 0, "{:?}", ended.account);
    assert_eq!(ended.account.delivered, ended.published);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_does_not_fill_the_memory() {
    let Some(server) = Server::start() else { return };
    let mut node = Process::start("take", "b", &server.url());
    let incarnation = node.snapshot()["link"]["incarnation"].as_u64().unwrap();
    let foreign = Foreign::connect(&server.url()).await;
    let before = node.memory();
    let large = Order { id: 0, text: "x".repeat(60_000) };
    let names: Vec<String> = (0..1_000).map(|it| format!("name-{it}")).collect();
    for round in 0..short_or_long(2_500, 20_000_u64) {
        // Holes that are never filled, of many nodes, and components of many.
        let origin = round % 100;
        let subject = format!("e.f{origin}.order.placed");
        foreign.publish(&subject, header(1, 1, 1)).await;
        foreign.publish(&subject, packet(1, 10 + round, std::slice::from_ref(&large))).await;
        if round % 20 == 0 {
            foreign.say(&format!("s.f{origin}"), &hello(round, &names)).await;
            foreign.say(&format!("s.f{origin}"), &beat(round, 0, &[incarnation])).await;
        }
        if round % 10 == 9 {
            foreign.flush().await;
        }
    }
    // The server may have closed the connection of a node that is too slow, so it is said again.
    let heard = async {
        loop {
            foreign.say("s.end", &hello(1, &[])).await;
            foreign.flush().await;
            let said = node.snapshot();
            if said["link"]["peers"].as_array().unwrap().iter().any(|peer| peer["node"] == "end") {
                return said;
            }
        }
    };
    let said = soon("the end of the flood", heard).await;
    assert_eq!(said["link"]["conflicts"], 0);
    let grown = node.memory().saturating_sub(before);
    assert!(grown < 100_000_000, "{grown} bytes more than before");
    println!("{grown} bytes more than before");
}
