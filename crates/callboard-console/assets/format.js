// Figures and names as people read them.

export const NONE = "–";

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

// A number of things.
export function count(number) {
  if (number === null || number === undefined) return NONE;
  if (number >= 2 ** 53) return "∞";
  return number < 1e7 ? grouped.format(number) : scaled(number);
}

// A number in few characters.
export function scaled(number) {
  if (number >= 2 ** 53) return "∞";
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (number >= size) return (number / size).toFixed(number / size < 10 ? 2 : 1) + unit;
  }
  return grouped.format(number);
}

// Events a second.
export function rate(number) {
  if (number === null || number === undefined) return NONE;
  if (number < 0.05) return "0";
  if (number < 9.95) return number.toFixed(1);
  return number < 1e5 ? grouped.format(number) : scaled(number);
}

export const perSecond = (number) => `${rate(number)}/s`;

// One or several of something.
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

// The microseconds of a duration as serde writes it; `null` if there is none.
export function micros(duration) {
  if (duration === null || duration === undefined) return null;
  return duration.secs * 1e6 + duration.nanos / 1e3;
}

// A time in microseconds, with its unit.
export function time(us) {
  if (us === null || us === undefined) return NONE;
  if (us < 1) return us === 0 ? "0" : `${Math.round(us * 1e3)} ns`;
  if (us < 1e3) return `${digits(us)} µs`;
  if (us < 1e6) return `${digits(us / 1e3)} ms`;
  if (us < 120e6) return `${us < 10e6 ? (us / 1e6).toFixed(1) : Math.floor(us / 1e6)} s`;
  if (us < 7200e6) return `${Math.floor(us / 60e6)} min`;
  return `${(us / 3600e6).toFixed(1)} h`;
}

const digits = (number) => (number < 10 ? number.toFixed(1) : Math.round(number));

export function bytes(number) {
  if (number < 1024) return `${count(number)} B`;
  return number < 2 ** 20 ? `${(number / 1024).toFixed(1)} KiB` : `${(number / 2 ** 20).toFixed(1)} MiB`;
}

export const clock = (us) => {
  const seconds = Math.floor(us / 1e6);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

// What is lost, and what is only dropped; in words.
const REASONS = {
  Full: ["full", true],
  Oldest: ["oldest made room", true],
  BufferFull: ["start buffer full", true],
  Closed: ["closed before start", true],
  Coalesced: ["coalesced", false],
  Unsubscribed: ["unsubscribed", false],
  Withdrawn: ["withdrawn", false],
};

// The drops of a ledger: `[{ word, count, loss }]`.
export function drops(ledger) {
  return Object.entries(ledger.dropped).map(([reason, number]) => {
    const [word, loss] = REASONS[reason] ?? [words(reason).toLowerCase(), true];
    return { word, count: number, loss };
  });
}

export const lost = (ledger) =>
  drops(ledger).reduce((sum, drop) => sum + (drop.loss ? drop.count : 0), 0);

// `HandlerBlocks` as "Handler blocks".
export function words(name) {
  const text = name.replace(/(?!^)([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  return text;
}

// What a subscription wants.
export function interest(of) {
  if (of === "Everything") return "everything";
  if (of.Matching !== undefined) return `everything that matches ${of.Matching}`;
  if (of.BadPattern !== undefined) return `nothing: ${of.BadPattern}`;
  return of.Types.length === 0 ? "no type" : of.Types.join(", ");
}

// `crates/app/src/main.rs:12:5` as `main.rs:12`.
export function shortSite(site) {
  const [path, line] = site.split(":");
  return line ? `${path.split(/[\\/]/).pop()}:${line}` : site;
}

// An outcome, which is a word or a word with a reason.
export function outcome(of) {
  if (typeof of === "string") return words(of).toLowerCase();
  const [[name, reason]] = Object.entries(of);
  return `${words(name).toLowerCase()}: ${reason}`;
}
