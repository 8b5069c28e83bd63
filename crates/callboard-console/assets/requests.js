// The request waterfall: a bar for each responder, the rule and the deadline; nested requests below
// the one whose handling asked them.

import { byId, h, keyed, setAttribute, setRich, setText, toggle } from "./dom.js";
import { count, micros, outcome, plural, time } from "./format.js";

// How many requests are shown, without those nested in them.
const SHOWN = 8;

const GOOD = ["responded"];
const QUIET = ["not awaited", "withdrawn", "complete"];
const RUNNING = ["queued", "being handled", "waits for the start"];

export function requestsView() {
  const list = byId("request-list");
  const filter = byId("request-filter");
  const hold = byId("request-hold");
  let held = false;
  let last = null;
  hold.addEventListener("click", () => {
    held = !held;
    toggle(hold, held);
    setText(hold, held ? "Resume" : "Pause");
    if (!held && last) update(last);
  });
  filter.addEventListener("input", () => last && show(last));

  const update = (state) => {
    const { requests } = state.snapshot;
    setText(byId("request-count"), `${count(requests.open.length)} open, ${count(requests.ended)} ended`
      + (requests.late > 0 ? `, ${plural(requests.late, "late answer")}` : "")
      + (requests.duplicate > 0 ? `, ${plural(requests.duplicate, "duplicate answer")}` : ""));
    if (held) return;
    last = state;
    show(state);
  };

  const show = (state) => {
    const all = traces(state.snapshot);
    const bySequence = new Map(all.map((of) => [of.sequence, of]));
    const nested = new Map();
    const roots = [];
    for (const of of all) {
      const parent = of.parent === null ? undefined : bySequence.get(of.parent);
      if (parent && parent !== of) (nested.get(parent) ?? nested.set(parent, []).get(parent)).push(of);
      else roots.push(of);
    }
    const kinds = { all: () => true, open: isOpen, failed: isBad };
    const wanted = (of) => kinds[filter.value](of) || (nested.get(of) ?? []).some(wanted);
    const shown = folded(roots.filter(wanted).reverse());
    const trees = shown.slice(0, SHOWN).map((root) => flat(root, nested, state.snapshot));
    keyed(list, trees, ([{ of }]) => of.key, () => h("li", { class: "request" }), tree);
    byId("request-empty").hidden = trees.length > 0;
    setText(byId("request-empty"), all.length === 0
      ? "No request is open, and none has failed." : "No request is like that.");
    byId("request-hint").hidden = state.snapshot.requests.traced !== false;
  };
  return { update };
}

// The requests, oldest first. Without the bus's traces only those that are open or failed are known.
function traces({ age, requests }) {
  const now = micros(age);
  const traced = requests.recent?.map((of) => ({
    ...of, began: micros(of.began), took: micros(of.took), timeout: micros(of.timeout),
    responders: of.responders.map((one) => ({ ...one, taken: micros(one.taken), ended: micros(one.ended) })),
  }));
  const responders = (outcomes) => outcomes.map(([name, of]) =>
    ({ name, outcome: outcome(of), taken: null, ended: null }));
  const open = () => requests.open.map((of) => {
    const [waited, remaining] = [micros(of.age), micros(of.remaining)];
    return { ...of, parent: null, rule: "", began: now - waited, took: null, end: null,
      timeout: remaining === null ? null : waited + remaining, responders: responders(of.outcomes).map(unfinished) };
  });
  const troubled = () => requests.troubled.map((of) => {
    const { Ended: ended, Cycle: cycle } = of.kind;
    return { ...of, asker: null, parent: null, rule: "", began: null, took: null, timeout: null,
      end: ended ? outcome(ended.end) : `in a circle: ${cycle.chain.join(" → ")}`,
      responders: ended ? responders(ended.outcomes) : [] };
  });
  const all = requests.traced ? traced : [...troubled(), ...(traced ?? open())];
  const seen = new Map();
  return all.map((of) => {
    const name = `${of.event_type} ${of.sequence} ${of.began ?? ""}`;
    seen.set(name, (seen.get(name) ?? 0) + 1);
    return { ...of, key: `${name} ${seen.get(name)}` };
  });
}

// Requests of which no time is known, and that ended alike, are one, with how many they are.
function folded(roots) {
  const alike = new Map();
  return roots.filter((of) => {
    of.times = 1;
    if (of.began !== null) return true;
    const ends = of.responders.map((one) => `${one.name} ${one.outcome}`);
    const kind = [of.event_type, of.end, ...ends].join("\n");
    const before = alike.get(kind);
    if (before) before.times += 1;
    else {
      alike.set(kind, of);
      // It is the same line when the next one fails.
      of.key = kind;
    }
    return !before;
  });
}

