"""The samples of `autograd_mini/rules/calculus.py` and `autograd_mini/rules/polynomials.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from autograd_mini.rules.calculus import bessel_i, sinc_slope
from tests.samples import (
    POSITIVE,
    REAL,
    Call,
    Draw,
    Numbers,
    Sample,
    arrays,
    chosen,
    elementwise,
    products,
    shapes,
)

UNIT = Numbers(-0.8, 0.8)
ABOVE_ONE = Numbers(1.2, 1.9)
SMALL = Numbers(-0.2, 0.2)


def half(*values: float) -> Any:
    """Return a constant: float16 takes the dtype of what it is combined with."""
    return np.array(values, np.float16)


@st.composite
def several(draw: Draw, options: list[Any], numbers: Numbers = REAL, analytic: bool = True) -> Call:
    """Draw a call from a list of (arguments, keywords); an argument {shape} becomes an array."""
    args, kwargs = draw(st.sampled_from(options))
    drawn = (draw(arrays(st.just(*x), numbers)) if isinstance(x, set) else x for x in args)
    return Call(tuple(drawn), kwargs, analytic)


DIFFS: list[Any] = [
    (({(4,)},), {}),
    (({(0,)},), {}),
    (({(1,)}, 3), {}),
    (({(2, 5)}, 2), {}),
    (({(5, 2)}, 3, 0), {}),
    (({(2, 3)}, 0, 1), {}),
    (({(2, 3, 2)}, 1, -2), {}),
    (({(2, 3)}, 1, 1, {()}, {(2, 2)}), {}),
    (({(2, 3)}, 2, 0, {(1, 3)}), {"append": np.float16(1.5)}),
    ((half(1, 2), 2, -1, {()}, {(3,)}), {}),
    (({(3,)}, 0, -1, {()}), {}),
    (({(0, 2)}, 1, 1), {}),
]
EDIFFS: list[Any] = [
    (({(4,)},), {}),
    (({(2, 3)},), {}),
    (({(0,)}, {(2,)}), {}),
    (({()}, None, {()}), {}),
    (({(1,)}, {()}, {(2, 2)}), {}),
    (({(3,)}, {(2,)}), {"to_begin": 0.5}),
    (({(2,)}, half(2), {(2,)}), {}),
]
UNEVEN = np.array([0, 1, 3, 4, 8])
GRADIENTS: list[Any] = [
    (({(4,)},), {}),
    (({(2,)},), {}),
    (({(3, 4)},), {}),
    (({(3, 4)}, 0.5), {"axis": -1, "edge_order": 2}),
    (({(2, 3)}, 2, 0.5), {}),
    (({(3, 4, 3)}, 2.0, [1, 2, 4]), {"axis": (0, -1)}),
    (({(5,)}, UNEVEN), {"edge_order": 2}),
    (({(2, 5)}, UNEVEN), {"axis": 1}),
    (({(5, 3)}, UNEVEN, 2.0), {"edge_order": 2}),
]
TRAPEZOIDS: list[Any] = [
    (({(4,)},), {}),
    (({(2, 3)}, None, 0.5), {"axis": 0}),
    (({(2, 3, 2)}, {(3,)}), {"axis": 1}),
    (({(2, 3)}, {(3,)}), {}),
    (({(2, 3)}, {(2, 3)}), {"axis": -2}),
    (({(1, 3)}, {(2, 3)}), {}),
    (({(4,)}, {(2, 4)}), {}),
    (({(2, 4)}, None, {(3,)}), {}),
    (({(4,)}, None, {()}), {}),
    (({(3,)}, half(1, 2, 5)), {}),
    ((half(1, 2, 4), {(3,)}, {()}), {}),
    (({(1,)},), {}),
    (({(0,)},), {}),
]
UNWRAPS = [
    ((4,), (), {}),
    ((2, 3), (), {"axis": 0}),
    ((3,), (3.5,), {"period": 5.0}),
    ((3, 2), (None, -2), {}),
]


@st.composite
def spaced(draw: Draw) -> Call:
    """Draw np.gradient by the values and the distances, or the increasing coordinates."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    even = draw(st.booleans())
    steps = rng.uniform(1.0, 1.0 if even else 1.5, 3)
    x, h = np.cumsum(np.append(0.0, steps)), np.asarray(rng.uniform(0.5, 2.0))
    f = draw(arrays(st.just((4, 3))))
    kwargs = {"edge_order": draw(st.sampled_from([1, 2]))}
    args = draw(st.sampled_from([((f, h), {}), ((f, x), {"axis": 0}), ((f, x, h), {})]))
    return Call(args[0], args[1] | kwargs, analytic=False)


