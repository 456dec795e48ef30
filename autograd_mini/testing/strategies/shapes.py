"""Shapes: single ones, and several that broadcast together."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Shape = tuple[int, ...]
T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]


def shapes(
    min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4
) -> st.SearchStrategy[Shape]:
    """Draw a shape; 0-d ones and, with `min_side` 0, empty ones are among them.

    >>> from hypothesis import given
    >>> @given(shapes(max_dims=2))
    ... def test_a_shape_is_short(shape):
    ...     assert len(shape) <= 2
    >>> test_a_shape_is_short()
    """
    return hnp.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )


def broadcastable_shapes(
    count: int, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4
) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Draw `count` shapes that broadcast against each other.

    >>> import numpy as np
    >>> from hypothesis import given
    >>> @given(broadcastable_shapes(2))
    ... def test_two_shapes_have_a_common_one(pair):
    ...     assert len(np.broadcast_shapes(*pair)) <= 3
    >>> test_two_shapes_have_a_common_one()
    """
    return _broadcastable(count, min_dims, max_dims, st.integers(min_side, max_side))


# Hypothesis's own strategy for this gets stuck while shrinking; here an axis is one piece of what
# was drawn, for all shapes, so that it can be taken out as a whole.
@st.composite
def _broadcastable(
    draw: Draw[Any], count: int, min_dims: int, max_dims: int, side: st.SearchStrategy[int]
) -> tuple[Shape, ...]:
    axis = st.tuples(side, *[st.booleans()] * count)
    axes = draw(st.lists(axis, min_size=min_dims, max_size=max_dims))
    stretched = [[1 if a[1 + k] else a[0] for a in axes] for k in range(count)]
    return tuple(_cut(shape, min_dims, draw(st.integers(0, max_dims))) for shape in stretched)


def _cut(shape: list[int], min_dims: int, ones: int) -> Shape:
    """Return `shape` with no more than so many ones in front, which broadcasting does not need."""
    leading = len([*takewhile((1).__eq__, shape)])
    cut = min(max(leading - ones, 0), len(shape) - min_dims)
    return tuple(shape[cut:])
