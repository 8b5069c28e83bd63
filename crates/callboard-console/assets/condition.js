// How a subscriber is, in a word.

import { NONE, lost, micros, time } from "./format.js";

// From well to worst.
export const LEVEL = { well: 0, lostBefore: 1, dropping: 2, slow: 3, losing: 4, stalled: 5 };

// A handler that takes longer than this, with events waiting, blocks.
const BLOCKS_AFTER = 1e6;
// How full a queue is that makes its subscriber slow.
const SLOW = 0.75;
// A smoothed rate below this is none.
const SOME = 0.1;

function condition(of, rates) {
  const full = of.capacity > 0 && of.queued >= of.capacity;
  const busy = of.handling > 0 || of.in_hand;
  const handlingFor = micros(of.handling_for);
  if (busy && of.queued > 0 && (handlingFor === null ? full : handlingFor >= BLOCKS_AFTER)) {
    const since = time(handlingFor);
    return { level: LEVEL.stalled, word: "stalled", more: since === NONE ? "" : since };
  }
  if (full && !busy && !of.waiting) return { level: LEVEL.stalled, word: "not reading", more: "" };
  const critical = of.importance === "Critical";
  if (critical && rates.dropped >= SOME) return { level: LEVEL.losing, word: "losing", more: "" };
  if (of.capacity > 0 && of.queued >= of.capacity * SLOW) return { level: LEVEL.slow, word: "slow", more: "" };
  if (rates.dropped >= SOME) return { level: LEVEL.dropping, word: "dropping", more: "" };
  if (critical && lost(of.ledger) > 0) return { level: LEVEL.lostBefore, word: "has lost", more: "" };
  if (of.panics > 0) return { level: LEVEL.lostBefore, word: "has panicked", more: "" };
  return { level: LEVEL.well, word: busy ? "busy" : "well", more: "" };
}

// The subscribers of a state, each with its key, rates, condition and what it has lost.
export function rows(state) {
  return state.subscribers.map(({ key, name, index }) => {
    const of = state.snapshot.subscribers[index];
    const rates = state.rates.subscribers[key] ?? { delivered: 0, dropped: 0 };
    const share = of.capacity > 0 ? of.queued / of.capacity : 0;
    return { key, name, of, rates, share, lost: lost(of.ledger), condition: condition(of, rates) };
  });
}

// The worst first. What is about the same keeps its place, so that rows do not dance.
export function worst(one, other) {
  const about = ({ share }) => Math.round(share * 4);
  const magnitude = ({ lost: number }) => Math.ceil(Math.log10(number + 1));
  return other.condition.level - one.condition.level
    || about(other) - about(one)
    || magnitude(other) - magnitude(one)
    || one.key.localeCompare(other.key);
}
