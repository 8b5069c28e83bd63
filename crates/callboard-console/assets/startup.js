// The start-up timeline: who signed in when, what was held until the start, and for whom.

import { byId, h, keyed, setAttribute, setRich, setText } from "./dom.js";
import { NONE, count, micros, plural, time } from "./format.js";

export function startupView() {
  const body = byId("startup-rows");

  const create = ({ key }) => {
    const start = h("span", { class: "start" });
    const mark = h("span", { class: "mark" });
    const track = h("span", { class: "track", "aria-hidden": "true" }, start, mark);
    const cells = [h("td", { class: "when", role: "cell" }), h("td", { role: "cell", class: "lane" }, track),
      h("td", { class: "replayed", role: "cell" })];
    const element = h("tr", { role: "row" }, h("th", { scope: "row", role: "rowheader" }, key), ...cells);
    element.update = ({ at, late, missing, replayed }, started, span) => {
      const share = (us) => `${((us / span) * 100).toFixed(2)}%`;
      setAttribute(element, "data-level", missing ? "bad" : late ? "late" : null);
      setText(cells[0], missing ? "has not signed in" : at === null ? NONE
        : `${time(at)}${late ? ", late" : started !== null && at > started ? ", after the start" : ""}`);
      start.hidden = started === null;
      start.style.left = share(Math.min(started ?? 0, span));
      mark.hidden = missing || at === null;
      mark.style.left = share(Math.min(at ?? 0, span));
      setAttribute(mark, "class", at !== null && at > span ? "mark beyond" : "mark");
      setText(cells[2], missing ? "" : replayed === undefined ? NONE : count(replayed));
    };
    return element;
  };

  const update = (state) => {
    const { snapshot } = state;
    const { buffer, phase } = snapshot;
    const held = snapshot.held ?? buffer.held ?? [];
    const started = micros(snapshot.started_after);
    const all = state.rows.map(({ key, of }) => ({ key, at: micros(of.signed_in), late: of.late, replayed: of.replayed }));
    all.sort((one, other) => (one.at ?? 0) - (other.at ?? 0));
    const expected = snapshot.missing.map((key) => ({ key, missing: true }));
    const early = all.filter(({ at }) => at !== null && (started === null || at <= started)).map(({ at }) => at);
    const span = Math.max(1, started ?? 0, ...early) * 1.3;
    const known = all.some(({ at }) => at !== null);
    setAttribute(byId("startup"), "data-times", known ? "known" : "unknown");
    keyed(body, [...expected, ...all], ({ key, missing }) => `${missing ? "!" : ""}${key}`, create,
      (element, item) => element.update(item, started, span));

    const sum = held.reduce((total, [, number]) => total + number, 0);
    const words = [];
    if (started !== null) words.push(`Started ${time(started)} after it was built`);
    else if (snapshot.started) words.push("Started");
    else words.push(`Not started yet: ${count(buffer.queued)} of ${count(buffer.capacity)} events wait`);
    if (snapshot.started) {
      words.push(sum > 0 ? `the start released ${plural(sum, "event")}` : "no event waited for the start");
    }
    if (buffer.high_water > 0) words.push(`the buffer held ${count(buffer.high_water)} of ${count(buffer.capacity)} at most`);
    if (buffer.overflowed > 0) words.push(`${count(buffer.overflowed)} were dropped`);
    if (phase === "Closed") words.push("closed now");
    setText(byId("startup-words"), `${words.join("; ")}.`);
    const first = held.slice(0, 12).map(([name, number]) => `\`${name}\` ${count(number)}`).join("   ");
    const more = held.length > 12 ? `   and ${plural(held.length - 12, "more type")}` : "";
    byId("startup-held").hidden = held.length === 0;
    setRich(byId("startup-held-list"), first + more);
    setText(byId("startup-scale"), `0 to ${time(span)}`);
    byId("startup-empty").hidden = all.length + expected.length > 0;
    setText(byId("startup-empty"), "Nobody has signed in yet.");
  };
  return { update };
}
