"""Scenes for the tests of the page: a real network, a recurrent one, a hostile one."""

import numpy as np

import nn
from autograd_mini import Tensor
from autograd_mini.drawing import draw
from autograd_mini.drawing.scene import Arrow, Box, Mark, Scene


def network():
    """Return a small network, with a network inside it, and its loss."""
    rng = np.random.default_rng(0)
    inner = nn.Sequential(nn.Linear(16, 16, rng=rng), nn.Tanh())
    model = nn.Sequential(
        nn.Linear(784, 16, rng=rng), nn.Sigmoid(), inner, nn.Linear(16, 10, rng=rng)
    )
    images = Tensor(rng.random((32, 784)), name="images")
    return model, ((model(images) - np.eye(10)[rng.integers(0, 10, 32)]) ** 2).mean()


def scene_of(model, loss, **options):
    """Return what `draw` shows of a loss."""
    return draw(loss, model=model, **options).scene


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


def nested():
    """Return a scene with a box in a box, in which everything can be counted by hand."""
    marks = (
        Mark("x", "input", "x", ("(2, 3)",)),
        Mark("w", "parameter", "weight", (), "outer"),
        Mark(
            "matmul",
            "operation",
            "np.matmul",
            ("(3, 4)",),
            "outer/inner",
            "train.py, line 7\nx @ w",
            (0.2, 1.0, 0.4),
            ("grad 0.5",),
        ),
        Mark("tanh", "operation", "np.tanh", (), "outer/inner"),
        Mark("two", "constant", "2", (), "outer"),
        Mark("add", "operation", "np.add", (), "outer"),
        Mark("mean", "operation", "np.mean"),
        Mark("loss", "output", "np.square"),
    )
    arrows = (
        Arrow("x", "matmul", "a (2, 3)"),
        Arrow("w", "matmul", "b (3, 4)"),
        Arrow("matmul", "tanh", "", "data", "of the layer before"),
        Arrow("x", "tanh"),
        Arrow("tanh", "add"),
        Arrow("two", "add"),
        Arrow("add", "mean"),
        Arrow("mean", "loss"),
    )
    boxes = (
        Box("outer", "outer: Block", "12 parameters"),
        Box("outer/inner", "inner: Layer", "", "outer"),
    )
    return Scene(marks, arrows, boxes)


def hostile(texts):
    """Return a scene in which all that can be named is named by `texts`."""
    boxes = (Box("</box>\"'", texts[0], texts[1]),)
    marks = tuple(
        Mark(f"<m{i}>\\'", "operation", text, (text,), boxes[0].id, text, (), (text,), fill=text)
        for i, text in enumerate(texts)
    )
    arrows = tuple(
        Arrow(a.id, b.id, text, "data", text)
        for a, b, text in zip(marks, marks[1:], texts, strict=False)
    )
    return Scene(marks, arrows, boxes, legend=tuple((text, text) for text in texts), notes=texts)
