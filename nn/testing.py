"""Random networks for tests, each with an input, drawn with Hypothesis.

For functions that take any module: they should work for small ones of every shape. With
`check_module`, a network shows whether its layers have the right gradients together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from numpy.typing import NDArray

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError(
        "nn.testing draws with Hypothesis, which is not installed: pip install hypothesis"
    ) from error

from autograd_mini.testing.strategies import arrays
from nn.layers import Dropout, Flatten, Linear, ReLU, Sigmoid, Softmax, Tanh
from nn.module import Module
from nn.sequential import Sequential

__all__ = ["ACTIVATIONS", "networks"]


def __dir__() -> list[str]:
    return __all__


ACTIVATIONS: tuple[Callable[[], Module], ...] = (Sigmoid, Tanh, ReLU, Softmax, Dropout)
T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]


def networks(
    in_features: int | None = None,
    *,
    max_layers: int = 3,
    max_features: int = 3,
    activations: Sequence[Callable[[], Module]] = ACTIVATIONS,
) -> st.SearchStrategy[tuple[Sequential, NDArray[Any]]]:
    """Draw a network of linear layers and activations, in evaluation mode, and a batch for it.

    Its weights are short decimals and shrink with it. A network may start with Flatten; then its
    inputs are matrices.

    Args:
        in_features: the length of each input; up to `max_features` by default.
        max_layers: how many linear layers there may be, at least one.
        max_features: how many outputs each may have.
        activations: functions that make a layer; one may follow each linear layer.

    Raises:
        ValueError: there is no room for a layer.

    >>> from hypothesis import given
    >>> @given(networks(in_features=2))
    ... def test_a_network_gives_a_row_for_each_row(pair):
    ...     network, x = pair
    ...     assert network(x).shape[0] == x.shape[0]
    >>> test_a_network_gives_a_row_for_each_row()
    """
    if max_layers < 1 or max_features < 1:
        raise ValueError(
            f"a network has at least one layer of one feature, found max_layers={max_layers} and "
            f"max_features={max_features}"
        )
    widths = st.integers(1, max_features)
    first = widths if in_features is None else st.just(in_features)
    return _networks(first, max_layers, widths, tuple(activations))


@st.composite
def _networks(
    draw: Draw[Any],
    first: st.SearchStrategy[int],
    max_layers: int,
    widths: st.SearchStrategy[int],
    activations: tuple[Callable[[], Module], ...],
) -> tuple[Sequential, NDArray[Any]]:
    width = in_features = draw(first)
    layers: list[Module] = [Flatten()] if draw(st.booleans()) else []
    shape = (in_features, 1) if layers else (in_features,)
    for out_features in draw(st.lists(widths, min_size=1, max_size=max_layers)):
        layers.append(_linear(draw, width, out_features))
        following = draw(st.sampled_from([None, *activations]))
        layers += [] if following is None else [following()]
        width = out_features
    x = draw(arrays((draw(st.integers(1, 3)), *shape)))
    return Sequential(*layers).eval(), x


def _linear(draw: Draw[Any], in_features: int, out_features: int) -> Linear:
    """Return a linear layer of drawn numbers, with or without a bias."""
    layer = Linear(in_features, out_features, bias=draw(st.booleans()))
    for p in layer.parameters():
        p.data = draw(arrays(p.shape, layout="C"))
    return layer
