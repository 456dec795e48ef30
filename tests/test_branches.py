"""Complex functions in every quadrant, on both sides of every cut, and on it.

Each elementwise rule of the table that NumPy or SciPy lets meet complex numbers is held against
differences along the axis that a point is near, a way that crosses no cut: all cuts lie on axes.
"""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from autograd_mini import Tensor, grad, gradients, sigmoid
from autograd_mini.operation import public_name
from autograd_mini.primitive import TABLE
from autograd_mini.rules.activations import sigmoid_slope
from tests.samples_special import special

EM = np.emath
SIZES = (1e-4, 0.3, 0.9, 1.2, 2.0, 9.0, 25.0, 1e6, 1e150)
# What stands before the complex argument, as an order, and behind it.
BEFORE: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("jv", "yv", "iv", "kv", "kve", "hankel1", "hankel2", "hyp0f1"), (1.5,)),
    **dict.fromkeys(("xlogy", "xlog1py"), (0.5 + 0.2j,)),
    "hyp1f1": (0.5, 1.5),
    "hyp2f1": (0.5, 1.0, 2.5),
}
AFTER: dict[str, tuple[Any, ...]] = {
    "_lambertw": (0, 1e-8),
    "power": (1.3 - 0.4j,),
    "float_power": (-0.5,),
    **dict.fromkeys(("add", "subtract", "multiply", "divide"), (1.2 - 0.7j,)),
}
OTHERS = (np.sinc, np.angle, np.nan_to_num, np.real, np.imag, sigmoid, sigmoid_slope)
EMATH = (EM.sqrt, EM.log, EM.log2, EM.log10, EM.arcsin, EM.arccos, EM.arctanh)


def points() -> np.ndarray:
    """Return points of every size: inside the quadrants, beside the axes, and on them."""
    found = []
    for size in SIZES:
        found += [size * cmath.rect(1, turn) for turn in (0.6, 2.2, 3.9, 5.6)]
        for a in (-size, size):
            for b in (-1e-9 * size, -0.0, 0.0, 1e-9 * size):
                found += [complex(a, b), complex(b, a)]
    return np.array(found)


def steps(z: np.ndarray) -> np.ndarray:
    """Return small steps along the axis that each point is nearer to."""
    is_wide = np.abs(z.real) >= np.abs(z.imag)
    part = np.where(is_wide, z.real, z.imag)
    size = np.sign(part) * 1e-4 * np.abs(part)
    return np.where(is_wide, size + 0j, 1j * size)


