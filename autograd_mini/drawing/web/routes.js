// The way of an arrow: level across columns, curved between them, so that it touches no node.

// Texts need room at the side of the node that they end at; sides are known once ranks are.
function claimTexts(graph, flow) {
  for (const arrow of graph.arrows) {
    if (!arrow.text || arrow.within) continue;
    arrow.head.texts ??= [];
    arrow.head.texts.push({ side: -arrow.course, width: arrow.textWidth });
  }
  for (const node of graph.nodes) {
    const most = Math.max(...[LEFT, RIGHT].map((side) => (node.texts ?? []).filter((text) => text.side === side).length));
    if (node.kind !== "constant") node.dv = Math.max(node.dv, most * (flow.horizontal ? 14 : 26) + 6);
  }
}

// Sort the ends of arrows at every side of a node by where they come from, and spread them.
function spreadEnds(graph) {
  const sides = new Map();
  for (const arrow of graph.arrows) {
    if (arrow.within) continue;
    const [first, last] = [arrow.route[0], arrow.route[arrow.route.length - 1]];
    addEnd(sides, arrow.tail, arrow.course, `t ${arrow.kind}`, heightOf(first, true), arrow, "tailEnd");
    addEnd(sides, arrow.head, -arrow.course, arrow.key, heightOf(last, false), arrow, "headEnd");
  }
  for (const { node, ends } of sides.values()) spread(node, [...ends.values()]);
}

function addEnd(sides, node, side, name, v, arrow, which) {
  const key = `${side} ${node.key}`;
  if (!sides.has(key)) sides.set(key, { node, ends: new Map() });
  const { ends } = sides.get(key);
  if (!ends.has(name)) ends.set(name, { wishes: [], arrows: [] });
  ends.get(name).wishes.push(v);
  ends.get(name).arrows.push([arrow, which]);
}

// Where across an arrow is next to its tail, or to its head.
function heightOf(segment, atTail) {
  const way = atTail ? segment.ways[0] : segment.ways[segment.ways.length - 1];
  if (way) return way.v;
  const { part } = atTail ? segment.head : segment.tail;
  return part.v;
}

function spread(node, ends) {
  for (const end of ends) end.wish = end.wishes.reduce((a, b) => a + b) / end.wishes.length;
  ends.sort((a, b) => a.wish - b.wish);
  const step = node.kind === "constant" ? 0 : Math.min(24, (node.dv - 6) / ends.length);
  ends.forEach((end, i) => {
    const shift = (i - (ends.length - 1) / 2) * step;
    for (const [arrow, which] of end.arrows) arrow[which] = { v: node.v + shift, place: i, count: ends.length };
  });
}

// The points of an arrow in (u, v): between two of one v runs a line, else a curve. Arrows of one
// value share their way up to where they part: with `drawn`, only what is not yet drawn is given.
function pointsOf(arrow, flow, drawn = null) {
  if (arrow.within) return withinBlock(arrow);
  const points = []; // from the head to the tail
  for (let i = arrow.route.length - 1; i >= 0; i -= 1) {
    const { tail, head, ways } = arrow.route[i];
    const isLast = i === arrow.route.length - 1;
    const end = endPoint(head, -arrow.course, isLast ? arrow.headEnd : null, isLast ? textRun(arrow, flow) : 0);
    points.push(end.edge, end.column);
    for (const way of ways.slice().reverse()) {
      const [entry, exit] = acrossColumn(way, arrow.course);
      points.push(exit);
      if (isDrawn(drawn, way)) return tidied(points);
      points.push(entry);
    }
    const start = endPoint(tail, arrow.course, i === 0 ? arrow.tailEnd : null);
    points.push(start.column, start.edge);
    if (i > 0 && isDrawn(drawn, tail.part)) return tidied(points);
  }
  return tidied(points);
}

function isDrawn(drawn, part) {
  if (!drawn) return false;
  const before = drawn.has(part);
  drawn.add(part);
  return before;
}

function tidied(points) {
  const same = ([u, v], i) => i > 0 && u === points[i - 1][0] && v === points[i - 1][1];
  return points.filter((point, i) => !same(point, i)).reverse();
}

function textRun(arrow, flow) {
  if (!arrow.text) return 12;
  return flow.horizontal ? arrow.textWidth + 14 : 13 * arrow.headEnd.place + 18;
}

function endPoint({ item, part }, side, end, straight = 0) {
  const v = end ? end.v : part.v;
  const right = side === RIGHT;
  const column = right ? item.column.end : item.column.start;
  if (part.kind === "port") return { edge: [part.column.start, v], column: [column, v] };
  const edge = right ? part.u + part.du : part.u;
  const run = right ? Math.max(column, edge + straight) : Math.min(column, edge - straight);
  return { edge: [edge, v], column: [run, v] };
}

function acrossColumn({ column, v }, course) {
  const [a, b] = course === RIGHT ? [column.start, column.end] : [column.end, column.start];
  return [[a, v], [b, v]];
}

// From a value to its gradient below it, or a loop at one node.
function withinBlock({ tail, head }) {
  const u = tail.u + tail.du / 2;
  if (tail === head) return [[tail.u + tail.du, tail.v - 4], [tail.u + tail.du + 24, tail.v], [tail.u + tail.du, tail.v + 4]];
  const down = Math.sign(head.v - tail.v);
  return [[u, tail.v + (down * tail.dv) / 2], [u, head.v - (down * head.dv) / 2]];
}

// An SVG path through the points, in the picture's direction.
function pathOf(points, direction) {
  const [first, ...rest] = points;
  let path = `M${turned(first, direction)}`;
  let last = first;
  for (const point of rest) {
    path += last[1] === point[1] || last[0] === point[0]
      ? `L${turned(point, direction)}`
      : curve(last, point, direction);
    last = point;
  }
  return path;
}

function curve(from, to, direction) {
  const middle = (from[0] + to[0]) / 2;
  const handles = [[middle, from[1]], [middle, to[1]], to];
  return `C${handles.map((point) => turned(point, direction)).join(" ")}`;
}

function turned(point, direction) {
  return screenPoint(point, direction).map((x) => Math.round(x * 10) / 10).join(",");
}

function screenPoint([u, v], direction) {
  if (direction === "LR") return [u, v];
  if (direction === "RL") return [-u, v];
  return direction === "TB" ? [v, u] : [v, -u];
}

// The rectangle on the screen of something with a corner (u, v) and a size.
function screenBox(u, v, du, dv, direction) {
  const [x, y] = screenPoint([u, v], direction);
  const [w, h] = direction === "LR" || direction === "RL" ? [du, dv] : [dv, du];
  return { x: direction === "RL" ? x - w : x, y: direction === "BT" ? y - h : y, w, h };
}
