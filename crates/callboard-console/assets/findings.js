// The diagnosis: what users of a bus get wrong, who is to blame, and what cures it.

import { byId, h, keyed, setAttribute, setRich, setText } from "./dom.js";
import { plural, words } from "./format.js";

// What is advice, and no reason for alarm.
const ADVICE = ["NotStarted", "Paused", "Refused", "NothingCoalesces", "CapacityTooLarge", "Unheard",
  "NeverPublished", "DuplicateSubscriber"];
// What a bus without findings is told; before there are figures, nothing is known.
const NOTHING = "Nothing found: no handler blocks, nothing is lost for want of capacity, every request has its " +
  "responders, and what is published is heard.";
// What is about a link to other processes.
const LINKS = ["LinkInTrouble", "LinkLost"];

export function findingsView(showSubscriber, showLink) {
  const list = byId("finding-list");

  const create = () => {
    const culprit = h("button", { class: "culprit" });
    const element = h("li", { class: "finding" },
      h("p", { class: "kind" }), h("p", { class: "seen" }, culprit, " ", h("span")),
      h("p", { class: "cure" }, h("span", { class: "label" }, "Cure"), h("span")));
    culprit.addEventListener("click", () => culprit.show?.());
    return element;
  };

  const update = ({ findings, subscribers, links, verdict }) => {
    const groups = new Map();
    const past = new Set(verdict.past);
    for (const [place, found] of findings.entries()) {
      const key = `${found.kind} ${found.culprit} ${found.seen.replace(/[\d.,]+/g, "#")}`;
      const group = groups.get(key);
      if (group) group.times += 1;
      else groups.set(key, { key, found, times: 1, past: past.has(place) });
    }
    const all = [...groups.values()];
    keyed(list, all, ({ key }) => key, create, (element, { found, times, past }) => {
      const [kind, seen, cure] = element.children;
      setText(kind, words(found.kind) + (times > 1 ? ` · ${times} times` : "") + (past ? ", earlier" : ""));
      setAttribute(element, "data-level", past ? "earlier" : ADVICE.includes(found.kind) ? "advice" : "grave");
      const [culprit, , text] = seen.childNodes;
      setText(culprit, found.culprit);
      const ofLink = LINKS.includes(found.kind);
      const known = (ofLink ? links : subscribers).find(({ name }) => name === found.culprit);
      culprit.show = known && (() => (ofLink ? showLink : showSubscriber)(known.key));
      culprit.disabled = !known;
      setAttribute(culprit, "title", known ? `show this ${ofLink ? "link" : "subscriber"}` : null);
      setRich(text, found.seen);
      setRich(cure.lastChild, found.cure);
    });
    setText(byId("finding-count"), all.length === 0 ? "" : plural(all.length, "finding"));
    byId("finding-empty").hidden = all.length > 0;
    setText(byId("finding-empty"), NOTHING);
  };
  return { update };
}
