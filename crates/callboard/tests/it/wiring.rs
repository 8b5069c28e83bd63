//! The wiring: which components publish, observe, ask and answer what, and its text formats.

use std::process::Command;

use callboard::testing::{Recorder, assert_wiring, block_on};
use callboard::{
    Bus, Call, Delivery, Event, EventSet, Relation, Request, WiredEdge, WiredType, Wiring,
};

use crate::support::poll;

#[derive(Debug, Event)]
struct Placed;

#[derive(Debug, Event)]
pub(crate) struct Paid;

#[derive(Debug, Event)]
pub(crate) struct Counted;

#[derive(Debug, Request)]
#[request(type = "stock.ask", response = Counted)]
pub(crate) struct AskStock;

#[derive(Debug, EventSet)]
enum All {
    Placed(Delivery<Placed>),
    Paid(Delivery<Paid>),
    Ask(Call<AskStock>),
}

pub(crate) fn edges(wiring: &Wiring) -> Vec<String> {
    let line = |WiredEdge { component, event_type, relation, seen, .. }: &WiredEdge| {
        format!("{component} {relation} {event_type}{}", if *seen { "" } else { "?" })
    };
    wiring.edges.iter().map(line).collect()
}

fn of_type(wiring: &Wiring, name: &str) -> WiredType {
    wiring.types.iter().find(|of| of.event_type == name).expect(name).clone()
}

fn orphans(wiring: &Wiring) -> Vec<String> {
    let orphan = |of: &WiredType| {
        let publisher = if of.has_publisher { "" } else { " no publisher" };
        let listener = if of.has_listener { "" } else { " no listener" };
        let missing = format!("{publisher}{listener}");
        (!missing.is_empty()).then(|| format!("{}:{missing}", of.event_type))
    };
    wiring.types.iter().filter_map(orphan).collect()
}

#[test]
fn publications_and_subscriptions_are_edges_seen_once_something_flowed() {
    let bus = Bus::new();
    let shop = bus.publisher::<Placed>("shop");
    let _billing = bus.subscribe::<Placed>("billing");
    assert_eq!(edges(&bus.wiring()), ["billing hears placed?", "shop publishes placed?"]);
    bus.start();
    shop.publish(Placed);
    assert_eq!(edges(&bus.wiring()), ["billing hears placed", "shop publishes placed"]);
    assert!(of_type(&bus.wiring(), "placed").seen);
}

#[test]
fn served_handler_publishes_under_its_subscribers_name() {
    let bus = Bus::new();
    let placed = bus.subscribe::<Placed>("till");
    bus.start();
    let mut serving = Box::pin(placed.serve(|_| {
        bus.publish(Paid);
        async {}
    }));
    bus.publish(Placed);
    assert!(poll(&mut serving).is_pending());
    assert_eq!(
        edges(&bus.wiring()),
        ["(unnamed) publishes placed", "till publishes paid", "till hears placed"]
    );
}

#[test]
fn request_leads_from_its_asker_to_its_responders_and_back() {
    let bus = Bus::new();
    let counts = bus.responder::<AskStock>("warehouse");
    let placed = bus.subscribe::<Placed>("shop");
    let expected =
        ["shop hears placed?", "warehouse replies with counted?", "warehouse answers stock.ask?"];
    assert_eq!(edges(&bus.wiring()), expected);
    bus.start();
    let mut responding = Box::pin(counts.serve(|call: Call<AskStock>| async {
        call.respond(Counted);
    }));
    let asking = bus.clone();
    let mut shop = Box::pin(placed.serve(move |_| {
        let request = asking.request(AskStock).expect(["warehouse"]);
        async move {
            request.gather().await.unwrap();
        }
    }));
    bus.publisher::<Placed>("web").publish(Placed);
    for _ in 0..3 {
        assert!(poll(&mut shop).is_pending() && poll(&mut responding).is_pending());
    }
    let wiring = bus.wiring();
    assert_eq!(
        edges(&wiring),
        [
            "shop collects counted",
            "shop hears placed",
            "shop asks stock.ask",
            "warehouse replies with counted",
            "warehouse answers stock.ask",
            "web publishes placed",
        ]
    );
    assert!(orphans(&wiring).is_empty());
}

