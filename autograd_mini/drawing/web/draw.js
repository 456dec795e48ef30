// The graph as SVG: boxes at the bottom, then arrows, then marks, then the headers of boxes. All
// text goes in as textContent, so that no name can be markup.

function drawGraph(graph, placed, direction, layer) {
  const layers = ["boxes", "arrows", "texts", "marks", "headers"].map((name) => element("g", { class: name }));
  const [boxes, arrows, texts, marks, headers] = layers;
  for (const level of placed.levels) {
    boxes.append(boxFrame(level));
    headers.append(boxHeader(level));
  }
  for (const arrow of graph.arrows) {
    arrows.append(drawArrow(arrow, direction));
    if (arrow.label) texts.append(arrowText(arrow, direction));
  }
  for (const node of graph.nodes) marks.append(drawNode(node));
  layer.replaceChildren(...layers);
}

function boxFrame({ box, frame }) {
  const { x, y, w: width, h: height } = frame;
  const shape = element("rect", { class: "frame", x, y, width, height, rx: 8 });
  const group = element("g", { class: classes("box", box), "data-id": box.id });
  group.append(shape);
  return group;
}

function boxHeader({ box, frame }) {
  const label = `${visible(box.title)}: click to fold`;
  const group = element("g", {
    class: classes("header", box),
    "data-box": box.id,
    role: "button",
    tabindex: 0,
    "aria-expanded": "true",
    "aria-label": label,
    transform: `translate(${frame.x},${frame.y})`,
  });
  const { title, detail, start, width } = headerTexts(box);
  group.append(element("rect", { class: "grip", x: 0, y: 0, width, height: GAP.header, rx: 8 }));
  group.append(element("text", { class: "title", x: 10, y: 18 }, title));
  if (detail) group.append(element("text", { class: "line quiet", x: start, y: 18 }, detail));
  return group;
}

function classes(kind, { state }) {
  return SIGNS[state] ? `${kind} state-${state}` : kind;
}

function drawNode(node) {
  const group = element("g", {
    class: `${classes("mark", node)} kind-${KIND_NAMES[node.kind] ? node.kind : "operation"}`,
    "data-key": node.key,
    "data-id": node.folds ? node.folds.id : node.mark.id,
    transform: `translate(${node.x},${node.y})`,
    ...(node.folds
      ? { role: "button", tabindex: 0, "aria-expanded": "false", "data-box": node.folds.id }
      : { role: "img", tabindex: -1 }),
    "aria-label": node.rows.map((row) => row.text).filter(Boolean).join(", "),
  });
  group.append(...outline(node.kind, node.w, node.h));
  const fill = colour((node.mark ?? node.folds.folded).fill);
  if (fill) paint(group, fill);
  writeRows(group, node);
  if (SIGNS[node.state]) group.append(badge(node.state));
  return group;
}

function paint(group, fill) {
  group.classList.add("painted");
  group.style.setProperty("--fill", fill);
  group.style.setProperty("--ink", inkOn(fill));
}

// The rows stand in the middle of the node, which may be higher than they are.
function writeRows(group, node) {
  const high = node.rows.reduce((sum, row) => sum + HEIGHTS[row.font], 0);
  let y = (node.h - high + (EXTRA[node.kind]?.top ?? 0)) / 2;
  for (const row of node.rows) {
    group.append(row.bars
      ? histogram(row.bars, node.w / 2 - 32, y + 3, 64, HEIGHTS.bars - 6)
      : element("text", { class: `${row.font} ${row.look ?? ""}`, x: node.w / 2, y: y + HEIGHTS[row.font] - 4 }, row.text));
    y += HEIGHTS[row.font];
  }
}

function badge(state) {
  const group = element("g", { class: "badge" });
  group.append(element("circle", { r: 9 }), element("text", { y: 4 }, SIGNS[state]));
  return group;
}

function drawArrow(arrow, direction) {
  const kind = ["gradient", "pair", "loop"].includes(arrow.kind) ? arrow.kind : "data";
  const group = element("g", {
    class: `${classes("arrow", arrow)} arrow-${kind}`,
    "data-key": arrow.key,
    "data-tail": arrow.tail.key,
    "data-head": arrow.head.key,
    "data-kind": arrow.kind,
    "data-count": arrow.parts.length,
  });
  const d = pathOf(arrow.points, direction);
  group.append(element("path", { class: "hit", d }), element("path", { class: "way", d }));
  group.append(element("path", { class: "point", d: pointOf(arrow.points, direction) }));
  return group;
}

// The arrow's point, at its last point and away from the one before.
function pointOf(points, direction) {
  const [x, y] = screenPoint(points[points.length - 1], direction);
  const [fromX, fromY] = screenPoint(points[points.length - 2], direction);
  const along = Math.abs(x - fromX) > 0 && isAlongU(points) === isHorizontal(direction);
  const s = along ? Math.sign(x - fromX) : Math.sign(y - fromY);
  return along
    ? `M${x},${y}l${-8 * s},-3.5v7z`
    : `M${x},${y}l-3.5,${-8 * s}h7z`;
}

function isHorizontal(direction) {
  return direction === "LR" || direction === "RL";
}

// Curves end along u; the short way from a value to its gradient runs along v.
function isAlongU(points) {
  return points[points.length - 1][0] !== points[points.length - 2][0];
}

// The text stands over the arrow's end; in a vertical picture on the outer side of it, and each
// on a line of its own.
function arrowText(arrow, direction) {
  const [x, y] = screenPoint(arrow.points[arrow.points.length - 1], direction);
  const look = { class: `${classes("text", arrow)} arrow-${arrow.kind}`, "data-key": `${arrow.key} text` };
  if (arrow.within) return element("text", { ...look, x: x + 6, y: y - 9 }, arrow.label);
  const backwards = (arrow.course === LEFT) !== (direction === "RL" || direction === "BT");
  if (isHorizontal(direction)) {
    const place = { x: backwards ? x + 11 : x - 11, y: y - 4, "text-anchor": backwards ? "start" : "end" };
    return element("text", { ...look, ...place }, arrow.label);
  }
  const { place, count } = arrow.headEnd;
  const outer = place < (count - 1) / 2 ? { x: x - 5, "text-anchor": "end" } : { x: x + 5 };
  const line = 13 * Math.min(place, count - 1 - place);
  return element("text", { ...look, ...outer, y: backwards ? y + 18 + line : y - 11 - line }, arrow.label);
}
