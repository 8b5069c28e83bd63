// Puts the parts of the page together, and says whether what they show is still true.

import { byId, setAttribute, setText } from "./dom.js";
import { rows } from "./condition.js";
import { History } from "./history.js";
import { Live } from "./live.js";
import { findingsView } from "./findings.js";
import { graphView } from "./graph.js";
import { linksView } from "./links.js";
import { requestsView } from "./requests.js";
import { startupView } from "./startup.js";
import { subscribersView } from "./subscribers.js";
import { tailView } from "./tail.js";
import { verdictView } from "./verdict.js";

// How old a state may be without a word about it.
const FRESH = 2500;

const known = { hello: null, state: null, at: null, gone: null };
const history = new History();
const verdict = verdictView(history);
const subscribers = subscribersView(history);
const graph = graphView();
const links = linksView();
const parts = [subscribers, graph, links, requestsView(), findingsView(subscribers.show, links.show), startupView()];

const live = new Live({
  hello(hello) {
    const { pid } = known.hello ?? hello;
    if (pid !== hello.pid) forget();
    known.hello = hello;
    history.length = hello.history_seconds;
    setText(byId("title"), hello.title);
    setText(byId("process"), `process ${hello.pid} · callboard ${hello.version}`);
    document.title = `${hello.title} · callboard`;
    tail.resume();
    history.load().then(draw, () => {});
  },
  state(state) {
    if (known.gone && state.snapshot.phase !== "Closed") known.gone = null;
    known.state = { ...state, rows: rows(state) };
    known.at = performance.now();
    show();
  },
  history(point) {
    history.add(point);
    draw();
  },
  tail(events) {
    tail.add(events);
  },
  gone({ reason }) {
    known.gone = reason;
    show();
  },
  changed: status,
});
const tail = tailView(live);

// Forgets a process that another has taken the place of.
function forget() {
  Object.assign(known, { state: null, at: null, gone: null });
  history.clear();
  tail.clear();
}

function show() {
  document.body.dataset.state = "known";
  if (known.state) {
    verdict.update(known.state, known.gone);
    for (const part of parts) part.update(known.state);
  }
  status();
}

function draw() {
  verdict.draw();
  subscribers.draw();
}

// Says how old the figures are, and why.
function status() {
  const age = known.at === null ? null : performance.now() - known.at;
  const seconds = age === null ? "" : age < 10_000 ? (age / 1000).toFixed(1) : String(Math.floor(age / 1000));
  const kind = known.gone ? "gone" : !live.connected ? "lost" : age !== null && age > FRESH ? "late" : "live";
  const refused = live.refusal && `refused: ${live.refusal}`;
  const word = { gone: "the bus is gone", lost: refused || (age === null ? "connecting" : "connection lost, reconnecting"),
    late: "no update comes", live: "live" }[kind];
  setAttribute(byId("status"), "data-status", kind);
  setText(byId("status-word"), word);
  setText(byId("age"), age === null ? "" : `updated ${seconds} s ago`);
  setAttribute(document.body, "data-stale", kind === "live" ? null : kind);
}
setInterval(status, 200);

// Light and dark: as the system has it, or as was chosen.
const THEMES = ["auto", "light", "dark"];
const theme = byId("theme");
function choose(name) {
  setAttribute(document.documentElement, "data-theme", name === "auto" ? null : name);
  setText(theme, { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" }[name]);
  theme.value = name;
  try {
    localStorage.setItem("callboard-theme", name);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
theme.addEventListener("click", () => choose(THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]));
let chosen = null;
try {
  chosen = localStorage.getItem("callboard-theme");
} catch {
  // As above.
}
choose(THEMES.includes(chosen) ? chosen : "auto");
