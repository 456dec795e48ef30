"""Networks and their descent as matplotlib pictures, drawn from what the library really computes.

Every function takes `ax=`, an Axes to draw in, and returns the Axes, or an array of them where a
picture needs several: those are made inside the one given. Without `ax` the picture is a new
figure of pyplot's, which a notebook shows by itself and a program with `plt.show()`; with `ax`
pyplot is left alone. Blue is positive and orange negative, told apart by sign or place too. What
is looked at, a model with its weights, gradients and modes, is afterwards as it was before.
"""

try:
    import matplotlib as mpl
except ImportError as error:
    raise ImportError(
        "nn.pictures draws with matplotlib, which is not installed: pip install matplotlib"
    ) from error

from nn.pictures.animation import animate_descent_2d
from nn.pictures.curves import activation
from nn.pictures.differences import cost_of_example
from nn.pictures.landscapes import Landscape, landscape_costs
from nn.pictures.lit_network import network
from nn.pictures.one_dimension import descent_1d
from nn.pictures.paths import descend
from nn.pictures.terrain import landscape
from nn.pictures.two_dimensions import descent_2d
from nn.pictures.weight_images import weights

del mpl

__all__ = [
    "Landscape",
    "activation",
    "animate_descent_2d",
    "cost_of_example",
    "descend",
    "descent_1d",
    "descent_2d",
    "landscape",
    "landscape_costs",
    "network",
    "weights",
]


def __dir__() -> list[str]:
    return __all__
