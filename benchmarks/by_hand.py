"""The digits network's training step by hand in NumPy: as one writes it, and as fast as it gets.

Both do the same: sigmoid layers, the squares of the errors summed over the outputs and averaged
over the examples, the gradient by the chain rule, one step against it. Parameters are
[W1, b1, W2, b2, W3, b3] with W of shape (outputs, inputs); a batch is x (examples, 784) with the
wanted outputs y (examples, 10).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# OpenBLAS multiplies a tall matrix faster in blocks of so many rows.
ROWS = 64


class Contender(NamedTuple):
    """A way to train: `step(x, y)` returns the cost, `params()` the parameters as they are now."""

    step: Callable[[Any, Any], Any]
    params: Callable[[], list[Array]]
    own: Callable[[Array], Any] = np.asarray


def plain(initial: Sequence[Array], lr: float) -> Contender:
    """Return the step as one writes it in NumPy."""
    params = [p.copy() for p in initial]

    def step(x: Array, y: Array) -> Any:
        W1, b1, W2, b2, W3, b3 = params
        a1 = sigmoid(x @ W1.T + b1)
        a2 = sigmoid(a1 @ W2.T + b2)
        a3 = sigmoid(a2 @ W3.T + b3)
        cost = np.sum((a3 - y) ** 2) / len(x)

        d3 = 2 / len(x) * (a3 - y) * a3 * (1 - a3)
        d2 = d3 @ W3 * a2 * (1 - a2)
        d1 = d2 @ W2 * a1 * (1 - a1)
        gradients = (d1.T @ x, d1.sum(0), d2.T @ a1, d2.sum(0), d3.T @ a2, d3.sum(0))
        for p, gradient in zip(params, gradients, strict=True):
            p -= lr * gradient
        return cost

    return Contender(step, lambda: params)


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def tuned(initial: Sequence[Array], lr: float, batch: int) -> Contender:
    """Return the step with as few and as cheap NumPy calls as it takes, for one batch size.

    Nothing is allocated. All parameters, all gradients and all activations are views into one flat
    array each, so that what every layer needs is done once. Constants are 0-d arrays, which cost a
    call less than Python's numbers, and the cost's factor 2 / batch is part of the rate.
    """
    dtype = initial[0].dtype
    shapes = [p.shape for p in (*initial[::2], *initial[1::2])]
    outputs = [(batch, *shape) for shape in shapes[3:]]
    P, (W1, W2, W3, *b) = flat(shapes, dtype)
    G, (gW1, gW2, gW3, gb1, gb2, gb3) = flat(shapes, dtype)
    minus_b, (c1, c2, c3) = flat(shapes[3:], dtype)
    A, (a1, a2, a3) = flat(outputs, dtype)
    _, (d1, d2, d3) = flat(outputs, dtype)
    slope, (s1, s2, s3) = flat(outputs, dtype)
    biases, error, change, ones = P[-minus_b.size :], d3.ravel(), P.copy(), np.ones(batch, dtype)
    cost, one, share, rate = (np.array(v, dtype) for v in (0, 1, 1 / batch, lr * 2 / batch))
    W1_T, W2_T, W3_T, d1_T, d2_T, d3_T = (matrix.T for matrix in (W1, W2, W3, d1, d2, d3))
    tall = batch > ROWS and batch % ROWS == 0
    a1_blocks = a1.reshape(-1, ROWS, a1.shape[1]) if tall else a1
    params = [W1, b[0], W2, b[1], W3, b[2]]
    for p, value in zip(params, initial, strict=True):
        p[:] = value
    add, subtract, multiply, dot = np.add, np.subtract, np.multiply, np.dot
    exp, reciprocal, negative, matmul = np.exp, np.reciprocal, np.negative, np.matmul

    def squash(a: Array, minus_b: Array) -> None:
        subtract(minus_b, a, a)
        exp(a, a)
        add(a, one, a)
        reciprocal(a, a)

    def chain_rule(d: Array, d_T: Array, s: Array, a: Array, gW: Array, gb: Array) -> None:
        multiply(d, s, d)
        dot(d_T, a, gW)
        dot(ones, d, gb)

    def step(x: Array, y: Array) -> Any:
        negative(biases, minus_b)
        if tall:
            matmul(x.reshape(-1, ROWS, x.shape[1]), W1_T, a1_blocks)
        else:
            dot(x, W1_T, a1)
        squash(a1, c1)
        dot(a1, W2_T, a2)
        squash(a2, c2)
        dot(a2, W3_T, a3)
        squash(a3, c3)
        subtract(a3, y, d3)
        dot(error, error, cost)
        multiply(cost, share, cost)

        subtract(one, A, slope)
        multiply(slope, A, slope)
        chain_rule(d3, d3_T, s3, a2, gW3, gb3)
        dot(d3, W3, d2)
        chain_rule(d2, d2_T, s2, a1, gW2, gb2)
        dot(d2, W2, d1)
        chain_rule(d1, d1_T, s1, x, gW1, gb1)
        multiply(G, rate, change)
        subtract(P, change, P)
        return cost

    return Contender(step, lambda: params)


def flat(shapes: Sequence[tuple[int, ...]], dtype: Any) -> tuple[Array, list[Array]]:
    """Return one flat array and views into it, one of each shape, in order."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    whole = np.zeros(ends[-1], dtype)
    pieces = np.split(whole, ends[:-1])
    return whole, [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]
