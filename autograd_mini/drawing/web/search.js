// Search: every word must be found in a mark's title, lines, source line or path. Marks inside
// folded boxes count too: their box is lit, and going to one unfolds it.

function searchTexts(scene) {
  for (const mark of scene.marks) {
    const path = around(scene, mark.box).map((box) => box.title);
    const all = [mark.title, ...mark.lines, ...mark.gradient, mark.tooltip, mark.kind, ...path];
    mark.searched = all.join("\n").toLowerCase();
  }
}

function matchesOf(scene, words, view) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return [];
  const found = (mark) => markShown(scene, mark, view) && wanted.every((word) => mark.searched.includes(word));
  return scene.marks.filter(found);
}

function search(app, words) {
  app.matches = matchesOf(app.scene, words, app.view);
  app.match = -1;
  app.words = words.trim();
  showMatches(app);
}

function showMatches(app) {
  app.layer.querySelectorAll(".match, .current").forEach((each) => each.classList.remove("match", "current"));
  app.layer.querySelectorAll(".matches").forEach((each) => each.remove());
  app.svg.classList.toggle("searching", app.matches.length > 0);
  const inside = new Map();
  for (const mark of app.matches) {
    const node = app.graph.at.get(mark.id);
    const part = app.parts.get(node.key);
    part.classList.add("match");
    if (node.folds) inside.set(node, (inside.get(node) ?? 0) + 1);
    if (mark === app.matches[app.match]) part.classList.add("current");
  }
  inside.forEach((count, node) => app.parts.get(node.key).append(countOf(node, count)));
  const of = app.match < 0 ? "" : `${app.match + 1} of `;
  byId("found").textContent = app.words ? `${of}${app.matches.length || "none"}` : "";
  byId("next").disabled = byId("previous").disabled = app.matches.length === 0;
}

// How many matches a folded box holds.
function countOf(node, count) {
  const group = element("g", { class: "matches", transform: `translate(${node.w},0)` });
  const width = widthOf(String(count), "title") + 12;
  group.append(element("rect", { x: -width / 2, y: -9, width, height: 18, rx: 9 }));
  group.append(element("text", { y: 4.5 }, String(count)));
  return group;
}

function goToMatch(app, step) {
  if (!app.matches.length) return;
  const from = app.match < 0 && step < 0 ? 0 : app.match;
  app.match = (from + step + app.matches.length) % app.matches.length;
  const mark = app.matches[app.match];
  const shut = around(app.scene, mark.box).filter((box) => app.folded.has(box.id));
  shut.forEach((box) => app.folded.delete(box.id));
  if (shut.length) app.render();
  showMatches(app);
  goTo(app, mark);
}

function goTo(app, mark) {
  const node = app.graph.at.get(mark.id);
  app.window.k = Math.max(app.window.k, 0.8);
  centre(app.window, node.x + node.w / 2, node.y + node.h / 2);
  leave(app);
  tell(app, app.parts.get(node.key));
}
