// Where items stand across the flow: each rank in turn is put as near as its order and the gaps
// allow to what its items are linked to, which is least squares with an order: neighbours that
// would overlap are pooled and moved as one. Passes forth and back straighten long arrows.

const PASSES = 16;
const STRAIGHT = 8; // how much more a bend between two waypoints counts than one at a mark

function placeAcross(ranks) {
  for (const rank of ranks) stack(rank);
  for (let pass = 0; pass < PASSES; pass += 1) {
    const toRight = pass % 2 === 0;
    const rows = toRight ? ranks : ranks.slice().reverse();
    const both = pass >= PASSES - 4;
    for (const rank of rows) settle(rank, wishes(rank, toRight, both));
  }
}

function stack(rank) {
  let v = 0;
  rank.forEach((item, i) => {
    if (i > 0) v += apart(rank[i - 1], item);
    item.v = v;
  });
  const middle = v / 2;
  rank.forEach((item) => { item.v -= middle; });
}

// The least distance between the middles of two neighbours.
function apart(a, b) {
  return (a.size + b.size) / 2 + Math.max(a.gap, b.gap);
}

// For every item where it would like to stand, and how much.
function wishes(rank, toRight, both) {
  return rank.map((item) => {
    let links = toRight ? item.left : item.right;
    if (both || !links.length) links = item.left.concat(item.right);
    let [sum, weight] = [0, 0];
    for (const link of links) {
      const w = link.weight;
      weight += w;
      sum += w * (link.from === item
        ? link.to.v + link.toOffset - link.fromOffset
        : link.from.v + link.fromOffset - link.toOffset);
    }
    return weight ? { v: sum / weight, weight } : { v: item.v, weight: 0.01 };
  });
}

// Pool adjacent violators: exact for the weighted squares under the order and the gaps.
function settle(rank, wished) {
  const pools = [];
  let shift = 0;
  rank.forEach((item, i) => {
    if (i > 0) shift += apart(rank[i - 1], item);
    let pool = { mean: wished[i].v - shift, weight: wished[i].weight, count: 1 };
    while (pools.length && pools[pools.length - 1].mean > pool.mean) pool = joined(pools.pop(), pool);
    pools.push(pool);
  });
  let [i, offset] = [0, 0];
  for (const pool of pools) {
    for (let k = 0; k < pool.count; k += 1, i += 1) {
      if (i > 0) offset += apart(rank[i - 1], rank[i]);
      rank[i].v = pool.mean + offset;
    }
  }
}

function joined(a, b) {
  const weight = a.weight + b.weight;
  const mean = (a.mean * a.weight + b.mean * b.weight) / weight;
  return { mean, weight, count: a.count + b.count };
}
