"""NumPy functions that refuse Tensors, each with its reason and the way out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_mini.primitive import REFUSALS

_WRITES = (
    "it writes into an array, whose old value the derivative of earlier calls may need: assign "
    "with z[i] = x into a Tensor, z = Tensor(np.zeros(3)), or make a new one, with np.where or "
    "x * np.ones(3)"
)
_TEXT = "it is about files and text: pass bare arrays (`tensor.data`)"
_TUPLES = "it has no derivative of its own: use np.unique with return_index, return_inverse ..."

_REASONS: dict[str, tuple[Callable[..., Any], ...]] = {
    _WRITES: (
        np.copyto,
        np.fill_diagonal,
        np.place,
        np.put,
        np.put_along_axis,
        np.putmask,
    ),
    _TEXT: (
        np.array2string,
        np.array_repr,
        np.array_str,
        np.save,
        np.savetxt,
        np.savez,
        np.savez_compressed,
    ),
    _TUPLES: (np.unique_all, np.unique_counts, np.unique_inverse),
}
REFUSALS |= {function: reason for reason, functions in _REASONS.items() for function in functions}
REFUSALS |= {
    np.sort_complex: "it makes complex numbers of real ones: use np.sort",
    np.polyfit: (
        "it is a least-squares solution with options of rank and scale: write "
        "np.linalg.lstsq(np.vander(x, deg + 1), y)[0]"
    ),
    np.histogramdd: "its edges come as a list: use np.histogram of each axis, or bare arrays",
    np.histogram2d: "its rule is not written: use np.histogram of each axis, or bare arrays",
}
