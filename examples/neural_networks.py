"""How a neural network reads a digit, and how it learns to: ten pictures, each made by live code.

The claim: a network of 784-16-16-10 neurons whose cost for a digit starts above 1 brings it below
a tenth of that in three looks at 9,000 others, and nothing but the slope of the cost tells it how.

docs/neural-networks.md tells the story around these pictures. The digits come from mnist.py, the
network and its training from digits.py.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

try:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from PIL import Image

    import nn
    from autograd_mini.drawing.render import write_whole
    from examples import digits, digits_report
    from examples.mnist import DataError, load
    from nn import pictures
    from nn.pictures.canvas import SIGNED
except ImportError as missing:
    raise SystemExit(
        f"{missing}: install the project with what its examples need, by `make digits` or by "
        "`pip install -e '.[examples,draw]'`"
    ) from None

Floats = NDArray[np.floating[Any]]
DPI = 100


class Story(NamedTuple):
    """What the pictures are about.

    Args:
        fresh: the network as it starts, a random mess.
        trained: the same network after a little training.
        image: a digit that was held out, as 784 activations.
        wanted: the ten activations that it should cause.
    """

    fresh: nn.Sequential
    trained: nn.Sequential
    image: Floats
    wanted: Floats


def prepare(seed: int = 0, epochs: int = 3) -> Story:
    """Return two networks, one before and one after training, and a digit neither has seen."""
    rng = np.random.default_rng(seed)
    training, held_out = load(None, 1_000, rng)
    fresh, trained = digits.build_network(rng), digits.build_network(rng)
    trained.load_state_dict(fresh.state_dict())
    for _ in digits.descend(trained, training, digits.Recipe(epochs=epochs), rng):
        pass
    seven = int(np.flatnonzero(held_out.labels == 7)[0])
    image = digits.activations(held_out.images[seven : seven + 1])[0]
    return Story(fresh, trained, image, digits.wanted(held_out.labels[seven : seven + 1])[0])


# What is a neural network?


def draw_network(story: Story) -> Figure:
    """Draw 784-16-16-10 neurons, lit by the digit."""
    figure = _figure(12, 7)
    pictures.network(story.trained, story.image, shape=(28, 28), ax=figure.subplots())
    return figure


def draw_connections(story: Story) -> Figure:
    """Draw one neuron of the second layer with its connections to the pixels."""
    figure = _figure(10, 6)
    pictures.network(one_neuron(story.trained), story.image, shape=(28, 28), ax=figure.subplots())
    return figure


def one_neuron(network: nn.Sequential, number: int = 0) -> nn.Sequential:
    """Return a neuron of the first Linear layer as a network of its own."""
    alone = nn.Sequential(nn.Linear(784, 1), nn.Sigmoid()).astype(np.float32)
    alone[0].weight.data = network[0].weight.data[number : number + 1].copy()
    alone[0].bias.data = network[0].bias.data[number : number + 1].copy()
    return alone


def draw_edge(_: Story) -> Figure:
    """Draw the weights of a neuron that picks up an edge: a bright bar, darker above and below."""
    figure = _figure(7, 6)
    pictures.weights(edge_detector(), ax=figure.subplots())
    return figure


def edge_detector() -> nn.Linear:
    """Return a neuron with positive weights in a bar, negative ones around it, 0 elsewhere.

    A bright bar lights it up, a surface as bright as that does not:

    >>> bar, surface = np.zeros((2, 28, 28))
    >>> bar[7:9, 8:20] = surface[5:11, 8:20] = 1
    >>> neuron = nn.Sequential(edge_detector(), nn.Sigmoid())
    >>> neuron(np.stack([bar, surface]).reshape(2, 784)).data.round(3).ravel()
    array([1., 0.])
    """
    layer = nn.Linear(784, 1)
    weights = np.zeros((28, 28))
    weights[5:11, 8:20] = -1.0
    weights[7:9, 8:20] = 1.5
    layer.weight.data = weights.reshape(1, 784)
    assert layer.bias is not None
    layer.bias.data = np.array([-10.0])
    return layer


def draw_sigmoid(_: Story) -> Figure:
    """Draw the curve that squashes any number into one between 0 and 1."""
    figure = _figure(8, 4.5)
    pictures.activation(nn.functional.sigmoid, bias=0.0, ax=figure.subplots())
    return figure


def draw_bias(_: Story) -> Figure:
    """Draw what a bias of -10 does to that curve."""
    figure = _figure(8, 4.5)
    pictures.activation(nn.functional.sigmoid, bias=-10.0, ax=figure.subplots())
    return figure


def draw_layer(story: Story) -> Figure:
    """Draw a layer as a matrix of weights, a vector of activations and a vector of biases."""
    weights, biases = story.trained[0].weight.data, story.trained[0].bias.data
    limit = float(np.abs(weights).max())
    some = slice(392, 424)  # two rows in the middle of the image are enough to see
    lit = nn.functional.sigmoid(weights @ story.image + biases)
    parts: Sequence[tuple[str, Floats, str, Any, int]] = (
        ("$a^{(1)}$", lit[:, None], "16 x 1", GREYS, 1),
        (
            "$W$",
            weights[:, some],
            "16 x 784, 32 columns shown: a row for each neuron",
            signed(limit),
            14,
        ),
        ("$a^{(0)}$", story.image[some, None], "784 x 1,\n32 shown", GREYS, 1),
        ("$b$", biases[:, None], "16 x 1", signed(float(np.abs(biases).max())), 1),
    )
    figure = _figure(12, 5.5)
    figure.suptitle(r"$a^{(1)} = \sigma(\,W a^{(0)} + b\,)$", fontsize=22)
    grid = figure.subplots(1, 4, width_ratios=[width for *_, width in parts])
    for axes, (name, values, size, looks, _) in zip(grid, parts, strict=True):
        axes.imshow(values, **looks)
        axes.set_title(name, fontsize=17)
        axes.set(xticks=[], yticks=[], xlabel=size)
    return figure


GREYS = {"cmap": "gray", "vmin": 0, "vmax": 1}  # as bright as it is active


def signed(limit: float) -> dict[str, Any]:
    """Return the looks of numbers from -limit, orange, to limit, blue."""
    return {"cmap": SIGNED, "vmin": -limit, "vmax": limit}


# How does it learn?


def draw_mess(story: Story) -> Figure:
    """Draw the network before it has learned anything, lit by the same digit."""
    figure = _figure(12, 7)
    pictures.network(story.fresh, story.image, shape=(28, 28), ax=figure.subplots())
    return figure


def draw_cost(story: Story) -> Figure:
    """Draw the cost of this one example: ten squared differences, and their sum."""
    figure = _figure(10, 5.5)
    output = story.fresh(story.image[None])
    pictures.cost_of_example(output[0], story.wanted, ax=figure.subplots())
    return figure


def valley(x: Any) -> Any:
    """Return the height of a curve with two valleys, at x."""
    return 0.05 * x**4 - 0.5 * x**2 + 0.25 * x + 1.3 * np.cos(2.2 * x)


def draw_descent(_: Story) -> Figure:
    """Draw steps downhill from three starts, which end in two different minima."""
    figure = _figure(9, 6)
    pictures.descent_1d(valley, [-3.2, -0.35, 0.6], lr=0.07, steps=12, ax=figure.subplots())
    return figure


def bowl(p: Any) -> Any:
    """Return the height of a surface at the point (p[0], p[1])."""
    return 0.4 * p[0] ** 2 + 1.6 * p[1] ** 2 + 0.5 * p[0] * p[1] + np.sin(p[0])


def write_descent(path: Path) -> None:
    """Write steps downhill on a surface as an animated GIF, with the negative gradient's arrow."""
    pictures.animate_descent_2d(bowl, [2.6, 0.9], path, lr=0.12, steps=16, dpi=60)


