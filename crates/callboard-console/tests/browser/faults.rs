//! What is wrong is seen, and first of all.

use std::time::Duration;

use callboard::{Bus, Event, Request};
use callboard_console::Console;

use crate::browser::look_at;
use crate::traffic::{Made, Traffic, console_of, listen, watched};

#[derive(Debug, Request)]
#[request(type = "quote.asked", response = Quote)]
struct AskQuote;

#[derive(Debug, Event)]
#[event(type = "quote.given")]
struct Quote;

const FIRST: &str = "document.querySelector('tr.subscriber')?.dataset.key";

#[test]
fn stalled_subscriber_turns_up_first_within_two_seconds() {
    let (bus, console) = watched();
    let mut stalled = bus.subscriber("z-stalled").capacity(8).subscribe::<Made<49>>();
    let mut traffic = Traffic::start(&bus, 2_000);
    look_at(async |view| {
        view.open(&console.url()).await;
        // It takes one, and does not come back while the others go on.
        let _in_hand = stalled.recv().await;
        view.within(Duration::from_secs(2), &format!("{FIRST} === 'z-stalled'")).await;
        view.until("document.querySelector('[data-key=z-stalled] .status').textContent.startsWith('stalled')")
            .await;
        view.until("document.getElementById('lines').textContent.includes('z-stalled')").await;
        let cure =
            "document.getElementById('finding-list').textContent.includes('serve_concurrent')";
        view.until(cure).await;
        assert_eq!(view.get("document.getElementById('verdict').dataset.ok").await, "no");
    });
    traffic.stop(&bus);
}

#[test]
fn blocked_handler_comes_before_a_queue_that_is_fuller() {
    let (bus, console) = watched();
    let _slow = bus.subscriber("a-slow").capacity(8).subscribe::<Quote>();
    let mut blocked = bus.subscriber("z-blocked").capacity(100_000).subscribe::<Made<49>>();
    let mut traffic = Traffic::start(&bus, 1_000);
    for _ in 0..6 {
        bus.publish(Quote);
    }
    look_at(async |view| {
        view.open(&console.url()).await;
        view.until("document.querySelector('[data-key=a-slow] .status')?.textContent === 'slow'")
            .await;
        let _in_hand = blocked.recv().await;
        view.until(&format!("{FIRST} === 'z-blocked'")).await;
    });
    traffic.stop(&bus);
}

#[test]
fn missing_responder_is_named() {
    let bus = Bus::builder().timestamps(true).expect_responders(["credit"]).build().unwrap();
    let console = console_of(&bus, "127.0.0.1:0");
    bus.start();
    look_at(async |view| {
        view.open(&console.url()).await;
        let asking = bus.request(AskQuote).expect(["credit"]).timeout(Duration::from_secs(5));
        let _quotes = asking.gather().await;
        view.until("document.getElementById('lines').textContent.includes('credit')").await;
        view.until("document.getElementById('request-list').textContent.includes('creditno such responder')")
            .await;
        view.until("document.getElementById('finding-list').textContent.includes('credit')").await;
        let startup = "document.getElementById('startup-rows').textContent.includes('credithas not signed in')";
        view.until(startup).await;
    });
}

#[test]
fn buffer_that_is_too_small_is_named_with_its_cure() {
    let bus = Bus::builder().pre_start_capacity(4).build().unwrap();
    let console = console_of(&bus, "127.0.0.1:0");
    listen(&bus, "everything");
    for id in 0..10 {
        bus.publish(Made::<0>(id));
    }
    look_at(async |view| {
        view.open(&console.url()).await;
        let phase = "document.querySelector('#phase [aria-current]').textContent";
        assert_eq!(view.get(phase).await, "buffering 4 of 4");
        let cure =
            "document.getElementById('finding-list').textContent.includes('pre_start_capacity')";
        view.until(cure).await;
        bus.start();
        view.until(&format!("{phase} === 'running'")).await;
    });
}

#[test]
fn loss_of_long_ago_is_told_in_calm_words() {
    let bus = Bus::builder().build().unwrap();
    let mut slow = bus.subscriber("slow").capacity(1).subscribe::<Made<0>>();
    bus.start();
    (0..3).for_each(|id| _ = bus.publish(Made::<0>(id)));
    slow.try_recv().unwrap();
    let builder = Console::builder(&bus).bind("127.0.0.1:0").recently(Duration::from_secs(3));
    let console = builder.spawn().unwrap();
    look_at(async |view| {
        view.open(&console.url()).await;
        let verdict = "document.getElementById('verdict').dataset.ok";
        assert_eq!(view.get(verdict).await, "no");
        let level = "document.querySelector('.finding').dataset.level";
        assert_eq!(view.get(level).await, "grave");
        view.until("document.getElementById('heading').textContent === 'All is well now'").await;
        assert_eq!(view.get(verdict).await, "yes");
        assert_eq!(view.get(level).await, "earlier");
        let line = view.text("#lines .earlier").await;
        assert!(line.starts_with("earlier, ") && line.contains("slow lost 2 events"), "{line}");
        assert_eq!(view.text("[data-figure=critical] .note").await, "2 in all");
    });
}

#[test]
fn all_is_well_where_it_is() {
    let (bus, console) = watched();
    listen(&bus, "everything");
    bus.start();
    bus.publish(Made::<0>(1));
    look_at(async |view| {
        view.open(&console.url()).await;
        view.until("document.getElementById('heading').textContent === 'All is well'").await;
        assert_eq!(view.get("document.getElementById('verdict').dataset.ok").await, "yes");
        view.until("!document.getElementById('finding-empty').hidden").await;
    });
}
