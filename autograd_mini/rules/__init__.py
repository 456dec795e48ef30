"""The table, by family: importing this package fills it."""

from autograd_mini.rules import (
    activations,
    calculus,
    constants,
    decompositions,
    einsum,
    elementwise,
    fourier,
    indexing,
    joining,
    linalg,
    reductions,
    selection,
    shaping,
    statistics,
)

__all__ = [
    "activations",
    "calculus",
    "constants",
    "decompositions",
    "einsum",
    "elementwise",
    "fourier",
    "indexing",
    "joining",
    "linalg",
    "reductions",
    "selection",
    "shaping",
    "statistics",
]
