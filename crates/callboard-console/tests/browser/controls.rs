//! What can be pressed, chosen and written does what it says, also from the keyboard.

use serde_json::json;

use crate::browser::look_at;
use crate::traffic::{Made, Traffic, listen, watched};

const EVENTS: &str =
    "[...document.querySelectorAll('#tail-rows tr:not(.gap)')].map((row) => row.textContent)";

#[test]
fn tail_pauses_and_filters() {
    let (bus, console) = watched();
    let mut traffic = Traffic::start(&bus, 2_000);
    look_at(async |view| {
        view.open(&console.url()).await;
        view.scroll_to("#tail").await;
        view.until(&format!("{EVENTS}.length > 50")).await;
        // More pass than are shown: that is said.
        view.until("document.querySelector('#tail-rows .gap')?.textContent.includes('not shown')")
            .await;

        view.click("#tail-pause").await;
        let before = view.get(EVENTS).await;
        view.until("parseInt(document.getElementById('tail-new').textContent) > 300").await;
        assert_eq!(view.get(EVENTS).await, before, "the tail went on while it was paused");

        view.write("#tail-find", "c.3").await;
        let only = format!("{EVENTS}.length > 0 && {EVENTS}.every((text) => text.includes('c.3'))");
        view.until(&only).await;
        view.click("#tail-pause").await;
        view.until(&format!("{only} && document.getElementById('tail-new').textContent === ''"))
            .await;
        view.write("#tail-find", "no such thing").await;
        view.until("!document.getElementById('tail-empty').hidden").await;
    });
    traffic.stop(&bus);
}

#[test]
fn subscribers_are_found_filtered_and_sorted() {
    let (bus, console) = watched();
    for name in ["beta", "alpha", "gamma"] {
        listen(&bus, name);
    }
    let _kept = bus.subscriber("delta").capacity(1).subscribe::<Made<5>>();
    bus.start();
    bus.publish(Made::<5>(1));
    bus.publish(Made::<5>(2));
    let keys =
        "[...document.querySelectorAll('tr.subscriber')].map((row) => row.dataset.key).join()";
    look_at(async |view| {
        view.open(&console.url()).await;
        view.until(&format!("{keys} === 'delta,alpha,beta,gamma'")).await;

        view.click("th.name button").await;
        assert_eq!(view.get(keys).await, "alpha,beta,delta,gamma");
        assert_eq!(view.get("document.querySelector('th.name').ariaSort").await, "ascending");
        view.click("th.name button").await;
        assert_eq!(view.get(keys).await, "gamma,delta,beta,alpha");
        assert_eq!(view.get("document.querySelector('th.name').ariaSort").await, "descending");

        view.write("#subscriber-find", "amm").await;
        assert_eq!(view.get(keys).await, "gamma");
        view.write("#subscriber-find", "").await;
        view.write("#subscriber-filter", "troubled").await;
        assert_eq!(view.get(keys).await, "delta");
    });
}

#[test]
fn keyboard_opens_details_and_walks_the_graph() {
    let (bus, console) = watched();
    listen(&bus, "reader");
    let publisher = bus.publisher::<Made<11>>("writer");
    bus.start();
    publisher.publish(Made(1));
    look_at(async |view| {
        view.open(&console.url()).await;
        view.get("document.querySelector('.expand').focus()").await;
        view.press("Enter").await;
        view.until("document.querySelector('tr.detail') !== null").await;
        assert_eq!(view.get("document.activeElement.className").await, "expand");
        let outline = "getComputedStyle(document.activeElement).outlineStyle";
        assert_eq!(view.get(outline).await, "solid", "the focus is not seen");

        view.until("document.querySelectorAll('#graph-drawing .edge').length === 2").await;
        assert_eq!(
            view.get("document.querySelectorAll('.node[tabindex=\"0\"]').length").await,
            json!(1)
        );
        view.get("document.querySelector('.node[tabindex=\"0\"]').focus()").await;
        let focused = "document.activeElement.dataset.id";
        assert_eq!(view.get(focused).await, "c:writer");
        view.press("ArrowRight").await;
        assert_eq!(view.get(focused).await, "t:c.1");
        view.press("ArrowRight").await;
        assert_eq!(view.get(focused).await, "c:reader");
        view.press("Enter").await;
        assert_eq!(view.get("document.getElementById('graph-focus').value").await, "c:reader");
        view.press("Escape").await;
        assert_eq!(view.get("document.getElementById('graph-focus').value").await, "");
    });
}

#[test]
fn graph_shows_what_flows_and_what_does_not() {
    let (bus, console) = watched();
    listen(&bus, "reader");
    let _waits = bus.subscriber("waits").subscribe::<Made<20>>();
    let publisher = bus.publisher::<Made<11>>("writer");
    bus.start();
    publisher.publish(Made(1));
    look_at(async |view| {
        view.open(&console.url()).await;
        view.until("document.querySelectorAll('.edge.unseen').length === 1").await;
        let orphan = "document.querySelector('.node.orphan').getAttribute('aria-label')";
        assert_eq!(view.get(orphan).await, "event type e.0, no publisher");
        view.write("#graph-focus", "c:writer").await;
        assert_eq!(view.get("document.querySelectorAll('.node').length").await, json!(3));
        view.click("#graph-all").await;
        assert_eq!(view.get("document.querySelectorAll('.node').length").await, json!(5));
    });
}
