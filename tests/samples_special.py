"""The samples of `autograd_mini/rules/special.py` and `bessel.py`; none where SciPy is missing."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.samples import POSITIVE, REAL, Call, Draw, Numbers, Sample, arrays

special: Any = import_module("scipy.special") if find_spec("scipy") else None

UNIT = Numbers(-0.7, 0.7)
INSIDE = Numbers(0.3, 0.7)
ABOVE_ONE = Numbers(1.2, 2.5)
BELOW = Numbers(-2.0, -0.4)
BEYOND = Numbers(40.0, 50.0)

# Several ranges are several branches of one rule.
UNARY: dict[str, Numbers | tuple[Numbers, ...]] = {
    "erf": REAL,
    "erfc": REAL,
    "erfcx": (REAL, Numbers(22.0, 25.0)),
    "erfi": UNIT,
    "erfinv": UNIT,
    "erfcinv": Numbers(0.6, 1.4),
    "dawsn": (REAL, Numbers(-25.0, -22.0)),
    "ndtr": REAL,
    "ndtri": INSIDE,
    "ndtri_exp": BELOW,
    "log_ndtr": REAL,
    "fresnel": UNIT,
    "gamma": ABOVE_ONE,
    "rgamma": REAL,
    "gammaln": ABOVE_ONE,
    "loggamma": ABOVE_ONE,
    "psi": ABOVE_ONE,
    "expit": REAL,
    "logit": INSIDE,
    "log_expit": REAL,
    "entr": ABOVE_ONE,
    "cbrt": ABOVE_ONE,
    "exp2": REAL,
    "exp10": UNIT,
    "expm1": REAL,
    "log1p": ABOVE_ONE,
    "cosm1": REAL,
    "exprel": REAL,
    "spence": (ABOVE_ONE, INSIDE),
    "expi": ABOVE_ONE,
    "exp1": ABOVE_ONE,
    "sici": ABOVE_ONE,
    "shichi": ABOVE_ONE,
    "ellipk": (UNIT, BELOW),
    "ellipe": UNIT,
    "wrightomega": REAL,
    "airy": REAL,
    "j0": REAL,
    "j1": REAL,
    "y0": ABOVE_ONE,
    "y1": ABOVE_ONE,
    "i0": REAL,
    "i1": REAL,
    "k0": ABOVE_ONE,
    "k1": ABOVE_ONE,
    "i0e": (ABOVE_ONE, Numbers(-50.0, -40.0)),
    "i1e": (BELOW, BEYOND),
    "k0e": (ABOVE_ONE, BEYOND),
    "k1e": (ABOVE_ONE, BEYOND),
}
BINARY = {
    "beta": (ABOVE_ONE, ABOVE_ONE),
    "betaln": (ABOVE_ONE, ABOVE_ONE),
    "xlogy": (REAL, ABOVE_ONE),
    "xlog1py": (REAL, ABOVE_ONE),
    "rel_entr": (ABOVE_ONE, POSITIVE),
    "kl_div": (ABOVE_ONE, INSIDE),
}
# Parameters that have no gradient, then the argument that has one.
PARAMETRIC: list[tuple[str, list[tuple[float, ...]], Numbers | tuple[Numbers, ...]]] = [
    ("gammainc", [(1,), (2.5,)], ABOVE_ONE),
    ("gammaincc", [(1,), (2.5,)], ABOVE_ONE),
    ("gammaincinv", [(1,), (2.5,)], INSIDE),
    ("gammainccinv", [(1,), (2.5,)], INSIDE),
    ("betainc", [(1, 2), (2.5, 1.5)], INSIDE),
    ("betaincc", [(1, 2), (2.5, 1.5)], INSIDE),
    ("betaincinv", [(1, 2), (2.5, 1.5)], INSIDE),
    ("_zeta", [(2,), (3.5,)], ABOVE_ONE),
    ("hyp0f1", [(1.5,), (3,)], REAL),
    ("hyp1f1", [(1, 2), (0.5, 1.5)], REAL),
    ("hyp2f1", [(1, 1, 2), (0.5, 1.5, 2.5)], UNIT),
    ("expn", [(0,), (1,), (2,), (4,)], ABOVE_ONE),
    ("jv", [(0,), (1.5,), (3,)], ABOVE_ONE),
    ("yv", [(0,), (1.5,), (3,)], ABOVE_ONE),
    ("yn", [(0,), (1,), (3,)], ABOVE_ONE),
    ("iv", [(0,), (1.5,), (3,)], ABOVE_ONE),
    ("kv", [(0,), (1.5,), (3,)], ABOVE_ONE),
    ("kn", [(0,), (1,), (3,)], ABOVE_ONE),
    ("ive", [(0,), (1.5,), (3,)], (ABOVE_ONE, BEYOND)),
    ("kve", [(0,), (1.5,), (3,)], (ABOVE_ONE, BEYOND)),
    ("hankel1", [(0,), (1.5,)], ABOVE_ONE),
    ("hankel2", [(0,), (1.5,)], ABOVE_ONE),
]
SHAPES = [(), (3,), (2, 2), (0,)]
PAIRS = [((), ()), ((3,), (3,)), ((2, 1), (2,)), ((3,), ()), ((1,), (0,))]


@st.composite
def one(draw: Draw, numbers: Numbers | tuple[Numbers, ...]) -> np.ndarray:
    """Draw an array of one of the ranges."""
    if isinstance(numbers, tuple):
        numbers = draw(st.sampled_from(numbers))
    drawn: np.ndarray = draw(arrays(st.sampled_from(SHAPES), numbers))
    return drawn


@st.composite
def unary(draw: Draw, numbers: Numbers | tuple[Numbers, ...]) -> Call:
    return Call((draw(one(numbers)),), analytic=False)


@st.composite
def binary(draw: Draw, left: Numbers, right: Numbers) -> Call:
    shapes = draw(st.sampled_from(PAIRS))
    args = (
        draw(arrays(st.just(shape), each))
        for shape, each in zip(shapes, (left, right), strict=True)
    )
    return Call(tuple(args), analytic=False)


@st.composite
def parametric(draw: Draw, parameters: list[tuple[float, ...]], numbers: Any) -> Call:
    """Draw a call; the parameters are arrays in single precision, which keeps float32 there."""
    given = [np.array(p, np.float32) for p in draw(st.sampled_from(parameters))]
    return Call((*given, draw(one(numbers))), analytic=False)


@st.composite
def lambert(draw: Draw) -> Call:
    # Between the branch point, -1/e, and 0: differences lose digits near either.
    branch, numbers = draw(st.sampled_from([(0, ABOVE_ONE), (-1, Numbers(-0.21, -0.15))]))
    z = draw(one(numbers))
    return Call((z, np.array(branch), np.array(1e-8, np.float32)), analytic=False)


def named(name: str) -> Any:
    return getattr(special._ufuncs if name.startswith("_") else special, name)


def samples() -> list[Sample]:
    return [
        *(Sample(named(name), unary(numbers)) for name, numbers in UNARY.items()),
        *(Sample(named(name), binary(*numbers)) for name, numbers in BINARY.items()),
        *(Sample(named(name), parametric(*rest)) for name, *rest in PARAMETRIC),
        Sample(named("_lambertw"), lambert()),
    ]


SAMPLES = [] if special is None else samples()
# SciPy itself answers float32 with float64 here.
ALWAYS_DOUBLE = () if special is None else (named("_lambertw"),)
# SciPy has these for real numbers only.
REAL_ONLY = {
    s.function
    for s in SAMPLES
    if not any("D" in loop.partition("->")[0] for loop in s.function.types)
}
# And these the derivative only, or ive, scaled by the size of the real part, has no complex one.
REAL_SLOPE = {named(name) for name in ("_zeta", "ive") if special is not None}
