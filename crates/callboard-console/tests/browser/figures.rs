//! The page shows what the snapshot says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use callboard::{Bus, Importance};
use serde_json::json;

use crate::browser::look_at;
use crate::traffic::{Made, Traffic, watched};

/// Each subscriber's figures as the table shows them: queued, capacity, delivered, lost.
const SHOWN: &str = "Object.fromEntries([...document.querySelectorAll('tr.subscriber')].map((row) => {
    const figure = (selector) => Number(row.querySelector(selector).textContent
        .replace(/,/g, '').replace('–', '0').replace(' in all', ''));
    const [queued, capacity] = row.querySelector('.queue .main').textContent.replace(/,/g, '').split(' of ');
    return [row.dataset.key, [Number(queued), Number(capacity), figure('.rate .sub'), figure('.lost .main')]];
}))";

fn figures(bus: &Bus) -> BTreeMap<String, [u64; 4]> {
    let snapshot = bus.snapshot();
    let program = snapshot.subscribers.iter().filter(|of| of.name != "console");
    let figures = program.map(|of| {
        let ledger = &of.ledger;
        let figures = [of.queued as u64, of.capacity as u64, ledger.delivered, ledger.lost()];
        (of.name.clone(), figures)
    });
    figures.collect()
}

#[test]
fn page_shows_the_figures_of_the_snapshot() {
    let (bus, console) = watched();
    let mut full = bus.subscriber("full").capacity(10).subscribe::<Made<0>>();
    let _lossy = bus.subscriber("lossy").capacity(3).lossy().subscribe::<Made<1>>();
    let mut traffic = Traffic::start(&bus, 20_000);
    look_at(async |view| {
        view.open(&console.url()).await;
        view.until(
            "parseFloat(document.querySelector('[data-figure=published] .value').textContent) > 0",
        )
        .await;
        for _ in 0..7 {
            full.try_recv().unwrap();
        }
        traffic.stop(&bus);

        let expected = serde_json::to_string(&figures(&bus)).unwrap();
        view.until(&format!(
            "(() => {{
                const [shown, expected] = [{SHOWN}, {expected}];
                const same = (key) => JSON.stringify(shown[key]) === JSON.stringify(expected[key]);
                return Object.keys(expected).length === Object.keys(shown).length
                    && Object.keys(expected).every(same);
            }})()"
        ))
        .await;

        let snapshot = bus.snapshot();
        let published: u64 = snapshot.types.iter().map(|of| of.published).sum();
        let lost = |importance| {
            let of = snapshot.subscribers.iter().filter(|of| of.importance == importance);
            of.map(|of| of.ledger.lost()).sum::<u64>()
        };
        for (tile, figure) in [
            ("published", published),
            ("critical", lost(Importance::Critical)),
            ("lossy", lost(Importance::Lossy)),
        ] {
            assert!(figure > 0 && figure < 10_000_000, "{tile}: {figure}");
            let note = view.text(&format!("[data-figure={tile}] .note")).await;
            assert_eq!(note.replace(',', ""), format!("{figure} in all"), "{tile}");
        }
        let nodes = view.get("document.querySelectorAll('#graph-drawing .node.type').length").await;
        assert_eq!(nodes, json!(50));
    });
}

#[test]
fn rates_are_those_of_the_traffic() {
    let (bus, console) = watched();
    let _traffic = Traffic::start(&bus, 1_000);
    look_at(async |view| {
        view.open(&console.url()).await;
        // Smoothed over some seconds; the machine may be slower than it is told to be, not faster.
        view.until(
            "(() => {
                const text = document.querySelector('[data-figure=published] .value').textContent;
                const rate = Number(text.replace(',', '').replace('/s', ''));
                return rate > 700 && rate < 1300;
            })()",
        )
        .await;
    });
}

/// The rate in the first tile, as a number.
const RATE: &str = "(() => {
    const text = document.querySelector('[data-figure=published] .value').textContent;
    return parseFloat(text.replace(',', '')) * ({ k: 1e3, M: 1e6 }[text.at(-3)] ?? 1);
})()";

#[test]
fn a_hundred_thousand_events_a_second_are_shown_and_the_page_stays_live() {
    let (bus, console) = watched();
    let mut traffic = Traffic::start(&bus, 100_000);
    let published = || bus.snapshot().types.iter().map(|of| of.published).sum::<u64>();
    look_at(async |view| {
        view.open(&console.url()).await;
        view.within(Duration::from_secs(60), &format!("{RATE} > 90e3")).await;
        view.get(
            "window.words = new Set();
            setInterval(() => words.add(document.getElementById('status-word').textContent), 50);",
        )
        .await;
        let (began, before) = (Instant::now(), published());
        let note = "document.querySelector('[data-figure=published] .note').textContent";
        let number = format!("parseInt({note}.replace(/,/g, ''))");
        view.within(Duration::from_secs(60), &format!("{number} > {before} + 500000")).await;
        let shown = view.get(RATE).await.as_f64().unwrap();
        let rate = (published() - before) as f64 / began.elapsed().as_secs_f64();
        assert!((shown / rate - 1.0).abs() < 0.1, "{shown} a second, and there are {rate}");
        assert_eq!(view.get("[...words]").await, json!(["live"]));
        for (kind, many) in [("type", 50), ("component", 20)] {
            let nodes = format!("document.querySelectorAll('#graph-drawing .node.{kind}').length");
            assert_eq!(view.get(&nodes).await, json!(many), "{kind}");
        }
    });
    traffic.stop(&bus);
}

#[test]
fn details_show_the_account_of_each_type() {
    let (bus, console) = watched();
    let _kept = bus.subscriber("kept").capacity(2).subscribe::<Made<7>>();
    bus.start();
    for id in 0..5 {
        bus.publish(Made::<7>(id));
    }
    look_at(async |view| {
        view.open(&console.url()).await;
        view.click("[data-key=kept] .expand").await;
        view.until("document.querySelector('.accounts tbody tr') !== null").await;
        let cells = "[...document.querySelectorAll('.accounts tbody tr > *')].map((cell) => cell.textContent)";
        assert_eq!(view.get(cells).await, json!(["b.2", "5", "0", "2", "3", "3 full"]));
        // The chart of the queue's depth has a line once there are two points, a second apart.
        let line = "document.querySelector('.charts .line.depth').getAttribute('d')?.includes('L')";
        view.within(Duration::from_secs(10), line).await;
    });
}

#[test]
fn text_from_the_bus_is_text() {
    let (bus, console) = watched();
    let name = "<img src=x onerror=\"wrong.push('ran')\">";
    let _kept = bus.subscriber(name).capacity(1).subscribe::<Made<3>>();
    bus.start();
    for id in 0..3 {
        bus.publish(Made::<3>(id));
    }
    look_at(async |view| {
        view.open(&console.url()).await;
        assert!(view.text("tr.subscriber .expand").await.contains(name));
        // It lost events: the diagnosis and the verdict name it too.
        for part in ["finding-list", "lines"] {
            view.until(&format!(
                "document.getElementById('{part}').textContent.includes('onerror')"
            ))
            .await;
        }
        assert_eq!(view.get("document.querySelectorAll('img').length").await, json!(0));
    });
}
