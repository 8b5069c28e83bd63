// The verdict strip: whether all is well, in words; the phase; the figures of the bus as a whole.

import { byId, h, keyed, setAttribute, setRich, setText } from "./dom.js";
import { count, perSecond, plural, rate } from "./format.js";
import { drawSpark, sparkline } from "./chart.js";
import { LEVEL } from "./condition.js";

const PHASES = ["Buffering", "Replaying", "Running", "Paused", "Closed"];
// How long the space of a line that has gone is kept: the page below shall not jump.
const KEEP_SPACE = 8000;

const FIGURES = [
  ["published", "Published"],
  ["delivered", "Delivered"],
  ["critical", "Lost, critical"],
  ["lossy", "Lost, lossy"],
  ["slow", "Subscribers in trouble"],
  ["requests", "Open requests"],
  ["buffer", "Start buffer"],
];

export function verdictView(history) {
  const strip = byId("verdict");
  const said = byId("said");
  const figures = new Map();
  for (const [key, name] of FIGURES) {
    const value = h("dd", { class: "value" });
    const note = h("dd", { class: "note" });
    byId("figures").append(h("div", { class: "tile", "data-figure": key }, h("dt", null, name), value, note));
    figures.set(key, { value, note, tile: value.parentElement });
  }
  const spark = sparkline();
  figures.get("published").tile.append(spark);
  const steps = PHASES.map((phase) => h("li", null, phase.toLowerCase()));
  byId("phase").append(...steps);
  let space = { lines: 0, until: 0 };

  const figure = (key, value, note, level = 0) => {
    const { value: shown, note: below, tile } = figures.get(key);
    setText(shown, value);
    setText(below, note);
    setAttribute(tile, "data-level", level);
  };

  // The lines keep their places as long as they are about the same. A finding is set apart from its cure.
  const lines = ({ verdict, findings }) => {
    const parts = new Map(findings.map(({ culprit, seen, cure }) => {
      const said = `\`${culprit}\` ${seen}`;
      return [`${said}; ${cure}`, [said, cure]];
    }));
    const earlier = new Set(verdict.earlier);
    const all = [...verdict.lines, ...earlier];
    const now = performance.now();
    if (all.length >= space.lines || now > space.until) {
      space = { lines: all.length, until: now + KEEP_SPACE };
    }
    const counts = new Map();
    const keys = new Map(all.map((line) => {
      const about = line.replace(/[\d.,]+/g, "#").split(";")[0];
      counts.set(about, (counts.get(about) ?? 0) + 1);
      return [line, `${about} ${counts.get(about)}`];
    }));
    keyed(byId("lines"), all, (line) => keys.get(line),
      () => h("li", null, h("span", { class: "seen" }), h("span", { class: "cure" })),
      (item, line) => {
        setAttribute(item, "class", earlier.has(line) ? "earlier" : null);
        const [seen, cure] = parts.get(line) ?? [line, ""];
        setRich(item.children[0], seen);
        setRich(item.children[1], cure);
      });
    byId("lines").style.minHeight = `calc(var(--line) * ${space.lines})`;
  };

  const phase = (snapshot) => {
    const paused = snapshot.phase === "Buffering" && snapshot.started;
    const current = paused ? "Paused" : snapshot.phase;
    PHASES.forEach((name, index) => {
      const { buffer } = snapshot;
      const filling = `${name.toLowerCase()} ${count(buffer.queued)} of ${count(buffer.capacity)}`;
      const shown = name === current && (name === "Buffering" || name === "Paused");
      setText(steps[index], shown ? filling : name.toLowerCase());
      setAttribute(steps[index], "aria-current", name === current ? "step" : null);
    });
  };

  const totals = (state) => {
    const { snapshot, rates } = state;
    const sum = (importance) => state.rows.filter(({ of }) => of.importance === importance)
      .reduce((all, row) => all + row.lost, 0);
    const published = snapshot.types.reduce((all, type) => all + type.published, 0);
    const delivered = state.rows.reduce((all, row) => all + row.of.ledger.delivered, 0);
    const [critical, lossy] = [sum("Critical"), sum("Lossy")];
    const slow = state.rows.filter(({ condition }) => condition.level >= LEVEL.slow);
    const behind = slow.map(({ key }) => key).join(", ");
    const { open, ended } = snapshot.requests;
    const { buffer } = snapshot;
    figure("published", perSecond(rates.published), `${count(published)} in all`);
    figure("delivered", perSecond(rates.delivered), `${count(delivered)} in all`);
    figure("critical", perSecond(rates.dropped_critical), `${count(critical)} in all`,
      rates.dropped_critical >= 0.1 ? 3 : critical > 0 ? 1 : 0);
    figure("lossy", perSecond(rates.dropped_lossy), `${count(lossy)} in all`,
      rates.dropped_lossy >= 0.1 ? 1 : 0);
    figure("slow", count(slow.length), behind || `of ${plural(state.rows.length, "subscriber")}`,
      slow.length > 0 ? 3 : 0);
    figure("requests", count(open.length), `${count(ended)} ended`);
    figure("buffer", `${count(buffer.queued)} of ${count(buffer.capacity)}`,
      buffer.overflowed > 0 ? `${count(buffer.overflowed)} dropped` : `high water ${count(buffer.high_water)}`,
      buffer.overflowed === 0 ? 0 : snapshot.phase === "Buffering" ? 3 : 1);
  };

  const update = (state, gone) => {
    const { verdict } = state;
    const ok = verdict.ok && !gone;
    setAttribute(strip, "data-ok", ok ? "yes" : "no");
    const several = plural(verdict.lines.length, "thing is", "things are");
    const heading = gone ? `${gone[0].toUpperCase()}${gone.slice(1)}. This is what was known last.`
      : ok ? (verdict.earlier.length > 0 ? "All is well now" : "All is well") : `${several} not well`;
    setText(byId("heading"), heading);
    // Said aloud only when it becomes something else: the figures change all the time.
    const names = state.rows.filter(({ condition }) => condition.level >= LEVEL.slow)
      .map(({ key, condition }) => `${key} ${condition.word}`);
    setText(said, [heading, ...names].join(", "));
    lines(state);
    phase(state.snapshot);
    totals(state);
  };

  const draw = () => {
    const values = history.published();
    drawSpark(spark, values, history.length, Math.max(1, ...values));
    setAttribute(spark.parentElement, "title", `ten minutes; now ${rate(values.at(-1))} a second`);
  };
  return { update, draw };
}
