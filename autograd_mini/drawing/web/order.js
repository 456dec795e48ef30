// The order within ranks: sweeps forth and back put every item at the mean place of what it is
// linked to in the rank before, and the order with the fewest crossings is kept.

const SWEEPS = 14;
const PATIENCE = 4; // sweeps without a better order

// `ranks` are lists of items, each with `size`; every item knows its links to the left and right.
function orderRanks(ranks) {
  ranks.forEach(number);
  let best = { crossings: crossingsOf(ranks), order: ranks.map((rank) => rank.slice()) };
  let found = 0;
  for (let sweep = 1; sweep <= SWEEPS && sweep - found <= PATIENCE && best.crossings > 0; sweep += 1) {
    sweepOnce(ranks, sweep % 2 === 1);
    const crossings = crossingsOf(ranks);
    if (crossings >= best.crossings) continue;
    best = { crossings, order: ranks.map((rank) => rank.slice()) };
    found = sweep;
  }
  ranks.forEach((rank, r) => {
    rank.splice(0, rank.length, ...best.order[r]);
    number(rank);
  });
}

function number(rank) {
  rank.forEach((item, place) => { item.place = place; });
}

function sweepOnce(ranks, toRight) {
  const rows = toRight ? ranks : ranks.slice().reverse();
  for (const rank of rows) {
    for (const item of rank) item.wish = meanPlace(item, toRight ? item.left : item.right);
    arrange(rank);
    number(rank);
  }
}

function meanPlace(item, links) {
  if (!links.length) return null;
  let sum = 0;
  for (const link of links) sum += link.from === item ? placeOf(link.to, link.toOffset) : placeOf(link.from, link.fromOffset);
  return sum / links.length;
}

// The place in the rank, with where on the item's side the link ends.
function placeOf(item, offset) {
  return item.place + (item.size ? Math.max(-0.45, Math.min(0.45, offset / item.size)) : 0);
}

// Sort by wish; what has none keeps its place among the others.
function arrange(rank) {
  const wishing = rank.filter((item) => item.wish !== null);
  wishing.sort((a, b) => a.wish - b.wish || a.place - b.place);
  let taken = 0;
  for (let place = 0; place < rank.length; place += 1) {
    if (rank[place].wish !== null) rank[place] = wishing[taken++];
  }
}

function crossingsOf(ranks) {
  let sum = 0;
  for (const rank of ranks) sum += crossingsAfter(rank);
  return sum;
}

// Links sorted by where they start; every pair in the wrong order at the end is a crossing.
function crossingsAfter(rank) {
  const ends = [];
  for (const item of rank) {
    for (const link of item.right) {
      ends.push([placeOf(item, link.fromOffset), placeOf(link.to, link.toOffset)]);
    }
  }
  ends.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return inversions(ends.map((end) => end[1]))[1];
}

// Merge sort that counts: returns the sorted values, and how many pairs were in the wrong order.
function inversions(values) {
  if (values.length < 2) return [values, 0];
  const middle = values.length >> 1;
  const [low, inLow] = inversions(values.slice(0, middle));
  const [high, inHigh] = inversions(values.slice(middle));
  const merged = [];
  let count = inLow + inHigh;
  let [i, j] = [0, 0];
  while (i < low.length || j < high.length) {
    if (j >= high.length || (i < low.length && low[i] <= high[j])) {
      merged.push(low[i++]);
    } else {
      merged.push(high[j++]);
      count += low.length - i;
    }
  }
  return [merged, count];
}
