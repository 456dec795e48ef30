"""The samples of `numpy.linalg`: decompositions, norms, products, solving.

Matrices are drawn well away from where a derivative ends: no two eigenvalues or singular values
close to each other, none close to 0, and no norm near another row's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.numeric import STEP
from tests.samples import (
    LAYOUTS,
    Call,
    Draw,
    Numbers,
    Sample,
    arrays,
    chosen,
    laid_out,
    products,
)


def spaced(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return matrices with 1, 2, 3 ... on the diagonal, and small elements beside it."""
    x = rng.uniform(0.1, 0.2, shape) * rng.choice([-1.0, 1.0], shape)
    k = min(shape[-2:])
    x[..., range(k), range(k)] += 1 + np.arange(k)
    return x


def is_steady(function: Any, call: Call) -> bool:
    """Return whether no numeric derivative meets a jump: LAPACK chooses signs of vectors."""
    a, *rest = call.args

    def run(x: np.ndarray) -> list[Any]:
        out = function(x, *rest, **call.kwargs)
        return list(out) if isinstance(out, tuple) else [out]

    here = run(a)
    for at in np.ndindex(a.shape):
        for step in (-STEP, STEP):
            moved = a.copy()
            moved[at] += step
            there = run(moved)
            if any(np.any(np.abs(x - y) > 0.5) for x, y in zip(here, there, strict=True)):
                return False
    return True


@st.composite
def matrices(
    draw: Draw,
    function: Any,
    options: list[tuple[tuple[int, ...], tuple[Any, ...], dict[str, Any]]],
    *,
    analytic: bool = True,
) -> Call:
    """Draw f(matrix, *rest, **kwargs); an array among the rest is one to differentiate by."""
    shape, rest, kwargs = draw(st.sampled_from(options))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    layout = draw(st.sampled_from([each for each in LAYOUTS if each != "broadcast"]))
    while True:
        filled = [rng.uniform(-2, 2, x.shape) if isinstance(x, np.ndarray) else x for x in rest]
        call = Call((laid_out(spaced(shape, rng), layout), *filled), kwargs, analytic)
        if analytic or is_steady(function, call):
            return call


def linalg(name: str, options: list[Any], *, analytic: bool = True) -> Sample:
    function = getattr(np.linalg, name)
    return Sample(function, matrices(function, options, analytic=analytic))


@st.composite
def signed(draw: Draw, options: list[Any]) -> Call:
    """Draw an array of either sign, no two magnitudes near each other or near 0."""
    call = draw(chosen(options, Numbers(0.3, 2.3, distinct=True), analytic=False))
    x, *rest = call.args
    signs = np.where(np.arange(x.size).reshape(x.shape) % 3, 1.0, -1.0)
    return Call((np.asarray(x * signs), *rest), call.kwargs, analytic=False)


@st.composite
def chains(draw: Draw) -> Call:
    """Draw the factors of a chain; the outer ones may be vectors."""
    drawn = draw(
        st.sampled_from(
            [
                [(2, 3), (3, 4)],
                [(2, 3), (3, 4), (4, 2)],
                [(3,), (3, 4), (4,)],
                [(3,), (3, 2), (2, 4), (4, 3)],
                [(2, 3), (3, 2), (2, 4), (4,)],
                [(3,), (3,)],
            ]
        )
    )
    return Call(([draw(arrays(st.just(shape))) for shape in drawn],))


@st.composite
def pairs(draw: Draw, options: list[Any], analytic: bool = True) -> Call:
    """Draw a call of two arrays from a list of (shape, shape, kwargs)."""
    left, right, kwargs = draw(st.sampled_from(options))
    return Call((draw(arrays(st.just(left))), draw(arrays(st.just(right)))), kwargs, analytic)


