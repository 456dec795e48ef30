"""The table, by family: importing this package fills it."""

from autograd_mini.rules import (
    activations,
    constants,
    einsum,
    elementwise,
    indexing,
    linalg,
    reductions,
    selection,
    shaping,
)

__all__ = [
    "activations",
    "constants",
    "einsum",
    "elementwise",
    "indexing",
    "linalg",
    "reductions",
    "selection",
    "shaping",
]
