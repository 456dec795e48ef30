"""The arrays that a strategy may draw, and one of each kind without drawing."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from autograd_mini.testing.layouts import laid_out, layouts_for
from autograd_mini.testing.strategies.shapes import Shape

Array = NDArray[Any]
SIZES: tuple[Shape, ...] = ((), (1,), (2,), (2, 3), (2, 3, 2), (0,), (2, 0))


class Drawn(NamedTuple):
    """The arrays that a strategy draws.

    Attributes:
        shapes: the only shape, or examples of many.
        layouts: the memory layouts, where the shape allows.
        numbers: the elements, the smallest first.
        is_distinct: whether no two are equal.
        dtype: of the array.
    """

    shapes: tuple[Shape, ...]
    layouts: tuple[str, ...]
    numbers: tuple[float, ...]
    is_distinct: bool
    dtype: np.dtype[Any]

    def allows(self, x: Array) -> bool:
        """Return whether an array of a shape that is drawn may hold these elements."""
        known = np.isin(x, np.array(self.numbers, self.dtype))
        return bool(np.all(known)) and not (self.is_distinct and np.unique(x).size < x.size)

    def choices(self, k: int) -> Iterator[Array]:
        """Return an array of each shape, layout and kind of numbers, for the k-th argument."""
        for shape in self.shapes:
            layouts = layouts_for(shape, self.layouts)
            spread = self.filled(shape, self.numbers, k)
            if spread is None:
                continue
            yield from (laid_out(spread, layout) for layout in layouts)
            for numbers in self.kinds(prod(shape)):
                x = self.filled(shape, numbers, k)
                if x is not None:
                    yield laid_out(x, layouts[0])

    def kinds(self, count: int) -> list[tuple[float, ...]]:
        """Return the positive numbers and the negative, then the smallest and largest of both."""
        signs = [tuple(x for x in self.numbers if (x < 0) == sign) for sign in (False, True)]
        few = 2 * count + 1
        return [*signs, *(part for each in signs for part in (each[:few], each[-few:]))]

    def filled(self, shape: Shape, numbers: tuple[float, ...], k: int) -> Array | None:
        """Return an array of numbers from all over these, or None if there are too few."""
        count = prod(shape)
        if count and (not numbers or (self.is_distinct and len(numbers) < count)):
            return None
        chosen = [numbers[(len(numbers) * i) // count] for i in range(count)]
        # Sizes are mixed within an array, and differently in each argument.
        order = sorted(range(count), key=lambda i: ((i + k) * 7 % (count + 1), i))
        values = np.array([chosen[i] for i in order], self.dtype)
        return values.reshape(shape)


# For every strategy of arrays that is in use.
DRAWN: WeakKeyDictionary[st.SearchStrategy[Any], Drawn] = WeakKeyDictionary()
