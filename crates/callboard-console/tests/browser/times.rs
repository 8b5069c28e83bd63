//! Times on a clock held by hand: handlers, requests and the start, to the pixel.

use std::time::Duration;

use callboard::testing::ManualClock;
use callboard::{Bus, Event, Request, ResponderTrace};
use callboard_console::Console;
use serde_json::{Value, json};

use crate::browser::{View, look_at};
use crate::traffic::{Made, console_of};

#[derive(Debug, Request)]
#[request(type = "quote.asked", response = Quote)]
struct AskQuote;

#[derive(Debug, Event)]
#[event(type = "quote.given")]
struct Quote;

const fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// A bus that keeps the time of a clock held by hand, and its console.
fn timed(expected: &[&str]) -> (ManualClock, Bus, Console) {
    let clock = ManualClock::new();
    let builder = Bus::builder().clock(clock.clone()).timestamps(true);
    let bus = builder.expect_subscribers(expected.iter().copied()).build().unwrap();
    let console = console_of(&bus, "127.0.0.1:0");
    (clock, bus, console)
}

/// A time from a millisecond to a second as the page shows it.
fn shown(time: Duration) -> String {
    let number = time.as_secs_f64() * 1e3;
    if number < 10.0 { format!("{number:.1} ms") } else { format!("{number:.0} ms") }
}

/// From where to where an element lies in the one it is drawn in, as shares of its width; `null` if it
/// is hidden.
async fn place(view: &View, selector: &str) -> Option<[f64; 2]> {
    let place = format!(
        "(() => {{
            const [element] = document.querySelectorAll('{selector}');
            const [own, whole] = [element, element.parentElement].map((it) => it.getBoundingClientRect());
            return element.hidden ? null
                : [own.left, own.right].map((edge) => (edge - whole.left) / whole.width);
        }})()"
    );
    let Value::Array(place) = view.get(&place).await else { return None };
    Some([0, 1].map(|edge: usize| place[edge].as_f64().unwrap()))
}

/// Asserts that an element lies from here to there, within a pixel or two.
async fn lies(view: &View, selector: &str, from: f64, to: f64) {
    let Some([left, right]) = place(view, selector).await else { panic!("no {selector}") };
    let right_place = (left - from).abs() < 0.01 && (right - to).abs() < 0.01;
    assert!(right_place, "{selector} lies from {left} to {right}, not from {from} to {to}");
}

#[test]
fn percentiles_of_handlers_are_those_of_the_snapshot() {
    let (clock, bus, console) = timed(&[]);
    let served = bus.subscribe::<Made<3>>("served");
    bus.start();
    look_at(async |view| {
        view.open(&console.url()).await;
        let cell = "document.querySelector('[data-key=served] .times .main').textContent";
        assert_eq!(view.get(cell).await, "–", "nothing was handled yet");
        let mut number = 0;
        tokio::spawn(served.serve_async(async move |_| {
            number += 1;
            clock.advance(millis(if number % 40 == 0 { 250 } else { 3 }));
        }));
        (0..80).for_each(|id| _ = bus.publish(Made::<3>(id)));
        let handled = || bus.snapshot().subscriber("served").unwrap().handled;
        while handled() < 80 {
            tokio::task::yield_now().await;
        }
        let times = bus.snapshot().subscriber("served").unwrap().handler_times.clone().unwrap();
        assert!(times.p50 < millis(4) && times.p99 == millis(250), "{times}");
        let expected = format!("{} · {}", shown(times.p50), shown(times.p99));
        view.until(&format!("{cell} === '{expected}'")).await;
        let longest = view.text("[data-key=served] .times .sub").await;
        assert_eq!(longest, format!("longest {}", shown(times.max)));
    });
}

