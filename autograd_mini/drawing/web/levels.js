// The picture as levels: the inside of every open box is a level, laid out by itself, and the box
// is then one thing of a known size in the level around it. So what is in a box stays together.
// An arrow that crosses a border does so at a port, which both levels know.
//
// Everything here runs along u (the flow) and across v, whatever the direction of the picture.

const LEFT = -1;
const RIGHT = 1;
const AGAINST = new Set(["gradient", "loop"]);

// Return the outermost level; every node gets its `block`, every arrow its `route` of segments.
function buildLevels(graph) {
  const root = newLevel(null, null);
  const levels = new Map(graph.boxes.map((box) => [box.id, newLevel(box, null)]));
  const owners = pairOwners(graph);
  for (const node of graph.nodes) {
    if (owners.has(node)) continue;
    const level = attach(levels, root, node.box);
    addBlock(level, [node, ...(owners.gradients.get(node) ?? [])]);
  }
  for (const arrow of graph.arrows) meet(arrow, root);
  allLevels(root).forEach(rankLevel);
  for (const arrow of graph.arrows) arrow.route = arrow.within ? [] : routeOf(arrow);
  return root;
}

function newLevel(box, parent) {
  return { kind: "level", box, parent, items: [], edges: [], segments: [], ports: new Map() };
}

// Every box is hung into the one around it when its first node comes, which sets their order.
function attach(levels, root, id) {
  if (!id) return root;
  const level = levels.get(id);
  if (!level.parent) {
    level.parent = attach(levels, root, level.box.parent);
    level.parent.items.push(level);
  }
  return level;
}

function addBlock(level, nodes) {
  const block = { kind: "block", nodes, parent: level };
  nodes.forEach((node) => { node.block = block; });
  level.items.push(block);
}

// A gradient stands below its value: the two are one block. Maps a gradient to its value.
function pairOwners(graph) {
  const owners = new Map();
  owners.gradients = new Map();
  for (const { kind, tail, head } of graph.arrows) {
    const possible = kind === "pair" && tail !== head && tail.box === head.box;
    if (!possible || owners.has(tail) || owners.has(head) || owners.gradients.has(head)) continue;
    owners.set(head, tail);
    if (!owners.gradients.has(tail)) owners.gradients.set(tail, []);
    owners.gradients.get(tail).push(head);
  }
  return owners;
}

function allLevels(level) {
  return [level, ...level.items.filter((item) => item.kind === "level").flatMap(allLevels)];
}

// The levels around a node's block, from the outermost in, and the block itself.
function chainOf(node) {
  const chain = [];
  for (let item = node.block; item.parent; item = item.parent) chain.push(item);
  return chain.reverse();
}

// Find the level in which tail and head are in different things; there the arrow sets ranks.
function meet(arrow, root) {
  const [tails, heads] = [chainOf(arrow.tail), chainOf(arrow.head)];
  let depth = 0;
  while (tails[depth] && tails[depth] === heads[depth]) depth += 1;
  arrow.within = !tails[depth] || !heads[depth];
  if (arrow.within) return;
  const level = depth ? tails[depth - 1] : root;
  const ends = [tails[depth], heads[depth]];
  // The backward pass and loops run against the forward pass, which sets the ranks of all.
  level.edges.push(AGAINST.has(arrow.kind) ? ends.reverse() : ends);
  Object.assign(arrow, { tails, heads, depth, meeting: level });
}

function rankLevel(level) {
  const places = new Map(level.items.map((item, place) => [item, place]));
  const seen = new Map();
  for (const [a, b] of level.edges) {
    const [i, j] = [places.get(a), places.get(b)];
    seen.set(i * level.items.length + j, [i, j]);
  }
  const ranks = rankAll(level.items.length, [...seen.values()]);
  level.items.forEach((item, place) => { item.rank = ranks[place]; });
  level.depth = ranks.reduce((a, b) => Math.max(a, b), 0);
}

// The arrow's way out of the boxes of its tail, across, and into the boxes of its head.
function routeOf(arrow) {
  const { tails, heads, depth, tail, head } = arrow;
  arrow.course = tails[depth].rank < heads[depth].rank ? RIGHT : LEFT;
  const route = [];
  let end = { item: tail.block, part: tail };
  for (let i = tails.length - 1; i > depth; i -= 1) {
    const port = portOf(tails[i - 1], tail.key, arrow.course);
    route.push(segment(tails[i - 1], arrow, end, { item: port, part: port }));
    end = { item: tails[i - 1], part: port };
  }
  const inner = heads.slice(depth, -1).map((level) => [level, portOf(level, tail.key, -arrow.course)]);
  const ends = [...inner.map(([level, port]) => ({ item: level, part: port })), { item: head.block, part: head }];
  route.push(segment(arrow.meeting, arrow, end, ends[0]));
  inner.forEach(([level, port], i) => {
    route.push(segment(level, arrow, { item: port, part: port }, ends[i + 1]));
  });
  return route;
}

function segment(level, arrow, tail, head) {
  const made = { level, arrow, tail, head, ways: [] };
  level.segments.push(made);
  return made;
}

// Where a value crosses the border of a box: one port, however many arrows read it inside.
function portOf(level, key, side) {
  const name = `${side} ${key}`;
  if (!level.ports.has(name)) {
    const rank = side === LEFT ? -1 : level.depth + 1;
    level.ports.set(name, { kind: "port", parent: level, rank, side, size: 2, gap: 12 });
  }
  return level.ports.get(name);
}
