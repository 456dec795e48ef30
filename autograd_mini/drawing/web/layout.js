// The layout: every level from the innermost out is ranked, ordered and placed; then coordinates
// are given from the outermost in, and arrows are drawn through their ports and waypoints.
//
// Sugiyama, Tagawa & Toda, Methods for Visual Understanding of Hierarchical System Structures
// (1981), is the scheme.

const GAP = { node: 16, way: 10, pair: 26, rank: 34, border: 16, header: 26 };
const MOST_WAYS = 20000; // beyond this, long arrows of a level run straight

// Lay `graph` out; nodes need `width` and `height`, arrows `textWidth`, boxes `titleWidth`.
function layOut(graph, direction) {
  const flow = { horizontal: direction === "LR" || direction === "RL", direction };
  for (const node of graph.nodes) {
    [node.du, node.dv] = flow.horizontal ? [node.width, node.height] : [node.height, node.width];
  }
  const root = buildLevels(graph);
  claimTexts(graph, flow);
  placeLevel(root, flow);
  setPositions(root, 0, 0);
  spreadEnds(graph);
  const drawn = new Map(); // for every look of arrows
  for (const arrow of graph.arrows) {
    const look = `${arrow.kind} ${arrow.state}`;
    if (!drawn.has(look)) drawn.set(look, new Set());
    arrow.points = pointsOf(arrow, flow, drawn.get(look));
    arrow.wholeWay = () => pathOf(pointsOf(arrow, flow), direction);
  }
  const place = ({ u, v, du, dv }, middle) => screenBox(u, middle ? v - dv / 2 : v, du, dv, direction);
  for (const node of graph.nodes) Object.assign(node, place(node, true));
  const levels = allLevels(root).slice(1);
  for (const level of levels) level.frame = place(level, true);
  return { levels, frame: place({ u: 0, v: 0, du: root.du, dv: root.dv }, false) };
}

function placeLevel(level, flow) {
  for (const item of level.items) {
    if (item.kind === "level") placeLevel(item, flow);
    else stackBlock(item);
    item.size = item.dv;
    item.gap = item.kind === "level" ? GAP.node + 4 : GAP.node;
  }
  const rows = rowsOf(level);
  orderRanks(rows);
  placeAcross(rows);
  const columns = placeColumns(level, rows, flow);
  measureLevel(level, rows, columns, flow);
}

function stackBlock(block) {
  block.du = Math.max(...block.nodes.map((node) => node.du));
  block.dv = block.nodes.reduce((sum, node) => sum + node.dv + GAP.pair, -GAP.pair);
  let v = -block.dv / 2;
  for (const node of block.nodes) {
    node.offset = v + node.dv / 2;
    v += node.dv + GAP.pair;
  }
}

// The ranks with waypoints in them; the first and the last row hold the ports.
function rowsOf(level) {
  const rows = Array.from({ length: level.depth + 3 }, () => []);
  const items = [...level.items, ...level.ports.values()];
  for (const item of items) {
    [item.left, item.right] = [[], []];
    rows[item.rank + 1].push(item);
  }
  level.links = new Map();
  level.ways = new Map();
  const longest = new Map();
  for (const each of level.segments) {
    const { key } = each.arrow.tail;
    longest.set(key, Math.max(longest.get(key) ?? 0, spanOf(each)));
  }
  const most = [...longest.values()].reduce((a, b) => a + b, 0) > MOST_WAYS ? 8 : Infinity;
  for (const each of level.segments) if (spanOf(each) <= most) link(each, rows);
  return rows;
}

function spanOf({ head, tail }) {
  return Math.abs(head.item.rank - tail.item.rank);
}

// Link a segment's ends through waypoints, one in each rank between, shared by arrows of one value.
function link({ level, arrow, tail, head, ways }, rows) {
  const course = Math.sign(head.item.rank - tail.item.rank);
  let last = tail;
  for (let rank = tail.item.rank + course; rank !== head.item.rank; rank += course) {
    const way = wayOf(level, arrow, rank, rows);
    ways.push(way);
    connect(level, last, { item: way, part: way }, course);
    last = { item: way, part: way };
  }
  connect(level, last, head, course);
}

function wayOf(level, arrow, rank, rows) {
  const key = `${rank} ${arrow.tail.key}`;
  if (!level.ways.has(key)) {
    const way = { kind: "way", key, rank, size: 2, gap: GAP.way, left: [], right: [] };
    level.ways.set(key, way);
    rows[rank + 1].push(way);
  }
  return level.ways.get(key);
}

