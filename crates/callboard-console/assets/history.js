// The last minutes, a point a second, as the console remembers them.

export class History {
  constructor() {
    this.points = [];
    this.length = 600;
    this.version = 0;
  }

  // Takes what was before this page was opened.
  async load() {
    const response = await fetch("/history.json");
    if (!response.ok) return;
    const { points } = await response.json();
    const last = points.at(-1)?.at_ms ?? -1;
    this.points = points.concat(this.points.filter((point) => point.at_ms > last));
    this.trim();
  }

  add(point) {
    if (point.at_ms <= (this.points.at(-1)?.at_ms ?? -1)) return;
    this.points.push(point);
    this.trim();
  }

  clear() {
    this.points = [];
    this.version += 1;
  }

  trim() {
    this.points.splice(0, Math.max(0, this.points.length - this.length));
    this.version += 1;
  }

  // A figure of a subscriber in each second, oldest first; `null` where it was not there.
  series(key, figure) {
    return this.points.map((point) => point.subscribers[key]?.[figure] ?? null);
  }

  // The bus's publications in each second.
  published() {
    return this.points.map((point) => point.published);
  }
}
