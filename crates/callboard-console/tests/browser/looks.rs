//! Light and dark, wide and narrow: everything fits, everything can be read, nothing jumps.

use serde_json::json;

use crate::browser::{View, look_at};
use crate::links::MadeUp;
use crate::traffic::{Made, Traffic, watched};

/// The texts that stand out too little from what is behind them: WCAG 2 asks for 4.5 to 1, and for 3
/// to 1 if the letters are large.
const PALE: &str = "(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const read = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (colour) => {
        const [r, g, b] = colour.map((value) => value / 255)
            .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const [r, g, b, a] = read(getComputedStyle(at).backgroundColor);
            if (a > 200) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const svg = (element) => element.namespaceURI.endsWith('svg');
    const pale = [];
    let seen = 0;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const style = getComputedStyle(element);
        if (!texts.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })
            || element.closest('script, style, title, option')) continue;
        seen += 1;
        const box = svg(element) ? element.closest('.node')?.querySelector('rect') : null;
        const back = box ? read(getComputedStyle(box).fill).slice(0, 3) : behind(element);
        const front = read(svg(element) ? style.fill : style.color).slice(0, 3);
        const [light, dark] = [luminance(front), luminance(back)].sort((one, other) => other - one);
        const ratio = (light + 0.05) / (dark + 0.05);
        const large = parseFloat(style.fontSize) >= 24;
        if (ratio < (large ? 3 : 4.5)) pale.push(`${ratio.toFixed(2)}: ${texts.currentNode.data.trim()}`);
    }
    return seen > 100 ? pale : [`only ${seen} texts`];
})()";

/// What is wider than the window, beyond what scrolls by itself.
const TOO_WIDE: &str = "document.documentElement.scrollWidth - innerWidth";

async fn opened(view: &View) {
    view.click("[data-key=full] .expand").await;
    view.until("document.querySelector('.accounts tbody tr') !== null").await;
    view.until("document.querySelector('.findings li') !== null").await;
    view.until("document.querySelectorAll('.remote').length === 6").await;
}

#[test]
fn every_view_fits_and_can_be_read() {
    let (bus, console) = watched();
    let _full = bus.subscriber("full").capacity(4).subscribe::<Made<2>>();
    let _orphan = bus.subscriber("orphan").subscribe_matching("nothing.*");
    let (_well, _) = MadeUp::attach(&bus);
    let (_troubled, link) = MadeUp::attach(&bus);
    link.change(|link| {
        link.state = "disconnected".to_owned();
        link.trouble = Some("for 1.2s, with 3 events that wait".to_owned());
        link.dropped =
            vec![("ring full".to_owned(), 12), ("lost with the connection".to_owned(), 3)];
        link.peers[1].state = "gone".to_owned();
    });
    let mut traffic = Traffic::start(&bus, 1_000);
    look_at(async |view| {
        for scheme in ["light", "dark"] {
            view.prefers(scheme).await;
            for (width, height) in [(375, 812), (1440, 1000)] {
                view.size(width, height).await;
                view.open(&console.url()).await;
                opened(&view).await;
                view.scroll_to("#tail").await;
                view.until("document.querySelector('#tail-rows tr') !== null").await;
                let what = format!("{scheme}, {width} wide");
                assert_eq!(view.get(TOO_WIDE).await, json!(0), "{what}");
                assert_eq!(view.get(PALE).await, json!([]), "{what}");
            }
        }
    });
    traffic.stop(&bus);
}

#[test]
fn theme_can_be_chosen() {
    let (bus, console) = watched();
    bus.start();
    let background = "getComputedStyle(document.body).backgroundColor";
    look_at(async |view| {
        view.prefers("light").await;
        view.open(&console.url()).await;
        let light = view.get(background).await;
        view.click("#theme").await;
        assert_eq!(view.get(background).await, light);
        view.click("#theme").await;
        let dark = view.get(background).await;
        assert_ne!(dark, light);
        // It is remembered.
        view.open(&console.url()).await;
        assert_eq!(view.get(background).await, dark);
    });
}

#[test]
fn nothing_jumps_while_a_thousand_events_a_second_pass() {
    let (bus, console) = watched();
    let mut traffic = Traffic::start(&bus, 1_000);
    look_at(async |view| {
        view.open(&console.url()).await;
        // The first figures may move things; those that follow may not.
        view.until("document.querySelectorAll('tr.subscriber').length === 10").await;
        view.until(
            "document.querySelector('[data-figure=published] .value').textContent !== '0/s'",
        )
        .await;
        view.get(
            "window.moved = 0;
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) moved += entry.value;
            }).observe({ type: 'layout-shift', buffered: false });
            window.kept = [...document.querySelectorAll('tr.subscriber')];",
        )
        .await;
        let delivered = "parseInt(document.querySelector('[data-figure=delivered] .note').textContent.replace(/,/g, ''))";
        let before = view.get(delivered).await;
        view.until(&format!("{delivered} > {before} + 4000")).await;
        let moved = view.get("moved").await.as_f64().unwrap();
        assert!(moved < 0.01, "the layout moved by {moved}");
        let kept =
            "[...document.querySelectorAll('tr.subscriber')].every((row) => kept.includes(row))";
        assert_eq!(view.get(kept).await, json!(true), "rows were made anew");
    });
    traffic.stop(&bus);
}
