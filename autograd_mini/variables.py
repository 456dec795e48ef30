"""The Tensors that a function is differentiated by, and the weighted sum of its results."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from autograd_mini.fitting import copied
from autograd_mini.storage import as_array
from autograd_mini.tensor import Tensor


def requires_grad(x: Any) -> bool:
    """Return whether `x` is a Tensor that requires grad."""
    return isinstance(x, Tensor) and x.requires_grad


def variable(x: Any, name: str, is_copy: bool = False) -> Tensor:
    """Return `x` as a Tensor of its own to differentiate by, still connected to `x`."""
    if requires_grad(x):
        variable: Tensor = x.copy()
        return variable
    data = as_array(x)
    if data.dtype.kind not in "fc":
        raise TypeError(
            f"{name} can only be differentiated by floating-point and complex numbers, found "
            f"{data.dtype}: write 3.0 for 3, or choose other arguments with argnums"
        )
    return uncopied(copied(data) if is_copy else data)


def uncopied(data: Any) -> Tensor:
    """Return a leaf that requires grad and shares the memory, and so the layout, of `data`."""
    leaf = Tensor(data)
    leaf._needs = True
    return leaf


def weighed(pairs: list[tuple[Tensor, Any]]) -> Tensor:
    """Return the real part of the sum of all outputs times their weights."""
    return cast(Tensor, sum(np.sum(np.real(y * g)) for y, g in pairs))
