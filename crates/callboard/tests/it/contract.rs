//! The contract's examples, as they are written there.

use std::sync::Arc;
use std::time::Duration;

use callboard::{Bus, Call, Delivery, Event, EventSet, Overflow, Request};

#[derive(Debug, Event)]
#[event(type = "config.parsed")]
struct ConfigParsed {
    version: u64,
}

#[derive(Debug, Event)]
struct ResourceChanged {
    name: &'static str,
}

#[derive(Debug, Event)]
struct Verdict {
    valid: bool,
}

#[derive(Debug, Request)]
#[request(type = "config.validate", response = Verdict)]
struct ValidateConfig {
    yaml: Arc<str>,
}

#[derive(Debug, EventSet)]
enum Inbox {
    Config(Delivery<ConfigParsed>),
    Changed(Delivery<ResourceChanged>),
    Ask(Call<ValidateConfig>),
}

#[tokio::test]
async fn events_published_before_start_are_replayed() {
    let bus = Bus::new();
    let mut configs = bus.subscribe::<ConfigParsed>("reconciler");
    bus.publish(ConfigParsed { version: 1 }); // buffered: the bus has not started
    bus.start(); // replayed, in order, to everyone
    assert_eq!(configs.recv().await.unwrap().version, 1);
}

#[tokio::test]
async fn an_inbox_is_an_enum_and_signs_in_as_a_responder() {
    let bus = Bus::builder().expect_responders(["basic"]).build().unwrap();
    let mut inbox = bus.subscribe::<Inbox>("basic"); // also signs in as responder "basic"
    bus.start_when_ready(Duration::from_secs(1)).await.unwrap();
    let component = tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            match inbox.recv().await {
                Some(Inbox::Config(config)) => seen.push(format!("v{}", config.version)),
                Some(Inbox::Changed(change)) => seen.push(change.name.to_owned()),
                Some(Inbox::Ask(call)) => call.respond(Verdict { valid: true }),
                None => return seen,
            }
        }
    });
    bus.publish(ResourceChanged { name: "web" });
    bus.publish(ConfigParsed { version: 2 });
    let gathered = bus.request(ValidateConfig { yaml: "".into() }).expect(["basic"]).await.unwrap();
    assert!(gathered.is_complete());
    bus.close_and_drain(Duration::from_secs(5)).await.unwrap();
    assert_eq!(component.await.unwrap(), ["web", "v2"]);
}

#[tokio::test]
async fn a_builder_takes_all_its_settings_at_once() {
    let bus = Bus::new();
    let mut configs = bus
        .subscriber("name")
        .capacity(200)
        .overflow(Overflow::DropOldest)
        .lossy()
        .late()
        .with_retained()
        .subscribe::<ConfigParsed>();
    let _responder = bus.subscriber(String::from("other")).responder::<ValidateConfig>();
    bus.start();
    bus.publish(ConfigParsed { version: 3 });
    assert_eq!((configs.capacity(), configs.recv().await.unwrap().version), (200, 3));
    assert_eq!(Bus::DEFAULT_CAPACITY, 100);
}

#[tokio::test]
async fn three_are_asked_and_two_suffice() -> Result<(), callboard::RequestError> {
    let bus = Bus::new();
    for (name, valid) in [("basic", true), ("template", false)] {
        let inbox = bus.responder::<ValidateConfig>(name);
        tokio::spawn(inbox.serve(move |call| async move {
            let valid = valid && !call.yaml.is_empty();
            call.respond(Verdict { valid });
        }));
    }
    let slow = bus.responder::<ValidateConfig>("jsonpath");
    tokio::spawn(slow.serve_concurrent(4, |call| async move {
        std::future::pending::<()>().await;
        drop(call);
    }));
    bus.start();
    let yaml: Arc<str> = "a: 1".into();
    let gathered = bus
        .request(ValidateConfig { yaml })
        .expect(["basic", "template", "jsonpath"])
        .at_least(2) // default: all; also first(), until(predicate)
        .timeout(Duration::from_secs(5)) // default 10 s
        .gather()
        .await?; // or .gather_blocking()
    let mut verdicts = Vec::new();
    for (responder, verdict) in gathered.responses() {
        verdicts.push((responder, verdict.valid));
    }
    verdicts.sort_unstable();
    assert_eq!(verdicts, [("basic", true), ("template", false)]);
    for (responder, why) in gathered.missing() {
        assert_eq!((responder, why), ("jsonpath", callboard::Outcome::NotAwaited));
    }
    Ok(())
}

#[test]
fn names_come_in_any_form_of_text() {
    let owned = vec![String::from("a"), String::from("b")];
    let borrowed: &[&str] = &["c", "d"];
    let bus = Bus::builder().expect_subscribers(&owned).expect_subscribers(borrowed);
    let bus = bus.expect_responders(owned).build().unwrap();
    let error = bus.start_when_ready_blocking(Duration::ZERO).unwrap_err();
    assert!(error.missing().eq(["a", "b", "c", "d", "a", "b"]));
    let shared: Arc<str> = "e".into();
    let request = bus.request(ValidateConfig { yaml: "".into() });
    drop(request.expect(borrowed).expect([&shared]).expect(["f"]).gather());
    let _subscription = bus.subscribe::<ConfigParsed>(format!("name-{}", 1));
}
