// The event tail: some of the events that pass, the newest first. What was not shown is a gap.

import { byId, h, keyed, setAttribute, setText, toggle } from "./dom.js";
import { NONE, count, plural, time } from "./format.js";

// How many events are kept, and how many lines are shown.
const KEPT = 4000;
const LINES = 300;
// How long the tail goes on after nobody looks at it any more.
const LINGER = 3000;

export function tailView(live) {
  const body = byId("tail-rows");
  const find = byId("tail-find");
  const pause = byId("tail-pause");
  const chain = byId("tail-chain");
  // Newest first: events, and `{ gap }`: how many were not shown, or `null` if nobody looked.
  let items = [];
  const view = { frozen: null, since: 0, follow: null, chosen: null };

  const visible = { yes: false, timer: 0 };
  new IntersectionObserver(([entry]) => {
    visible.yes = entry.isIntersecting;
    clearTimeout(visible.timer);
    if (visible.yes) live.wantTail(true);
    else visible.timer = setTimeout(() => live.wantTail(false), LINGER);
  }, { rootMargin: "100px" }).observe(byId("tail"));

  pause.addEventListener("click", () => {
    view.frozen = view.frozen ? null : items;
    view.since = 0;
    show();
  });
  find.addEventListener("input", () => show());
  byId("tail-all").addEventListener("click", () => {
    view.follow = null;
    show();
    find.focus();
  });

  const resume = () => {
    if (items.length > 0 && items[0].gap !== null) items = [{ gap: null }, ...items];
  };

  const add = ({ missed, events }) => {
    const fresh = [...events].reverse();
    if (missed > 0) fresh.push({ gap: missed });
    view.since += events.length;
    items = [...fresh, ...items].slice(0, KEPT);
    show();
  };

  const clear = () => {
    items = [];
    Object.assign(view, { frozen: null, since: 0, follow: null, chosen: null });
    show();
  };

  // The events that an event came of, and all that came of any of these, as far as they are known.
  const chainOf = (sequence, all) => {
    const known = new Map(all.filter((of) => of.sequence !== undefined).map((of) => [of.sequence, of]));
    let root = sequence;
    while (known.get(root)?.cause !== null && known.has(root)) root = known.get(root).cause;
    const inChain = new Set([root]);
    for (const of of [...known.values()].sort((one, other) => one.sequence - other.sequence)) {
      if (inChain.has(of.cause)) inChain.add(of.sequence);
    }
    return { root, inChain };
  };

  const wanted = (all) => {
    const text = find.value.trim().toLowerCase();
    const follow = view.follow === null ? null : chainOf(view.follow, all);
    setText(byId("tail-followed"), follow ? `The chain that began with #${follow.root}` : "");
    chain.hidden = !follow;
    const matches = (of) => (!follow || follow.inChain.has(of.sequence))
      && (!text || `#${of.sequence} ${of.event_type} ${of.payload}`.toLowerCase().includes(text));
    const lines = [];
    for (const of of all) {
      if (lines.length >= LINES) break;
      const last = lines.at(-1);
      if (of.gap === undefined) {
        if (matches(of)) lines.push(of);
      } else if (last?.gap === undefined || last.gap === null || of.gap === null) lines.push(of);
      else lines[lines.length - 1] = { gap: last.gap + of.gap };
    }
    return lines;
  };

  const show = () => {
    const all = view.frozen ?? items;
    const lines = wanted(all);
    // The lines are used again from the top: nothing is made or moved while events pass.
    keyed(body, lines.map((of, index) => ({ of, index })), ({ index }) => index, line,
      (element, { of }) => element.update(of, view.chosen));
    toggle(pause, view.frozen !== null);
    setText(pause, view.frozen ? "Resume" : "Pause");
    setText(byId("tail-new"), view.frozen ? `${plural(view.since, "event")} since the pause` : "");
    byId("tail-empty").hidden = lines.some((of) => of.gap === undefined);
    setText(byId("tail-empty"), all.length === 0 ? "No event has passed since this part came into view."
      : "No event of those that are kept is like that.");
    byId("tail-hint").hidden = !(all.length > 0 && all.every((of) => of.gap !== undefined || of.cause === null));
    whole();
  };

  // The whole payload of the event that was chosen.
  const whole = () => {
    const of = view.chosen;
    byId("tail-whole").hidden = !of;
    if (!of) return;
    const waited = of.queued_us === null ? "" : ` · queued for ${time(of.queued_us)}`;
    setText(byId("tail-whole-head"), `#${of.sequence} ${of.event_type} · ${at(of)}${waited}`);
    setText(byId("tail-whole-text"), of.payload + (of.cut ? " … (cut)" : ""));
  };
  byId("tail-follow").addEventListener("click", () => {
    view.follow = view.chosen.sequence;
    show();
  });

  const line = () => {
    const cells = ["number", "at", "type", "payload", "cause"].map((name) => h("td", { class: name, role: "cell" }));
    const [number, when, type, payload, cause] = cells;
    const choose = h("button", { class: "link" });
    const follow = h("button", { class: "link" });
    const none = h("span");
    number.append(choose);
    cause.append(follow, none);
    const element = h("tr", { role: "row" }, ...cells);
    let current = null;
    choose.addEventListener("click", () => {
      view.chosen = view.chosen?.sequence === current.sequence ? null : current;
      show();
    });
    follow.addEventListener("click", () => {
      view.follow = current.sequence;
      show();
    });
    element.update = (of, chosen) => {
      current = of;
      const gap = of.gap !== undefined;
      setAttribute(element, "class", gap ? "gap" : chosen?.sequence === of.sequence ? "chosen" : null);
      choose.hidden = gap;
      follow.hidden = gap || of.cause === null;
      setText(choose, gap ? "" : `#${of.sequence}`);
      setText(when, gap ? "" : at(of));
      setText(type, gap ? "" : of.event_type);
      setText(payload, !gap ? of.payload + (of.cut ? " …" : "")
        : of.gap === null ? "a break: the tail was not watched" : `${plural(of.gap, "event")} not shown`);
      setText(follow, of.cause ? `#${of.cause}` : "");
      setAttribute(follow, "aria-label", of.cause ? `came of #${of.cause}: follow the chain` : null);
      setText(none, !gap && of.cause === null ? NONE : "");
    };
    return element;
  };

  const kept = () => {
    const missed = items.reduce((sum, of) => sum + (of.gap ?? 0), 0);
    const events = items.filter((of) => of.gap === undefined).length;
    setText(byId("tail-count"), events + missed === 0 ? "" : `the last ${count(events)}${missed > 0 ? ` of ${count(events + missed)}` : ""}`);
  };
  setInterval(kept, 1000);
  return { add, clear, resume, show };
}

// When an event was published, in seconds since the console began.
const at = (of) => `${(of.at_ms / 1000).toFixed(3)} s`;
