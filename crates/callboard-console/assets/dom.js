// Elements: making them, and changing only what differs.
// Text reaches the page as text alone: nothing here, or elsewhere, writes HTML.

const SVG = "http://www.w3.org/2000/svg";

// Makes an HTML element. Attributes that are functions are listeners; `false` and `null` are left out.
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// Makes an SVG element.
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

// Sets the text of an element if it is another.
export function setText(element, text) {
  text = String(text);
  if (element.shown !== text) {
    element.shown = text;
    element.textContent = text;
  }
}

// Sets an attribute if it is another; `null` removes it.
export function setAttribute(element, name, value) {
  if (value === null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value);
  }
}

// Sets a text in which names stand between backticks: they are shown as code.
export function setRich(element, text) {
  if (element.shown === text) return;
  element.shown = text;
  const parts = String(text).split("`");
  while (element.childNodes.length > parts.length) element.lastChild.remove();
  parts.forEach((part, index) => {
    let node = element.childNodes[index];
    if (!node) {
      node = index % 2 === 1 ? h("code") : document.createTextNode("");
      element.append(node);
    }
    if (node.textContent !== part) node.textContent = part;
  });
}

// Makes the children of `parent` those of `items`, in their order. Each item has a key: its element
// is made once, updated in place, and moved only if it must be. The focus survives a move.
export function keyed(parent, items, keyOf, create, update) {
  const known = (parent.keyed ??= new Map());
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const kept = new Set();
  let next = parent.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    let element = known.get(key);
    if (!element) {
      element = create(item);
      known.set(key, element);
    }
    kept.add(key);
    if (element === next) next = next.nextSibling;
    else parent.insertBefore(element, next);
    update(element, item);
  }
  for (const [key, element] of known) {
    if (!kept.has(key)) {
      element.remove();
      known.delete(key);
    }
  }
  if (focused && focused !== document.activeElement && focused.isConnected) {
    focused.focus({ preventScroll: true });
  }
}

// A button that is pressed or not.
export function toggle(button, pressed) {
  setAttribute(button, "aria-pressed", pressed ? "true" : "false");
}