// What an open request's outcome would be if time were over now, is what its responder does now.
function unfinished(of) {
  const now = { "timed out queued": "queued", "timed out handling": "being handled" };
  return { ...of, outcome: now[of.outcome] ?? of.outcome };
}

const isOpen = (of) => of.end === null;
const isBad = (of) => level(of.end ?? "") === "bad" || of.responders.some((one) => level(one.outcome) === "bad");

function level(word) {
  if (GOOD.includes(word) || word === "") return "good";
  if (QUIET.includes(word) || word.startsWith("declined")) return "quiet";
  return RUNNING.includes(word) ? "running" : "bad";
}

// A request and those nested in it, one after the other, with the span of time they share.
function flat(root, nested, { age }) {
  const now = micros(age);
  const rows = [];
  const add = (of, depth) => {
    rows.push({ of, depth });
    for (const inner of nested.get(of) ?? []) if (depth < 8) add(inner, depth + 1);
  };
  add(root, 0);
  const ends = rows.flatMap(({ of }) => [
    of.began === null ? null : of.took === null ? now : of.began + of.took,
    ...of.responders.map((one) => one.ended === null ? null : of.began + one.ended),
  ]).filter((end) => end !== null && root.began !== null).map((end) => end - root.began);
  const span = Math.max(1, ...ends) * 1.04;
  const { timeout } = root;
  // The deadline gives the scale if it is near.
  const whole = timeout !== null && timeout < span * 3 ? Math.max(span, timeout * 1.02) : span;
  for (const row of rows) Object.assign(row, { span: whole, from: root.began, now });
  return rows;
}

function tree(item, rows) {
  keyed(item, rows, ({ of }) => of.key, () => h("div", { class: "asked" }), (element, row) => {
    element.style.setProperty("--depth", row.depth);
    const { of } = row;
    const head = (element.head ??= element.appendChild(h("p", { class: "asked-head" },
      h("span", { class: "who" }), h("span", { class: "rule" }), h("span", { class: "end" }))));
    const [who, rule, end] = head.children;
    const number = of.sequence === null ? "" : ` #${of.sequence}`;
    setRich(who, `\`${of.event_type}\`${number}${of.asker ? ` asked by \`${of.asker}\`` : ""}`);
    const deadline = of.timeout === null ? of.began === null ? "" : "no deadline" : `deadline ${time(of.timeout)}`;
    const times = of.times > 1 ? `the last of ${plural(of.times, "alike", "alike")}` : "";
    setText(rule, [of.rule, deadline, times].filter(Boolean).join(" · "));
    const took = of.took === null ? (isOpen(of) ? `for ${time(row.now - of.began)}` : "") : `after ${time(of.took)}`;
    setText(end, `${of.end ?? "open"} ${took}`.trim());
    setAttribute(end, "data-outcome", isOpen(of) ? "running" : of.end === "complete" ? "good" : level(of.end));
    const bars = (element.bars ??= element.appendChild(h("div", { class: "bars" })));
    const names = new Map();
    const parts = of.responders.map((one) => {
      names.set(one.name, (names.get(one.name) ?? 0) + 1);
      return { ...one, key: `${one.name} ${names.get(one.name)}`, row };
    });
    keyed(bars, parts, ({ key }) => key, bar, (line, one) => line.update(one));
  });
}

function bar({ name }) {
  const waits = h("span", { class: "waits" });
  const handles = h("span", { class: "handles" });
  const deadline = h("span", { class: "deadline" });
  const word = h("span", { class: "outcome" });
  const line = h("div", { class: "responder" }, h("span", { class: "by" }, name),
    h("span", { class: "track", "aria-hidden": "true" }, waits, handles, deadline), word);
  line.update = ({ outcome: text, taken, ended, row }) => {
    const { of, span, from, now } = row;
    const kind = level(text);
    setAttribute(line, "data-outcome", kind);
    const share = (at) => `${Math.max(0, Math.min(100, (at / span) * 100)).toFixed(2)}%`;
    const offset = of.began === null ? 0 : of.began - from;
    const over = of.took ?? (of.began === null ? 0 : now - of.began);
    const until = ended ?? over;
    const known = of.began !== null && text !== "no such responder";
    const place = (element, start, end) => {
      element.hidden = !known || !(end > start);
      element.style.left = share(offset + start);
      element.style.width = `max(2px, ${share(end - start)})`;
    };
    place(waits, 0, taken ?? (kind === "good" ? 0 : until));
    place(handles, taken ?? (kind === "good" ? 0 : until), until);
    deadline.hidden = of.timeout === null || of.began === null || offset + of.timeout > span;
    deadline.style.left = share(offset + (of.timeout ?? 0));
    const when = ended !== null ? ` ${time(ended)}` : "";
    setText(word, `${text}${when}`);
    setAttribute(line, "title", taken === null ? null : `took it after ${time(taken)}`);
  };
  return line;
}
