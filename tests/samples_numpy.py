"""The samples of the functions that `autograd_mini/rules` registers, family by family."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from autograd_mini import log_softmax, relu, sigmoid, softmax
from autograd_mini.rules.activations import sigmoid_slope
from autograd_mini.rules.einsum import HAS_ONE_ORDER
from autograd_mini.rules.indexing import getitem, scatter, setitem
from autograd_mini.rules.norms import at_kink
from autograd_mini.rules.shaping import cast
from tests.samples import (
    DISTINCT,
    EARLY,
    LATE,
    POSITIVE,
    REAL,
    Call,
    Draw,
    Numbers,
    Sample,
    along,
    arrays,
    broadcastable,
    chosen,
    elementwise,
    products,
    reductions,
    shapes,
)

UNIT = Numbers(-0.8, 0.8)
ABOVE_ONE = Numbers(1.2, 3.0)

ANALYTIC = {
    np.positive: (REAL,),
    np.negative: (REAL,),
    np.add: (REAL, REAL),
    np.subtract: (REAL, REAL),
    np.multiply: (REAL, REAL),
    np.divide: (REAL, POSITIVE),
    np.reciprocal: (POSITIVE,),
    np.square: (REAL,),
    np.power: (POSITIVE, REAL),
    np.float_power: (POSITIVE, REAL),
    np.sqrt: (POSITIVE,),
    np.exp: (REAL,),
    np.exp2: (REAL,),
    np.expm1: (REAL,),
    np.log: (POSITIVE,),
    np.log2: (POSITIVE,),
    np.log10: (POSITIVE,),
    np.log1p: (POSITIVE,),
    np.sin: (REAL,),
    np.cos: (REAL,),
    np.arcsin: (UNIT,),
    np.arccos: (UNIT,),
    np.sinh: (REAL,),
    np.cosh: (REAL,),
    np.tan: (UNIT,),
    np.arctan: (REAL,),
    np.arcsinh: (REAL,),
    np.tanh: (REAL,),
    np.arccosh: (ABOVE_ONE,),
    np.arctanh: (UNIT,),
    sigmoid: (REAL,),
    sigmoid_slope: (REAL,),
}
# No complex loop in NumPy, or a kink; the ranges stay away from kinks.
REAL_ONLY = {
    np.cbrt: (POSITIVE,),
    np.hypot: (POSITIVE, REAL),
    np.logaddexp: (REAL, REAL),
    np.logaddexp2: (REAL, REAL),
    np.arctan2: (REAL, POSITIVE),
    np.degrees: (REAL,),
    np.rad2deg: (REAL,),
    np.radians: (REAL,),
    np.deg2rad: (REAL,),
    np.absolute: (EARLY,),
    np.conjugate: (REAL,),
    np.real: (REAL,),
    np.imag: (REAL,),
    np.fabs: (EARLY,),
    np.copysign: (EARLY, LATE),
    np.heaviside: (EARLY, REAL),
    np.modf: (Numbers(0.1, 0.9),),
    np.maximum: (EARLY, LATE),
    np.minimum: (EARLY, LATE),
    np.fmax: (EARLY, LATE),
    np.fmin: (EARLY, LATE),
    relu: (EARLY,),
}


@st.composite
def remainders(draw: Draw) -> Call:
    """Draw a call with quotients between 2 and 3, away from the jumps."""
    left, right = draw(broadcastable(2))
    return Call(
        (
            draw(arrays(st.just(left), Numbers(2.1, 2.4))),
            draw(arrays(st.just(right), Numbers(0.9, 1.0))),
        ),
        analytic=False,
    )


@st.composite
def scaled_by_powers_of_two(draw: Draw) -> Call:
    a = draw(arrays(shapes()))
    return Call((a, draw(st.sampled_from([3, -1]))), analytic=False)


@st.composite
def wheres(draw: Draw) -> Call:
    condition, x, y = draw(broadcastable(3))
    mask = draw(arrays(st.just(condition))) > 0
    return Call((mask, draw(arrays(st.just(x))), draw(arrays(st.just(y)))))


@st.composite
def away_from_kinks(draw: Draw) -> Call:
    slope = draw(arrays(shapes()))
    return Call((slope, np.zeros(slope.shape, bool)))


@st.composite
def clips(draw: Draw) -> Call:
    """Draw a call whose bounds cut off part of the array; no two of the three are ever equal."""
    a, low, high = draw(broadcastable(3))
    bounds: list[Any] = [
        draw(arrays(st.just(low), Numbers(-0.45, -0.1))),
        draw(arrays(st.just(high), Numbers(0.55, 0.9))),
    ]
    if draw(st.booleans()):
        bounds[draw(st.integers(0, 1))] = None
    return Call((draw(arrays(st.just(a), EARLY)), *bounds), analytic=False)


@st.composite
def sequences(draw: Draw, *, stacked: bool) -> Call:
    """Draw a call with a list of arrays, some of them constants."""
    shape = draw(shapes(min_dims=0 if stacked else 1))
    parts = draw(st.lists(arrays(st.just(shape)), min_size=1, max_size=3))
    axis = draw(st.integers(-len(shape) - stacked, len(shape) - 1 + stacked))
    if not stacked and draw(st.booleans()):
        return Call((tuple(parts), None))
    whole = np.stack(parts) if draw(st.booleans()) and shape else parts
    return Call((whole, axis) if not stacked or isinstance(whole, list) else (whole,))


@st.composite
def indexed(draw: Draw) -> Call:
    """Draw x[index] for every kind of index."""
    x = draw(arrays(st.just((3, 4, 2))))
    mask = np.arange(12).reshape(3, 4) % 3 == 0
    index = draw(
        st.sampled_from(
            [
                0,
                -1,
                np.int64(1),
                slice(None),
                slice(2, None, -1),
                slice(5, 9),
                None,
                ...,
                (..., 1),
                (None, 0, ..., None),
                (slice(0, 2), 1),
                (0, 1, 1),
                [0, 0, 2],
                np.array([[0, 0], [2, -1]]),
                np.array([], int),
                ([0, 0, 1], [1, 1, 3]),
                (slice(None), [0, 0, 3]),
                ([0, 1], slice(None), [1, 1]),
                (np.array(1), slice(None, None, 2)),
                mask,
                (mask, 1),
                np.array([True, False, True]),
                (slice(None), np.array([True, False, False, True]), [0, 1]),
                np.zeros((3, 4, 2), bool),
                np.array(True),
                True,
                (),
            ]
        )
    )
    return Call((x, index))


@st.composite
def assigned(draw: Draw) -> Call:
    """Draw a copy of x with x[index] = value; value broadcasts."""
    x, index = draw(indexed()).args
    target = x[index].shape
    cut = draw(st.integers(0, len(target)))
    return Call((x, index, draw(arrays(st.just(target[cut:])))), analytic=False)


@st.composite
def scattered(draw: Draw) -> Call:
    x, index = draw(indexed()).args
    return Call((draw(arrays(st.just(x[index].shape))), index, x.shape))


@st.composite
def einsums(draw: Draw) -> Call:
    """Draw products, sums, diagonals, traces, broadcasting, ellipses, an implicit output, lists."""
    parts = draw(
        st.sampled_from(
            [
                ("ij,jk->ik", (2, 3), (3, 4)),
                ("ij,jk", (2, 3), (3, 4)),
                ("ij->ji", (2, 3)),
                ("ij->", (2, 3)),
                ("ij->j", (2, 3)),
                ("ii->i", (3, 3)),
                ("ii->", (3, 3)),
                ("ii", (3, 3)),
                ("iij->j", (2, 2, 3)),
                ("iii->i", (2, 2, 2)),
                ("i,i->i", (3,), (3,)),
                ("i,i->i", (3,), (1,)),
                ("i,j->ij", (2,), (3,)),
                ("i,->i", (3,), ()),
                ("...i,i->...", (2, 4, 3), (3,)),
                ("...ij,...jk->...ik", (2, 1, 2, 3), (4, 3, 2)),
                ("...ij,...jk", (2, 2, 3), (2, 3, 2)),
                ("i...->...", (3, 2)),
                ("bi,io,bo->b", (2, 3), (3, 4), (2, 4)),
                ("ij,ij,ij->", (2, 2), (2, 2), (2, 2)),
                ("ij,k->k", (2, 3), (4,)),
                ("ij,jk->ik", (0, 3), (3, 2)),
                (" b ... a , ... ", (2, 2, 3), (2,)),
                ("Ba,ab", (2, 3), (3, 4)),
                ("...,...", (2, 1), (3,)),
                ("i,i->i", [1.0, 2.0], (2,)),
                (",i->i", 2.0, (3,)),
                ((2, 3), [0, 1], [1, 0]),
                *([((2, 3), [26, 0])] if HAS_ONE_ORDER else []),
                ((2, 3), [0, 1], (3, 4), [1, 2]),
                ((3, 3), [4, 4], (3,), [4], []),
                ((2, 2, 3), [..., 0, 1], (3, 2), [..., 1, 2], [..., 0, 2]),
                ((2, 3, 2), [0, ...]),
                ((), [], (2,), [7], [7]),
                ([1.0, 2.0], [0], (2, 3), [0, 1]),
            ]
        )
    )
    args = [draw(arrays(st.just(part))) if isinstance(part, tuple) else part for part in parts]
    kwargs = draw(st.sampled_from([{}, {"optimize": True}, {"optimize": ("greedy", 100)}]))
    return Call(tuple(args), kwargs)


@st.composite
def tensordots(draw: Draw) -> Call:
    left, right, axes = draw(
        st.sampled_from(
            [
                ((2, 3), (3, 4), 1),
                ((2, 3, 4), (3, 4, 2), 2),
                ((2,), (3,), 0),
                ((2, 3, 4), (4, 3, 5), ([1, 2], [1, 0])),
                ((2, 3, 4), (2, 5, 4), ((-1, 0), (2, 0))),
                ((2, 3), (4, 3), (1, 1)),
                ((0, 3), (3, 2), 1),
            ]
        )
    )
    return Call((draw(arrays(st.just(left))), draw(arrays(st.just(right))), axes))


@st.composite
def padded(draw: Draw) -> Call:
    shape, width = draw(
        st.sampled_from([((3,), 2), ((3, 4), ((1, 2), (0, 3))), ((2, 3), (1, 0)), ((3, 3), 7)])
    )
    mode = draw(st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]))
    kwargs: dict[str, Any] = {"mode": mode} if mode != "constant" or draw(st.booleans()) else {}
    return Call((draw(arrays(st.just(shape))), width), kwargs)


@st.composite
def taken_along(draw: Draw) -> Call:
    arr = draw(arrays(st.just((2, 3))))
    indices, axis = draw(
        st.sampled_from([([[0, 0], [2, 1]], 1), ([[1, 0, 1]], 0), ([5, 0, 0], None)])
    )
    return Call((arr, np.array(indices), axis))


@st.composite
def counted(draw: Draw) -> Call:
    x = draw(st.lists(st.integers(0, 4), min_size=1, max_size=5))
    weights = draw(arrays(st.just((len(x),))))
    return Call((np.array(x, int), weights, *draw(st.sampled_from([(), (7,)]))), analytic=False)


MATMULS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((2, 2, 3), (3, 4)),
    ((2, 3), (4, 3, 2)),
    ((4, 1, 2, 3), (2, 3, 2)),
    ((2, 2, 3), (3,)),
    ((3,), (2, 3, 4)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
]
DOTS = [((), ()), ((), (2, 3)), ((2,), ()), *MATMULS[:4], ((2, 3), (4, 3, 2)), ((2, 4, 3), (3,))]
INNERS = [((), ()), ((2,), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((3,), (2, 3))]
OUTERS = [((3,), (2,)), ((2, 2), (3,)), ((), (2,)), ((0,), (2,))]
VDOTS = [((3,), (3,)), ((2, 3), (2, 3)), ((), ()), ((0,), (0,))]

SOFTMAXES = [((3,), (), {}), ((2, 3), (), {"axis": 0}), ((2, 3, 2), (1,), {}), ((0, 3), (), {})]
MOVES: dict[Any, list[Any]] = {
    np.ravel: [((2, 3), (), {}), ((2, 3, 2), ("F",), {}), ((), (), {}), ((0, 2), (), {})],
    np.reshape: [
        ((2, 3), ((3, 2),), {}),
        ((2, 3), (-1,), {"order": "F"}),
        ((), ((1, 1),), {}),
        ((0, 2), ((4, 0),), {}),
    ],
    np.squeeze: [((1, 3, 1), (), {}), ((1, 3, 1), (2,), {}), ((2, 1), (), {"axis": (1,)})],
    np.expand_dims: [((2, 3), (1,), {}), ((3,), ((0, -1),), {}), ((), (0,), {})],
    np.copy: [((2, 3), (), {}), ((), (), {}), ((0,), (), {})],
    np.swapaxes: [((2, 3, 4), (0, 2), {}), ((2, 3, 4), (-1, 1), {})],
    np.moveaxis: [((2, 3, 4), (0, -1), {}), ((2, 3, 4), ((0, 1), (2, 0)), {})],
    np.transpose: [
        ((2, 3), (), {}),
        ((2, 3, 4), ((1, 2, 0),), {}),
        ((2, 3, 4), (), {"axes": (0, -1, 1)}),
        ((3,), (None,), {}),
    ],
    np.flip: [((2, 3), (), {}), ((2, 3), (1,), {}), ((2, 3, 2), ((0, -1),), {})],
    np.roll: [((2, 3), (1,), {}), ((2, 3), (-2, 1), {}), ((2, 3), ((1, 2), (0, 1)), {})],
    np.tril: [((3, 4), (), {}), ((2, 3, 3), (1,), {}), ((3, 3), (), {"k": -1})],
    np.triu: [((3, 4), (), {}), ((2, 3, 3), (1,), {}), ((3, 3), (), {"k": -1})],
    np.broadcast_to: [((3,), ((2, 3),), {}), ((2, 1), ((4, 2, 3),), {}), ((), ((2,),), {})],
    np.split: [((4,), (2,), {}), ((2, 5), ([1, 3], 1), {}), ((4, 2), (2,), {"axis": -2})],
    np.array_split: [((5,), (2,), {}), ((2, 5), (3, 1), {}), ((3,), ([1, 1],), {})],
    np.repeat: [((2, 3), (2,), {}), ((2, 3), ([0, 1, 2], 1), {}), ((), (3,), {}), ((0,), (2,), {})],
    np.tile: [((2, 3), (2,), {}), ((3,), ((2, 2),), {}), ((2, 1, 2), ((2,),), {}), ((), (2,), {})],
    np.diagonal: [((3, 3), (), {}), ((2, 4), (1,), {}), ((2, 3, 2), (-1, 1, 2), {})],
    np.trace: [((3, 3), (), {}), ((2, 4), (1,), {}), ((2, 3, 2), (0, 1, 2), {})],
    np.take: [
        ((4,), ([0, 0, 3],), {}),
        ((2, 3), (2, 1), {}),
        ((2, 3, 2), ([[0, -1], [1, 1]], -2), {}),
        ((2, 3), ([5, 0],), {}),
        ((2, 3), ([7, -9, 1], 1), {"mode": "wrap"}),
        ((2, 3), ([7, 0], 1), {"mode": "clip"}),
    ],
}
CASTS = [((2, 3), (np.dtype(np.float64),), {}), ((), (np.dtype(np.float64),), {})]
SORTS = [
    ((5,), (), {}),
    ((2, 4), (0,), {}),
    ((2, 3), (None,), {}),
    ((), (None,), {}),
    ((0,), (), {}),
]

SAMPLES = [
    *(Sample(function, elementwise(*numbers)) for function, numbers in ANALYTIC.items()),
    *(
        Sample(function, elementwise(*numbers, analytic=False))
        for function, numbers in REAL_ONLY.items()
    ),
    Sample(np.remainder, remainders()),
    Sample(np.fmod, remainders()),
    Sample(np.divmod, remainders()),
    Sample(np.ldexp, scaled_by_powers_of_two()),
    Sample(softmax, chosen(SOFTMAXES)),
    Sample(log_softmax, chosen(SOFTMAXES)),
    Sample(np.sum, reductions()),
    Sample(np.mean, reductions(min_side=1)),
    Sample(np.prod, reductions()),
    Sample(np.var, reductions(DISTINCT, min_side=3, analytic=False, ddof=1)),
    Sample(np.std, reductions(DISTINCT, min_side=3, analytic=False, ddof=1)),
    *(
        Sample(function, reductions(DISTINCT, min_side=1, analytic=False))
        for function in (np.max, np.min, np.amax, np.amin)
    ),
    Sample(np.cumsum, along()),
    Sample(np.matmul, products(*MATMULS)),
    Sample(np.dot, products(*DOTS)),
    Sample(np.inner, products(*INNERS)),
    Sample(np.outer, products(*OUTERS)),
    Sample(np.vdot, products(*VDOTS, analytic=False)),
    Sample(np.tensordot, tensordots()),
    Sample(np.einsum, einsums()),
    Sample(np.mean, chosen([((0, 3), (1,), {}), ((0, 3), (), {"axis": 1, "keepdims": True})])),
    *(Sample(function, chosen(options)) for function, options in MOVES.items()),
    Sample(cast, chosen(CASTS, analytic=False)),
    Sample(np.concatenate, sequences(stacked=False)),
    Sample(np.stack, sequences(stacked=True)),
    Sample(np.pad, padded()),
    Sample(np.where, wheres()),
    Sample(at_kink, away_from_kinks()),
    Sample(np.clip, clips()),
    Sample(np.sort, chosen(SORTS, DISTINCT, analytic=False)),
    Sample(np.take_along_axis, taken_along()),
    Sample(np.bincount, counted()),
    Sample(getitem, indexed()),
    Sample(setitem, assigned()),
    Sample(scatter, scattered()),
]
