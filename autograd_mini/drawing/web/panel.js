// The panel that tells all about what the pointer is on, and the light on its arrows.

const MOST_PARTS = 12;
const MOST_LIT = 60; // arrows that are lit from their very start

function nodePanel(scene, node) {
  if (node.folds) return foldedPanel(node);
  const { mark } = node;
  const path = around(scene, mark.box).map((box) => visible(box.title)).join(" \u203a ");
  const parts = [html("h2", `of-${mark.kind}`, visible(mark.title)), html("p", "quiet", kindLine(mark))];
  if (path) parts.push(html("p", "path", path));
  parts.push(...mark.lines.map((line) => html("p", "", visible(line))));
  if (mark.bars.length) parts.push(barsPicture(mark.bars));
  parts.push(...mark.gradient.map((line) => html("p", "gradient-line", visible(line))));
  return [...parts, ...tooltipLines(mark.tooltip)];
}

function kindLine(mark) {
  const kind = KIND_NAMES[mark.kind] ?? mark.kind;
  return mark.state ? `${kind}, ${SIGNS[mark.state] ?? ""} ${STATE_NAMES[mark.state] ?? mark.state}` : kind;
}

function boxPanel(box) {
  const state = box.state ? ` ${SIGNS[box.state] ?? ""} ${STATE_NAMES[box.state] ?? box.state}` : "";
  const parts = [html("h2", "of-module", visible(box.title)), html("p", "quiet", `module${state}`)];
  return box.detail ? [...parts, html("p", "", visible(box.detail))] : parts;
}

function foldedPanel(node) {
  const { detail, folded } = node.folds;
  const told = toldOf(node).filter((line) => line !== detail).map((line) => html("p", "", visible(line)));
  const gradient = folded.gradient.map((line) => html("p", "gradient-line", visible(line)));
  return [...boxPanel(node.folds), ...told, ...gradient, ...tooltipLines(folded.tooltip)];
}

function tooltipLines(tooltip) {
  if (!tooltip) return [];
  const list = html("div", "source");
  list.append(...tooltip.split("\n").map((line) => html("p", "", visible(line))));
  return [list];
}

function barsPicture(bars) {
  const svg = element("svg", { class: "histogram", viewBox: "0 0 200 44", width: 200, height: 44 });
  svg.append(histogram(bars, 0, 2, 200, 40));
  return svg;
}

function titleOf(node) {
  return visible(node.folds ? node.folds.title : node.mark.title);
}

function arrowPanel(scene, arrow) {
  const parts = [html("h2", `of-arrow-${arrow.kind}`, `${titleOf(arrow.tail)} \u2192 ${titleOf(arrow.head)}`)];
  const kind = { data: "value", gradient: "gradient", pair: "from a value to its gradient", loop: "value, into the next turn" }[arrow.kind];
  parts.push(html("p", "quiet", arrow.parts.length > 1 ? `${kind}, ${arrow.parts.length} arrows` : kind ?? arrow.kind));
  for (const part of arrow.parts.slice(0, MOST_PARTS)) {
    if (part.text) parts.push(html("p", "", visible(part.text)));
    parts.push(...tooltipLines(part.tooltip));
  }
  const more = arrow.parts.length - MOST_PARTS;
  return more > 0 ? [...parts, html("p", "quiet", `and ${more} more`)] : parts;
}

// Show the panel beside a rectangle of the window, where there is room.
function showPanel(panel, parts, near) {
  panel.replaceChildren(...parts);
  panel.hidden = false;
  const area = panel.parentElement.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const right = near.right + 14;
  const x = right + width < area.right ? right : Math.max(area.left + 8, near.left - 14 - width);
  const y = Math.max(area.top + 8, Math.min(near.top, area.bottom - height - 8));
  panel.style.left = `${x - area.left}px`;
  panel.style.top = `${y - area.top}px`;
}

// Light up the arrows of a node, or one arrow, and what they join.
function lightUp(app, key) {
  app.layer.querySelectorAll(".near").forEach((each) => each.classList.remove("near"));
  app.lit.forEach(([way, d]) => way.setAttribute("d", d));
  const touched = app.graph.arrows.filter((arrow) => [arrow.key, arrow.tail.key, arrow.head.key].includes(key));
  for (const arrow of touched) {
    const joined = [arrow.key, `${arrow.key} text`, arrow.tail.key, arrow.head.key];
    joined.forEach((each) => app.parts.get(each)?.classList.add("near"));
  }
  app.lit = touched.length <= MOST_LIT ? touched.map((arrow) => drawWhole(app, arrow)) : [];
  app.parts.get(key)?.classList.add("near");
}

// Draw an arrow from its tail on; return what it was before.
function drawWhole(app, arrow) {
  const way = app.parts.get(arrow.key).querySelector(".way");
  const before = way.getAttribute("d");
  way.setAttribute("d", arrow.wholeWay());
  return [way, before];
}

function hover(app, target) {
  const group = target?.closest?.(".mark, .arrow, .header");
  if (!group || app.svg.classList.contains("dragging")) return app.pinned ? undefined : leave(app);
  if (app.pinned) return undefined;
  return tell(app, group);
}

// Tell about a mark, an arrow or the header of a box.
function tell(app, group, near = null) {
  const { key } = group.dataset;
  const arrow = app.arrowByKey.get(key);
  const node = app.nodeByKey.get(key);
  const box = app.scene.boxById.get(group.dataset.box);
  const place = near ?? (arrow ? pointRect(app.pointer) : group.getBoundingClientRect());
  const parts = arrow ? arrowPanel(app.scene, arrow) : node ? nodePanel(app.scene, node) : boxPanel(box);
  showPanel(app.panel, parts, place);
  lightUp(app, key);
}

function pointRect({ x, y }) {
  return { left: x, right: x, top: y, bottom: y };
}

function leave(app) {
  app.pinned = false;
  app.panel.hidden = true;
  app.panel.classList.remove("pinned");
  lightUp(app, null);
}

// A click keeps the panel, so that its text can be read and copied.
function pin(app, group) {
  app.pinned = false;
  tell(app, group);
  app.pinned = true;
  app.panel.classList.add("pinned");
}