#[test]
fn waterfall_shows_a_slow_and_a_missing_responder() {
    let (clock, bus, console) = timed(&[]);
    let [mut quick, mut slow] = ["quick", "slow"].map(|name| bus.responder::<AskQuote>(name));
    bus.start();
    look_at(async |view| {
        view.open(&console.url()).await;
        let asking = bus.request(AskQuote).expect(["quick", "slow", "absent"]).at_least(2);
        let gather = asking.timeout(millis(5_000)).gather();
        let asking = tokio::spawn(async move { gather.await.unwrap() });
        let call = quick.recv().await.unwrap();
        clock.advance(millis(100));
        call.respond(Quote);
        clock.advance(millis(400));
        let call = slow.recv().await.unwrap();
        clock.advance(millis(500));

        let end = "document.querySelector('.asked-head .end').textContent";
        view.until(&format!("document.querySelector('.asked') && {end} === 'open for 1.0 s'"))
            .await;
        let rows = "[...document.querySelectorAll('.responder')].map((row) => [row.dataset.outcome,
                row.querySelector('.by').textContent, row.querySelector('.outcome').textContent])";
        let quick = json!(["good", "quick", "responded 100 ms"]);
        let absent = json!(["bad", "absent", "no such responder"]);
        view.until(&format!("{rows}[1]?.[2] === 'being handled'")).await;
        assert_eq!(
            view.get(rows).await,
            json!([quick, ["running", "slow", "being handled"], absent])
        );
        // The whole width is a little more than the time that has passed: the deadline is far off.
        lies(&view, ".responder:nth-child(2) .waits", 0.0, 0.5 / 1.04).await;
        lies(&view, ".responder:nth-child(2) .handles", 0.5 / 1.04, 1.0 / 1.04).await;
        assert_eq!(place(&view, ".responder:nth-child(2) .deadline").await, None);

        clock.advance(millis(1_000));
        call.respond(Quote);
        asking.await.unwrap();
        view.until(&format!("{end} === 'complete after 2.0 s'")).await;
        let slow = json!(["good", "slow", "responded 2.0 s"]);
        assert_eq!(view.get(rows).await, json!([quick, slow, absent]));
        let rule = view.text(".asked-head .rule").await;
        let recent = bus.snapshot().requests.recent;
        assert_eq!(rule, format!("{} · deadline 5.0 s", recent[0].rule));
        // Now the deadline gives the scale.
        let share = |time: Duration| time.as_secs_f64() / (5.0 * 1.02);
        for (number, of) in (1..).zip(&recent[0].responders[..2]) {
            let ResponderTrace { taken: Some(taken), ended: Some(ended), .. } = of else {
                panic!("{of:?}")
            };
            let bar = format!(".responder:nth-child({number}) .handles");
            lies(&view, &bar, share(*taken), share(*ended)).await;
            let line = format!(".responder:nth-child({number}) .deadline");
            lies(&view, &line, 1.0 / 1.02, 1.0 / 1.02).await;
        }
        for bar in ["waits", "handles"] {
            let selector = format!(".responder:nth-child(3) .{bar}");
            assert_eq!(place(&view, &selector).await, None, "it did nothing");
        }
    });
}

#[test]
fn start_up_shows_who_signed_in_when_and_what_was_replayed() {
    let (clock, bus, console) = timed(&["absent"]);
    let signed_in = [(1_000, "first"), (2_000, "second")].map(|(at, name)| {
        clock.advance(millis(1_000));
        assert_eq!(bus.snapshot().age, millis(at));
        bus.subscriber(name).subscribe::<Made<0>>()
    });
    let other = bus.subscribe::<Made<1>>("other");
    (0..3).for_each(|id| _ = bus.publish(Made::<0>(id)));
    bus.publish(Made::<1>(3));
    let rows = "[...document.querySelectorAll('#startup-rows tr')].map((row) =>
        ['th', '.when', '.replayed'].map((cell) => row.querySelector(cell).textContent))";
    look_at(async |view| {
        view.size(1280, 900).await;
        view.open(&console.url()).await;
        let words = "document.getElementById('startup-words').textContent";
        let held = "the buffer held 4 of 1,000 at most";
        let waits = format!("Not started yet: 4 of 1,000 events wait; {held}.");
        view.until(&format!("{words} === '{waits}'")).await;
        clock.advance(millis(500));
        bus.start();
        clock.advance(millis(1_000));
        let late = bus.subscriber("late").late().subscribe::<Made<0>>();

        let started =
            format!("Started 2.5 s after it was built; the start released 4 events; {held}.");
        view.until(&format!("{words} === '{started}' && {rows}.length === 5")).await;
        assert_eq!(
            view.get(rows).await,
            json!([
                ["absent", "has not signed in", ""],
                ["first", "1.0 s", "3"],
                ["second", "2.0 s", "3"],
                ["other", "2.0 s", "1"],
                ["late", "3.5 s, after the start", "0"],
            ])
        );
        assert_eq!(view.text("#startup-held-list").await, "a.0 3   a.1 1");
        assert_eq!(view.text("#startup-scale").await, "0 to 3.3 s");
        // The start is at ten thirteenths of the lane. A mark is ten pixels wide.
        for (row, at) in [(2, 1.0), (3, 2.0)] {
            let row = format!("#startup-rows tr:nth-child({row})");
            lies(&view, &format!("{row} .start"), 2.5 / 3.25, 2.5 / 3.25).await;
            let [left, right] = place(&view, &format!("{row} .mark")).await.unwrap();
            assert!(((left + right) / 2.0 - at / 3.25).abs() < 0.01, "{row}: {left} to {right}");
        }
        let beyond = "document.querySelector('#startup-rows tr:nth-child(5) .mark').className";
        assert_eq!(view.get(beyond).await, "mark beyond");
        drop((signed_in, other, late));
    });
}
