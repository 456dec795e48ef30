"""The recorded graph as a picture: every call, parameter, input and number is a node.

Arrows run as the data did, from the arguments to the call. Nodes are numbered by their place in
the graph, so one computation gives one text, whenever and wherever it runs. Drawing reads the
graph and changes nothing. `nodes.py` walks it, `labels.py` says what stands in a node.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import graphviz

from autograd_mini.drawing.labels import html_like, kind_of, label
from autograd_mini.drawing.nodes import Node, in_order
from autograd_mini.tensor import Tensor

FONT, INK, GREY = "Helvetica", "#222222", "#666666"
PAGE = {"bgcolor": "white", "nodesep": "0.3", "ranksep": "0.4"}
NODE = {"fontname": FONT, "fontsize": "12", "fontcolor": INK, "height": "0.3", "penwidth": "1.4"}
EDGE = {"arrowsize": "0.7", "color": GREY, "fontname": FONT, "fontsize": "10", "fontcolor": GREY}

# Kinds differ in shape, and in hues that no kind of colour vision confuses. An operation, the
# commonest, looks as every node does by default; the others change that.
OPERATION = {
    "class": "operation",
    "shape": "box",
    "style": "rounded,filled",
    "color": "#8a8a8a",
    "fillcolor": "#f5f5f5",
    "margin": "0.14,0.08",
}
LOOKS = {
    "operation": {},
    "parameter": {
        "class": "parameter",
        "shape": "cylinder",
        "style": "filled",
        "color": "#c4560c",
        "fillcolor": "#fde6cc",
    },
    "input": {
        "class": "input",
        "shape": "note",
        "style": "filled",
        "color": "#1f66a8",
        "fillcolor": "#d9e9f8",
    },
    "constant": {
        "class": "constant",
        "shape": "circle",
        "color": "#8c8c8c",
        "fillcolor": "white",
        "margin": "0.03",
    },
    "output": {
        "class": "output",
        "style": "filled",
        "color": INK,
        "fillcolor": INK,
        "fontcolor": "white",
        "peripheries": "2",
    },
}

# Operations whose arguments may change places: to name them would tell nothing.
COMMUTATIVE = {"np.add", "np.multiply", "np.maximum", "np.minimum"}


class HasParameters(Protocol):
    """A module, or anything else whose parameters have names."""

    def named_parameters(self) -> Iterable[tuple[str, Any]]:
        """Yield name and Tensor of every parameter."""


def draw(output: Tensor, *, model: HasParameters | None = None) -> graphviz.Digraph:
    """Return a picture of the calls that `output` was computed by.

    Every node shows shape, dtype unless that is float64, and what it holds now: up to six values,
    of more the range. A parameter is a leaf that requires grad, an input any other array. Draw
    before `backward()`, which releases the graph.

    Args:
        output: the result of a recorded computation, such as a loss.
        model: a module whose parameters are named by their path in it, unless they have a `name`.

    Raises:
        TypeError: `output` is no Tensor, or `model` has no `named_parameters()`.
        RuntimeError: no call was recorded, or the graph was released.

    >>> from autograd_mini import Tensor
    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> picture = draw((x * 3).sum())
    >>> [line.strip() for line in picture.body if "->" in line]
    ['n0 -> n2', 'n1 -> n2', 'n2 -> n3 [weight=8]']
    """
    _check(output, model)
    paths = {id(x): path for path, x in model.named_parameters()} if model is not None else {}
    nodes = in_order(output)
    names = {id(node): f"n{place}" for place, node in enumerate(nodes)}
    picture = graphviz.Digraph(graph_attr=PAGE, node_attr=NODE | OPERATION, edge_attr=EDGE)
    for node in nodes:
        kind = "output" if node is nodes[-1] else kind_of(node.value)
        name = names[id(node)]
        picture.node(name, label(node, paths), **LOOKS[kind])
        for argument, source in node.inputs:
            # The space keeps the text off the arrow.
            text = html_like(f" {argument}") if _is_named(node) else None
            picture.edge(names[id(source)], name, text, **_course(source))
    return picture


def _course(source: Node) -> dict[str, str]:
    """Keep arrows between operations short and straight: they are the computation's spine."""
    return {"weight": "8"} if kind_of(source.value) == "operation" else {}


def _is_named(node: Node) -> bool:
    """Return whether the picture must tell which argument is which."""
    return len(node.inputs) > 1 and node.value._operation.name not in COMMUTATIVE


def _check(output: Any, model: Any) -> None:
    if not isinstance(output, Tensor):
        raise TypeError(
            f"draw takes the Tensor that a computation ended in, found {type(output).__name__}: "
            f"draw a result, such as draw(model(x), model=model)"
        )
    if model is not None and not hasattr(model, "named_parameters"):
        raise TypeError(
            f"draw takes as model= a module, which has named_parameters(), found "
            f"{type(model).__name__}"
        )
    if output.is_leaf:
        raise RuntimeError(
            f"there is no graph to draw behind this Tensor of shape {output.shape}: no call was "
            f"recorded; draw a result computed, outside no_grad(), from a Tensor made with "
            f"requires_grad=True"
        )
