"""Slopes over the whole range of a dtype: held against the same rule in a wider one.

A square that overflows, a difference that cancels, a product that underflows too early: each
happens in the narrow dtype and not in the wide one. So no golden numbers are needed, and a new
elementwise rule is covered as soon as it is in the table.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from autograd_mini import Tensor, grad, gradients, relu, sigmoid
from autograd_mini.operation import public_name
from autograd_mini.primitive import TABLE
from autograd_mini.rules.activations import sigmoid_slope

EPS = np.finfo(float).eps
WIDER: dict[Any, Any] = {np.float16: np.float64, np.float32: np.float64, np.float64: np.longdouble}
UFUNCS = {
    f
    for f, operation in TABLE.items()
    if isinstance(f, np.ufunc) and operation.vjps and not f.signature and f.nin < 3
}
FUNCTIONS = sorted(
    {f for f in UFUNCS if getattr(np, f.__name__, None) is f} - {np.ldexp}  # of an integer
    | {np.sinc, np.i0, np.nan_to_num, relu, sigmoid, sigmoid_slope},
    key=public_name,
)
# How many roundings a slope may be off: more where an exponent of several hundreds is rounded.
ROUNDINGS = dict.fromkeys((np.power, np.float_power, np.logaddexp, np.logaddexp2), 800)
# The slopes of sigmoid and tanh are made of their rounded results alone, for the sake of speed;
# the phase of sinc is that of NumPy's value.
ABSOLUTE = {sigmoid: 1, np.tanh: 1, np.sinc: 1}


def points(dtype: Any) -> np.ndarray:
    """Return numbers of every magnitude, of both signs, and those around 0 and 1."""
    info = np.finfo(dtype)
    few = [0.1, 0.3, 0.5, 0.9, 1.5, 2.0, 3.0, 5.0, 9.0, 12.0, 17.0, 25.0, 40.0, 80.0, 300.0, 700.0]
    few += [1 - float(info.eps), 1 - 1e-3, 1.0, 1 + float(info.eps), 1 + 1e-3]
    powers = np.linspace(math.log10(float(info.tiny)) + 1, math.log10(float(info.max)) - 0.1, 15)
    sizes = np.array([*few, *10.0**powers])
    sizes = sizes[sizes < float(info.max)].astype(dtype)
    return np.concatenate([-sizes, [dtype(0)], sizes])


def slopes(f: Any, values: Any) -> list[Any]:
    """Return the results and the gradients of their sum by each argument."""
    xs = [Tensor(x, requires_grad=True) for x in values]
    out = f(*xs)
    outs = out if isinstance(out, tuple) else [out]
    total = sum(y.sum() for y in outs if y.requires_grad)
    return [np.stack([y.data for y in outs]), *gradients(total, xs)]


def arguments(f: Any, dtype: Any) -> list[np.ndarray]:
    x = points(dtype)
    if getattr(f, "nin", 1) == 1:
        return [x]
    pairs = [np.ravel(part).copy() for part in np.meshgrid(x, x)]
    if f in (np.power, np.float_power):  # of a larger exponent no dtype tells whether it is odd
        pairs = [part[np.abs(pairs[1]) * np.finfo(dtype).eps < 0.1] for part in pairs]
    return pairs


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", WIDER, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("f", FUNCTIONS, ids=public_name)
def test_a_slope_is_as_good_as_in_a_wider_dtype(f: Any, dtype: Any) -> None:
    info, wide = np.finfo(dtype), WIDER[dtype]
    if np.finfo(wide).max == info.max:
        pytest.skip("this machine has no wider dtype than float64")
    values = arguments(f, dtype)
    out, *found = slopes(f, values)
    wide_out, *wanted = slopes(f, [x.astype(wide) for x in values])
    is_known = np.isfinite(out) & (np.abs(out - wide_out) <= 1e-2 * np.abs(wide_out))
    is_known = np.all(is_known, axis=0)  # where NumPy's own value does not overflow or vanish
    assert is_known.sum() >= len(out.T) // 8
    for mine, exact in zip(found, wanted, strict=True):
        size, tiny, largest = np.abs(exact), float(info.tiny), float(info.max)
        error = np.abs(mine - exact)
        scale = ROUNDINGS.get(f, 40) * size + ABSOLUTE.get(f, 0)
        is_close = error <= float(info.eps) * scale + 16 * tiny
        may_overflow = ~(size < largest / 8) & ~(np.abs(mine) < largest / 16)
        assert np.all(is_close | may_overflow | ~is_known), [
            (*(x[i] for x in values), mine[i], exact[i])
            for i in np.flatnonzero(~(is_close | may_overflow | ~is_known))[:5]
        ]


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (np.arcsinh, 1e20, 1e-20),
        (np.arcsinh, -1e30, 1e-30),
        (np.arccosh, 1e30, 1e-30),
        (np.arctan, 1e15, 1e-30),
        (np.log10, 2e38, 2.171472409516259e-39),
        (np.reciprocal, 1e-15, -1e30),
    ],
)
def test_a_slope_in_single_precision_far_out(f: Any, x: float, slope: float) -> None:
    assert_allclose(grad(f)(np.float32(x)), slope, rtol=1e-6)


@pytest.mark.parametrize("dtype", WIDER, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("x", [7.0, -9.0, 20.0, -40.0, 1000.0])
def test_a_saturated_slope_is_off_by_a_rounding_of_1_at_most(x: float, dtype: Any) -> None:
    wide = math.exp(-abs(x))
    for f, slope in ((sigmoid, wide / (1 + wide) ** 2), (np.tanh, (2 * wide / (1 + wide**2)) ** 2)):
        found = grad(f)(dtype(x))
        assert found.dtype == dtype
        assert 0 <= found <= 1
        assert abs(float(found) - slope) <= float(np.finfo(dtype).eps)


# tanh'' = -2 tanh tanh', so its error is twice the one that is let pass in tanh'. The slopes with
# the factors 1 - x and 1 + x have second derivatives whose two terms cancel at 0.
@pytest.mark.parametrize(
    ("f", "curvature", "error"),
    [
        (np.arctan, lambda x: -2 * x / (1 + x * x) ** 2, 0),
        (np.arcsinh, lambda x: -x / (1 + x * x) ** 1.5, 0),
        (np.tan, lambda x: 2 * np.tan(x) * (1 + np.tan(x) ** 2), 0),
        (np.tanh, lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2, 2 * EPS),
        (np.arccosh, lambda x: -x / (x * x - 1) ** 1.5, 0),
        (np.arctanh, lambda x: 2 * x / ((1 - x) * (1 + x)) ** 2, EPS),
        (np.arcsin, lambda x: x / ((1 - x) * (1 + x)) ** 1.5, EPS),
        (np.arccos, lambda x: -x / ((1 - x) * (1 + x)) ** 1.5, EPS),
    ],
)
def test_a_second_derivative_has_all_its_digits(f: Any, curvature: Any, error: float) -> None:
    x = np.array([1.1, 1.3, 1e-9, -0.4, 0.5, 3.0, -7.0, 1e4])
    x = x[x < 1e4] if f in (np.tan, np.tanh) else x  # cosh overflows
    x = x[x > 1] if f is np.arccosh else x
    x = x[np.abs(x) < 1] if f in (np.arctanh, np.arcsin, np.arccos) else x
    second = grad(lambda t: np.sum(grad(lambda u: np.sum(f(u)))(t)))(x)
    assert_allclose(second, curvature(x), rtol=1e-13, atol=error)
    step = 1e-30  # the imaginary part of a complex slope is not swallowed on the way
    moved = grad(lambda t: np.sum(np.real(f(t))))(x + step * 1j).imag / step
    assert_allclose(moved, curvature(x), rtol=1e-13, atol=error)


LENGTHS = {
    "norm": np.linalg.norm,
    "norm of rows": lambda x: np.sum(np.linalg.norm(np.stack([x, 2 * x]), axis=1)),
    "norm of a matrix": lambda x: np.linalg.norm(np.stack([x, 2 * x])),
    "vector_norm": np.linalg.vector_norm,
    "order 3": lambda x: np.linalg.norm(x, 3),
    "order 1.5": lambda x: np.linalg.norm(x, 1.5),
    "order -2": lambda x: np.linalg.norm(x, -2),
    "std": np.std,
    "std, ddof": lambda x: np.std(x, ddof=1),
    "nanstd": np.nanstd,
    "std where": lambda x: np.std(x, where=[True, True, False, True]),
}


@pytest.mark.parametrize("f", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize(
    ("dtype", "scales"), [(np.float64, (1e-200, 1e-155, 1e200)), (np.float32, (1e-30, 1e20))]
)
def test_the_slope_of_a_length_is_that_of_its_direction_at_every_scale(f, dtype, scales):
    x = np.array([3.0, -4.0, 12.0, 5.0])
    with np.errstate(all="ignore"):
        wanted = grad(f)(x)
        for scale in scales:
            found = grad(f)((x * scale).astype(dtype))
            assert found.dtype == dtype
            np.testing.assert_allclose(found, wanted, rtol=1e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("f", LENGTHS.values(), ids=LENGTHS)
def test_the_curvature_of_a_length_is_inverse_to_its_scale(f):
    x = np.array([3.0, -4.0, 12.0, 5.0])

    def curvature(x):
        return grad(lambda x: np.sum(grad(f)(x) * [1.0, 2.0, 3.0, 4.0]))(x)

    with np.errstate(all="ignore"):
        for scale in (1e-155, 1e-160, 1e200):
            np.testing.assert_allclose(curvature(x * scale) * scale, curvature(x), rtol=1e-10)


def test_only_a_length_of_zeros_has_the_slope_0():
    rows = np.array([[0.0, 0.0], [3e-170, 4e-170], [3e200, 4e200], [3.0, 4.0]])
    with np.errstate(all="ignore"):
        slope = grad(lambda x: np.sum(np.linalg.norm(x, axis=1)))
        np.testing.assert_allclose(slope(rows), [[0, 0], [0.6, 0.8], [0.6, 0.8], [0.6, 0.8]])
        assert np.isnan(grad(lambda x: np.sum(slope(x)))(rows)[0]).all()
