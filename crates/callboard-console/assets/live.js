// The connection: what the console sends, and whether it still does.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5000;
// How long nothing may come before the connection counts as lost.
const SILENCE = 6000;

// `on` has a function for each kind of event (`hello`, `state`, `history`, `tail`, `gone`), and
// `changed`, which is called when the connection is made or lost.
export class Live {
  constructor(on) {
    this.on = on;
    this.tail = false;
    this.connected = false;
    // Why the server refuses, in its words.
    this.refusal = null;
    this.heard = null;
    this.wait = FIRST_WAIT;
    this.open();
    setInterval(() => this.listen(), 1000);
  }

  // Whether the event tail is wanted. It has to be asked for: it costs the bus a subscription.
  wantTail(wanted) {
    this.tail = wanted;
    if (this.asked !== wanted && this.source.readyState !== EventSource.CLOSED) this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.asked = this.tail;
    const source = new EventSource(this.tail ? "/live?tail=1" : "/live");
    const before = this.source;
    this.source = source;
    for (const kind of ["hello", "state", "history", "tail", "gone"]) {
      source.addEventListener(kind, (event) => {
        if (source !== this.source) return;
        this.heard = performance.now();
        this.wait = FIRST_WAIT;
        if (!this.connected) this.became(true);
        this.on[kind](JSON.parse(event.data));
        if (kind === "gone") this.lose();
      });
    }
    source.onerror = () => {
      if (source !== this.source) return;
      if (!this.connected) this.ask();
      this.lose();
    };
    before?.close();
  }

  // Closes, and tries again later; each time it waits longer, up to some seconds.
  lose() {
    this.source.close();
    if (this.connected) this.became(false);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  // An event stream does not say why it was refused: a plain request does.
  async ask() {
    const asking = new AbortController();
    try {
      const answer = await fetch(this.source.url, { signal: asking.signal });
      this.refusal = answer.ok ? null : (await answer.text()).trim();
    } catch {
      this.refusal = null;
    }
    asking.abort();
    this.on.changed();
  }

  // A connection may end without a word: a laptop that slept, a process that hangs.
  listen() {
    if (this.connected && performance.now() - this.heard > SILENCE) this.lose();
  }

  became(connected) {
    this.connected = connected;
    if (connected) this.refusal = null;
    this.on.changed();
  }
}
