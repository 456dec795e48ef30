// The looks of the kinds: each has a shape of its own, so that colour alone tells nothing apart.

const SVG = "http://www.w3.org/2000/svg";
const EXTRA = {
  parameter: { top: 8, side: 0 },
  output: { top: 0, side: 4 },
  module: { top: 5, side: 3 },
  gradient: { top: 0, side: 3 },
};
const KIND_NAMES = {
  input: "input",
  parameter: "parameter",
  constant: "constant",
  operation: "operation",
  output: "output",
  module: "module, folded",
  folded: "several calls shown as one",
  gradient: "gradient",
};
const STATE_NAMES = { failed: "failed here", added: "added", removed: "removed", changed: "changed" };

function element(name, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

function html(name, look, text = null) {
  const made = document.createElement(name);
  if (look) made.className = look;
  if (text !== null) made.textContent = text;
  return made;
}

// The outline of a kind in a rectangle with its corner at (0, 0), as SVG elements.
function outline(kind, w, h) {
  const rect = (x, y, rx, look = "shape") => element("rect", { class: look, x, y, width: w, height: h, rx });
  if (kind === "parameter") return cylinder(w, h);
  if (kind === "input") return note(w, h);
  if (kind === "constant") return [rect(0, 0, h / 2)];
  if (kind === "gradient") return [element("path", { class: "shape", d: octagon(w, h, 8) })];
  if (kind === "output") return [rect(0, 0, 7), inner(w, h)];
  if (kind === "module") return solid(w, h);
  if (kind === "folded") return [rect(6, 6, 7, "shape back"), rect(3, 3, 7, "shape back"), rect(0, 0, 7)];
  return [rect(0, 0, 7)];
}

// A block seen from above and the right.
function solid(w, h) {
  const c = 6;
  return [
    element("path", { class: "shape", d: `M0,${c}L${c},0H${w}V${h - c}L${w - c},${h}H0Z` }),
    element("path", { class: "edge", d: `M0,${c}H${w - c}V${h}M${w - c},${c}L${w},0` }),
  ];
}

function inner(w, h) {
  return element("rect", { class: "edge", x: 3, y: 3, width: w - 6, height: h - 6, rx: 5 });
}

function cylinder(w, h) {
  const [rx, ry] = [w / 2, 5];
  const top = `A${rx},${ry} 0 0 1 ${w},${ry}`;
  return [
    element("path", { class: "shape", d: `M0,${ry}${top}V${h - ry}A${rx},${ry} 0 0 1 0,${h - ry}Z` }),
    element("path", { class: "edge", d: `M0,${ry}A${rx},${ry} 0 0 0 ${w},${ry}` }),
  ];
}

function note(w, h) {
  const c = 9;
  return [
    element("path", { class: "shape", d: `M0,0H${w - c}L${w},${c}V${h}H0Z` }),
    element("path", { class: "edge", d: `M${w - c},0V${c}H${w}` }),
  ];
}

function octagon(w, h, c) {
  return `M${c},0H${w - c}L${w},${c}V${h - c}L${w - c},${h}H${c}L0,${h - c}V${c}Z`;
}

// A colour that a scene names, or "" if the browser does not know it as one.
function colour(name) {
  return CSS.supports("color", name) ? name : "";
}

// Black or white, whichever can be read on a colour.
function inkOn(fill) {
  context.fillStyle = "#000";
  context.fillStyle = fill;
  const hex = /^#(..)(..)(..)$/.exec(context.fillStyle);
  if (!hex) return "";
  const [r, g, b] = hex.slice(1).map((part) => (parseInt(part, 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#111111" : "#ffffff";
}

// A histogram of heights from 0 to 1 in a rectangle.
function histogram(bars, x, y, w, h) {
  const group = element("g", { class: "bars" });
  const step = w / bars.length;
  bars.forEach((bar, i) => {
    const high = Math.max(bar > 0 ? 1 : 0, Math.min(1, bar) * h);
    const place = { x: x + i * step, y: y + h - high, width: Math.max(0.5, step - 1), height: high };
    group.append(element("rect", place));
  });
  group.append(element("path", { class: "ground", d: `M${x},${y + h}h${w}` }));
  return group;
}
