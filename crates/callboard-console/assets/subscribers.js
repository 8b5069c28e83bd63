// The table of subscribers, worst first.

import { byId, h, keyed, s, setAttribute, setText } from "./dom.js";
import { NONE, count, drops, micros, perSecond, plural, shortSite, time, words } from "./format.js";
import { LEVEL, worst } from "./condition.js";
import { detail } from "./detail.js";
import { drawSpark, sparkline } from "./chart.js";

const p99 = ({ of }) => micros(of.handler_times?.p99) ?? micros(of.longest) ?? -1;

// How rows are sorted by each column; the first click gives this order, the next the reverse.
const ORDERS = {
  worst,
  name: (one, other) => one.key.localeCompare(other.key),
  queue: (one, other) => other.share - one.share || worst(one, other),
  oldest: (one, other) => (micros(other.of.oldest) ?? -1) - (micros(one.of.oldest) ?? -1) || worst(one, other),
  time: (one, other) => p99(other) - p99(one) || worst(one, other),
  rate: (one, other) => other.rates.delivered - one.rates.delivered || worst(one, other),
  lost: (one, other) => other.lost - one.lost || worst(one, other),
};

export function subscribersView(history) {
  const body = byId("subscriber-rows");
  const headings = [...document.querySelectorAll("#subscribers th[data-sort]")];
  const select = byId("subscriber-sort");
  const find = byId("subscriber-find");
  const filter = byId("subscriber-filter");
  const open = new Map();
  let sort = { by: "worst", reverse: false };
  let opened = 0;
  let last = null;

  const sortBy = (by, reverse) => {
    sort = { by, reverse };
    select.value = by;
    for (const heading of headings) {
      const current = heading.dataset.sort === by;
      // The first order of figures is from high to low, that of names from A to Z.
      const ascending = (by === "name") !== reverse;
      setAttribute(heading, "aria-sort", current ? (ascending ? "ascending" : "descending") : null);
    }
    if (last) update(last);
  };
  for (const heading of headings) {
    const by = heading.dataset.sort;
    heading.querySelector("button").addEventListener("click", () => {
      sortBy(by, sort.by === by && !sort.reverse);
    });
  }
  select.addEventListener("change", () => sortBy(select.value, false));
  for (const input of [find, filter]) input.addEventListener("input", () => last && update(last));

  const wanted = (row) => {
    const text = find.value.trim().toLowerCase();
    const kinds = {
      all: true,
      troubled: row.condition.level > LEVEL.well,
      critical: row.of.importance === "Critical",
      responders: row.of.responder,
    };
    const inside = () => [row.key, row.of.call_site, ...row.of.accounts.map((account) => account.event_type)];
    return kinds[filter.value] && (!text || inside().some((name) => name.toLowerCase().includes(text)));
  };

  const flip = (key) => {
    if (open.has(key)) open.delete(key);
    else {
      opened += 1;
      open.set(key, { id: `detail-${opened}`, ...detail(key, history) });
    }
    update(last);
  };

  const create = ({ key, isDetail }) => {
    if (isDetail) {
      const cell = h("td", { colspan: 9, role: "cell" }, open.get(key).element);
      return h("tr", { class: "detail", role: "row", id: open.get(key).id }, cell);
    }
    return row(key, () => flip(key));
  };

  const refresh = (element, item) => {
    if (item.isDetail) open.get(item.key).update(item.row);
    else element.update(item.row, open.get(item.key)?.id ?? null);
  };

  const update = (state) => {
    last = state;
    const all = state.rows.filter(wanted).sort(ORDERS[sort.by]);
    if (sort.reverse) all.reverse();
    const items = all.flatMap((of) => {
      const item = { key: of.key, row: of };
      return open.has(of.key) ? [item, { ...item, isDetail: true }] : [item];
    });
    keyed(body, items, ({ key, isDetail }) => `${isDetail ? "+" : ""}${key}`, create, refresh);
    setText(byId("subscriber-count"), all.length === state.rows.length
      ? plural(all.length, "subscriber")
      : `${count(all.length)} of ${plural(state.rows.length, "subscriber")}`);
    const empty = state.rows.length === 0 ? "Nobody has subscribed yet." : "No subscriber is like that.";
    byId("subscriber-empty").hidden = all.length > 0;
    setText(byId("subscriber-empty"), empty);
  };

  // What changes once a second.
  const draw = () => {
    for (const element of body.querySelectorAll("tr.subscriber")) {
      const depth = history.series(element.dataset.key, "queued");
      drawSpark(element.spark, depth, history.length, element.top ?? Math.max(1, ...depth),
        history.series(element.dataset.key, "dropped"));
    }
    for (const one of open.values()) one.draw();
  };
  const show = (key) => {
    if (!last) return;
    find.value = "";
    filter.value = "all";
    if (!open.has(key)) flip(key);
    else update(last);
    const shown = [...body.querySelectorAll("tr.subscriber")].find((element) => element.dataset.key === key);
    shown?.querySelector("button").focus();
    shown?.scrollIntoView({ block: "center" });
  };
  sortBy("worst", false);
  return { update, draw, show };
}