function connect(level, tail, head, course) {
  const [from, to] = course === RIGHT ? [tail, head] : [head, tail];
  const [fromOffset, toOffset] = [offsetOf(from), offsetOf(to)];
  level.names ??= new Map();
  const key = `${nameIn(level, from.part)} ${nameIn(level, to.part)}`;
  if (level.links.has(key)) return;
  const ways = [from, to].filter((end) => end.item.kind === "way").length;
  const weight = ways === 2 ? STRAIGHT : 1 + ways;
  const made = { from: from.item, to: to.item, fromOffset, toOffset, weight };
  level.links.set(key, made);
  from.item.right.push(made);
  to.item.left.push(made);
}

function nameIn(level, part) {
  if (!level.names.has(part)) level.names.set(part, level.names.size);
  return level.names.get(part);
}

// Where on the side of an item an arrow ends, from the item's middle.
function offsetOf({ item, part }) {
  return part === item ? 0 : part.offset;
}

// Columns along u: each as wide as its widest item, apart by what arrows and their texts need.
function placeColumns(level, rows, flow) {
  const gaps = rows.slice(1).map((_, r) => gapAfter(level, rows, r, flow));
  const columns = [];
  let u = 0;
  rows.forEach((row, r) => {
    if (r > 0) u += gaps[r - 1];
    const width = row.reduce((most, item) => Math.max(most, item.du ?? 0), 0);
    columns.push({ start: u, end: u + width });
    u += width;
  });
  return columns;
}

function gapAfter(level, rows, r, flow) {
  const atStart = r === 0;
  const atEnd = r === rows.length - 2;
  const header = flow.horizontal || !level.box ? 0 : GAP.header;
  const headerHere = (atStart && flow.direction === "TB") || (atEnd && flow.direction === "BT");
  const base = (headerHere ? header : 0) + (level.box || !(atStart || atEnd) ? GAP.border : 0);
  let [steepest, text] = [0, 0];
  for (const item of rows[r]) {
    for (const each of item.right) {
      steepest = Math.max(steepest, Math.abs(each.from.v + each.fromOffset - each.to.v - each.toOffset));
      text = Math.max(text, textRoom(each.to, LEFT, flow), textRoom(each.from, RIGHT, flow));
    }
  }
  const arrows = rows[r].some((item) => item.right.length);
  return base + (arrows ? GAP.rank - (level.box ? GAP.border - 8 : 0) + Math.min(90, steepest * 0.1) + text : 0);
}

// How much of the gap the texts of arrows that end at this side of an item take.
function textRoom(item, side, flow) {
  if (item.kind !== "block") return 0;
  const room = item.nodes.map((node) => (node.texts ?? []).filter((text) => text.side === side));
  const most = (texts) => texts.reduce((widest, text) => Math.max(widest, text.width + 8), 0);
  return Math.max(...room.map((texts) => (flow.horizontal ? most(texts) : 13 * texts.length)));
}

function measureLevel(level, rows, columns, flow) {
  let [least, most] = [Infinity, -Infinity];
  for (const item of rows.flat()) {
    least = Math.min(least, item.v - item.size / 2);
    most = Math.max(most, item.v + item.size / 2);
  }
  const border = level.box ? GAP.border : 0;
  const before = level.box && flow.horizontal ? GAP.header + 8 : border;
  const title = level.box?.titleWidth ?? 0;
  level.du = Math.max(columns[columns.length - 1].end, flow.horizontal ? title : 0);
  level.dv = Math.max(most - least + before + border, flow.horizontal ? 0 : title);
  columns[columns.length - 1].start = columns[columns.length - 1].end = level.du;
  level.columns = columns;
  const slack = level.dv - (most - least + before + border);
  for (const item of rows.flat()) item.v += before - least + slack / 2;
  for (const port of level.ports.values()) port.offset = port.v - level.dv / 2;
}

// Give absolute coordinates to all in a level whose corner stands at (u, v).
function setPositions(level, u, v) {
  Object.assign(level, { u0: u, v0: v });
  level.columns = level.columns.map(({ start, end }) => ({ start: u + start, end: u + end }));
  for (const item of [...level.items, ...level.ports.values(), ...level.ways.values()]) {
    const column = level.columns[item.rank + 1];
    item.column = column;
    item.v += v;
    item.u = column.start + (column.end - column.start - (item.du ?? 0)) * leaning(item);
    if (item.kind === "level") setPositions(item, item.u, item.v - item.dv / 2);
    if (item.kind === "block") item.nodes.forEach((node) => placeNode(node, item));
  }
}

// What only gives stands at the end of its column, what only takes at the start.
function leaning(item) {
  if (!item.left.length === !item.right.length) return 0.5;
  return item.left.length ? 0 : 1;
}

function placeNode(node, block) {
  node.u = block.u + (block.du - node.du) / 2;
  node.v = block.v + node.offset;
}