def moved(z: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Return z + by, with the sign that a part of z that is 0 has."""
    out = z.copy()
    out.real[by.real != 0] += by.real[by.real != 0]
    out.imag[by.imag != 0] += by.imag[by.imag != 0]
    return out


def results(function: Any, z: Any) -> list[Any]:
    """Return what the function makes of z: one array, or several."""
    name = function.__name__
    out = function(*BEFORE.get(name, ()), z, *AFTER.get(name, ()))
    return list(out) if isinstance(out, tuple) else [out]


def takes_complex(function: Any) -> bool:
    try:
        results(function, np.array(0.5 + 0.5j))
    except (TypeError, ValueError):
        return False
    return True


def registered() -> list[Any]:
    """Return the elementwise functions of the table, NumPy's and SciPy's."""
    assert special is None or TABLE[special.erf].vjps  # a look that brings SciPy's
    ufuncs = (f for f in TABLE if isinstance(f, np.ufunc) and TABLE[f].vjps and not f.signature)
    return sorted({*ufuncs, *OTHERS, *EMATH}, key=public_name)


COMPLEX = [f for f in registered() if takes_complex(f) and f.__name__ != "ive"]  # it refuses
each = pytest.mark.parametrize("function", COMPLEX, ids=public_name)


def objective(function: Any, i: int, weight: complex, z: np.ndarray) -> np.ndarray:
    return np.real(weight * np.asarray(results(function, z)[i], complex))


def slopes(function: Any, i: int, weight: complex, z: np.ndarray, order: int = 1) -> np.ndarray:
    """Return the gradient of the real part of weight * result, or of the same of its gradient."""
    x = Tensor(z, requires_grad=True)
    y = results(function, x)[i]
    g = np.full(z.shape, weight if np.iscomplexobj(y.data) else weight.real)
    if order == 1:
        return gradients(y, [x], g)[0]
    (first,) = gradients(y, [x], g, create_graph=True)
    return gradients(first, [x], np.ones_like(z))[0] if first.requires_grad else np.zeros_like(z)


def check(found: np.ndarray, f: Any, z: np.ndarray) -> None:
    """Compare the change along the steps with differences, where two of those agree."""
    by, part = steps(z), 0.3713
    wide = (f(moved(z, by)) - f(moved(z, -by))) / 2
    narrow = (f(moved(z, part * by)) - f(moved(z, -part * by))) / (2 * part)
    wanted = (narrow - part**2 * wide) / (1 - part**2)
    can_tell = np.abs(narrow - wide) < 1e-4 * np.abs(wanted)
    can_tell &= ~(np.abs(wanted) <= 1e-6 * np.abs(found * by)) & np.isfinite(f(z))
    assert can_tell.any() or not found.any()
    wrong = can_tell & ~(np.abs(np.real(found * by) - wanted) <= 1e-3 * np.abs(wanted))
    assert not wrong.any(), (z[wrong], found[wrong])


@each
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_rule_is_right_on_every_side_of_every_cut(function: Any) -> None:
    z = points()
    for i, y in enumerate(results(function, z)):
        for weight in (1 + 0j, 1j) if np.iscomplexobj(y) else (1 + 0j,):
            found = slopes(function, i, weight, z)
            check(found, lambda p, i=i, w=weight: objective(function, i, w, p), z)


@each
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_its_derivative_is_right_there_too(function: Any) -> None:
    z = points()[np.abs(points()) < 1e3]
    for i, y in enumerate(results(function, z)):
        for weight in (1 + 0j, 1j) if np.iscomplexobj(y) else (1 + 0j,):
            found = slopes(function, i, weight, z, order=2)
            check(found, lambda p, i=i, w=weight: np.real(slopes(function, i, w, p)), z)


@each
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_single_precision_takes_the_same_branch(function: Any) -> None:
    z = points()
    z = z[(np.abs(z) > 1e-2) & (np.abs(z) < 20)].astype(np.complex64)
    for i, y in enumerate(results(function, z)):
        single, double = (slopes(function, i, 1 + 0j, p) for p in (z, z.astype(complex)))
        if y.dtype in (np.complex64, np.float32):
            assert single.dtype == np.complex64
            known = np.isfinite(single) & np.isfinite(double)
            assert_allclose(single[known], double[known], rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("f", "z", "slope"),
    [
        (np.arccosh, -2 + 1j, -0.4022479321 - 0.2486028939j),
        (np.arccosh, -2 - 1j, -0.4022479321 + 0.2486028939j),
        (np.arccosh, 0.5 + 0j, -1.15470054j),
        (np.arccosh, complex(0.5, -0.0), 1.15470054j),
        (np.arccosh, -2 + 0j, -0.57735027 + 0j),
        (np.arcsin, 2 + 0j, 0.57735027j),
        (np.arcsin, complex(2, -0.0), -0.57735027j),
        (np.arccos, complex(-2, -0.0), -0.57735027j),
        (np.arcsinh, 2j, -0.57735027j),
        (np.arcsinh, complex(-0.0, 2), 0.57735027j),
        (np.arctan, 1e200 + 1e200j, 0j),
        (np.tanh, 25 + 1j, 4 * np.exp(-50 - 2j)),
        (np.tan, 1 + 25j, 4 * np.exp(2j - 50)),
    ],
)
def test_a_slope_by_its_formula(f: Any, z: complex, slope: complex) -> None:
    x = np.asarray(z)
    error = np.finfo(float).eps if f is np.tanh else 0  # let pass for speed, as in the sigmoid
    assert_allclose(grad(lambda t: np.real(f(t)))(x), slope, rtol=1e-7, atol=error)
