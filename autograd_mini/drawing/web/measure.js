// How large things are: the rows of text in a node, measured as the browser will draw them.

const FONT = 'Helvetica, Arial, "Liberation Sans", sans-serif';
const FONTS = { title: `600 13px ${FONT}`, line: `11.5px ${FONT}`, text: `10.5px ${FONT}` };
const HEIGHTS = { title: 17, line: 15, bars: 24 };
const PADDING = { x: 12, y: 7 };
const LONGEST = 46; // characters of a row
const LONGEST_ON_ARROW = 72; // so six numbers are told whole
const MOST_ROWS = 6; // of one line; the panel shows the rest
const SIGNS = { failed: "\u2715", added: "+", removed: "\u2212", changed: "\u2260" };

const context = document.createElement("canvas").getContext("2d");
const widths = new Map();

function widthOf(text, font) {
  const key = `${font} ${text}`;
  if (!widths.has(key)) {
    context.font = FONTS[font];
    widths.set(key, Math.ceil(context.measureText(text).width));
  }
  return widths.get(key);
}

// What can't be seen, or turns the direction of what follows, is spelled out.
function visible(text) {
  return String(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

function cut(text, longest = LONGEST) {
  const letters = [...visible(text)];
  return letters.length <= longest ? letters.join("") : `${letters.slice(0, longest - 1).join("")}\u2026`;
}

// A line as rows, broken at spaces; only a word that is too long, or too many rows, are cut.
function wrapped(text) {
  const rows = [];
  for (const word of visible(text).split(" ")) {
    const last = rows.length - 1;
    if (last >= 0 && `${rows[last]} ${word}`.length <= LONGEST) rows[last] += ` ${word}`;
    else rows.push(cut(word));
  }
  return rows.length <= MOST_ROWS ? rows : [...rows.slice(0, MOST_ROWS - 1), "\u2026"];
}

function lineRows(lines, look = "") {
  return lines.flatMap(wrapped).map((text) => ({ font: "line", look, text }));
}

// The rows of a node: kind of row and text.
function rowsFor(node) {
  if (node.folds) return moduleRows(node);
  const { title, lines, bars, gradient } = node.mark;
  return [
    { font: "title", text: cut(title) },
    ...lineRows(lines),
    ...(bars.length ? [{ font: "bars", bars }] : []),
    ...lineRows(gradient, "gradient-line"),
  ];
}

function moduleRows(node) {
  const rows = [{ font: "title", text: `\u25b8 ${cut(node.folds.title)}` }];
  return [...rows, ...lineRows(toldOf(node)), ...lineRows(node.folds.folded.gradient, "gradient-line")];
}

function measureNode(node) {
  node.rows = rowsFor(node).filter((row) => row.bars || row.text);
  const wide = node.rows.reduce((most, row) => Math.max(most, row.bars ? 64 : widthOf(row.text, row.font)), 0);
  const high = node.rows.reduce((sum, row) => sum + HEIGHTS[row.font], 0);
  const extra = EXTRA[node.kind] ?? { top: 0, side: 0 };
  node.width = wide + 2 * PADDING.x + 2 * extra.side;
  node.height = high + 2 * PADDING.y + extra.top;
  if (node.kind === "constant") node.width = Math.max(node.height, node.width - PADDING.x);
}

function measureGraph(graph) {
  graph.nodes.forEach(measureNode);
  for (const arrow of graph.arrows) {
    arrow.label = [SIGNS[arrow.state], arrow.text && cut(arrow.text, LONGEST_ON_ARROW)].filter(Boolean).join(" ");
    arrow.text = arrow.label;
    arrow.textWidth = widthOf(arrow.label, "text");
  }
  for (const box of graph.boxes) box.titleWidth = headerTexts(box).width;
}

// The header of an open box: its title and, quieter, its detail.
function headerTexts(box) {
  const title = `\u25be ${SIGNS[box.state] ? `${SIGNS[box.state]} ` : ""}${cut(box.title)}`;
  const detail = box.detail ? cut(box.detail) : "";
  const start = widthOf(title, "title") + 18;
  return { title, detail, start, width: start + (detail ? widthOf(detail, "line") + 8 : 0) + 8 };
}
