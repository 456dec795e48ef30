// The window onto the picture: drag pans, the wheel zooms about the pointer, buttons and keys too.

const ZOOM = { least: 0.005, most: 4, step: 1.25, whole: 0.5, start: 0.8 };

function newView(svg, layer, onChange) {
  const view = { x: 0, y: 0, k: 1, svg, layer, frame: { x: 0, y: 0, w: 1, h: 1 } };
  view.apply = () => {
    layer.setAttribute("transform", `translate(${view.x},${view.y}) scale(${view.k})`);
    onChange(view);
  };
  svg.addEventListener("wheel", (event) => wheel(view, event), { passive: false });
  svg.addEventListener("pointerdown", (event) => drag(view, event));
  return view;
}

function sizeOf(view) {
  return view.svg.getBoundingClientRect();
}

function zoomAt(view, factor, x, y) {
  const k = Math.max(ZOOM.least, Math.min(ZOOM.most, view.k * factor));
  view.x = x - ((x - view.x) * k) / view.k;
  view.y = y - ((y - view.y) * k) / view.k;
  view.k = k;
  view.apply();
}

function zoom(view, factor) {
  const { width, height } = sizeOf(view);
  zoomAt(view, factor, width / 2, height / 2);
}

function wheel(view, event) {
  event.preventDefault();
  const { left, top } = sizeOf(view);
  const pixels = event.deltaY * (event.deltaMode === 1 ? 30 : 1);
  const speed = event.ctrlKey ? 0.01 : 0.0018; // a pinch on a touchpad comes as ctrl and wheel
  zoomAt(view, Math.exp(-pixels * speed), event.clientX - left, event.clientY - top);
}

// A press that moves is a drag, and the click at its end is none.
function drag(view, event) {
  if (event.button !== 0) return;
  const start = { x: event.clientX - view.x, y: event.clientY - view.y };
  let moved = false;
  const move = (now) => {
    const [x, y] = [now.clientX - start.x, now.clientY - start.y];
    moved ||= Math.hypot(x - view.x, y - view.y) > 4;
    if (!moved) return;
    view.svg.classList.add("dragging");
    Object.assign(view, { x, y });
    view.apply();
  };
  const stop = () => {
    window.removeEventListener("pointermove", move);
    view.svg.classList.remove("dragging");
    view.dragged = moved;
  };
  view.dragged = false;
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", stop, { once: true });
}

// The part of the window beside the legend, unless that would leave too little.
function roomOf(view) {
  const { left, width, height } = sizeOf(view);
  const legend = byId("legend").getBoundingClientRect();
  const beside = legend.width ? legend.left - left : width;
  return { width: beside > 0.6 * width ? beside : width, height };
}

function fitScale(view) {
  const { width, height } = roomOf(view);
  return Math.min((width - 48) / view.frame.w, (height - 48) / view.frame.h, 1.25);
}

function fit(view) {
  view.k = Math.max(ZOOM.least, fitScale(view));
  centre(view, view.frame.x + view.frame.w / 2, view.frame.y + view.frame.h / 2);
}

const OPPOSITE = { LR: "RL", RL: "LR", TB: "BT", BT: "TB" };

// The whole graph if it can be read then, else the end that `first`, the first node, stands at.
function look(view, direction, first) {
  if (fitScale(view) >= ZOOM.whole || !first) return fit(view);
  view.k = ZOOM.start;
  const { width, height } = roomOf(view);
  const { x, y, w, h } = view.frame;
  const [halfWide, halfHigh] = [width / 2 / view.k - 30, height / 2 / view.k - 30];
  const middle = [first.x + first.w / 2, first.y + first.h / 2];
  const at = {
    LR: [x + halfWide, middle[1]],
    RL: [x + w - halfWide, middle[1]],
    TB: [middle[0], y + halfHigh],
    BT: [middle[0], y + h - halfHigh],
  }[direction];
  const whole = [w * view.k < width, h * view.k < height];
  return centre(view, whole[0] ? x + w / 2 : at[0], whole[1] ? y + h / 2 : at[1]);
}

// Bring a point of the picture into the middle of the window.
function centre(view, x, y) {
  const { width, height } = roomOf(view);
  view.x = width / 2 - x * view.k;
  view.y = height / 2 - y * view.k;
  view.apply();
}

// A point of the picture on the screen, and the view moved so that another comes to stand there.
function screenOf(view, { x, y }) {
  return { x: x * view.k + view.x, y: y * view.k + view.y };
}

function hold(view, screen, { x, y }) {
  view.x = screen.x - x * view.k;
  view.y = screen.y - y * view.k;
  view.apply();
}

// On paper the whole graph is shown, whatever the window shows.
function printWhole(view) {
  window.addEventListener("beforeprint", () => {
    const { x, y, w, h } = view.frame;
    view.svg.setAttribute("viewBox", `${x - 10} ${y - 10} ${w + 20} ${h + 20}`);
    view.layer.removeAttribute("transform");
  });
  window.addEventListener("afterprint", () => {
    view.svg.removeAttribute("viewBox");
    view.apply();
  });
}