STACKS: list[tuple[int, ...]] = [(1, 1), (2, 2), (3, 3), (2, 3, 3), (2, 1, 2, 2)]
SQUARE = [(shape, (), {}) for shape in [*STACKS, (0, 0), (2, 0, 0), (0, 2, 2)]]
FULL = [(shape, (), {}) for shape in [(1, 1), (2, 2), (3, 3), (3, 2), (2, 4), (2, 3, 2)]]
BOTH = [(shape, (), {"UPLO": uplo}) for shape in STACKS for uplo in "LU"]
SOLVED = [
    ((3, 3), (np.ones(3),), {}),
    ((3, 3), (np.ones((3, 2)),), {}),
    ((2, 3, 3), (np.ones(3),), {}),
    ((2, 3, 3), (np.ones((3, 2)),), {}),
    ((2, 2), (np.ones((3, 2, 1)),), {}),
    ((2, 1, 2, 2), (np.ones((3, 2, 2)),), {}),
    ((0, 0), (np.ones((0, 2)),), {}),
]
FITTED = [
    ((3, 3), (np.ones(3),), {}),
    ((4, 2), (np.ones(4),), {}),
    ((4, 2), (np.ones((4, 3)),), {}),
    ((2, 4), (np.ones(2),), {}),
    ((2, 4), (np.ones((2, 3)), None), {}),
    ((3, 2), (np.ones((3, 1)),), {"rcond": 1e-10}),
]
POWERS = [
    *(((2, 2), (n,), {}) for n in (-3, -2, -1, 0, 1, 2, 3, 4, 7)),
    ((2, 3, 3), (3,), {}),
    ((2, 2, 2), (-2,), {}),
]
QRS = [
    *FULL,
    ((3, 2), ("r",), {}),
    ((2, 3), (), {"mode": "r"}),
    ((2, 3), ("complete",), {}),
    ((3, 3), (), {"mode": "complete"}),
]
THIN = {"full_matrices": False}
SVDS = [
    *((shape, (), THIN) for shape, _, _ in FULL),
    ((3, 3), (), {}),
    ((3, 2), (True, False), {}),
    ((2, 3), (), {"compute_uv": False}),
    ((3, 3), (), {"hermitian": True}),
    ((2, 2), (), {"hermitian": True, "compute_uv": False}),
]
PINVS = [
    *FULL,
    ((3, 2), (1e-10,), {}),
    ((3, 2), (), {"rtol": 1e-10}),
    ((3, 3), (), {"hermitian": True}),
]
ORDERS = [1, -1, 2, -2, math.inf, -math.inf]
VECTOR_NORMS: list[Any] = [
    *(((4,), (order,), {}) for order in (None, *ORDERS, 0, 3, 2.5, 0.5, -3)),
    ((2, 3), (), {"axis": 0}),
    ((2, 3), (3, 1), {}),
    ((2, 3), (1,), {"axis": -1, "keepdims": True}),
    ((2, 3, 2), (math.inf, -2), {}),
    ((2, 3, 2), (), {}),
    ((2, 3), (), {"keepdims": True}),
    ((), (), {}),
    ((0,), (), {}),
]
SUM_NORMS: list[Any] = [
    *(((2, 3), (order,), {}) for order in (None, "fro", 1, -1, math.inf, -math.inf)),
    ((2, 3, 4), ("fro", (0, 2)), {}),
    ((2, 3, 4), (1, (2, 1)), {}),
    ((2, 3, 4), (-math.inf, (1, -1)), {"keepdims": True}),
]
VALUE_NORMS: list[Any] = [
    *(((3, 2), (order,), {}) for order in (2, -2, "nuc")),
    ((2, 3, 3), (2, (1, 2)), {"keepdims": True}),
    ((2, 2, 3), ("nuc", (-1, -2)), {}),
]
AXES_NORMS: list[Any] = [
    *(((4,), (), {"ord": order}) for order in (*ORDERS, 0, 3)),
    ((2, 3), (), {}),
    ((2, 3, 2), (), {"axis": (0, -1), "keepdims": True}),
    ((2, 3), (), {"axis": 1, "ord": 1}),
    ((2, 3), (), {"keepdims": True}),
]
MATRIX_NORMS: list[Any] = [
    *(((2, 3), (), {"ord": order}) for order in ("fro", 2, -2, "nuc", 1, -1, math.inf)),
    ((2, 3, 2), (), {}),
    ((2, 3, 2), (), {"keepdims": True, "ord": "nuc"}),
]
CONDS: list[Any] = [
    *(((3, 3), (p,), {}) for p in (None, 2, -2, "fro", 1, math.inf, -math.inf, "nuc")),
    ((3, 2), (), {}),
    ((2, 2, 2), (), {"p": 1}),
    ((2, 2, 3), (), {"p": 2}),
]
KRONS = [
    ((2,), (3,)),
    ((2, 3), (3, 2)),
    ((), (2, 2)),
    ((2, 2), ()),
    ((2,), (3, 2)),
    ((2, 1, 2), (2, 3)),
    ((0,), (2,)),
]
PLAIN_CROSSED: list[Any] = [
    ((3,), (3,), {}),
    ((2, 3), (2, 3), {}),
    ((4, 1, 3), (2, 3), {}),
    ((3, 2), (3, 2), {"axis": 0}),
    ((3, 2), (4, 3, 2), {"axis": -2}),
]
CROSSED: list[Any] = [
    *PLAIN_CROSSED,
    ((3, 2), (2, 3), {"axisa": 0}),
    ((3, 2), (4, 2, 3), {"axisa": 0, "axisc": 1}),
    ((2, 3), (3, 2), {"axisb": -2, "axisc": 0}),
]
VECDOTS: list[Any] = [
    ((3,), (3,), {}),
    ((2, 3), (3,), {}),
    ((4, 1, 3), (2, 3), {}),
    ((3, 2), (3, 2), {"axis": 0}),
    ((3, 2), (4, 3, 2), {"axis": -2}),
    ((2, 0), (2, 0), {}),
]
SQUARE_TENSORS = [((4, 2, 2), {"ind": 1}), ((2, 3, 6), {}), ((2, 2, 1, 4), {})]


