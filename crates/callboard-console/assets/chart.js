// Lines over time, and the curve of the percentiles.

import { h, s, setAttribute, setText } from "./dom.js";
import { NONE, clock, count, time } from "./format.js";

// The path of a line through values, scaled to a box. `slots` is how many values the width holds; the
// last value is at the right edge.
export function line(values, slots, width, height, top) {
  let path = "";
  let pen = false;
  const first = slots - values.length;
  values.forEach((value, index) => {
    if (value === null) {
      pen = false;
      return;
    }
    const x = ((first + index) / Math.max(1, slots - 1)) * width;
    const y = height - Math.min(1, value / top) * height;
    path += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = true;
  });
  return path;
}

// The greatest of each group of values, so that there are no more than `most`, and no peak is lost.
export function coarse(values, most) {
  const size = Math.ceil(values.length / most);
  if (size <= 1) return values;
  const groups = [];
  // From the right, so that a group keeps its values as time goes on.
  for (let end = values.length; end > 0; end -= size) {
    const group = values.slice(Math.max(0, end - size), end).filter((value) => value !== null);
    groups.unshift(group.length ? Math.max(...group) : null);
  }
  return groups;
}

const SPARK = { width: 120, height: 24, points: 60 };

// A small line without axes.
export function sparkline() {
  return s(
    "svg",
    { class: "spark", viewBox: `0 -1 ${SPARK.width} ${SPARK.height + 2}`, "aria-hidden": "true",
      preserveAspectRatio: "none" },
    s("path", { class: "area" }),
    s("path", { class: "line" }),
    s("path", { class: "losses" }),
  );
}

// Draws values into a sparkline; `top` is the value at its upper edge. Below, a tick for each time at
// which `losses` has some.
export function drawSpark(svg, values, slots, top, losses = []) {
  const size = Math.max(1, Math.ceil(slots / SPARK.points));
  const shown = coarse(values, Math.ceil(values.length / size));
  const path = line(shown, SPARK.points, SPARK.width, SPARK.height, Math.max(1, top));
  const [area, stroke, ticks] = svg.children;
  const lost = coarse(losses, Math.ceil(losses.length / size));
  const at = (index) => ((SPARK.points - lost.length + index + 0.5) / SPARK.points) * SPARK.width;
  setAttribute(ticks, "d", lost.map((number, index) => number > 0
    ? `M${at(index).toFixed(1)} ${SPARK.height + 1}v-5` : "").join(""));
  setAttribute(stroke, "d", path);
  setAttribute(area, "d", filled(path, SPARK.height));
}

// A line closed along the bottom. A line with gaps is left open.
function filled(path, height) {
  if (path.indexOf("M") !== path.lastIndexOf("M") || !path.includes("L")) return "";
  const start = path.slice(1).split(" ")[0];
  const end = path.slice(path.lastIndexOf("L") + 1).split(" ")[0];
  return `${path}L${end} ${height}L${start} ${height}Z`;
}

const CHART = { width: 600, height: 96 };

