"""Function transforms: gradients, products with Jacobians, Jacobians, Hessians.

`f` takes arrays and returns arrays, also in tuples, lists and dicts. It is run once on Tensors,
and what was recorded is walked back, as often as needed. The forward mode, `jvp`, is two walks: a
vector-Jacobian product is linear in its vector, so its own vjp is the Jacobian-vector product.
All of them nest: results that depend on a Tensor that requires grad, given or closed over, are
Tensors, through which its gradient flows, unless under `no_grad()`. The signatures are JAX's.

Source of the two walks: J. Townsend, A new trick for calculating Jacobian vector products (2017).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd_mini.backward import gradients, whole_gradients
from autograd_mini.clock import tick
from autograd_mini.exits import GradientLostError
from autograd_mini.fitting import copied
from autograd_mini.kinds import check_like
from autograd_mini.modes import enable_grad, is_recording
from autograd_mini.recorded import met_before
from autograd_mini.storage import as_array, bare
from autograd_mini.tensor import Tensor
from autograd_mini.trees import is_like, leaves, mapped, rebuilt
from autograd_mini.variables import requires_grad, variable, weighed

Argnums = int | tuple[int, ...]
_is_inside: ContextVar[bool] = ContextVar("inside a transform", default=False)


class Run:
    """One run of a function on Tensors: inputs, outputs, and what else these depend on.

    Args:
        f: the function.
        args: all its arguments.
        argnums: the positions of those to differentiate by.
        has_aux: whether `f` returns a pair, the second of which is only passed on.
        kwargs: its keyword arguments.
        is_kept: whether the graph is walked later, and so must own its memory.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: tuple[int, ...],
        has_aux: bool = False,
        kwargs: dict[str, Any] | None = None,
        is_kept: bool = False,
    ) -> None:
        self.name = getattr(f, "__name__", repr(f))
        self.is_kept = is_kept
        self.primals = tuple(args[i] for i in argnums)
        found = leaves(self.primals)
        self.inputs = [variable(x, self.name, is_copy=is_kept) for x in found]
        self.start, self.is_recording, self.is_inside = tick(), is_recording(), _is_inside.get()
        all_args = list(args)
        # What `f` gets may be assigned to, so it is not what the gradients are asked for.
        given = [x if x.is_leaf else x.copy() for x in self.inputs]
        for i, x in zip(argnums, rebuilt(self.primals, given), strict=True):
            all_args[i] = x
        with enable_grad(), _inside():
            out = f(*all_args, **(kwargs or {}))
        if has_aux and not (isinstance(out, tuple) and len(out) == 2):
            raise TypeError(f"{self.name} with has_aux=True returns a pair, found {out!r}")
        out, aux = out if has_aux else (out, None)
        self.tree = out
        self.outputs = [x if isinstance(x, Tensor) else Tensor(x) for x in leaves(out)]
        is_given = any(not x.is_leaf for x in self.inputs) and self.is_recording
        self.is_nested = is_given or self.is_open([*leaves(out), *leaves(aux)])
        self.aux = mapped(self.result, aux)

    def is_open(self, results: list[Any]) -> bool:
        """Return whether `results` depend on more Tensors that require grad than the inputs.

        Then they must stay differentiable: a bare array would lose the gradients of the others.
        """
        own = {x._tick for x in self.inputs if x.is_leaf}
        met = met_before(self.start, filter(requires_grad, results)) if self.is_recording else []
        return any(x._tick not in own for x in met)

    def pull(self, gs: list[Any], is_recorded: bool = False) -> list[Any]:
        """Return the gradients of sum(g * output) by every input."""
        is_recorded = is_recorded or self.is_nested or any(map(requires_grad, gs))
        pairs = [(y, g) for y, g in zip(self.outputs, gs, strict=True) if y.requires_grad]
        if not pairs:
            return _zeros(self.inputs, is_recorded)
        # A hook or a rule may bring in a Tensor of an enclosing transform.
        is_tried = self.is_inside and self.is_recording and not is_recorded
        with enable_grad():
            y, g = pairs[0] if len(pairs) == 1 else (weighed(pairs), None)
            is_whole = self.is_recording and not self.is_nested
            pulled = whole_gradients if is_whole else gradients
            found = pulled(y, self.inputs, g, create_graph=is_recorded or is_tried)
        return [x.data for x in found] if is_tried and not self.is_open(found) else found

    def push(self) -> tuple[list[Tensor], list[Any]]:
        """Return variables g, one for each output, and the gradients of sum(g * output)."""
        kinds = [y.dtype if y.dtype.kind in "fc" else float for y in self.outputs]
        gs = [
            Tensor(np.ones_like(y.data, dtype=kind), True)
            for y, kind in zip(self.outputs, kinds, strict=True)
        ]
        return gs, self.pull(gs, is_recorded=True)

    def is_nested_by(self, products: list[Any]) -> bool:
        """Return whether `products` with the Jacobian must stay differentiable."""
        return self.is_nested or (self.is_inside and self.is_open(products))

    def result(self, x: Any) -> Any:
        """Return a Tensor for the caller: with its graph, or as a bare array."""
        if self.is_nested or not isinstance(x, Tensor):
            return x
        return copied(x.data) if self.is_kept else x.data


