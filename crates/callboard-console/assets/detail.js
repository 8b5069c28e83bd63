// What a row of the table unfolds: the history, the facts, and the account of each event type.

import { h, keyed, setAttribute, setRich, setText } from "./dom.js";
import { bytes, count, drops, interest, lost, micros, perSecond, plural, rate, time, words } from "./format.js";
import { chart, curve } from "./chart.js";

const COLUMNS = ["Event type", "Offered", "Delivered", "Queued", "Lost", "Why"];

export function detail(key, history) {
  const depth = chart("Queue depth", [{ name: "depth", of: "queued" }], count);
  const received = chart("Received a second", [{ name: "depth", of: "received" }], rate);
  const losses = chart("Lost a second", [{ name: "loss", of: "lost" }], rate);
  const latency = chart("Handler time",
    [{ name: "p50", of: "p50" }, { name: "p99", of: "p99" }], time);
  const percentiles = curve();
  const unknown = h("p", { class: "empty", hidden: true },
    "Percentiles appear once a handler has ended.");
  const facts = h("dl", { class: "facts" });
  const accounts = h("tbody");
  const table = h("table", { class: "accounts" },
    h("caption", { class: "quiet" }, `What ${key} was offered, by event type`),
    h("thead", null, h("tr", null, ...COLUMNS.map((name) => h("th", { scope: "col" }, name)))),
    accounts);
  const element = h("div", { class: "details" },
    h("div", { class: "charts" }, depth.element, received.element, losses.element, latency.element,
      percentiles.element, unknown),
    h("div", { class: "beside" }, facts, h("div", { class: "wide" }, table)));
  let capacity = null;

  const update = (row) => {
    const { of, rates } = row;
    capacity = of.capacity;
    percentiles.element.hidden = !of.handler_times;
    unknown.hidden = Boolean(of.handler_times);
    if (of.handler_times) percentiles.draw(of.handler_times);
    keyed(facts, factsOf(row), ([name]) => name,
      ([name]) => h("div", null, h("dt", null, name), h("dd")),
      (pair, [, text]) => setRich(pair.lastChild, text));
    const all = [...of.accounts].sort((one, other) =>
      lost(other.ledger) - lost(one.ledger) || other.ledger.offered - one.ledger.offered
      || one.event_type.localeCompare(other.event_type));
    keyed(accounts, all.slice(0, 100), (account) => account.event_type,
      () => h("tr", null, h("th", { scope: "row" }), ...COLUMNS.slice(1).map(() => h("td"))),
      (line, { event_type: name, ledger }) => {
        const reasons = drops(ledger).map((drop) => `${count(drop.count)} ${drop.word}`).join(", ");
        const gone = lost(ledger);
        const texts = [name, count(ledger.offered), count(ledger.delivered), count(ledger.queued), count(gone), reasons];
        texts.forEach((text, index) => setText(line.children[index], text));
        setAttribute(line, "data-lost", gone > 0 ? of.importance.toLowerCase() : null);
      });
    setAttribute(losses.element, "data-lossy", of.importance === "Lossy" ? "yes" : null);
  };

  const draw = () => {
    const slots = history.length;
    const series = (...figures) => figures.map((figure) => history.series(key, figure));
    depth.draw(series("queued"), slots, 1, capacity);
    received.draw(series("delivered"), slots);
    losses.draw(series("dropped"), slots);
    const times = series("p50_us", "p99_us");
    latency.element.hidden = times.flat().every((value) => value === null);
    latency.draw(times, slots);
  };
  draw();
  return { element, update, draw };
}

function factsOf({ of, rates }) {
  const facts = [
    ["Wants", interest(of.interest)],
    ["Opened at", `\`${of.call_site}\``],
    ["Queue", `${count(of.queued)} of ${count(of.capacity)}; most ${count(of.high_water)}; ${count(of.demand)} would have sufficed`],
    ["Handles", doing(of)],
    ["Handled", of.handled === 0 ? "nothing yet" : `${count(of.handled)} in ${time(micros(of.busy))}, the longest ${time(micros(of.longest))}`],
    ["Loses", `${perSecond(rates.dropped)}, ${count(lost(of.ledger))} in all; ${words(of.overflow).toLowerCase()} when full, ${of.importance.toLowerCase()}`],
  ];
  if (of.answers.length > 0) facts.push(["Answers", of.answers.join(", ")]);
  const times = of.handler_times;
  if (times) {
    const [p50, p90, p99] = [times.p50, times.p90, times.p99].map((one) => time(micros(one)));
    facts.push(["Percentiles", `p50 ${p50}, p90 ${p90}, p99 ${p99}, longest ${time(micros(times.max))}`]);
  }
  if (of.signed_in) facts.push(["Signed in", `${time(micros(of.signed_in))} after the bus was built${of.late ? ", late" : ""}`]);
  if (of.replayed !== undefined) facts.push(["Replayed", plural(of.replayed, "event")]);
  if (of.bytes > 0) facts.push(["Holds", bytes(of.bytes)]);
  if (of.panics > 0) {
    facts.push(["Panics", `${count(of.panics)}, the last on \`${of.last_panic.event_type}\`: ${of.last_panic.message}`]);
  }
  return facts;
}

function doing(of) {
  if (of.handling > 1) return `${count(of.handling)} events at once, the longest for ${time(micros(of.handling_for))}`;
  if (of.handling === 1 || of.in_hand) {
    const since = micros(of.handling_for);
    return since === null ? "one event" : `one event, for ${time(since)}`;
  }
  return of.waiting ? "nothing; waits for an event" : "nothing, and does not wait for an event";
}
