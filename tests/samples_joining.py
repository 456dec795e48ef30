"""The samples of `autograd_mini/rules/joining.py` and `autograd_mini/rules/moving.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from autograd_mini import array
from tests.samples import DISTINCT, REAL, Call, Draw, Numbers, Sample, arrays, chosen


class Of:
    """Stands for an array of `shape` to be drawn."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape


Form = tuple[tuple[Any, ...], dict[str, Any]]


def form(*args: Any, **kwargs: Any) -> Form:
    """Return a form of a call: its arguments, `Of` for arrays, also inside lists."""
    return args, kwargs


@st.composite
def forms(draw: Draw, options: list[Form], numbers: Numbers = REAL, analytic: bool = True) -> Call:
    """Draw a call in one of the given forms."""

    def filled(x: Any) -> Any:
        if isinstance(x, list | tuple):
            return type(x)(filled(part) for part in x)
        return draw(arrays(st.just(x.shape), numbers)) if isinstance(x, Of) else x

    args, kwargs = draw(st.sampled_from(options))
    return Call(filled(args), kwargs, analytic)


PAIR = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]) > 0
INDEX = np.array([[0, 2, 1], [1, 0, 0]])

JOINS: dict[Any, list[Form]] = {
    np.append: [
        form(Of(3), Of(2)),
        form(Of(2, 3), Of()),
        form(Of(1, 1), Of(2, 2)),
        form(Of(2, 3), Of(2, 1), axis=1),
        form(Of(2, 3), Of(4, 3), -2),
        form(Of(0), Of(2), 0),
        form(Of(), Of()),
    ],
    array: [
        form([Of(), Of(), Of()]),
        form([[Of(), Of()], [Of(), Of()]]),
        form(([Of(3), Of(3)], (Of(3), Of(3)))),
        form(Of(2, 3)),
        form([Of(2, 1)]),
    ],
    np.hstack: [
        form([Of(3), Of(2)]),
        form((Of(), Of(2), Of())),
        form([Of(2, 1), Of(2, 3), Of(2, 0)]),
        form([Of(2, 1, 2), Of(2, 2, 2)]),
        form([Of(2)]),
        form(Of(2, 3)),
        form(Of(2, 3, 2)),
    ],
    np.vstack: [
        form([Of(3), Of(3)]),
        form([Of(3), Of(2, 3)]),
        form((Of(), Of())),
        form([Of(1, 3), Of(0, 3)]),
        form([Of(2, 1, 2), Of(1, 1, 2)]),
        form(Of(2, 3)),
        form(Of(2, 2, 3)),
    ],
    np.dstack: [
        form([Of(3), Of(3)]),
        form((Of(2, 3), Of(2, 3))),
        form([Of(2, 3), Of(2, 3, 2), Of(2, 3, 0)]),
        form([Of(), Of()]),
        form(Of(2, 3)),
    ],
    np.column_stack: [
        form([Of(3), Of(3)]),
        form((Of(3), Of(3, 2), Of(3))),
        form([Of(), Of()]),
        form([Of(0), Of(0)]),
        form(Of(2, 3)),
        form(Of(2, 3, 2)),
    ],
    np.block: [
        form([Of(3), Of(2)]),
        form([Of(2, 3), Of(2, 1)]),
        form([Of(), Of(2)]),
        form([[Of(2, 3), Of(2, 1)], [Of(1, 1), Of(1, 3)]]),
        form([[[Of(2)], [Of(2)]], [[Of(1, 2)], [Of(2)]]]),
        form(Of(2, 3)),
    ],
    np.atleast_1d: [
        form(Of()),
        form(Of(3)),
        form(Of(2, 3)),
        form(Of(), Of(2)),
        form(Of(2, 2), Of(), Of(0)),
    ],
    np.atleast_2d: [form(Of()), form(Of(3)), form(Of(2, 3)), form(Of(), Of(2), Of(1, 2, 1))],
    np.atleast_3d: [form(Of()), form(Of(3)), form(Of(2, 3)), form(Of(), Of(2), Of(2, 1))],
    np.broadcast_arrays: [
        form(Of(3)),
        form(Of(2, 1), Of(3)),
        form(Of(), Of(2), Of(3, 1)),
        form(Of(0, 1), Of(1, 3), Of(1)),
    ],
    np.meshgrid: [
        form(Of(3)),
        form(Of(3), Of(2)),
        form(Of(3), Of(2), indexing="ij"),
        form(Of(3), Of(2), Of(4), sparse=True),
        form(Of(3), Of(), Of(2), copy=False),
        form(Of(3), Of(1), Of(2), Of(2)),
        form(Of(3), Of(2), Of(1), indexing="ij", sparse=True),
        form(Of(0), Of(2)),
    ],
    np.ix_: [form(Of(3)), form(Of(3), Of(2)), form(Of(1), Of(2), Of(1))],
    np.choose: [
        form(INDEX, [Of(2, 3), Of(3), Of(2, 1)]),
        form(INDEX, (Of(), Of(), Of(4, 2, 3))),
        form([3, -1, 1], [Of(3), Of(3)], mode="wrap"),
        form(np.array([3, -1, 1]), [Of(3), Of()], mode="clip"),
        form(1, [Of(2), Of(2)]),
        form(INDEX, Of(3)),
        form(INDEX, Of(3, 2, 3)),
        form(INDEX, Of(3, 1, 3)),
    ],
    np.select: [
        form([PAIR, ~PAIR], [Of(2, 3), Of(2, 3)]),
        form([PAIR, PAIR], [Of(3), Of(2, 1)], Of(3)),
        form([PAIR], [Of()], default=2.0),
        form([PAIR, PAIR[:, ::-1]], (Of(2, 1, 3), Of()), 0.5),
        form([PAIR, PAIR[:, ::-1]], Of(2, 2, 3)),
        form([PAIR, PAIR[:, ::-1]], Of(2)),
        form([PAIR[0], ~PAIR[0]], Of(2, 4, 1), Of(4, 3)),
    ],
    np.extract: [
        form(PAIR, Of(2, 3)),
        form([1, 0, 0, 1], Of(2, 2)),
        form([True, False], Of(3)),
        form(PAIR & False, Of(2, 3)),
    ],
    np.compress: [
        form([True, False, True], Of(3)),
        form([0, 1], Of(2, 3), axis=0),
        form([1, 1, 0], Of(2, 3), -1),
        form([True], Of(2, 3), 1),
        form([True, False, True], Of(2, 3)),
        form([False, False], Of(2, 2), 0),
    ],
}
# NumPy casts what it inserts, and what it fills with, to the dtype of the other argument.
CASTING: dict[Any, list[Form]] = {
    np.insert: [
        form(Of(4), 1, Of()),
        form(Of(4), 1, Of(3)),
        form(Of(2, 3), [0, 2], Of(2)),
        form(Of(2, 3), [0, 3], Of()),
        form(Of(2, 3), 1, Of(3), axis=0),
        form(Of(2, 3), 1, Of(2), 1),
        form(Of(2, 3), [1], Of(2, 1), 1),
        form(Of(2, 3), [2, 0], Of(2, 2), -1),
        form(Of(2, 3), slice(0, 2), Of(2, 2), 1),
        form(Of(2, 3), slice(None), 1.5, 0),
        form(Of(3), [1, 1, -1], Of(3)),
        form(Of(4), -1, [1.0, 2.0]),
        form(Of(0), 0, Of(2)),
        form(Of(2), [], Of(0)),
    ],
    np.full_like: [
        form(Of(2, 3), Of()),
        form(Of(2, 3), Of(3)),
        form(Of(2, 3), Of(2, 1), shape=(4, 2, 3)),
        form(Of(2), Of(2), None, "C", shape=(0, 2)),
        form(Of(), Of()),
    ],
}
SPLITS: dict[Any, list[Any]] = {
    np.hsplit: [((4,), (2,), {}), ((2, 5), ([1, 3],), {}), ((2, 3, 2), ([1],), {})],
    np.vsplit: [((4, 2), (2,), {}), ((5, 2), ([1, 3],), {}), ((2, 3), ([0, 9],), {})],
    np.dsplit: [((2, 1, 4), (2,), {}), ((1, 2, 5), ([1, -2],), {})],
}
if hasattr(np, "unstack"):
    SPLITS[np.unstack] = [
        ((3,), (), {}),
        ((2, 3), (), {"axis": 1}),
        ((2, 3, 2), (), {"axis": -2}),
        ((1, 0), (), {}),
    ]