@contextmanager
def _inside() -> Any:
    token = _is_inside.set(True)
    try:
        yield
    except (ValueError, SystemError) as error:
        # NumPy's z[i] = t and SciPy's compiled solvers raise one of these from the real error.
        if isinstance(error.__cause__, GradientLostError):
            raise error.__cause__.with_traceback(error.__traceback__) from None
        raise
    finally:
        _is_inside.reset(token)


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return f(*primals) and the function that takes g to the product g^T J.

    Args:
        f: a function of arrays.
        primals: its arguments, floating-point or complex arrays, or containers of such.
        has_aux: whether `f` returns a pair, the second of which is returned as a third result.

    Returns:
        `out, pull`; `pull(g)`, for a `g` like `out`, is a tuple with a gradient for each primal.

    Raises:
        TypeError: a primal is not made of floating-point or complex numbers.

    >>> out, pull = vjp(lambda x, y: x * y, 2.0, np.array([3.0, 4.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array(43.), array([ 2., 20.]))
    """
    run = Run(f, primals, tuple(range(len(primals))), has_aux, is_kept=True)

    def pull(g: Any) -> Any:
        gs = _vectors(g, run.tree, run.outputs, "pull takes a gradient like the output")
        return rebuilt(run.primals, run.pull(gs))

    out = rebuilt(run.tree, map(run.result, run.outputs))
    return (out, pull, run.aux) if has_aux else (out, pull)


def jvp(
    f: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    has_aux: bool = False,
) -> Any:
    """Return f(*primals) and its change J t along `tangents`.

    Args:
        f: a function of arrays.
        primals: a tuple of its arguments.
        tangents: a tuple of the same shapes: the direction.
        has_aux: whether `f` returns a pair, the second of which is returned as a third result.

    Raises:
        TypeError: a primal is not made of floating-point or complex numbers.
        ValueError: `tangents` have another structure or other shapes.

    >>> jvp(np.sin, (0.0,), (2.0,))
    (array(0.), array(2.))
    """
    run = Run(f, tuple(primals), tuple(range(len(primals))), has_aux)
    directions = _vectors(
        tuple(tangents), run.primals, run.inputs, "jvp takes tangents like the primals"
    )
    gs, products = run.push()
    is_nested = run.is_nested_by(products) or any(map(requires_grad, directions))
    with enable_grad():
        pairs = [(p, t) for p, t in zip(products, directions, strict=True) if requires_grad(p)]
        changes = (
            gradients(weighed(pairs), gs, create_graph=is_nested)
            if pairs
            else _zeros(gs, is_nested)
        )
    tree = run.tree
    out, tangent = rebuilt(tree, map(run.result, run.outputs)), rebuilt(tree, changes)
    return (out, tangent, run.aux) if has_aux else (out, tangent)


def _zeros(like: list[Tensor], is_nested: bool) -> list[Any]:
    zeros = [np.zeros_like(x.data) for x in like]
    return [Tensor(x) for x in zeros] if is_nested else zeros


def _vectors(given: Any, tree: Any, like: list[Tensor], what: str) -> list[Any]:
    """Return the leaves of `given`, which must have the structure of `tree` and these shapes."""
    if not is_like(given, tree):
        raise ValueError(f"{what}, found {given!r} for {mapped(np.shape, tree)}")
    found = [x if isinstance(x, Tensor) else as_array(x) for x in leaves(given)]
    for x, y in zip(found, like, strict=True):
        check_like(bare(x), y.data)
        if x.shape != y.shape:
            raise ValueError(f"{what}, of shape {y.shape}, found {x.shape}")
        if x.dtype.kind == "c" and y.dtype.kind != "c":
            raise TypeError(f"{what}, of {y.dtype}, found {x.dtype}: take its real part")
    return found


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return the function that computes the gradient of `f`, by one or several arguments.

    Args:
        f: a function with a real number as result.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        has_aux: whether `f` returns a pair; the result is then the gradient and its second part.

    Raises:
        TypeError: an argument is not made of floating-point or complex numbers.
        ValueError: the result of `f` is no real number.

    >>> grad(lambda x: x**3)(2.0)
    array(12.)
    >>> grad(grad(lambda x: x**3))(2.0)
    array(12.)
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def value_and_grad(
    f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes `f` and its gradient at once; see `grad`.

    With `has_aux`, the result is `(value, aux), gradient`.

    >>> value_and_grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(np.ones(2), np.array([2.0, 3.0]))
    (array(5.), (array([2., 3.]), array([1., 1.])))
    """

    @functools.wraps(f)
    def evaluated(*args: Any, **kwargs: Any) -> Any:
        run = Run(f, args, positions(argnums, args), has_aux, kwargs)
        out = run.outputs[0] if len(run.outputs) == 1 else None
        if out is None or out.shape != () or out.dtype.kind == "c":
            found = rebuilt(run.tree, (f"{y.shape} {y.dtype}" for y in run.outputs))
            raise ValueError(
                f"grad differentiates a function with a real number as result, {run.name} returned "
                f"{found}: sum it up, or use vjp or jacobian"
            )
        found = rebuilt(run.primals, run.pull([np.ones_like(out.data)]))
        value = run.result(out)
        return (value, run.aux) if has_aux else value, chosen(found, argnums)

    return evaluated


def positions(argnums: Argnums, args: tuple[Any, ...]) -> tuple[int, ...]:
    """Return `argnums` as positions in `args`, counted from the front."""
    asked = argnums if isinstance(argnums, tuple) else (argnums,)
    for i in asked:
        if not -len(args) <= i < len(args):
            raise ValueError(f"argnums={argnums} asks for argument {i}, found {len(args)} of them")
    if len({i % len(args) for i in asked}) < len(asked):
        raise ValueError(f"argnums={argnums} asks for an argument twice")
    return tuple(i % len(args) for i in asked)


def chosen(found: Any, argnums: Argnums) -> Any:
    """Return one value for a single position, a tuple for several."""
    return found if isinstance(argnums, tuple) else found[0]