@st.composite
def tensor_inverses(draw: Draw) -> Call:
    shape, kwargs = draw(st.sampled_from(SQUARE_TENSORS))
    n = math.prod(shape[: kwargs.get("ind", 2)])
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Call((spaced((n, n), rng).reshape(shape),), kwargs)


@st.composite
def tensor_solutions(draw: Draw) -> Call:
    """Draw an equation; its matrix is well conditioned after its axes were moved."""
    shape, axes, b = draw(
        st.sampled_from(
            [
                ((2, 3, 6), None, (2, 3)),
                ((6, 2, 3), None, (6,)),
                ((2, 6, 3), (0, 2), (6,)),
                ((3, 4, 2, 6), (1, 0), (2, 6)),
            ]
        )
    )
    moved = [i for i in range(len(shape)) if i not in (axes or ())] + list(axes or ())
    n = math.prod(b)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    whole = spaced((n, n), rng).reshape([shape[i] for i in moved])
    a = np.ascontiguousarray(np.transpose(whole, np.argsort(moved)))
    return Call((a, rng.uniform(-2, 2, b), *([] if axes is None else [axes])))


SAMPLES: list[Sample] = [
    linalg("inv", SQUARE),
    linalg("det", SQUARE),
    linalg("slogdet", SQUARE, analytic=False),
    linalg("solve", SOLVED),
    Sample(np.linalg.tensorinv, tensor_inverses()),
    Sample(np.linalg.tensorsolve, tensor_solutions()),
    linalg("cholesky", SQUARE, analytic=False),
    linalg("cholesky", [((3, 3), (), {"upper": True})], analytic=False),
    linalg("eigh", BOTH, analytic=False),
    linalg("eigvalsh", BOTH, analytic=False),
    linalg("eig", SQUARE[:5], analytic=False),
    linalg("eigvals", SQUARE[:5], analytic=False),
    linalg("svd", SVDS, analytic=False),
    linalg("svdvals", FULL, analytic=False),
    linalg("qr", QRS, analytic=False),
    linalg("pinv", PINVS, analytic=False),
    linalg("lstsq", FITTED, analytic=False),
    Sample(np.linalg.norm, signed(VECTOR_NORMS)),
    linalg("norm", SUM_NORMS, analytic=False),
    linalg("norm", VALUE_NORMS, analytic=False),
    Sample(np.linalg.vector_norm, signed(AXES_NORMS)),
    linalg("matrix_norm", MATRIX_NORMS, analytic=False),
    linalg("cond", CONDS, analytic=False),
    linalg("matrix_power", POWERS),
    Sample(np.linalg.multi_dot, chains()),
    Sample(np.kron, products(*KRONS)),
    Sample(np.cross, pairs(CROSSED)),
    Sample(np.linalg.cross, pairs(PLAIN_CROSSED)),
    Sample(np.vecdot, pairs(VECDOTS, analytic=False)),
    Sample(np.linalg.vecdot, pairs(VECDOTS, analytic=False)),
    Sample(np.linalg.matmul, products(((2, 3), (3, 4)), ((2, 2, 3), (3,)), ((3,), (3, 2)))),
    Sample(np.linalg.outer, products(((2,), (3,)), ((0,), (2,)))),
    Sample(
        np.linalg.tensordot,
        pairs([((2, 3, 4), (3, 4, 2), {}), ((2, 3), (3, 4), {"axes": 1})]),
    ),
    *(
        Sample(function, chosen([((2, 3), (), {}), ((4, 2, 3), (), {})]))
        for function in (np.matrix_transpose, np.linalg.matrix_transpose)
    ),
    *(
        Sample(function, chosen([((2, 3), (), {}), ((2, 4, 3), (), {"offset": -1})]))
        for function in (np.linalg.diagonal, np.linalg.trace)
    ),
]
if hasattr(np, "matvec"):  # since NumPy 2.2
    SAMPLES += [
        Sample(np.matvec, products(((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3)))),
        Sample(
            np.vecmat, products(((2,), (2, 3)), ((2,), (4, 2, 3)), ((4, 2), (2, 3)), analytic=False)
        ),
    ]