@st.composite
def interpolated(draw: Draw) -> Call:
    """Draw a table with points inside and outside of it, none near its entries."""
    shape = draw(shapes(max_dims=2))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    xp = np.arange(4) + rng.uniform(-0.1, 0.1, 4)
    x = np.asarray(rng.integers(-1, 4, shape) + rng.uniform(0.3, 0.7, shape))
    ends = draw(
        st.sampled_from([(), (None, np.array(2.0)), (np.array(-1.0), 3.0), (0, 0, 5), (1, 1, -3.9)])
    )
    x, xp = draw(st.sampled_from([(x, xp), (0.4, xp), (x, half(0, 1, 2, 3))]))
    if len(ends) == 3:
        xp = xp[[2, 0, 1, 3]]
    if draw(st.booleans()):
        return Call((x, xp[:1], rng.uniform(-2, 2, 1), *ends), analytic=False)
    return Call((x, xp, rng.uniform(-2, 2, 4), *ends), analytic=False)


SPACES: list[Any] = [
    (({()}, {()}, 4), {}),
    (({(2,)}, {(3, 1)}, 3), {"axis": -1}),
    (({(2, 2)}, 1, 3), {"axis": 1, "endpoint": False}),
    ((2.0, {(2,)}, 1), {}),
    (({(2,)}, {()}, 0), {}),
    (({(3,)}, {(3,)}, 2), {"endpoint": False}),
    (({()}, {()}), {"num": 5}),
]
STEPS: list[Any] = [
    (({()}, {()}, 4, True, True), {}),
    (({(2, 1)}, {(3,)}, 3), {"endpoint": False, "retstep": True, "axis": -1}),
]
BASES: list[Any] = [
    (({()}, {()}, 4, True, {()}), {}),
    (({(2,)}, 1, 3, False, {()}), {"axis": 1}),
    ((half(1), half(2), 3, True, {()}), {}),
    (({()}, 2, 3), {"base": 2}),
]

CONVOLUTIONS = [
    (({a}, {v}, mode), {})
    for a, v in [((5,), (3,)), ((5,), (2,)), ((2,), (5,)), ((3,), (4,)), ((3,), (3,)), ((1,), (4,))]
    for mode in ("full", "same", "valid")
]
SCALED: list[Any] = [(({()}, {(3,)}), {}), ((half(1, 2.5), {(3,)}), {})]
CORRELATIONS = [*CONVOLUTIONS, (({(2,)}, {(4,)}), {}), ((half(1, 2.5), {(3,)}, "same"), {})]
VANDERS = [
    ((3,), (), {}),
    ((3,), (2,), {"increasing": True}),
    ((2,), (5, True), {}),
    ((2,), (1,), {}),
    ((2,), (0,), {}),
    ((0,), (3,), {}),
]
POLYVALS: list[Any] = [
    (({(4,)}, {()}), {}),
    (({(3,)}, {(2, 3)}), {}),
    (({(1,)}, {(2,)}), {}),
    (({(0,)}, {(2,)}), {}),
    ((half(1, 0, 2), {(2,)}), {}),
    (({(4,)}, half(2)), {}),
    (({(4,)}, half(1, 2, 0)), {}),
    (({(2,)}, {(0,)}), {}),
]
SUMS = (((3,), (3,)), ((2,), (4,)), ((4,), ()), ((), ()), ((1,), (2,)))
POLYDERS = [((4,), (), {}), ((4,), (2,), {}), ((2,), (3,), {}), ((1,), (), {})]
POLYINTS: list[Any] = [
    (({(3,)},), {}),
    (({(3,)}, 2, {()}), {}),
    (({(3,)}, 2, {(2,)}), {}),
    (({(2,)}, 3, {(1,)}), {}),
    (({(2,)}, 1, {(3,)}), {}),
]


