"""Hypothesis strategies for functions of arrays, and gradients checked in one line.

`assert_gradients(f)` checks every derivative of `f` in every condition, then at inputs it draws;
`@given(tensors())`, `arrays`, `shapes` and `programs` are for tests of your own. What fails shrinks
to numbers that a person can read: 1.0 or -0.5, not sixteen digits.
"""

try:
    import hypothesis as _hypothesis
except ImportError as _error:
    raise ImportError(
        "autograd_mini.testing.strategies draws with Hypothesis, which is not installed: "
        "pip install hypothesis"
    ) from _error

from autograd_mini.origin import skip_frames_in as _skip_frames_in
from autograd_mini.testing.layouts import LAYOUTS, laid_out
from autograd_mini.testing.strategies.assertion import assert_gradients
from autograd_mini.testing.strategies.programs import Program, programs
from autograd_mini.testing.strategies.shapes import broadcastable_shapes, shapes
from autograd_mini.testing.strategies.values import arrays, numbers, tensors

__all__ = [
    "LAYOUTS",
    "Program",
    "arrays",
    "assert_gradients",
    "broadcastable_shapes",
    "laid_out",
    "numbers",
    "programs",
    "shapes",
    "tensors",
]


def __dir__() -> list[str]:
    return __all__


# Hypothesis calls the function: the line to be named is the one that called Hypothesis.
_skip_frames_in(_hypothesis.__file__)