MOVES: dict[Any, list[Any]] = {
    np.fliplr: [((2, 3), (), {}), ((2, 3, 2), (), {}), ((2, 0), (), {})],
    np.flipud: [((3,), (), {}), ((2, 3), (), {}), ((0, 2), (), {})],
    np.rot90: [
        ((2, 3), (), {}),
        ((2, 3), (2,), {}),
        ((2, 3), (-1,), {}),
        ((2, 3), (4,), {}),
        ((2, 3, 4), (1, (1, 2)), {}),
        ((2, 3, 4), (), {"k": 3, "axes": (-1, 0)}),
    ],
    np.rollaxis: [
        ((2, 3, 4), (axis, start), {}) for axis in (-1, 0, 1, 2) for start in (-3, -1, 0, 1, 3)
    ]
    + [((2, 3), (1,), {}), ((2, 3), (), {"axis": 0, "start": 2})],
    np.diag: [
        ((3,), (), {}),
        ((2,), (1,), {}),
        ((2,), (), {"k": -2}),
        ((0,), (), {}),
        ((3, 3), (), {}),
        ((2, 4), (1,), {}),
        ((3, 2), (-1,), {}),
        ((2, 2), (5,), {}),
    ],
    np.diagflat: [((3,), (), {}), ((2, 2), (1,), {}), ((), (), {"k": -1}), ((0,), (), {})],
    np.resize: [
        ((3,), ((2, 4),), {}),
        ((2, 3), (4,), {}),
        ((), ((2, 2),), {}),
        ((2, 2), ((0, 3),), {}),
        ((0,), ((2,),), {}),
    ],
    np.delete: [
        ((4,), (1,), {}),
        ((4,), (-1,), {}),
        ((2, 3), ([0, 4],), {}),
        ((2, 3), (1, 0), {}),
        ((2, 3), ([0, 0, 2], 1), {}),
        ((2, 3), (slice(0, 2),), {"axis": -1}),
        ((4,), (np.array([True, False, False, True]),), {}),
        ((2, 3), (np.s_[:], 1), {}),
        ((3,), ([],), {}),
    ],
    np.lib.stride_tricks.sliding_window_view: [
        ((5,), (3,), {}),
        ((3, 4), ((2, 2),), {}),
        ((3, 4), (2,), {"axis": 1}),
        ((3, 4), ((2, 2), (1, 1)), {}),
        ((4,), (1, -1), {}),
    ],
    # An element that is zero has no slope here: NumPy would keep it.
    np.trim_zeros: [((4,), (), {}), ((3,), ("f",), {}), ((1,), (), {"trim": "b"}), ((0,), (), {})],
    np.nan_to_num: [((2, 3), (), {}), ((), (), {"nan": 2.0, "posinf": 1.0}), ((0,), (), {})],
}
# The complex step would be cast away.
CASTS: dict[Any, list[Any]] = {}
if hasattr(np, "astype"):
    double = np.dtype(np.float64)
    CASTS[np.astype] = [((2, 3), (double,), {}), ((), (double,), {"copy": False})]
