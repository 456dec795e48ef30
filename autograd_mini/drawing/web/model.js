// What of the scene is visible: marks of the chosen pass, folded boxes as one node, arrows between
// those. A folded box stands for every mark inside it; arrows that become one are merged.

const OPERATIONS = new Set(["operation", "output", "folded"]);
const EMPTY = { box: "", tooltip: "", fill: "", state: "", text: "", title: "", detail: "", parent: "" };

// Of a box of which the scene does not say what it is, folded.
const UNKNOWN = { kind: "module", lines: [], gradient: [], fill: "", tooltip: "" };

function readScene(text) {
  const scene = JSON.parse(text);
  scene.marks = scene.marks.map((mark) => ({ ...EMPTY, lines: [], bars: [], gradient: [], ...mark }));
  scene.arrows = scene.arrows.map((arrow) => ({ ...EMPTY, kind: "data", ...arrow }));
  scene.boxes = scene.boxes.map((box) => ({ ...EMPTY, ...box, folded: { ...UNKNOWN, ...box.folded } }));
  scene.markById = new Map(scene.marks.map((mark) => [mark.id, mark]));
  scene.boxById = new Map(scene.boxes.map((box) => [box.id, box]));
  scene.boxes.forEach((box) => { box.around = around(scene, box.parent); });
  const gradientEnds = scene.arrows.filter((arrow) => arrow.kind === "gradient");
  scene.backward = new Set(gradientEnds.flatMap((arrow) => [arrow.tail, arrow.head]));
  scene.marks.filter((mark) => mark.kind === "gradient").forEach((mark) => scene.backward.add(mark.id));
  return scene;
}

// The boxes around something in `box`, the outermost first.
function around(scene, box) {
  const found = [];
  for (let id = box; id; id = scene.boxById.get(id).parent) found.push(scene.boxById.get(id));
  return found.reverse();
}

function markShown(scene, mark, view) {
  if (view === "both") return true;
  return view === "backward" ? scene.backward.has(mark.id) : mark.kind !== "gradient";
}

function arrowShown(arrow, view) {
  return view === "both" || (arrow.kind === "gradient") === (view === "backward");
}

// The graph to be laid out: nodes, open boxes, arrows; `at` gives the node that shows a mark.
function visibleGraph(scene, folded, view) {
  const at = new Map();
  const nodes = new Map();
  const used = new Set();
  for (const mark of scene.marks) {
    if (!markShown(scene, mark, view)) continue;
    const boxes = around(scene, mark.box);
    const shut = boxes.findIndex((box) => folded.has(box.id));
    const open = shut < 0 ? boxes : boxes.slice(0, shut);
    open.forEach((box) => used.add(box.id));
    const node = shut < 0 ? markNode(mark) : boxNode(nodes, boxes[shut]);
    node.inside.push(mark);
    if (node.folds && !node.state && mark.state) node.state = mark.state === "failed" ? "failed" : "changed";
    nodes.set(node.key, node);
    at.set(mark.id, node);
  }
  const boxes = scene.boxes.filter((box) => used.has(box.id));
  return { nodes: [...nodes.values()], boxes, arrows: mergedArrows(scene, at, view), at };
}

function markNode(mark) {
  return { key: `m:${mark.id}`, box: mark.box, mark, kind: mark.kind, state: mark.state, inside: [] };
}

function boxNode(nodes, box) {
  const key = `b:${box.id}`;
  return nodes.get(key) ?? { key, box: box.parent, folds: box, kind: box.folded.kind, state: box.state, inside: [] };
}

function mergedArrows(scene, at, view) {
  const merged = new Map();
  for (const arrow of scene.arrows) {
    const [tail, head] = [at.get(arrow.tail), at.get(arrow.head)];
    if (!tail || !head || !arrowShown(arrow, view)) continue;
    if (tail === head && tail.folds) continue;
    const whole = !tail.folds && !head.folds;
    const key = JSON.stringify([tail.key, head.key, arrow.kind, whole ? merged.size : 0]);
    if (!merged.has(key)) merged.set(key, { key, tail, head, kind: arrow.kind, parts: [] });
    merged.get(key).parts.push(arrow);
  }
  return [...merged.values()].map(named);
}

// What stands on an arrow: its text, or how many it stands for; a state only if all agree.
function named(arrow) {
  const texts = new Set(arrow.parts.map((part) => part.text).filter(Boolean));
  const states = new Set(arrow.parts.map((part) => part.state));
  arrow.text = texts.size === 1 ? [...texts][0] : "";
  if (arrow.parts.length > 1) arrow.text = `${arrow.text} \u00d7${arrow.parts.length}`.trim();
  arrow.state = states.size === 1 ? [...states][0] : "changed";
  return arrow;
}

// What a folded box tells: what the scene says, else what is in it.
function toldOf(node) {
  const { folded, detail } = node.folds;
  if (folded.lines.length) return folded.lines;
  return [detail, operationsIn(node)].filter(Boolean);
}

function operationsIn(node) {
  const count = node.inside.filter((mark) => OPERATIONS.has(mark.kind)).length;
  const [number, word] = count ? [count, "operation"] : [node.inside.length, "node"];
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"} inside`;
}

// Fold the deepest boxes first until no more than `limit` nodes are visible.
function foldedToFit(scene, limit, view) {
  const count = (folded) => visibleGraph(scene, folded, view).nodes.length;
  let folded = new Set();
  const deepest = Math.max(-1, ...new Set(scene.boxes.map((box) => box.around.length)));
  for (let depth = deepest; depth >= 0 && count(folded) > limit; depth -= 1) {
    folded = new Set(scene.boxes.filter((box) => box.around.length >= depth).map((box) => box.id));
  }
  return folded;
}
