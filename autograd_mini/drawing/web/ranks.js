// Ranks: which column a thing stands in. Edges point to higher ranks once those that close a cycle
// are turned; everything then moves as close to its readers as it can.

// Return the rank of each of `count` things, from 0; edges are pairs of their places.
function rankAll(count, edges) {
  const [next, previous] = neighbours(count, acyclic(count, edges));
  const order = topological(next, previous);
  const ranks = new Array(count).fill(0);
  for (const i of order) for (const j of next[i]) ranks[j] = Math.max(ranks[j], ranks[i] + 1);
  const loose = looseOnes(order, next, previous);
  for (const i of order.reverse()) {
    if (next[i].length && (loose[i] || next[i].length > previous[i].length)) {
      ranks[i] = next[i].reduce((least, j) => Math.min(least, ranks[j]), Infinity) - 1;
    }
  }
  const lowest = ranks.reduce((a, b) => Math.min(a, b), Infinity);
  return ranks.map((rank) => rank - lowest);
}

// Whether all that a thing was computed from is given, or serves it alone: a parameter's transpose,
// the product of one step's input. Such things stand right before their first reader.
function looseOnes(order, next, previous) {
  const loose = [];
  const serves = (j) => previous[j].length === 0 || (loose[j] && next[j].length === 1);
  for (const i of order) loose[i] = previous[i].every(serves);
  return loose;
}

function neighbours(count, edges) {
  const next = Array.from({ length: count }, () => []);
  const previous = Array.from({ length: count }, () => []);
  for (const [i, j] of edges) {
    next[i].push(j);
    previous[j].push(i);
  }
  return [next, previous];
}

// Turn every edge that leads back to where a depth-first walk has come from.
function acyclic(count, edges) {
  const proper = edges.filter(([i, j]) => i !== j);
  const outgoing = Array.from({ length: count }, () => []);
  proper.forEach(([i], e) => outgoing[i].push(e));
  const state = new Uint8Array(count); // 0 new, 1 on the path, 2 done
  const turned = new Set();
  for (let root = 0; root < count; root += 1) {
    if (state[root] === 0) walkFrom(root, proper, outgoing, state, turned);
  }
  return proper.map(([i, j], e) => (turned.has(e) ? [j, i] : [i, j]));
}

function walkFrom(root, edges, outgoing, state, turned) {
  const path = [[root, 0]];
  state[root] = 1;
  while (path.length) {
    const top = path[path.length - 1];
    const e = outgoing[top[0]][top[1]++];
    if (e === undefined) {
      state[top[0]] = 2;
      path.pop();
    } else if (state[edges[e][1]] === 1) {
      turned.add(e);
    } else if (state[edges[e][1]] === 0) {
      state[edges[e][1]] = 1;
      path.push([edges[e][1], 0]);
    }
  }
}

function topological(next, previous) {
  const waiting = previous.map((list) => list.length);
  const order = waiting.flatMap((left, i) => (left === 0 ? [i] : []));
  for (let at = 0; at < order.length; at += 1) {
    for (const j of next[order[at]]) {
      waiting[j] -= 1;
      if (waiting[j] === 0) order.push(j);
    }
  }
  return order;
}
