"""The graphs whose pictures, as text, stand in pictures/, and the script that writes them there.

    python -m tests.golden.pictures_cases

Run it after a change of how pictures look, and read the differences.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nn
from autograd_mini import Tensor
from autograd_mini.drawing import draw
from autograd_mini.drawing.picture import Picture

FOLDER = Path(__file__).parent / "pictures"


def leaf(data: Any, name: str) -> Tensor:
    """Make a parameter with a name."""
    return Tensor(data, requires_grad=True, name=name)


def filled(module: Any) -> Any:
    """Give every parameter of a module the values 0, 0.1, 0.2, ..."""
    for parameter in module.parameters():
        parameter.data = np.arange(parameter.size).reshape(parameter.shape) / 10
    return module


def expression() -> Tensor:
    """Return an expression of numbers."""
    a, b = leaf(2.0, "a"), leaf(-3.0, "b")
    c = a * b + 10
    return c / a


def neuron() -> Tensor:
    """Return the cost of one neuron."""
    weight, bias = leaf([0.5, -0.25], "weight"), leaf(1.0, "bias")
    activation = nn.functional.sigmoid(weight @ np.array([1.0, 2.0]) + bias)
    return (activation - 1) ** 2


def network() -> Tensor:
    """Return the cost of a small network."""
    model = filled(nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2)))
    x = np.arange(12, dtype=np.float64).reshape(4, 3)
    out: Tensor = nn.MSELoss()(model(x), np.ones((4, 2)))
    return out


def several_results() -> Tensor:
    """Return what comes of a call with several results, one without its own use."""
    x = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "x")
    first, _, last = np.split(x, 3)
    joined = np.concatenate([last, first, np.zeros((1, 2))], axis=1)
    out: Tensor = joined.sum(axis=1, keepdims=True)[0, ::-1]
    return out


def item_assignment() -> Tensor:
    """Return what comes of a value that was used before and after it was written into."""
    x = leaf([1.0, 2.0], "x")
    t = x * x
    before = t.sum()
    t[0] = x[1]
    return before * t.sum()


class Block(nn.Module):
    """A residual block."""

    def __init__(self) -> None:
        self.layer = nn.Linear(2, 2)

    def forward(self, x: Any) -> Any:
        """Add what the layer makes of x to x."""
        return x + self.layer(x)


def residual() -> Tensor:
    """Return the cost of four residual blocks."""
    model = filled(nn.Sequential(*(Block() for _ in range(4))))
    out: Tensor = model(np.ones((1, 2))).sum()
    return out


def recurrent() -> Tensor:
    """Return the cost of a recurrent network of three steps."""
    w, h = leaf(0.5, "w"), leaf(1.0, "h")
    for x in (1.0, 2.0, 3.0):
        h = np.tanh(w * h + x)
    return h


def many_values() -> Tensor:
    """Return the mean of more values than are written out, some of which are none."""
    x = leaf(np.array([0.0, 1.0, 1.0, 2.0, np.nan, np.inf, 8.0, 9.0], np.float32), "x")
    return x.mean()


PICTURES: dict[str, Callable[[], Picture]] = {
    "expression": lambda: draw(expression()),
    "expression_backward": lambda: draw(expression(), backward=True),
    "neuron_grads": lambda: draw(neuron(), grads=True, legend=True),
    "network": lambda: draw(network()),
    "network_without_values": lambda: draw(network(), values=False, direction="TB"),
    "network_depth_0": lambda: draw(network(), depth=0),
    "network_value": lambda: draw(network(), color="value", legend=True),
    "network_backward": lambda: draw(network(), backward=True, depth=1),
    "several_results": lambda: draw(several_results()),
    "item_assignment": lambda: draw(item_assignment()),
    "residual": lambda: draw(residual()),
    "recurrent_max_nodes_7": lambda: draw(recurrent(), max_nodes=7),
    "recurrent_max_nodes_1": lambda: draw(recurrent(), max_nodes=1),
    "many_values": lambda: draw(many_values()),
}


def main() -> None:
    """Write every picture's text."""
    FOLDER.mkdir(exist_ok=True)
    for name, picture in PICTURES.items():
        (FOLDER / f"{name}.dot").write_text(picture().source)


if __name__ == "__main__":
    main()