ORDERS: dict[Any, list[Any]] = {
    np.partition: [
        ((6,), (2,), {}),
        ((6,), ([1, 4],), {}),
        ((3, 4), (-1,), {}),
        ((3, 4), (1, 0), {}),
        ((3, 2), (3,), {"axis": None}),
        ((2, 3, 2), (1,), {"axis": -2, "kind": "introselect"}),
    ],
    np.unique: [
        ((5,), (), {}),
        ((2, 3), (), {}),
        ((3, 2), (), {"axis": 0}),
        ((2, 3), (False, False, False, -1), {"equal_nan": False}),
        ((), (), {}),
        ((0,), (), {}),
    ],
    np.unique_values: [((5,), (), {}), ((2, 3), (), {}), ((), (), {})],
}

WIDTHS = [
    ((3,), (2,)),
    ((3, 4), (((1, 2), (0, 3)),)),
    ((2, 3), ((1, 0),)),
    ((), (2,)),
    ((0,), (0,)),
]
RAMPS: list[Any] = [
    *(
        (shape, width, {"mode": mode})
        for shape, width in WIDTHS
        for mode in ("linear_ramp", "mean")
    ),
    ((2, 3), (2, "linear_ramp"), {"end_values": ((1, 2), (3, 4))}),
    ((3, 4), (2, "mean"), {"stat_length": ((2, 1), (3, 9))}),
    ((2, 1, 3), (1, "mean"), {"stat_length": 2}),
]
EXTREMA: list[Any] = [
    *((shape, (*width, mode), {}) for shape, width in WIDTHS for mode in ("maximum", "minimum")),
    ((3, 4), (2, "maximum"), {"stat_length": ((2, 1), (3, 9))}),
    ((2, 1, 3), (1, "minimum"), {"stat_length": 2}),
]

SAMPLES: list[Sample] = [
    Sample(np.pad, chosen(RAMPS)),
    Sample(np.pad, chosen(EXTREMA, DISTINCT, analytic=False)),
    *(Sample(function, forms(options)) for function, options in JOINS.items()),
    *(Sample(function, forms(options, analytic=False)) for function, options in CASTING.items()),
    *(Sample(function, chosen(options)) for function, options in (SPLITS | MOVES).items()),
    *(Sample(function, chosen(options, analytic=False)) for function, options in CASTS.items()),
    *(Sample(f, chosen(options, DISTINCT, analytic=False)) for f, options in ORDERS.items()),
]