// Two lines in a cell: a figure, and what goes with it.
function cell(name, label) {
  const main = h("span", { class: "main" });
  const sub = h("span", { class: "sub" });
  const element = h("td", { class: name, role: "cell", "data-label": label }, main, sub);
  return { element, set: (figure, note) => (setText(main, figure), setText(sub, note)) };
}

function row(key, flip) {
  const button = h("button", { class: "expand", "aria-expanded": "false" },
    s("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, s("path", { d: "M3 1.5 7 5 3 8.5" })),
    h("span", null, key));
  const status = h("span", { class: "status" });
  const name = h("th", { scope: "row", role: "rowheader", class: "name" }, button, status);
  const fill = h("span", { class: "fill" });
  const high = h("span", { class: "high" });
  const bar = h("span", { class: "bar", "aria-hidden": "true" }, fill, high);
  const queue = cell("queue", "queue");
  queue.element.prepend(bar);
  const oldest = cell("oldest", "oldest");
  const times = cell("times", "handler p50 · p99");
  const received = cell("rate", "received");
  const dropped = cell("lost", "lost");
  const policy = cell("policy", "policy");
  const site = cell("site", "opened at");
  const spark = sparkline();
  const sparks = h("td", { class: "sparks", role: "cell", "data-label": "queue, ten minutes" }, spark);
  const parts = [queue, oldest, times, received, dropped];
  const element = h("tr", { class: "subscriber", role: "row", "data-key": key },
    name, ...parts.map((part) => part.element), sparks, policy.element, site.element);
  element.spark = spark;
  button.addEventListener("click", flip);
  element.addEventListener("click", (event) => {
    if (!event.target.closest("button") && !String(getSelection())) flip();
  });

  element.update = ({ of, rates, share, lost, condition }, openAs) => {
    setAttribute(button, "aria-expanded", String(openAs !== null));
    setAttribute(button, "aria-controls", openAs);
    setAttribute(element, "data-level", condition.level);
    setAttribute(element, "data-importance", of.importance.toLowerCase());
    setText(status, `${condition.word}${condition.more ? ` ${condition.more}` : ""}${of.responder ? " · responder" : ""}`);
    const percent = (number) => `${(Math.min(1, number) * 100).toFixed(1)}%`;
    fill.style.width = percent(share);
    high.style.left = percent(of.capacity > 0 ? of.high_water / of.capacity : 0);
    queue.set(`${count(of.queued)} of ${count(of.capacity)}`, `high water ${count(of.high_water)}`);
    setAttribute(queue.element, "title", `${percent(share)} of the capacity`);
    oldest.set(of.queued > 0 ? time(micros(of.oldest)) : NONE, "");
    const known = of.handler_times;
    times.set(known ? `${time(micros(known.p50))} · ${time(micros(known.p99))}` : NONE,
      `longest ${of.handled > 0 ? time(micros(of.longest)) : NONE}`);
    received.set(perSecond(rates.delivered), `${count(of.ledger.delivered)} in all`);
    const reasons = drops(of.ledger).map((drop) => `${count(drop.count)} ${drop.word}`);
    dropped.set(lost > 0 ? count(lost) : reasons.length > 0 ? "0" : NONE,
      lost > 0 && rates.dropped >= 0.1 ? `${perSecond(rates.dropped)} · ${reasons.join(", ")}` : reasons.join(", "));
    setAttribute(dropped.element, "data-lost", lost > 0 ? of.importance.toLowerCase() : null);
    setAttribute(dropped.element, "title", reasons.join(", ") || null);
    policy.set(words(of.overflow).toLowerCase(), of.importance.toLowerCase());
    site.set(shortSite(of.call_site), of.late ? "late" : "");
    setAttribute(site.element, "title", of.call_site);
    // The sparkline is full where the queue is.
    element.top = of.capacity > 0 && of.capacity < 2 ** 53 ? of.capacity : null;
  };
  return element;
}