// A chart of some lines over the minutes that are remembered. `lines` is `[{ name, figure, of }]`:
// the class of the line, what it is called, and the figure of a point of the history.
export function chart(title, lines, write) {
  const paths = lines.map((one) => s("path", { class: `line ${one.name}` }));
  const limit = s("line", { class: "limit", x1: 0, x2: CHART.width });
  const hair = s("line", { class: "hair", y1: 0, y2: CHART.height, visibility: "hidden" });
  const now = h("span", { class: "figure" });
  const top = h("span", { class: "top" });
  const svg = s(
    "svg",
    { viewBox: `0 0 ${CHART.width} ${CHART.height}`, preserveAspectRatio: "none", role: "img",
      "aria-label": title },
    limit, ...paths, hair,
  );
  const keys = lines.length > 1 ? lines.map((one) => h("span", { class: `key ${one.name}` }, one.of)) : [];
  const [from, pointed] = [h("span"), h("span")];
  const box = h("div", { class: "plot" }, svg, top);
  const element = h("figure", { class: "chart" },
    h("figcaption", null, h("span", { class: "name" }, title), ...keys, now),
    box,
    h("div", { class: "axis" }, from, pointed, h("span", null, "now")));
  const shown = { series: [], at: null, slots: 1 };

  const readout = () => {
    const { series, at, slots } = shown;
    const place = at === null ? null : at - (slots - (series[0]?.length ?? 0));
    const value = (values) => (place === null ? values.at(-1) : values[place]) ?? null;
    const figures = series.map((values) => (value(values) === null ? NONE : write(value(values))));
    setText(pointed, at === null ? "" : `${clock((slots - 1 - at) * 1e6)} ago`);
    if (keys.length === 0) setText(now, figures.join(" · "));
    else keys.forEach((key, index) => setText(key, `${lines[index].of} ${figures[index]}`));
  };
  box.addEventListener("pointermove", (event) => {
    const { left, width } = box.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    shown.at = Math.round(share * (shown.slots - 1));
    const x = (shown.at / Math.max(1, shown.slots - 1)) * CHART.width;
    for (const [name, to] of [["x1", x], ["x2", x], ["visibility", "visible"]]) hair.setAttribute(name, to);
    readout();
  });
  box.addEventListener("pointerleave", () => {
    shown.at = null;
    hair.setAttribute("visibility", "hidden");
    readout();
  });

  const draw = (series, slots, least = 1, bound = null) => {
    shown.series = series;
    shown.slots = slots;
    const most = Math.max(least, ...series.flat().filter((value) => value !== null));
    setAttribute(element, "data-empty", series.flat().every((value) => !value) ? "yes" : null);
    const bounded = bound !== null && bound < 2 ** 53;
    const scale = bounded ? Math.max(most, bound) : round(most);
    series.forEach((values, index) => {
      setAttribute(paths[index], "d", line(values, slots, CHART.width, CHART.height, scale));
    });
    const y = !bounded ? -10 : CHART.height - (bound / scale) * CHART.height;
    setAttribute(limit, "y1", y);
    setAttribute(limit, "y2", y);
    setText(top, write(scale));
    setText(from, `${time(slots * 1e6)} ago`);
    readout();
  };
  return { element, draw };
}

// The next of 1, 1.5, 2, 3, 5, 7.5, 10, 15 …
function round(number) {
  const ten = 10 ** Math.floor(Math.log10(number));
  return ten * [1, 1.5, 2, 3, 5, 7.5, 10].find((step) => ten * step >= number);
}

const CURVE = { width: 300, height: 96 };

// The percentiles as a curve: from the median to the longest, along the times on a logarithmic scale.
export function curve() {
  const path = s("path", { class: "line p99" });
  const svg = s("svg", { viewBox: `0 0 ${CURVE.width} ${CURVE.height}`, preserveAspectRatio: "none",
    role: "img", "aria-label": "handler time by percentile" }, path);
  const top = h("span", { class: "top" });
  const bottom = h("span", { class: "bottom" });
  const figures = h("span", { class: "figure" });
  const element = h("figure", { class: "chart" },
    h("figcaption", null, h("span", { class: "name" }, "Handler time by percentile"), figures),
    h("div", { class: "plot" }, svg, top, bottom),
    h("div", { class: "axis" }, ...["0 %", "50 %", "90 %", "99 %", "99.9 %"].map((text) => h("span", null, text))));
  // `buckets` is `[[upper bound in ns, count]]`.
  const draw = (times) => {
    const all = times.buckets.reduce((sum, [, number]) => sum + number, 0);
    const bounds = times.buckets.map(([bound]) => Math.max(1, bound));
    const [low, high] = [Math.log(bounds[0] / 2), Math.log(Math.max(bounds.at(-1), bounds[0] * 2))];
    let [below, d] = [0, ""];
    times.buckets.forEach(([, number], index) => {
      const y = CURVE.height - ((Math.log(bounds[index]) - low) / (high - low)) * CURVE.height;
      const x0 = place(below / all);
      below += number;
      d += `${d ? "L" : "M"}${x0.toFixed(1)} ${y.toFixed(1)}L${place(below / all).toFixed(1)} ${y.toFixed(1)}`;
    });
    setAttribute(path, "d", d);
    setText(top, time(bounds.at(-1) / 1e3));
    setText(bottom, time(bounds[0] / 1e3));
    setText(figures, `${count(all)} handled`);
  };
  return { element, draw };
}

// Where a share stands: five marks, evenly apart, the first half in the first quarter.
function place(share) {
  const marks = [0, 0.5, 0.9, 0.99, 0.999];
  const next = marks.findIndex((mark) => mark > share);
  if (next === -1) return CURVE.width;
  const [from, to] = [marks[next - 1], marks[next]];
  return ((next - 1 + (share - from) / (to - from)) / (marks.length - 1)) * CURVE.width;
}
