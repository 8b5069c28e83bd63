// Links to other processes: what each carries and loses, and the nodes at its other ends.

import { byId, h, keyed, setAttribute, setRich, setText } from "./dom.js";
import { NONE, bytes, count, micros, perSecond, plural, time } from "./format.js";

// How many nodes of a link are shown.
const SHOWN = 100;
// How full the memory is that makes it worth a mark.
const FULL = 0.75;
// A smoothed rate below this is none.
const SOME = 0.1;

const NODE_LEVELS = { present: "good", gone: "gone" };
const isGone = ({ state }) => state === "gone";

export function linksView() {
  const list = byId("link-list");

  const update = (state) => {
    const all = state.links.map(({ key, index }) => ({ key, of: state.snapshot.links[index], rates: state.rates.links[key] }));
    for (const id of ["links", "links-anchor"]) byId(id).hidden = all.length === 0;
    keyed(list, all, ({ key }) => key, linkOf, (element, link) => element.update(link));
    const nodes = all.flatMap(({ of }) => of.peers);
    const gone = nodes.filter(isGone).map(({ name }) => name).sort();
    const named = gone.length > 8 ? [...gone.slice(0, 8), `${count(gone.length - 8)} more`] : gone;
    setText(byId("link-count"), [plural(all.length, "link"), plural(nodes.length, "other node"),
      ...(gone.length > 0 ? [`gone: ${named.join(", ")}`] : [])].join("; "));
  };

  const show = (key) => {
    const shown = [...list.children].find((element) => element.dataset.key === key);
    shown?.focus();
    shown?.scrollIntoView({ block: "center" });
  };
  return { update, show };
}

// A figure with its name above and what goes with it below.
function tile(figure, name) {
  const value = h("dd", { class: "value" });
  const note = h("dd", { class: "note" });
  const element = h("div", { class: "tile", "data-figure": figure }, h("dt", null, name), value, note);
  const set = (text, below, level = 0) => {
    setText(value, text);
    setText(note, below);
    setAttribute(element, "data-level", level);
  };
  return { element, set };
}

function linkOf({ key }) {
  const [state, trip, sent, received, queue, dropped] = [
    tile("state", "Link"), tile("round-trip", "Round trip"), tile("sent", "Sent"),
    tile("received", "Received"), tile("queue", "Waiting to be sent"), tile("dropped", "Lost"),
  ];
  const fill = h("span", { class: "fill" });
  const bar = h("dd", { class: "bar", "aria-hidden": "true" }, fill);
  queue.element.append(bar);
  const tiles = [state, trip, sent, received, queue, dropped].map(({ element }) => element);
  const nodes = h("ul", { class: "nodes", "aria-label": `Nodes at the other ends of ${key}` });
  const more = h("p", { class: "hint", hidden: true });
  const element = h("li", { class: "wire", "data-key": key, tabindex: "-1" }, h("dl", { class: "tiles" }, ...tiles), nodes, more);

  element.update = ({ of, rates }) => {
    state.set(key, of.trouble === null ? of.state : `${of.state}: ${of.trouble}`, of.trouble === null ? 0 : 3);
    trip.set(time(micros(of.round_trip)), of.round_trip === null ? "not measured yet" : "there and back");
    sent.set(perSecond(rates.sent), `${count(of.sent)} in all`);
    received.set(perSecond(rates.received), `${count(of.received)} in all`);
    const share = of.capacity_bytes > 0 ? Math.min(1, of.queued_bytes / of.capacity_bytes) : 0;
    const full = share >= FULL;
    queue.set(plural(of.queued, "event"), `${bytes(of.queued_bytes)} of ${bytes(of.capacity_bytes)}`, full ? 3 : 0);
    bar.hidden = of.capacity_bytes === 0;
    fill.style.width = `${(share * 100).toFixed(1)}%`;
    const reasons = of.dropped.filter(([, number]) => number > 0);
    const lost = reasons.reduce((sum, [, number]) => sum + number, 0);
    dropped.set(lost > 0 ? count(lost) : NONE, reasons.map(([reason, number]) => `${count(number)} ${reason}`).join(", "),
      rates.dropped >= SOME ? 3 : lost > 0 ? 1 : 0);

    // Of those that are gone the latest are shown, if there are many.
    const heard = (one) => micros(one.heard);
    const shown = [...of.peers].sort((one, other) => isGone(one) - isGone(other) || heard(one) - heard(other))
      .slice(0, SHOWN).sort((one, other) => one.name.localeCompare(other.name));
    keyed(nodes, shown, ({ name }) => name, nodeOf, (line, node) => line.update(node));
    more.hidden = of.peers.length <= SHOWN;
    setText(more, `and ${plural(of.peers.length - SHOWN, "more node")}`);
  };
  return element;
}

function nodeOf({ name }) {
  const [word, heard, components] = [h("span", { class: "is" }), h("span", { class: "heard" }), h("span", { class: "components" })];
  const line = h("li", { class: "remote", "data-node": name }, h("span", { class: "called" }, name), word, heard, components);
  line.update = (node) => {
    setAttribute(line, "data-state", NODE_LEVELS[node.state] ?? "underway");
    setText(word, node.state);
    setText(heard, `heard ${time(micros(node.heard))} ago`);
    setRich(components, node.components.length > 0 ? node.components.map((one) => `\`${one}\``).join(", ") : "no components");
  };
  return line;
}
