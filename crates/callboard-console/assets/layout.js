// Where the nodes of the graph stand: three columns (who publishes, what, who receives), ordered so
// that few edges cross. A component that does both stands on both sides, so no edge leads back.

const SWEEPS = 24;
// Beyond so many edges the crossings are not counted: the last order is taken.
const COUNTED = 2000;

// How far apart the nodes of a column stand.
export const PITCH = { component: 40, type: 22 };

// `nodes` is `[{ id, kind, label }]`, `edges` is `[{ from, to }]`. Returns the columns, each
// `[{ node, side, y }]` from top to bottom, and the height.
export function layout(nodes, edges) {
  const out = new Map();
  const into = new Map();
  const push = (map, key, value) => (map.get(key) ?? map.set(key, []).get(key)).push(value);
  for (const { from, to } of edges) {
    push(out, from, to);
    push(into, to, from);
  }
  const byLabel = [...nodes].sort((one, other) => one.label.localeCompare(other.label));
  const ids = (wanted) => byLabel.filter(wanted).map((node) => node.id);
  const component = (node) => node.kind === "component";
  let columns = [
    ids((node) => component(node) && out.has(node.id)),
    ids((node) => !component(node)),
    ids((node) => component(node) && (into.has(node.id) || !out.has(node.id))),
  ];

  // The right side begins as the left one would have it, not in alphabetical order.
  columns[1] = order(columns[1], (id) => pull(into.get(id), places(columns[0])), places(columns[1]));
  columns[2] = order(columns[2], (id) => pull(into.get(id), places(columns[1])), places(columns[2]));
  let best = columns;
  let fewest = Infinity;
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const [left, middle, right] = columns.map(places);
    const types = order(columns[1], (id) => [...pull(into.get(id), left, out), ...pull(out.get(id), right, into)], middle);
    const placed = places(types);
    columns = [
      order(columns[0], (id) => pull(out.get(id), placed), left),
      types,
      order(columns[2], (id) => pull(into.get(id), placed), right),
    ];
    const crossed = edges.length > COUNTED ? fewest - 1 : crossings(columns, edges);
    if (crossed < fewest) [best, fewest] = [columns, crossed];
  }
  return stand(best, new Map(nodes.map((node) => [node.id, node])), out, into);
}

// The share of the column's height at which each node of it stands.
function places(column) {
  return new Map(column.map((id, index) => [id, (index + 0.5) / column.length]));
}

// The places of neighbours, each with its weight. With `links`, a neighbour weighs less the more it is
// linked to: one that receives everything says nothing about where a type belongs.
function pull(neighbours, places, links = null) {
  const known = (neighbours ?? []).filter((id) => places.has(id));
  return known.map((id) => [places.get(id), links ? 1 / links.get(id).length ** 2 : 1]);
}

// The weighted mean of places; `null` if there are none.
function mean(pulls) {
  const weights = pulls.reduce((sum, [, weight]) => sum + weight, 0);
  return weights > 0 ? pulls.reduce((sum, [place, weight]) => sum + place * weight, 0) / weights : null;
}

// Sorts a column by the mean place of each node's neighbours; a node without any stays where it is.
function order(column, pulls, before) {
  const wish = new Map(column.map((id) => [id, mean(pulls(id)) ?? before.get(id)]));
  return [...column].sort((one, other) => wish.get(one) - wish.get(other) || before.get(one) - before.get(other));
}

function crossings([left, middle, right], edges) {
  const at = [left, middle, right].map((column) => new Map(column.map((id, index) => [id, index])));
  const between = (a, b, pairs) => {
    let sum = 0;
    const ends = pairs.map(({ from, to }) => [at[a].get(from), at[b].get(to)]);
    ends.forEach(([from, to], index) => {
      for (let next = index + 1; next < ends.length; next += 1) {
        if ((from - ends[next][0]) * (to - ends[next][1]) < 0) sum += 1;
      }
    });
    return sum;
  };
  const fromComponent = edges.filter(({ to }) => at[1].has(to));
  const fromType = edges.filter(({ from }) => at[1].has(from));
  return between(0, 1, fromComponent) + between(1, 2, fromType);
}

// Gives each node its height: types evenly, components beside the middle of their types.
function stand(columns, nodes, out, into) {
  const types = columns[1].map((id, index) => ({ node: nodes.get(id), side: 1, y: (index + 0.5) * PITCH.type }));
  const typeAt = new Map(types.map(({ node, y }) => [node.id, y]));
  const beside = (column, side, neighbours) => {
    const wishes = column.map((id) => mean(pull(neighbours.get(id), typeAt)) ?? 0);
    const ys = apart(wishes, PITCH.component);
    return column.map((id, index) => ({ node: nodes.get(id), side, y: ys[index] }));
  };
  const placed = [beside(columns[0], 0, out), types, beside(columns[2], 2, into)];
  const all = placed.flat().map(({ y }) => y);
  const top = Math.min(PITCH.component / 2, ...all) - PITCH.component / 2;
  for (const at of placed.flat()) at.y -= top;
  const height = Math.max(0, ...placed.flat().map(({ y }) => y)) + PITCH.component / 2;
  return { columns: placed, height };
}

// Places that are as near to the wished ones as can be, in the same order, and `gap` apart: what
// would stand too close is pooled, and stands around the mean of its wishes.
export function apart(wishes, gap) {
  const pools = [];
  wishes.forEach((wish, index) => {
    pools.push({ sum: wish - index * gap, size: 1 });
    while (pools.length > 1) {
      const [above, below] = pools.slice(-2);
      if (above.sum / above.size <= below.sum / below.size) break;
      pools.splice(-2, 2, { sum: above.sum + below.sum, size: above.size + below.size });
    }
  });
  return pools.flatMap(({ sum, size }) => Array(size).fill(sum / size)).map((place, index) => place + index * gap);
}
