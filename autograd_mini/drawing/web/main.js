// How it works together: `app` holds the scene, what is folded and which pass is shown; `render`
// makes the visible graph of them (model.js), lays it out (layout.js) and draws it (draw.js).
// Everything else moves the view, or asks for another render.

const READABLE = 300; // a page with more visible marks starts folded

function byId(id) {
  return document.getElementById(id);
}

function start() {
  const scene = readScene(byId("scene").textContent);
  searchTexts(scene);
  const [svg, layer] = [byId("picture"), element("g", { id: "layer" })];
  svg.append(layer);
  const app = { scene, svg, layer, panel: byId("panel"), matches: [], match: -1, words: "", pinned: false, lit: [] };
  app.pointer = { x: 0, y: 0 };
  app.view = scene.backward.size ? scene.view : "forward";
  app.folded = foldedToFit(scene, READABLE, app.view);
  app.startedFolded = app.folded.size;
  app.window = newView(svg, layer, ({ k }) => { byId("scale").textContent = `${Math.round(k * 100)} %`; });
  app.render = () => render(app);
  byId("title").textContent = scene.title;
  byId("views").hidden = !scene.backward.size;
  byId("folding").hidden = !scene.boxes.length;
  writeLegend(scene);
  listen(app);
  app.render();
  lookAtStart(app);
}

// The pass that is shown starts at the inputs, the backward pass alone at the output; what broke, where
// it did.
function lookAtStart(app) {
  const isBackward = app.view === "backward";
  const end = (node) => (isBackward ? -node.u - node.du : node.u);
  const first = app.graph.nodes.reduce((a, b) => (a && end(a) <= end(b) ? a : b), null);
  const { direction } = app.scene;
  look(app.window, isBackward ? OPPOSITE[direction] : direction, first);
  const failed = app.graph.nodes.find((node) => node.inside.some((mark) => mark.state === "failed"));
  if (failed && app.window.k === ZOOM.start) centre(app.window, failed.x + failed.w / 2, failed.y + failed.h / 2);
}

function render(app) {
  const graph = visibleGraph(app.scene, app.folded, app.view);
  measureGraph(graph);
  const placed = layOut(graph, app.scene.direction);
  drawGraph(graph, placed, app.scene.direction, app.layer);
  Object.assign(app, { graph, levels: placed.levels, lit: [] });
  app.window.frame = placed.frame;
  app.nodeByKey = new Map(graph.nodes.map((node) => [node.key, node]));
  app.arrowByKey = new Map(graph.arrows.map((arrow) => [arrow.key, arrow]));
  app.parts = new Map([...app.layer.querySelectorAll("[data-key]")].map((part) => [part.dataset.key, part]));
  leave(app);
  showMatches(app);
  writeNotes(app);
  for (const button of byId("views").children) button.setAttribute("aria-pressed", String(button.dataset.view === app.view));
}

// Fold or unfold a box; what was clicked stays under the pointer.
function toggle(app, id) {
  const before = screenOf(app.window, cornerOf(app, id));
  if (!app.folded.delete(id)) app.folded.add(id);
  app.render();
  hold(app.window, before, cornerOf(app, id));
  app.layer.querySelector(`[data-box="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
}

function cornerOf(app, id) {
  return app.nodeByKey.get(`b:${id}`) ?? app.levels.find((level) => level.box.id === id).frame;
}

function foldAll(app, shut) {
  app.folded = new Set(shut ? app.scene.boxes.map((box) => box.id) : []);
  app.render();
  lookAtStart(app);
}

function showView(app, view) {
  if (!app.scene.backward.size) return;
  app.view = view;
  app.matches = matchesOf(app.scene, app.words, view);
  app.match = -1;
  app.render();
  lookAtStart(app);
}

function listen(app) {
  listenToPicture(app);
  const on = (id, act) => byId(id).addEventListener("click", act);
  on("in", () => zoom(app.window, ZOOM.step));
  on("out", () => zoom(app.window, 1 / ZOOM.step));
  on("fit", () => fit(app.window));
  on("fold", () => foldAll(app, true));
  on("unfold", () => foldAll(app, false));
  on("next", () => goToMatch(app, 1));
  on("previous", () => goToMatch(app, -1));
  on("keys", () => showLegend(byId("legend").hidden));
  for (const button of byId("views").children) button.addEventListener("click", () => showView(app, button.dataset.view));
  byId("search").addEventListener("input", (event) => search(app, event.target.value));
  document.addEventListener("keydown", (event) => press(app, event));
  printWhole(app.window);
  listenToTheme();
}

function listenToPicture(app) {
  app.svg.addEventListener("pointermove", (event) => { app.pointer = { x: event.clientX, y: event.clientY }; });
  app.svg.addEventListener("pointerover", (event) => hover(app, event.target));
  app.svg.addEventListener("pointerleave", () => app.pinned || leave(app));
  app.svg.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && hover(app, event.target));
  app.svg.addEventListener("click", (event) => {
    if (app.window.dragged) return;
    const box = event.target.closest("[data-box]");
    const part = event.target.closest(".mark, .arrow");
    if (box) toggle(app, box.dataset.box);
    else if (part) pin(app, part);
    else leave(app);
  });
}

const KEYS = {
  "+": (app) => zoom(app.window, ZOOM.step),
  "=": (app) => zoom(app.window, ZOOM.step),
  "-": (app) => zoom(app.window, 1 / ZOOM.step),
  0: (app) => fit(app.window),
  1: (app) => showView(app, "forward"),
  2: (app) => showView(app, "both"),
  3: (app) => showView(app, "backward"),
  "/": () => byId("search").select(),
  l: () => showLegend(byId("legend").hidden),
  Escape: (app) => leave(app),
  ArrowLeft: (app) => pan(app.window, 80, 0),
  ArrowRight: (app) => pan(app.window, -80, 0),
  ArrowUp: (app) => pan(app.window, 0, 80),
  ArrowDown: (app) => pan(app.window, 0, -80),
};

function press(app, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === byId("search")) return pressInSearch(app, event);
  const box = event.target.closest?.("svg [data-box]");
  const act = box && (event.key === "Enter" || event.key === " ") ? () => toggle(app, box.dataset.box) : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act(app);
}

function pressInSearch(app, event) {
  if (event.key === "Enter") goToMatch(app, event.shiftKey ? -1 : 1);
  if (event.key !== "Escape") return;
  event.target.value = "";
  search(app, "");
  leave(app);
  event.target.blur();
}

function pan(view, x, y) {
  view.x += x;
  view.y += y;
  view.apply();
}

start();
