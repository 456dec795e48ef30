"""Whole Jacobians and Hessians, and the products of a Hessian with a vector.

A Jacobian is built by rows, one walk for each output element, or by columns, one for each input
element: whichever are fewer.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_mini.backward import gradients
from autograd_mini.tensor import Tensor
from autograd_mini.transforms import Argnums, Run, chosen, grad, jvp, positions
from autograd_mini.trees import rebuilt


def jacobian(
    f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes all derivatives of `f`, of shape output + input.

    Where `f` takes or returns containers, the result is the output's container, with the input's
    in the place of each leaf.

    Args:
        f: a function of arrays.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        has_aux: whether `f` returns a pair; the result is then the Jacobian and its second part.

    Raises:
        TypeError: an argument is not made of floating-point or complex numbers.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @functools.wraps(f)
    def evaluated(*args: Any, **kwargs: Any) -> Any:
        run = Run(f, args, positions(argnums, args), has_aux, kwargs)
        blocks = _by_columns(run) if _has_fewer_columns(run) else _by_rows(run)
        found = rebuilt(run.tree, (chosen(rebuilt(run.primals, row), argnums) for row in blocks))
        return (found, run.aux) if has_aux else found

    return evaluated


def _has_fewer_columns(run: Run) -> bool:
    """Return whether to build by columns; a complex output of a real input has no rows."""
    complex_in = any(x.dtype.kind == "c" for x in run.inputs)
    complex_out = any(y.dtype.kind == "c" for y in run.outputs)
    if complex_out and complex_in and any(x.dtype.kind != "c" for x in run.inputs):
        raise TypeError(
            f"jacobian of {run.name} by real and complex arguments at once mixes two kinds of "
            f"derivative: ask for them one by one, with argnums"
        )
    if complex_in or complex_out:
        return not complex_in
    return sum(x.size for x in run.inputs) < sum(y.size for y in run.outputs)


def _by_rows(run: Run) -> list[list[Any]]:
    """Return the block of each output and input, from the gradients of every output element."""
    blocks = []
    for k, y in enumerate(run.outputs):
        rows = [run.pull(_only(k, unit, run.outputs)) for unit in _units(y)]
        parts = zip(*rows, strict=True) if rows else ([] for _ in run.inputs)
        blocks.append(
            [_joined(part, y.shape + x.shape, x) for part, x in zip(parts, run.inputs, strict=True)]
        )
    return blocks


def _by_columns(run: Run) -> list[list[Any]]:
    """Return the same, from the change of the outputs along every input element.

    g^T J is linear in g, so the gradients of its elements by g are the columns of J.
    """
    gs, products = run.push()
    is_nested = run.is_nested_by(products)
    columns: list[list[list[Any]]] = [[] for _ in run.outputs]
    for x, product in zip(run.inputs, products, strict=True):
        found = [_column(product, unit, gs, is_nested) for unit in _units(x)]
        parts = zip(*found, strict=True) if found else ([] for _ in run.outputs)
        for column, part, y in zip(columns, parts, run.outputs, strict=True):
            flat = _joined(part, x.shape + y.shape, y)
            column.append(np.moveaxis(flat, range(x.ndim), range(y.ndim, y.ndim + x.ndim)))
    return columns


def _column(product: Any, unit: Any, gs: list[Tensor], is_nested: bool) -> list[Any]:
    if not (isinstance(product, Tensor) and product.requires_grad):
        return [np.zeros_like(g.data) for g in gs]
    return gradients(product, gs, unit, create_graph=is_nested)


def _units(x: Tensor) -> Iterator[Any]:
    """Yield arrays like `x` that are 1 in one element."""
    for i in range(x.size):
        unit = np.zeros_like(x.data, shape=x.size)
        unit[i] = 1
        yield unit.reshape(x.shape)


def _only(k: int, unit: Any, outputs: list[Tensor]) -> list[Any]:
    return [unit if i == k else np.zeros_like(y.data) for i, y in enumerate(outputs)]


def _joined(parts: Any, shape: tuple[int, ...], like: Tensor) -> Any:
    """Return `parts` as one array of `shape`; there may be none, and they may be Tensors."""
    parts = list(parts)
    if not parts:
        return np.zeros_like(like.data, shape=shape)
    joined = np.reshape(np.stack(parts), shape)
    return joined if joined.dtype == parts[0].dtype else joined.astype(parts[0].dtype)


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return the function that computes all second derivatives of `f`.

    Args:
        f: a function of arrays, mostly with a real number as result.
        argnums: the position of the argument to differentiate by, or a tuple of positions.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return jacobian(jacobian(f, argnums), argnums)


def hvp(f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
    """Return the product of the Hessian of `f` at `primals` with `tangents`.

    The Hessian itself is never built: it is the change of the gradient along the tangents.

    Args:
        f: a function with a real number as result.
        primals: a tuple of its arguments.
        tangents: a tuple of the same shapes.

    Returns:
        The product, like the argument if there is one, else a tuple.

    >>> hvp(lambda x: (x**3).sum(), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    array([6., 0.])
    """
    argnums: Argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(f, argnums), primals, tangents)[1]
