// What stands around the picture: the legend, the notes, light and dark.

const NARROW = 800; // a window in which the legend would cover the graph

function writeLegend(scene) {
  const legend = byId("legend");
  legend.append(html("h2", "", "Legend"));
  const rows = scene.legend.length ? scene.legend : ownLegend(scene);
  const isPainted = rows.some(([key]) => isColour(key));
  for (const [key, meaning] of rows) {
    const row = html("div", "row");
    row.append(swatch(key, isPainted), html("span", "", visible(meaning)));
    legend.append(row);
  }
  showLegend(scene.legend.length > 0 && window.innerWidth > NARROW);
}

// Without a legend in the scene: the kinds and states that are in it.
function ownLegend(scene) {
  const kinds = new Set(scene.marks.map((mark) => mark.kind));
  if (scene.boxes.length) kinds.add("module");
  const states = new Set([...scene.marks, ...scene.arrows, ...scene.boxes].map((part) => part.state));
  const named = (names, used) => Object.entries(names).filter(([name]) => used.has(name));
  return [...named(KIND_NAMES, kinds), ...named(STATE_NAMES, states)];
}

function isColour(key) {
  return !KIND_NAMES[key] && colour(key) !== "";
}

// A small picture of a kind, a state or a colour; beside a scale of colours a kind is an outline.
function swatch(key, isPainted) {
  const svg = element("svg", { width: 30, height: 20, viewBox: "-2 -2 34 24", "aria-hidden": "true" });
  const isState = Boolean(SIGNS[key]);
  const kind = KIND_NAMES[key] ? key : "operation";
  const group = element("g", { class: `mark kind-${kind} ${isState ? `state-${key}` : ""}` });
  group.append(...(kind === "constant" ? [element("circle", { class: "shape", cx: 15, cy: 10, r: 9 })] : outline(kind, 28, 18)));
  if (isColour(key)) paint(group, key);
  else if (isPainted && key !== "gradient") paint(group, "#ffffff");
  if (isState) group.append(element("text", { class: "sign", x: 14, y: 14 }, SIGNS[key]));
  svg.append(group);
  return svg;
}

function showLegend(shown) {
  byId("legend").hidden = !shown;
  byId("keys").setAttribute("aria-pressed", String(shown));
}

function writeNotes(app) {
  const { nodes, arrows } = app.graph;
  const hidden = nodes.reduce((sum, node) => sum + (node.folds ? node.inside.length : 0), 0);
  const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
  const shown = `${count(nodes.length, "node")}, ${count(arrows.length, "arrow")}`;
  const counts = hidden ? `${shown}; ${count(hidden, "more node")} inside folded modules` : shown;
  const notes = [...app.scene.notes.map(visible)];
  if (app.startedFolded) notes.push(startNote(app));
  if (fitScale(app.window) < ZOOM.whole) notes.push("Larger than the window: drag it, or press Fit (0) to see it whole.");
  byId("notes").replaceChildren(html("p", "counts", counts), ...notes.map((note) => html("p", "", note)));
}

function startNote({ scene, startedFolded }) {
  const [marks, boxes] = [scene.marks.length, startedFolded].map((n) => n.toLocaleString("en"));
  return `The graph has ${marks} nodes, so the page started with ${boxes} modules folded: click on one to look inside.`;
}

function listenToTheme() {
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = "";
  const apply = () => {
    const theme = chosen || (prefersDark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  };
  prefersDark.addEventListener("change", apply);
  byId("theme").addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    apply();
  });
  apply();
}
