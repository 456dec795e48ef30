"""NumPy functions whose derivative is zero or none: their results need no gradient.

A step function such as `np.floor` is flat wherever it has a slope at all; a comparison, a search or
a question about the shape has no slope.
"""

import numpy as np

from autograd_mini.primitive import nondifferentiable

_STEPS = (
    np.around,
    np.ceil,
    np.fix,
    np.floor,
    np.floor_divide,
    np.rint,
    np.round,
    np.sign,
    np.trunc,
)
_COMPARISONS = (
    np.allclose,
    np.array_equal,
    np.array_equiv,
    np.equal,
    np.greater,
    np.greater_equal,
    np.isclose,
    np.less,
    np.less_equal,
    np.not_equal,
)
_LOGIC = (
    np.all,
    np.any,
    np.bitwise_and,
    np.bitwise_or,
    np.bitwise_xor,
    np.invert,
    np.isfinite,
    np.isinf,
    np.isnan,
    np.isneginf,
    np.isposinf,
    np.left_shift,
    np.logical_and,
    np.logical_not,
    np.logical_or,
    np.logical_xor,
    np.right_shift,
    np.signbit,
)
_SEARCHES = (
    np.argmax,
    np.argmin,
    np.argpartition,
    np.argsort,
    np.argwhere,
    np.bitwise_count,
    np.count_nonzero,
    np.digitize,
    np.flatnonzero,
    np.gcd,
    np.isin,
    np.isnat,
    np.lcm,
    np.lexsort,
    np.linalg.matrix_rank,
    np.nonzero,
    np.ravel_multi_index,
    np.searchsorted,
    np.spacing,
    np.unravel_index,
)
_SHAPES = (
    np.empty_like,
    np.iscomplexobj,
    np.isrealobj,
    np.may_share_memory,
    np.ndim,
    np.ones_like,
    np.can_cast,
    np.common_type,
    np.diag_indices_from,
    np.einsum_path,
    np.iscomplex,
    np.isreal,
    np.min_scalar_type,
    np.result_type,
    np.shape,
    np.shares_memory,
    np.size,
    np.tril_indices_from,
    np.triu_indices_from,
    np.zeros_like,
)

for _function in (*_STEPS, *_COMPARISONS, *_LOGIC, *_SEARCHES, *_SHAPES):
    nondifferentiable(_function)
