"""Operations whose rules only move the elements of a gradient, and those that leave some out.

The walk asks such a rule for the way of a mask, too: see `reach.py`. A rule that calls a function
of the user's, or whose elements may cancel, does not belong here.
"""

import numpy as np

from autograd_mini.primitive import TABLE, moves_elements
from autograd_mini.rules.activations import relu, sigmoid
from autograd_mini.rules.indexing import getitem, setitem
from autograd_mini.rules.joining import array
from autograd_mini.rules.shaping import cast

_SELECTIONS = (
    getitem,
    np.choose,
    np.clip,
    np.compress,
    np.delete,
    np.diag,
    np.diagonal,
    np.extract,
    np.fmax,
    np.fmin,
    np.max,
    np.maximum,
    np.min,
    np.minimum,
    np.nan_to_num,
    np.nanmax,
    np.nanmean,
    np.nanmin,
    np.nansum,
    np.select,
    np.take,
    np.take_along_axis,
    np.tril,
    np.triu,
    np.where,
    relu,
    setitem,
)
_MOVES = (
    array,
    cast,
    np.atleast_1d,
    np.broadcast_to,
    np.concatenate,
    np.copy,
    np.expand_dims,
    np.flip,
    np.hstack,
    np.moveaxis,
    np.ravel,
    np.repeat,
    np.reshape,
    np.roll,
    np.sort,
    np.squeeze,
    np.stack,
    np.sum,
    np.swapaxes,
    np.tile,
    np.transpose,
    np.vstack,
)
moves_elements(*_SELECTIONS, leaves_out=True)
moves_elements(*_MOVES)
# At 0 it is not flat: its slope there is 0 by choice.
TABLE[relu].flow = lambda g, out, x: np.where(x < 0, 0, g)
for _function in (relu, sigmoid):
    TABLE[_function].is_elementwise = True
