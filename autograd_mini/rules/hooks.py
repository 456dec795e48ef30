"""The identity whose rule is the caller's: a place to look at a gradient, or to change it.

A hook is an operation of its own, so the walk knows nothing of hooks and pays nothing for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_mini.fitting import copied
from autograd_mini.kinds import check_kind
from autograd_mini.operation import public_name
from autograd_mini.primitive import defvjp, primitive


@primitive
def hook(x: Any, f: Callable[[Any], Any]) -> Any:
    """Return `x`, with a gradient that passes through `f` on its way back.

    f(g) -> None, to leave it as it is, or another gradient of the same shape and dtype

    Use what is returned in the place of `x`: other uses of `x` pass by the hook. Every walk that
    reaches it calls `f` once, with the whole gradient: also walks of `jvp` and second derivatives.
    `g` is an array that can't be written and that `f` may keep; or a Tensor, if the walk is to be
    differentiated. Where no gradient is needed, `f` is never called.

    Args:
        x: a Tensor. The result shares its memory.
        f: a function of the gradient, or such as `list.append`.

    Raises:
        TypeError: `f` can't be called.
        RuntimeError: in the walk, if `f` raises, or returns something else.

    >>> import numpy as np
    >>> from autograd_mini import Tensor, hook
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> seen = []
    >>> y = hook(x * x, seen.append)
    >>> y = hook(y, lambda g: np.clip(g, -10, 10))
    >>> (y * [5.0, 50.0]).sum().backward()
    >>> seen
    [array([ 5., 10.])]
    >>> x.grad
    array([10., 40.])
    """
    if not callable(f):
        raise TypeError(f"hook(x, f) takes a function of the gradient second, found {f!r}")
    return np.reshape(x, np.shape(x))


def _through(g: Any, out: Any, x: Any, f: Any) -> Any:
    changed = f(np.broadcast_to(g, g.shape))  # a view that can't be written
    if changed is None:
        return g
    check_kind(changed)
    found = (getattr(changed, "shape", None), getattr(changed, "dtype", type(changed).__name__))
    if found != (g.shape, g.dtype):
        raise TypeError(
            f"{public_name(f)} returned shape {found[0]}, {found[1]}, for a gradient of shape "
            f"{g.shape}, {g.dtype}: return None to leave it, or another one like it"
        )
    return copied(changed)  # `f` may keep what it returned, and write into it


defvjp(hook, _through, None)
