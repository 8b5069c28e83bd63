// The graph: who publishes what, and who receives it, from what really flowed.

import { byId, h, keyed, s, setAttribute, setText } from "./dom.js";
import { count, perSecond, rate } from "./format.js";
import { layout } from "./layout.js";

const BOX = { component: 30, type: 18 };
const WIDEST = 8;
const ZOOMS = [0.5, 0.65, 0.8, 1, 1.25, 1.6, 2];
const HEADINGS = ["Publishes", "Event type", "Receives"];
const HEAD = 26;
// What the frame has beside the drawing.
const PADDING = 34;

export function graphView() {
  const svg = byId("graph-drawing");
  const frame = byId("graph-frame");
  const pick = byId("graph-focus");
  const readout = byId("graph-readout");
  const view = { focus: "", zoom: 1, drawn: "", nodes: new Map(), edges: new Map(), columns: [], at: null };
  let last = null;

  // The nodes and edges that are shown: all, or those around one.
  const shown = ({ nodes, edges }) => {
    if (!view.focus) return { nodes, edges };
    const near = new Set([view.focus]);
    for (const { from, to } of edges) {
      if (from === view.focus) near.add(to);
      if (to === view.focus) near.add(from);
    }
    // Of a component its types, and of these the other ends.
    const component = view.focus.startsWith("c:");
    const kept = edges.filter(({ from, to }) => component
      ? near.has(from.startsWith("t:") ? from : to)
      : from === view.focus || to === view.focus);
    const ids = new Set([view.focus, ...kept.flatMap(({ from, to }) => [from, to])]);
    return { nodes: nodes.filter(({ id }) => ids.has(id)), edges: kept };
  };

  const update = (state) => {
    last = state;
    if (view.focus && !state.graph.nodes.some(({ id }) => id === view.focus)) view.focus = "";
    choices(state.graph.nodes);
    const graph = shown(state.graph);
    const width = Math.max(680, frame.clientWidth - PADDING);
    const names = [width, ...graph.nodes.map(({ id }) => id), ...graph.edges.map(({ from, to }) => `${from}\n${to}`)];
    const signature = names.join("\n\n");
    if (signature !== view.drawn) draw(graph, width);
    view.drawn = signature;
    restate(graph, state);
    byId("graph-empty").hidden = graph.nodes.length > 0;
    svg.toggleAttribute("hidden", graph.nodes.length === 0);
    byId("graph-all").hidden = !view.focus;
  };

  const choices = (nodes) => {
    const names = nodes.map(({ id }) => id).join("\n");
    if (pick.names !== names) {
      pick.names = names;
      const group = (kind, label) => h("optgroup", { label }, ...nodes
        .filter((node) => node.kind === kind).map((node) => h("option", { value: node.id }, node.label)));
      pick.replaceChildren(h("option", { value: "" }, "everything"),
        group("component", "Components"), group("type", "Event types"));
    }
    if (pick.value !== view.focus) pick.value = view.focus;
  };

  // Lays the graph out anew. Done only when nodes or edges come or go.
  const draw = (graph, width) => {
    const { columns, height } = layout(graph.nodes, graph.edges);
    const widths = width < 900 ? [150, 200, 150] : [190, 250, 210];
    const lefts = [1, (width - widths[1]) / 2, width - widths[2] - 1];
    view.columns = columns;
    view.nodes.clear();
    view.edges.clear();
    view.size = [width, height + HEAD + 4];
    const edges = s("g", { class: "edges" });
    const labels = s("g", { class: "labels" });
    const nodes = s("g", { class: "nodes" });
    columns.forEach((column, side) => {
      for (const at of column) {
        at.x = lefts[side];
        at.y += HEAD;
        at.width = widths[side];
        at.element = node(at);
        nodes.append(at.element);
        const places = view.nodes.get(at.node.id) ?? view.nodes.set(at.node.id, []).get(at.node.id);
        places.push(at);
      }
    });
    const place = (id, side) => view.nodes.get(id).find((at) => at.side === side);
    const ends = graph.edges.map((edge) => {
      const [from, to] = edge.to.startsWith("t:") ? [0, 1] : [1, 2];
      return { edge, from: place(edge.from, from), to: place(edge.to, to) };
    });
    ports(ends);
    for (const end of ends) {
      const { edge } = end;
      const [x0, x1] = [end.from.x + end.from.width, end.to.x];
      const middle = (x0 + x1) / 2;
      const d = `M${x0} ${end.y0}C${middle} ${end.y0} ${middle} ${end.y1} ${x1} ${end.y1}`;
      const path = s("path", { d, class: "edge" });
      const hit = s("path", { d, class: "hit" });
      const label = s("text", { class: "drops", x: x0 + 8, y: end.y0 - 5 });
      hit.addEventListener("pointerenter", () => say(edge));
      edges.append(path, hit);
      labels.append(label);
      view.edges.set(`${edge.from}\n${edge.to}`, { path, label });
    }
    const heads = HEADINGS.map((text, side) => s("text", { class: "head", x: lefts[side], y: 14 }, text));
    svg.replaceChildren(...heads, edges, labels, nodes);
    for (const at of columns.flat()) fit(at.element.querySelector("text"), at.width - (at.side === 1 ? 74 : 20));
    const first = columns.flat().find((at) => at.node.id === view.at?.node.id && at.side === view.at?.side);
    view.at = first ?? columns.find((column) => column.length > 0)?.[0] ?? null;
    view.at?.element.setAttribute("tabindex", 0);
    zoom(0);
  };

  // The edges of a component leave its box one below the other, in the order of their other ends.
  const ports = (ends) => {
    for (const side of ["from", "to"]) {
      const [other, y] = side === "from" ? ["to", "y0"] : ["from", "y1"];
      const groups = new Map();
      for (const end of ends) {
        const group = groups.get(end[side]) ?? groups.set(end[side], []).get(end[side]);
        group.push(end);
      }
      for (const [at, group] of groups) {
        const spread = at.node.kind === "component" ? Math.min(BOX.component - 10, (group.length - 1) * 5) : 0;
        group.sort((one, two) => one[other].y - two[other].y);
        group.forEach((end, index) => {
          end[y] = at.y + (group.length > 1 ? (index / (group.length - 1) - 0.5) * spread : 0);
        });
      }
    }
  };

  const node = (at) => {
    const { kind, label, id } = at.node;
    const height = BOX[kind];
    const top = at.y - height / 2;
    const right = at.x + at.width - 8;
    const element = s("g", { class: `node ${kind}`, tabindex: -1, role: "button", "data-id": id },
      s("rect", { x: at.x, y: top, width: at.width, height, rx: kind === "type" ? height / 2 : 4 }),
      kind === "component" ? s("rect", { class: "full", x: at.x, y: top + height - 3, width: 0, height: 3 }) : null,
      s("text", { x: at.x + 10, y: kind === "component" ? top + 13 : at.y + 4 }, label),
      kind === "component"
        ? s("text", { class: "state", x: at.x + 10, y: top + 25 })
        : s("text", { class: "state", x: right, y: at.y + 4, "text-anchor": "end" }),
      s("title", null, label));
    element.addEventListener("click", () => focus(view.focus === id ? "" : id));
    element.addEventListener("pointerenter", () => light(id));
    element.addEventListener("pointerleave", () => light(null));
    element.addEventListener("focus", () => light(id));
    element.addEventListener("blur", () => light(null));
    return element;
  };

  // What changes all the time: widths, colours, figures.
  const restate = (graph, state) => {
    const most = Math.max(1, ...state.graph.edges.map((edge) => edge.rate));
    const lossy = new Set(state.rows.filter(({ of }) => of.importance === "Lossy").map(({ name }) => `c:${name}`));
    // Of one that is shown alone, everything belongs to it.
    const lit = view.lit && view.lit.id !== view.focus ? view.lit : null;
    const isLit = ({ from, to }) => from === lit.id || to === lit.id;
    const marked = new Set(graph.edges.filter((edge) => edge.drops > 0 && !lossy.has(edge.to)).map(({ from }) => from));
    for (const edge of graph.edges) {
      const { path, label } = view.edges.get(`${edge.from}\n${edge.to}`);
      const incident = edge.drops > 0 && !lossy.has(edge.to);
      const width = 1 + (WIDEST - 1) * Math.sqrt(edge.rate / most);
      setAttribute(path, "stroke-width", Math.max(width, incident ? 2 : 1).toFixed(1));
      setAttribute(path, "class", ["edge", incident ? "losing" : edge.drops > 0 ? "lossy" : "", edge.seen ? "" : "unseen",
        edge.rate < 0.05 && edge.seen ? "still" : "", lit && !isLit(edge) ? "dim" : "",
        lit && isLit(edge) ? "lit" : ""].join(" ").trim());
      setText(label, incident || (edge.drops > 0 && view.focus && !marked.has(edge.from)) ? `${count(edge.drops)} lost` : "");
    }
    for (const of of graph.nodes) {
      for (const at of view.nodes.get(of.id) ?? []) nodeState(at, of, state, lit);
    }
  };

  const nodeState = (at, of, state, lit) => {
    const { element } = at;
    const receives = at.side === 2 && of.capacity;
    const share = receives ? of.queued / of.capacity : 0;
    const level = at.side === 2 ? Math.max(0, ...state.rows.filter((row) => row.name === of.label)
      .map((row) => row.condition.level)) : 0;
    const text = at.side === 1
      ? of.orphan ?? perSecond(of.rate)
      : at.side === 0
        ? `${perSecond(published(of.id))} published`
        : `${count(of.queued)} queued${of.drops > 0 ? `, ${count(of.drops)} lost` : ""}`;
    setText(element.querySelector(".state"), text);
    const bar = element.querySelector(".full");
    if (bar) setAttribute(bar, "width", (Math.min(1, share) * at.width).toFixed(0));
    setAttribute(element, "class", ["node", of.kind, of.orphan && at.side === 1 ? "orphan" : "",
      of.id === view.focus ? "focus" : "", lit && !lit.has(of.id) ? "dim" : ""].join(" ").trim());
    setAttribute(element, "data-level", level);
    setAttribute(element, "aria-label", `${of.kind === "type" ? "event type" : "component"} ${of.label}, ${text}`);
    setAttribute(element, "aria-pressed", of.id === view.focus ? "true" : "false");
  };

  const published = (id) => last.graph.edges.filter(({ from }) => from === id)
    .reduce((sum, edge) => sum + edge.rate, 0);

  // Shows a node's edges more than the others.
  const light = (id) => {
    view.lit = null;
    if (id) {
      view.lit = new Set([id]);
      view.lit.id = id;
      for (const { from, to } of last.graph.edges) {
        if (from === id) view.lit.add(to);
        if (to === id) view.lit.add(from);
      }
      const of = last.graph.nodes.find((one) => one.id === id);
      setText(readout, of ? `${of.label}: ${perSecond(of.rate)}${of.orphan ? `, ${of.orphan}` : ""}, ${count(of.drops)} lost` : "");
    }
    restate(shown(last.graph), last);
  };

  const say = ({ from, to }) => {
    const edge = last.graph.edges.find((one) => one.from === from && one.to === to);
    const figures = edge.seen ? `${rate(edge.rate)} a second, ${count(edge.total)} in all, ${count(edge.drops)} lost`
      : "declared, nothing seen";
    setText(readout, `${from.slice(2)} → ${to.slice(2)}: ${figures}`);
  };

  const focus = (id) => {
    view.focus = id;
    view.lit = null;
    if (!last) return;
    update(last);
    if (svg.contains(document.activeElement) || document.activeElement === document.body) {
      view.nodes.get(id)?.[0]?.element.focus({ preventScroll: true });
    }
  };

  const zoom = (step) => {
    if (step) {
      const place = ZOOMS.findIndex((one) => one >= view.zoom);
      view.zoom = ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, place + step))];
    }
    const [width, height] = view.size ?? [0, 0];
    setAttribute(svg, "viewBox", `0 0 ${width} ${height}`);
    setAttribute(svg, "width", Math.round(width * view.zoom));
    setAttribute(svg, "height", Math.round(height * view.zoom));
    setText(byId("graph-zoom"), `${Math.round(view.zoom * 100)} %`);
  };

  // One stop of the Tab key; the arrow keys go from node to node.
  const step = (event) => {
    const { key } = event;
    if (!view.at) return;
    if (key === "Enter" || key === " ") focus(view.focus === view.at.node.id ? "" : view.at.node.id);
    else if (key === "Escape") focus("");
    else {
      const column = view.columns[view.at.side];
      const index = column.indexOf(view.at);
      const nearest = (side) => [...(view.columns[side] ?? [])]
        .sort((one, other) => Math.abs(one.y - view.at.y) - Math.abs(other.y - view.at.y))[0];
      const next = { ArrowUp: () => column[index - 1], ArrowDown: () => column[index + 1],
        ArrowLeft: () => nearest(view.at.side - 1), ArrowRight: () => nearest(view.at.side + 1),
        Home: () => column[0], End: () => column.at(-1) }[key];
      if (!next) return;
      const to = next();
      if (to) {
        view.at.element.setAttribute("tabindex", -1);
        view.at = to;
        to.element.setAttribute("tabindex", 0);
        to.element.focus();
      }
    }
    event.preventDefault();
  };
  svg.addEventListener("keydown", step);
  pick.addEventListener("change", () => focus(pick.value));
  byId("graph-all").addEventListener("click", () => focus(""));
  byId("graph-in").addEventListener("click", () => zoom(1));
  byId("graph-out").addEventListener("click", () => zoom(-1));
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1 : -1);
  }, { passive: false });
  addEventListener("resize", () => last && update(last));
  view.lit = null;
  return { update };
}

// Cuts a label that is wider than its place.
function fit(text, width) {
  const whole = text.textContent;
  let length = whole.length;
  while (length > 1 && text.getComputedTextLength() > width) {
    length -= 1;
    text.textContent = `${whole.slice(0, length)}…`;
  }
}