@st.composite
def divided(draw: Draw) -> Call:
    """Draw polynomials to divide; the divisor is monic, which makes the division exact."""
    m, n = draw(st.sampled_from([(5, 2), (3, 3), (4, 1), (2, 3), (6, 3)]))
    u, v = draw(arrays(st.just((m,)), POSITIVE)), draw(arrays(st.just((n,))))
    v = np.append(1.0, v[1:])
    return Call(draw(st.sampled_from([(u, v), (u, half(1, 2)), (half(3, 1, 2, 4), v)])))


@st.composite
def with_real_roots(draw: Draw) -> Call:
    shape = draw(st.sampled_from([(3,), (2,)]))
    p = np.array([2.0, 0.9, -3.0])[: shape[0]] + draw(arrays(st.just(shape), SMALL))
    return Call((p,), analytic=False)


@st.composite
def of_order(draw: Draw, numbers: Numbers, analytic: bool = True) -> Call:
    a = draw(arrays(shapes(max_dims=2), numbers))
    return Call((a, draw(st.integers(0, 3))), analytic=analytic)


PAIRS: list[Any] = [(({(2, 1)}, {(3,)}), {}), (({()}, {()}), {}), (({(0,)}, {()}), {})]
SAMPLES = [
    Sample(np.diff, several(DIFFS)),
    Sample(np.ediff1d, several(EDIFFS, analytic=False)),
    Sample(np.gradient, several(GRADIENTS)),
    Sample(np.gradient, spaced()),
    Sample(np.trapezoid, several(TRAPEZOIDS)),
    Sample(np.unwrap, chosen(UNWRAPS, UNIT, analytic=False)),
    Sample(np.interp, interpolated()),
    Sample(np.linspace, several([*SPACES, *STEPS])),
    Sample(np.logspace, several([*SPACES[:-1], *BASES], POSITIVE)),
    Sample(np.geomspace, several(SPACES, POSITIVE)),
    Sample(np.geomspace, several([*SPACES[:2], *SPACES[4:]], Numbers(-2.0, -0.5), analytic=False)),
    Sample(np.convolve, several([*CONVOLUTIONS, *SCALED])),
    Sample(np.correlate, several(CORRELATIONS, analytic=False)),
    Sample(np.vander, chosen(VANDERS)),
    Sample(np.poly, chosen([((n,), (), {}) for n in (1, 2, 3, 5)])),
    Sample(np.polyval, several(POLYVALS)),
    Sample(np.polyadd, products(*SUMS)),
    Sample(np.polysub, products(*SUMS)),
    Sample(np.polymul, products(*SUMS)),
    Sample(np.polydiv, divided()),
    Sample(np.polyder, chosen(POLYDERS)),
    Sample(np.polyint, several(POLYINTS)),
    Sample(np.roots, with_real_roots()),
    Sample(np.sinc, elementwise(Numbers(-4.0, 4.0))),
    Sample(np.sinc, elementwise(Numbers(-1e-3, 1e-3), analytic=False)),
    Sample(sinc_slope, of_order(Numbers(-4.0, 4.0))),
    Sample(np.i0, elementwise(Numbers(-9.0, 9.0), analytic=False)),
    Sample(bessel_i, of_order(REAL)),
    Sample(np.angle, chosen([((3,), (), {}), ((), (True,), {})], POSITIVE, analytic=False)),
    Sample(np.frexp, elementwise(ABOVE_ONE, analytic=False)),
    Sample(np.nextafter, elementwise(REAL, REAL, analytic=False)),
    Sample(np.emath.logn, several(PAIRS, ABOVE_ONE)),
    Sample(np.emath.power, several(PAIRS, POSITIVE)),
    *(
        Sample(function, elementwise(*numbers))
        for function, numbers in {
            np.emath.sqrt: (POSITIVE,),
            np.emath.log: (POSITIVE,),
            np.emath.log2: (POSITIVE,),
            np.emath.log10: (POSITIVE,),
            np.emath.arccos: (UNIT,),
            np.emath.arcsin: (UNIT,),
            np.emath.arctanh: (UNIT,),
        }.items()
    ),
]