# The program

DRAWN = (
    (draw_network, "784-16-16-10 neurons, lit by a seven"),
    (draw_connections, "one neuron, and the pixels that it weighs most"),
    (draw_edge, "the weights of a neuron that picks up an edge"),
    (draw_sigmoid, "the sigmoid squashes any number into one between 0 and 1"),
    (draw_bias, "a bias of -10: lit only where the weighted sum is above 10"),
    (draw_layer, "a layer in one line: a matrix, two vectors, a sigmoid"),
    (draw_mess, "the same digit in a network with random weights: a mess"),
    (draw_cost, "the cost of one example: ten squared differences"),
    (draw_descent, "downhill on a curve: three starts, two minima, shrinking steps"),
)
LAST = ("neural-network-10.gif", "downhill on a surface, against the gradient")


def write_pictures(story: Story, folder: Path) -> Iterator[tuple[str, str]]:
    """Write the ten pictures, each whole or not at all; yield name and meaning of each."""
    for number, (draw, meaning) in enumerate(DRAWN, 1):
        name = f"neural-network-{number:02d}.png"
        write_whole(folder / name, _png(draw(story)))
        yield name, meaning
    write_descent(folder / LAST[0])
    yield LAST


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def _png(figure: Figure) -> bytes:
    """Return the figure as a PNG file of 256 colours, a quarter of the size."""
    drawn, content = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    Image.open(drawn).convert("RGB").quantize(256).save(content, format="png", optimize=True)
    return content.getvalue()


cost = nn.MSELoss("sum")


def costs(story: Story) -> tuple[float, float]:
    """Return the cost of the digit in the fresh network, and in the trained one."""
    before, after = story.fresh(story.image).data, story.trained(story.image).data
    return cost(before, story.wanted).item(), cost(after, story.wanted).item()


def main(argv: Sequence[str] | None = None) -> tuple[float, float]:
    """Write the ten pictures; return the cost of the digit before and after training."""
    parser = argparse.ArgumentParser(prog="neural_networks.py", description=_first_line())
    out = Path("out", "chapters")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--epochs", type=int, default=3, metavar="N", help="of training")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all random numbers")
    options = parser.parse_args(argv)
    try:
        digits_report.make_folder(options.out)
        story = prepare(options.seed, options.epochs)
        for name, meaning in write_pictures(story, options.out):
            print(f"{name}: {meaning}")
    except (DataError, OSError) as problem:
        parser.error(str(problem))
    before, after = costs(story)
    print(f"the cost of this seven: {before:.3f} before training, {after:.3f} after it")
    return before, after


def _first_line() -> str:
    return (__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    main()