#[test]
fn answers_of_a_hand_written_loop_count_for_the_responders_that_were_asked() {
    let bus = Bus::new();
    let mut asked = bus.responder::<AskStock>("asked");
    bus.start();
    let asking = std::thread::spawn({
        let bus = bus.clone();
        move || bus.request(AskStock).expect(["asked"]).gather_blocking().unwrap()
    });
    block_on(asked.recv()).unwrap().respond(Counted);
    asking.join().unwrap();
    let _idle = bus.subscriber("idle").late().responder::<AskStock>();
    assert_eq!(
        edges(&bus.wiring()),
        [
            "(unnamed) collects counted",
            "(unnamed) asks stock.ask",
            "asked replies with counted",
            "asked answers stock.ask",
            "idle replies with counted?",
            "idle answers stock.ask?",
        ]
    );
}

#[test]
fn types_without_a_publisher_or_a_listener_are_marked() {
    let bus = Bus::new();
    bus.declare::<All>();
    let nothing = " no publisher no listener";
    let all = ["counted", "paid", "placed", "stock.ask"].map(|name| format!("{name}:{nothing}"));
    assert_eq!(orphans(&bus.wiring()), all);
    let _shop = bus.publisher::<Placed>("shop");
    let _billing = bus.subscribe::<Paid>("billing");
    let _reads = bus.subscribe::<AskStock>("reads");
    let rest = ["paid: no publisher", "placed: no listener"];
    let reading = [
        "counted: no publisher no listener",
        rest[0],
        rest[1],
        "stock.ask: no publisher no listener",
    ];
    assert_eq!(orphans(&bus.wiring()), reading, "reading a request is not answering it");
    let _warehouse = bus.responder::<AskStock>("warehouse");
    let answering = ["counted: no listener", rest[0], rest[1], "stock.ask: no publisher"];
    assert_eq!(orphans(&bus.wiring()), answering);
    let text = bus.wiring().to_string();
    assert!(text.contains("\nstock.ask: nobody asks\n"), "{text}");
    assert!(bus.wiring().to_mermaid().contains(r#"e_placed["placed<br>no subscriber"]:::orphan"#));
}

#[test]
fn component_that_hears_everything_has_no_edges_and_listens_to_events() {
    let bus = Bus::new();
    bus.declare::<All>();
    let _recorder = Recorder::attach(&bus);
    let _log = bus.subscriber("log").subscribe_matching(">");
    let wiring = bus.wiring();
    assert!(wiring.edges.is_empty());
    assert!(wiring.components.iter().all(|of| of.hears_everything && of.patterns.is_empty()));
    assert!(of_type(&wiring, "placed").has_listener);
    assert!(!of_type(&wiring, "stock.ask").has_listener, "it answers nothing");
    let less = wiring.without(["recorder", "log", "nobody"]);
    assert!(less.components.is_empty() && !of_type(&less, "placed").has_listener);
}

#[test]
fn pattern_has_an_edge_for_each_type_that_it_matches() {
    let bus = Bus::new();
    bus.declare::<All>();
    let _stock = bus.subscriber("stock").subscribe_matching("stock.*");
    let _bad = bus.subscriber("bad").subscribe_matching("a..b");
    let wiring = bus.wiring();
    assert_eq!(edges(&wiring), ["stock hears stock.ask?"]);
    assert_eq!(wiring.components[1].patterns, ["stock.*"]);
    assert!(wiring.to_string().contains("stock\n  hears stock.*\n"), "{wiring}");
}

#[test]
fn order_is_alphabetical_whatever_came_first() {
    let build = |reverse: bool| {
        let bus = Bus::new();
        let mut steps: [&dyn Fn() -> Box<dyn std::any::Any>; 3] = [
            &|| Box::new(bus.subscribe::<Placed>("b")),
            &|| Box::new(bus.subscribe::<Paid>("a")),
            &|| Box::new(bus.publisher::<Placed>("c")),
        ];
        if reverse {
            steps.reverse();
        }
        let kept: Vec<_> = steps.iter().map(|step| step()).collect();
        let wiring = bus.wiring();
        drop(kept);
        (wiring.to_mermaid(), wiring.to_dot(), wiring.to_string(), wiring)
    };
    assert_eq!(build(false), build(true));
}

#[test]
fn more_of_the_same_changes_nothing() {
    let bus = Bus::new();
    let _billing = bus.subscribe::<Placed>("billing");
    bus.start();
    bus.publish(Placed);
    let once = bus.wiring();
    for _ in 0..200 {
        bus.publish(Placed);
    }
    assert_eq!(bus.wiring(), once);
}

#[test]
fn dead_letters_are_published_by_the_bus() {
    let bus = Bus::new();
    let _dead = bus.dead_letters("debug");
    assert_eq!(
        edges(&bus.wiring()),
        ["(bus) publishes callboard.dead_letter?", "debug hears callboard.dead_letter?"]
    );
    bus.start();
    bus.publish(Placed);
    assert!(edges(&bus.wiring()).contains(&"(bus) publishes callboard.dead_letter".to_owned()));
}

#[test]
fn relation_knows_its_direction() {
    let outgoing = [Relation::Publishes, Relation::Asks, Relation::Replies];
    let incoming = [Relation::Hears, Relation::Answers, Relation::Collects];
    assert!(outgoing.iter().all(|it| it.is_outgoing()));
    assert!(!incoming.iter().any(|it| it.is_outgoing()));
}

/// Names that have a meaning in the languages that a wiring is written in.
#[derive(Debug)]
struct Odd;

impl Event for Odd {
    const TYPE: &'static str = "odd \"]:::end<br>#34;|&amp;\\\n`x`%% é";
}

fn odd_bus() -> (Bus, Vec<Box<dyn std::any::Any>>) {
    let bus = Bus::new();
    let names = [
        "end",
        "subgraph",
        "a\\",
        "\"",
        "\\\"",
        "a;b{c}",
        "<script>",
        "",
        "\u{202e}\0\r",
        "-->",
        "]",
        "#quot;",
    ];
    let kept: Vec<Box<dyn std::any::Any>> =
        names.iter().map(|name| Box::new(bus.subscribe::<Odd>(*name)) as _).collect();
    (bus, kept)
}

#[test]
fn any_name_stays_within_its_quotes() {
    let (bus, _kept) = odd_bus();
    let mermaid = bus.wiring().to_mermaid();
    for line in mermaid.lines() {
        assert!(matches!(line.matches('"').count(), 0 | 2), "{line}");
        let label = line.split('"').nth(1).unwrap_or_default();
        let bare = label.replace("<br>", "");
        let plain = |letter: char| letter.is_alphanumeric() || " .,-_/()#;".contains(letter);
        assert!(bare.chars().all(plain), "{line}");
    }
    assert!(mermaid.contains("odd #34;#93;#58;#58;#58;end#60;br#62;#35;34#59;"), "{mermaid}");
    assert!(bus.wiring().to_string().lines().all(|line| !line.contains('\0')));
}

/// The real thing, where it is installed; `cargo xtask test` does that.
#[test]
fn graphviz_draws_any_name() {
    use std::io::Write as _;
    use std::process::Stdio;

    let (bus, _kept) = odd_bus();
    let dot = bus.wiring().to_dot();
    let run = Command::new("dot")
        .arg("-Tsvg")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut run) = run else {
        println!("skipped: there is no `dot`; install graphviz");
        return;
    };
    run.stdin.take().unwrap().write_all(dot.as_bytes()).unwrap();
    let output = run.wait_with_output().unwrap();
    let (svg, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && errors.is_empty(), "{errors}\n{dot}");
    for shown in ["&lt;script&gt;", "a;b{c}", r"a\\", r"\u{202e}\u{0}\u{d}", "#quot;", "|&amp;amp;"]
    {
        assert!(svg.contains(shown), "{shown}\n{svg}");
    }
    assert_eq!(svg.matches("class=\"edge\"").count(), 12);
}

const CHILD: &str = "CALLBOARD_TEST_WIRING";

/// Run by itself it does nothing; as a child process of the test below it is a user's test.
#[test]
fn users_test() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let bus = Bus::new();
    let _billing = bus.subscribe::<Placed>("billing");
    assert_wiring(&bus, std::path::PathBuf::from(path));
}

#[test]
fn file_is_written_on_request_below_the_package_of_the_test() {
    let folder = std::env::temp_dir().join(format!("callboard-it-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let run = |renew: Option<&str>| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "wiring::users_test", "--nocapture"]);
        child.env(CHILD, "docs/wiring.mmd").env("CARGO_MANIFEST_DIR", &folder);
        child.env_remove("CALLBOARD_RENEW");
        renew.into_iter().for_each(|value| {
            child.env("CALLBOARD_RENEW", value);
        });
        let output = child.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    let file = folder.join("docs/wiring.mmd");
    for renew in [None, Some(""), Some("0")] {
        let (passed, said) = run(renew);
        assert!(!passed && said.contains("CALLBOARD_RENEW=1"), "{said}");
        assert!(said.contains("tests/it/wiring.rs:"), "it is the caller's mistake: {said}");
        assert!(!file.exists());
    }
    assert!(run(Some("1")).0);
    assert!(file.exists());
    assert!(run(None).0);
    std::fs::remove_dir_all(folder).unwrap();
}

#[cfg(feature = "serde")]
#[test]
fn wiring_can_be_serialised() {
    fn serialisable<T: serde::Serialize>(_: &T) {}
    serialisable(&Bus::new().wiring());
}
