"""Checkpoints: parts of a computation that run again in the walk instead of keeping their values.

The part is one node of the graph. It is run once without remembering anything inside, and a second
time, remembering, when the walk comes by.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_mini.backward import partial_gradients
from autograd_mini.clock import tick
from autograd_mini.fitting import copied
from autograd_mini.kinds import is_same
from autograd_mini.modes import enable_grad, is_recording
from autograd_mini.primitive import defvjp, primitive
from autograd_mini.recorded import met_before
from autograd_mini.storage import as_array
from autograd_mini.tensor import Tensor
from autograd_mini.trees import leaves, rebuilt
from autograd_mini.variables import requires_grad, variable, weighed


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return `f` as a function whose inner values are computed again in the walk, not kept.

    Parameters that `f` reaches without taking them as arguments get their gradients too. `f` must
    compute the same when it runs again, so random numbers must be passed in. Other values raise an
    error; the same values with other slopes, as after a change of a branch, go unnoticed. Values
    that it stores outside, in a list or in a Tensor that it assigns into, have no gradient by its
    arguments: return them. A result of which only a part is used is differentiated as a whole:
    where the slope of the other part is infinite, the gradient is nan, not 0
    (`checkpoint(np.sqrt)(x)[1]` at 0).

    Args:
        f: a function of Tensors, and of anything else, that returns Tensors or containers of them.

    Raises:
        RuntimeError: in the walk, if `f` returned something else the second time.

    >>> x = Tensor([0.5, 1.0], requires_grad=True)
    >>> checkpoint(lambda x: np.exp(np.sin(x)))(x).sum().backward()
    >>> bool(np.allclose(x.grad, np.cos(x.data) * np.exp(np.sin(x.data))))
    True
    """

    @functools.wraps(f)
    def checkpointed(*args: Any) -> Any:
        if not is_recording():
            return f(*args)
        part = _Part(f, args)
        if not part.variables:
            return part.out
        results = again(part.variables, part)
        return rebuilt(part.out, results)

    return checkpointed


class _Part:
    """A call of a function, to be made again; what it returned; and what it depends on."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.f = f
        self.args = args
        inputs = [x for x in leaves(args) if requires_grad(x)]
        start = tick()
        self.out = self.run([Tensor(copied(x.data)) for x in inputs])
        self.captured = met_before(start, filter(requires_grad, leaves(self.out)))
        self.variables = [*inputs, *self.captured]
        self.results = [copied(as_array(x)) for x in map(_detached, leaves(self.out))]
        self.out = rebuilt(self.out, map(Tensor, self.results))

    def run(self, inputs: list[Any]) -> Any:
        """Call the function with `inputs` in the place of the arguments that require grad."""
        values = iter(inputs)
        found = (next(values) if requires_grad(x) else x for x in leaves(self.args))
        with enable_grad():
            return self.f(*rebuilt(self.args, found))

    def pull(self, g: Any, values: Any) -> list[Any]:
        """Return the gradients of sum(g * result) by every variable, at its `values`."""
        is_recorded = any(isinstance(x, Tensor) for x in values)
        count = len(values) - len(self.captured)
        with enable_grad():
            inputs = [variable(x, "the checkpoint") for x in values[:count]]
            outputs = leaves(self.run(inputs))
            self._check_same(outputs)
            pairs = [(y, part) for y, part in zip(outputs, g, strict=True) if requires_grad(y)]
            if not pairs:
                return [np.zeros_like(x) for x in values]
            variables = [*inputs, *self.captured]
            return partial_gradients(weighed(pairs), variables, None, is_recorded)

    def _check_same(self, outputs: list[Any]) -> None:
        pairs = zip(map(_detached, outputs), self.results, strict=True)
        if not all(is_same(as_array(x), y) for x, y in pairs):
            name = getattr(self.f, "__name__", repr(self.f))
            raise RuntimeError(
                f"checkpoint ran {name} again in the walk and got other values than before: it "
                f"must not draw random numbers, nor use what was written since"
            )


@primitive
def again(arrays: Any, part: _Part) -> Any:
    """Return the results of `part`, as a call with its variables, `arrays`."""
    return tuple(part.results)


defvjp(again, lambda g, out, arrays, part: part.pull(g, arrays), None)


def _detached(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x
