"""Products with the Jacobian by the walks, from either side, and the directions to take."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_mini.backward import gradients
from autograd_mini.tensor import Tensor
from autograd_mini.testing.numeric import Array, size_of

FULL = 12  # blocks with at most so many elements on a side are compared element by element
DIRECTIONS = 3


class Column(NamedTuple):
    """What the walks say of the change of every output along one direction.

    Attributes:
        position: the input that moves.
        direction: along which it moves.
        changes: of every output, by Jacobian-vector products; None if not asked for.
        units: for every output, the weights with which its elements are summed.
        sums: for every output, the changes of those sums, by vector-Jacobian products, or None.
    """

    position: int
    direction: Array
    changes: list[Array] | None
    units: list[list[Array]]
    sums: list[Array] | None


def columns(
    out: list[Tensor], variables: list[Tensor], modes: tuple[str, ...], rng: np.random.Generator
) -> list[Column]:
    """Return what the walks say, along every direction of every variable."""
    units = [directions(y.data, 1.0, rng) for y in out]
    pulls = [[pull(out, variables, k, u) for u in us] for k, us in enumerate(units)]
    push = Push(out, variables) if "fwd" in modes else None
    found = []
    for i, x in enumerate(variables):
        for v in directions(x.data, size_of(x.data) or 1.0, rng):
            changes = push.along(i, v) if push is not None else None
            sums = [np.array([np.sum(g[i] * v) for g in gs]) for gs in pulls]
            found.append(Column(i, v, changes, units, sums if "rev" in modes else None))
    return found


class Push:
    """Jacobian-vector products: the walk back is linear in g, so it is itself walked back."""

    def __init__(self, out: list[Tensor], variables: list[Tensor]) -> None:
        self.gs = [Tensor(np.ones(y.shape), requires_grad=True) for y in out]
        self.products = pulled(out, variables, self.gs, is_recorded=True)

    def along(self, i: int, v: Array) -> list[Array]:
        """Return the change of every output when input `i` moves along `v`."""
        product = self.products[i]
        if not product.requires_grad:
            return [np.zeros(g.shape) for g in self.gs]
        return gradients(product, self.gs, v)


def pull(out: list[Tensor], variables: list[Tensor], k: int, u: Array) -> list[Array]:
    """Return the gradients of sum(u * output k)."""
    weights = [u if j == k else np.zeros(y.shape) for j, y in enumerate(out)]
    return pulled(out, variables, weights, is_recorded=False)


def pulled(
    out: list[Tensor], variables: list[Tensor], weights: Any, *, is_recorded: bool
) -> list[Any]:
    """Return the gradients of the weighted sum of outputs by every variable."""
    zeros = [np.zeros_like(x.data) for x in variables]
    total: list[Any] = [*map(Tensor, zeros)] if is_recorded else zeros
    for y, u in zip(out, weights, strict=True):
        if y.requires_grad:
            found = gradients(y, variables, u, create_graph=is_recorded)
            total = [a + b for a, b in zip(total, found, strict=True)]
    return total


def directions(x: Array, size: float, rng: np.random.Generator) -> list[Array]:
    """Return the unit vectors of a small block, random directions for a large one."""
    if x.size <= FULL:
        return [size * unit.reshape(x.shape) for unit in np.eye(x.size)]
    return [size * random_weights(x, rng) for _ in range(DIRECTIONS)]


def random_weights(x: Array, rng: np.random.Generator) -> Array:
    """Return random signs and sizes: two equal errors do not cancel, nor weighted shares."""
    weights: Array = rng.uniform(0.5, 1.5, x.shape) * rng.choice([-1.0, 1.0], x.shape)
    return weights


def real_parts(y: Tensor, is_complex: bool) -> list[Any]:
    """Return a result as real numbers: a complex one is two of them."""
    return [np.real(y), np.imag(y)] if is_complex else [y]
