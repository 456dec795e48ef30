"""Scenes for the tests of the page: of a real network, with its backward pass, large and hostile."""

import numpy as np

import nn
from autograd_mini import Tensor
from autograd_mini.drawing.labels import kind_of
from autograd_mini.drawing.nodes import in_order
from autograd_mini.drawing.scene import Arrow, Box, Mark, Scene

CONTEXT = "train.py, line 12, in step"


def network():
    """Return a small network, with a network inside it, and its loss."""
    rng = np.random.default_rng(0)
    inner = nn.Sequential(nn.Linear(16, 16, rng=rng), nn.Tanh())
    model = nn.Sequential(
        nn.Linear(784, 16, rng=rng), nn.Sigmoid(), inner, nn.Linear(16, 10, rng=rng)
    )
    images = Tensor(rng.random((32, 784)), name="images")
    return model, ((model(images) - np.eye(10)[rng.integers(0, 10, 32)]) ** 2).mean()


def scene_of(model, loss, direction="LR", backward=False):
    """Return the graph behind `loss`, every parameter in the boxes that its path names."""
    paths = {id(x): path for path, x in model.named_parameters()}
    nodes = in_order(loss)
    ids = {id(node): f"n{place}" for place, node in enumerate(nodes)}
    boxes = {id(node): box_of(paths.get(id(node.value), "")) for node in nodes}
    for node in nodes:  # a call with a parameter stands with it, and an activation with its input
        found = [boxes[id(source)] for _, source in node.inputs]
        if node.inputs and any(found):
            deepest = max(found, key=len)
            is_layer = any(paths.get(id(source.value)) for _, source in node.inputs)
            boxes[id(node)] = deepest if is_layer else deepest.rpartition(".")[0]
    marks, arrows = [], []
    for node in nodes:
        marks.append(mark_of(node, ids[id(node)], paths, boxes[id(node)], node is nodes[-1]))
        for name, source in node.inputs:
            shape = str(np.shape(getattr(source.value, "data", source.value)))
            arrows.append(Arrow(ids[id(source)], ids[id(node)], f"{name} {shape}", "data", CONTEXT))
    if backward:
        add_gradients(nodes, ids, marks, arrows)
    return Scene(tuple(marks), tuple(arrows), boxes_of(marks), direction, notes=("Seeded.",))


def box_of(path):
    return f"model.{path.rpartition('.')[0]}".rstrip(".") if path else ""


def mark_of(node, name, paths, box, is_last):
    x = node.value
    kind = "output" if is_last else kind_of(x)
    data = np.asarray(getattr(x, "data", x))
    bars = (
        np.histogram(data, 12)[0] / max(1, np.histogram(data, 12)[0].max()) if data.size > 6 else ()
    )
    title = paths.get(id(x)) or getattr(x, "name", None) or kind
    if kind in {"operation", "output"}:
        title = x._operation.name
    lines = (
        (str(data.shape), f"{data.min():.3g} to {data.max():.3g}")
        if data.size > 1
        else (f"{data:.4g}",)
    )
    if kind == "constant":
        title, lines = f"{x}", ()
    gradient = (f"gradient {data.shape}",) if kind == "parameter" else ()
    tooltip = f"{CONTEXT}\nvalue = {title}"
    return Mark(name, kind, title, lines, box, tooltip, tuple(map(float, bars)), gradient)


def add_gradients(nodes, ids, marks, arrows):
    """Add a gradient to every value that a parameter leads to, and what it is made of."""
    needed = set()
    for node in nodes:
        is_needed = getattr(node.value, "requires_grad", False)
        if is_needed:
            needed.add(ids[id(node)])
    for node in reversed(nodes):
        name = ids[id(node)]
        if name not in needed:
            continue
        forward = marks[int(name[1:])]
        marks.append(
            Mark(f"g{name}", "gradient", f"d {forward.title}", forward.lines[:1], forward.box)
        )
        arrows.append(Arrow(name, f"g{name}", "", "pair"))
        for argument, source in node.inputs:
            if ids[id(source)] in needed:
                text = f"from {argument}"
                arrows.append(Arrow(f"g{name}", f"g{ids[id(source)]}", text, "gradient"))


def boxes_of(marks):
    """Return the boxes that the marks name, and those around them."""
    names = {mark.box for mark in marks if mark.box}
    for name in tuple(names):
        while name := name.rpartition(".")[0]:
            names.add(name)
    return tuple(
        Box(
            name,
            f"{name.removeprefix('model.')}: Sequential",
            "272 parameters",
            name.rpartition(".")[0],
        )
        for name in sorted(names)
    )


def recurrent(steps, boxed=True, seed=0):
    """Return an unrolled recurrent network of about seven marks a step, as a scene."""
    rng = np.random.default_rng(seed)
    marks = [Mark("w", "parameter", "W", ("(8, 8)",)), Mark("u", "parameter", "U", ("(8, 8)",))]
    arrows, boxes, last = [], [], None
    for t in range(steps):
        box = f"step{t}" if boxed else ""
        if boxed:
            outer = f"epoch{t // 10}"
            if t % 10 == 0:
                boxes.append(Box(outer, f"epoch {t // 10}"))
            boxes.append(Box(box, f"cell {t}: RNN", "128 parameters", outer))
        names = [f"{kind}{t}" for kind in ("x", "xw", "hu", "sum", "bias", "h")]
        kinds = ("input", *["operation"] * 3, "constant", "operation")
        titles = (f"x{t}", "np.matmul", "np.matmul", "np.add", "1", "np.tanh")
        for name, kind, title in zip(names, kinds, titles, strict=True):
            lines = () if kind == "constant" else (f"(8,), mean {rng.random():.3f}",)
            marks.append(Mark(name, kind, title, lines, box, f"rnn.py, line {t}"))
        x, xw, hu, total, bias, h = names
        pairs = [(x, xw), ("w", xw), ("u", hu), (xw, total), (hu, total), (total, h), (bias, h)]
        if last:
            pairs.append((last, hu))
        arrows += [Arrow(tail, head) for tail, head in pairs]
        last = h
    return Scene(tuple(marks), tuple(arrows), tuple(boxes))
