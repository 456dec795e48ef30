"""How many multiply-adds a recorded call makes: products that are added up.

The convention is fvcore's: matrix products, contractions and convolutions count one for every
product that goes into a sum, and all else counts nothing: elementwise operations, biases,
reductions, moving numbers about. So a linear layer has batch * in * out. torchinfo adds its bias.

Source: fvcore, fvcore/nn/jit_handles.py (`linear_flop_jit`, `matmul_flop_jit`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_mini import Tensor
from autograd_mini.operation import ITEM, Operation
from autograd_mini.recorded import given
from autograd_mini.rules.einsum import as_string
from nn.functional import linear

# NumPy has had matvec and vecmat since 2.2.
_NEWER = [getattr(np, name) for name in ("matvec", "vecmat") if hasattr(np, name)]
_MATRIX_PRODUCTS = frozenset({np.matmul, np.linalg.matmul})
_BILINEAR = frozenset(
    {
        np.convolve,
        np.correlate,
        np.dot,
        np.einsum,
        np.inner,
        np.linalg.tensordot,
        np.linalg.vecdot,
        np.tensordot,
        np.vdot,
        np.vecdot,
        *_NEWER,
    }
)

# What np.dot, np.tensordot, np.convolve and np.correlate call their arrays.
_ARRAYS = frozenset({"a", "b", "v"})

# Of these families, all but a few multiply and add in ways that depend on their algorithm.
_FAMILIES = ("np.fft.", "np.linalg.", "np.poly")
_WITHOUT = frozenset(
    {
        "np.fft.fftshift",
        "np.fft.ifftshift",
        "np.linalg.cross",
        "np.linalg.diagonal",
        "np.linalg.matrix_transpose",
        "np.linalg.norm",
        "np.linalg.outer",
        "np.linalg.trace",
        "np.linalg.vector_norm",
        "np.polyadd",
        "np.polyder",
        "np.polyint",
        "np.polysub",
    }
)
# So do these; `again` is what `checkpoint` records in the place of a whole function.
_UNKNOWN = frozenset({"again", "np.corrcoef", "np.cov", "np.interp", "np.roots"})
_OWNERS = frozenset({"autograd_mini", "nn", "numpy"})


def multiply_adds(result: Tensor) -> int | None:
    """Return the multiply-adds of the call that made `result`, None where they are not known.

    Not known are an operation of the user's own, decompositions and solvers, Fourier transforms,
    an einsum of more than two arrays, and a call whose graph was released.

    >>> x = Tensor(np.ones((5, 784)), requires_grad=True)
    >>> multiply_adds(linear(x, np.ones((16, 784)), np.ones(16)))
    62720
    >>> multiply_adds(x * x), multiply_adds(np.linalg.pinv(x))
    (0, None)
    """
    operation = result._operation
    if operation is None or operation is ITEM:
        return 0
    if result._args is None or _is_unknown(operation):
        return None
    if operation.function is linear:
        arguments = given(operation, result._args, result._kwargs)
        return int(arguments["x"].size * len(arguments["weight"]))
    if operation.function in _MATRIX_PRODUCTS:
        return int(result.size * result._args[0].shape[-1])
    if operation.function in _BILINEAR:
        return _products(result)
    return 0


def _is_unknown(operation: Operation) -> bool:
    function, name = operation.function, operation.name
    if function in _MATRIX_PRODUCTS or function in _BILINEAR or isinstance(function, np.ufunc):
        return False
    owner = str(function.__module__).partition(".")[0]
    in_family = name.startswith(_FAMILIES) and name not in _WITHOUT
    return owner not in _OWNERS or in_family or name in _UNKNOWN


def _products(result: Any) -> int | None:
    """Count by doing the same to ones: then every product adds 1 to the sum of the result."""
    operation, args = result._operation, result._args
    if operation.function is np.einsum:
        subscripts, operands = as_string(args)
        if len(operands) != 2:  # of one nothing is multiplied; of three it depends on the order
            return 0 if len(operands) == 1 else None
        args = (subscripts, *operands)
    are_arrays = [operation.takes_array(i) and not isinstance(x, str) for i, x in enumerate(args)]
    args = [
        np.ones(getattr(x, "shape", ())) if is_array else x
        for x, is_array in zip(args, are_arrays, strict=True)
    ]
    if any(is_array and np.ndim(x) == 0 for x, is_array in zip(args, are_arrays, strict=True)):
        return 0  # by a single number: element by element, as np.multiply does
    kwargs = {
        name: np.ones(np.shape(x)) if name in _ARRAYS else x
        for name, x in (result._kwargs or {}).items()
    }
    return int(np.sum(operation.forward(*args, **kwargs)))
