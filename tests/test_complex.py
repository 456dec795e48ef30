"""Complex numbers: every rule that NumPy lets them reach, by the convention of JAX.

The gradient of a complex z = x + iy is dL/dx - i dL/dy for a real L. A function that is
differentiable as a complex function so has g f'(z), without conjugation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from autograd_mini import Tensor, gradients
from autograd_mini.operation import public_name
from autograd_mini.primitive import TABLE
from autograd_mini.rules.shaping import cast
from tests import samples_special
from tests.numeric import numeric_gradient
from tests.rule_checks import arrays_in, filled
from tests.samples import Call, Sample
from tests.test_rules import SAMPLES

xp: Any = np

# NumPy has these for real numbers only.
REAL_ONLY = {
    *(np.arctan2, np.bincount, np.cbrt, np.copysign, np.deg2rad, np.degrees, np.divmod, np.fabs),
    *(np.fmod, np.heaviside, np.hypot, np.ldexp, np.logaddexp, np.logaddexp2, np.modf),
    *(np.rad2deg, np.radians, np.remainder),
    *(np.fft.ihfft, np.fft.rfft, np.fft.rfft2, np.fft.rfftn),
    *(np.frexp, np.i0, np.interp, np.nanpercentile, np.nanquantile),
    *(np.nextafter, np.percentile, np.quantile, np.unwrap),
    *samples_special.REAL_ONLY,
}
# What their calls need besides complex numbers.
OTHERS: dict[Any, Any] = {
    np.bincount: lambda z: ([0], z[0]),
    np.interp: lambda z: (z[0], z[0], z[0]),
    **dict.fromkeys((np.nanpercentile, np.nanquantile), lambda z: (z, 0.5)),
    **dict.fromkeys((np.percentile, np.quantile), lambda z: (z, 0.5)),
}
# A cast, also into a histogram's bins, makes complex numbers real; see below.
CASTS = {
    cast,
    np.histogram,
    np.histogram_bin_edges,
    *([np.astype] if hasattr(np, "astype") else []),
}
# Complex ones come in the order of their hashes, which says nothing of their neighbours.
UNORDERED = {np.unique_values}
# Their complex vectors are LAPACK's choice but for a phase: below, what does not depend on it.
PHASES = {np.linalg.eig, np.linalg.eigh, np.linalg.eigvals, np.linalg.svd}
LEFT_OUT = REAL_ONLY | PHASES | CASTS | UNORDERED | samples_special.REAL_SLOPE
COMPLEX = [sample for sample in SAMPLES if sample.function not in LEFT_OUT]


def turned(call: Call, rng: np.random.Generator) -> Call:
    """Return the call with imaginary parts added to its floating-point arrays."""

    def turn(x: Any) -> Any:
        if isinstance(x, tuple | list):
            return type(x)(turn(part) for part in x)
        if isinstance(x, np.ndarray) and x.dtype == np.float64:
            return np.asarray(x + 1j * rng.uniform(0.1, 0.4, x.shape))
        return x

    return Call(turn(call.args), call.kwargs, call.analytic)


def real_part_of_the_sum(out: Any, gs: list[Any]) -> Any:
    outs = out if isinstance(out, tuple | list) else [out]
    return sum(np.sum(np.real(y * g)) for y, g in zip(outs, gs, strict=True))


def joined(parts: list[np.ndarray]) -> list[np.ndarray]:
    """Return x + iy for each pair of x and y."""
    half = len(parts) // 2
    return [x + 1j * y for x, y in zip(parts[:half], parts[half:], strict=True)]


@pytest.mark.parametrize("sample", COMPLEX, ids=[TABLE[sample.function].name for sample in COMPLEX])
@settings(max_examples=settings.default.max_examples // 8)
@given(data=st.data())
def test_a_rule_holds_for_complex_numbers(sample: Sample, data: Any) -> None:
    rng = np.random.default_rng(0)
    call = turned(data.draw(sample.calls), rng)
    values = list(arrays_in(call.args, np.complex128))

    def run(values: list[Any]) -> Any:
        return sample.function(*filled(call.args, iter(values), np.complex128), **call.kwargs)

    out = run(values)
    outs = out if isinstance(out, tuple | list) else [out]
    gs = [cotangent(y, rng) for y in outs]
    xs = [Tensor(x, requires_grad=True) for x in values]
    found = gradients(real_part_of_the_sum(run(xs), gs), xs)
    parts = [*(x.real for x in values), *(x.imag for x in values)]
    slopes = numeric_gradient(lambda p: real_part_of_the_sum(run(joined(p)), gs), parts, False)
    half = len(slopes) // 2
    scale = max((np.abs(s).max() for s in slopes if s.size), default=0.0)
    for mine, by_x, by_y in zip(found, slopes[:half], slopes[half:], strict=True):
        assert mine.dtype == np.complex128
        assert_allclose(mine, by_x - 1j * by_y, rtol=0, atol=1e-7 * scale)


@pytest.mark.parametrize("function", sorted(REAL_ONLY, key=public_name), ids=lambda f: f.__name__)
def test_numpy_has_the_other_functions_for_real_numbers_only(function: Any) -> None:
    z = np.array([[0.5 + 0.1j]])
    args = OTHERS[function](z) if function in OTHERS else [z] * getattr(function, "nin", 1)
    with pytest.raises(TypeError):
        function(*args)


def test_a_cast_takes_the_gradient_through_the_real_part() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    z = x.astype(np.complex128) * np.array([1j, 2])
    xp.real(z * z).sum().backward()
    assert_allclose(x.grad, [-2, 16])


def cotangent(y: Any, rng: np.random.Generator) -> Any:
    g = np.asarray(rng.uniform(-1.5, 1.5, np.shape(y)))
    return g + 1j * rng.uniform(-1.5, 1.5, np.shape(y)) if np.iscomplexobj(y) else g


def test_the_gradient_of_a_real_input_is_real() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    xp.abs(xp.exp(1j * x) + x).sum().backward()
    real, imaginary = np.cos(x.data) + x.data, np.sin(x.data)
    slope = (real * (1 - np.sin(x.data)) + imaginary * np.cos(x.data)) / np.hypot(real, imaginary)
    assert x.grad.dtype == np.float64
    assert_allclose(x.grad, slope, rtol=1e-12)


def test_single_precision_stays_single() -> None:
    z = Tensor(np.array([1 + 2j, 3j], np.complex64), requires_grad=True)
    x = Tensor(np.array([1.0, 2.0], np.float32), requires_grad=True)
    xp.abs(z * x).sum().backward()
    assert (z.grad.dtype, x.grad.dtype) == (np.complex64, np.float32)


def test_the_slope_of_the_modulus_at_zero_is_zero() -> None:
    z = Tensor([0j, 3 + 4j], requires_grad=True)
    xp.abs(z).sum().backward()
    assert_allclose(z.grad, [0, 0.6 - 0.8j])


def test_a_walk_does_not_start_at_a_complex_number() -> None:
    z = Tensor(1 + 2j, requires_grad=True)
    with pytest.raises(ValueError, match="take its real part"):
        (z * z).backward()
    (z * z).backward(np.array(1j))
    assert z.grad == 1j * 2 * (1 + 2j)


def test_the_sign_of_complex_numbers_is_refused() -> None:
    with pytest.raises(NotImplementedError, match=r"write x / np\.abs\(x\)"):
        np.sign(Tensor([1 + 1j], requires_grad=True))


def test_second_derivatives_of_a_holomorphic_function() -> None:
    z = Tensor([0.5 + 0.2j, -1j], requires_grad=True)
    (slope,) = gradients(xp.exp(z) * z, [z], np.ones(2, complex), create_graph=True)
    (curvature,) = gradients(slope, [z], np.ones(2, complex))
    assert_allclose(curvature, np.exp(z.data) * (z.data + 2), rtol=1e-12)


def test_parts_of_a_tensor_by_its_attributes() -> None:
    z = Tensor([1 + 2j], requires_grad=True)
    out = (z.real * 3 + z.imag * 5 + (z.conj() * 1j).real).sum()
    out.backward()
    assert out.item() == 15
    assert_allclose(z.grad, [3 - 5j + 1j * -1])


def lengths(decomposition: Any) -> Any:
    """Return a function of all values and of the sizes of all elements of the vectors."""

    def run(x: Any) -> Any:
        parts = decomposition(x)
        rng = np.random.default_rng(3)
        return sum(xp.sum(xp.abs(y) ** 2 * rng.uniform(0.5, 1.5, y.shape)) for y in parts)

    return run


def eigenvalues(x: Any) -> Any:
    return (np.linalg.eigvals(x),)


@pytest.mark.parametrize("f", [np.linalg.eigh, np.linalg.eig, np.linalg.svd, eigenvalues])
def test_what_depends_on_no_phase_of_the_vectors_has_a_derivative(f: Any) -> None:
    rng = np.random.default_rng(7)
    z = rng.uniform(-1, 1, (3, 3)) + 1j * rng.uniform(-1, 1, (3, 3)) + np.diag([0.0, 4.0, 9.0])
    x = Tensor(z, requires_grad=True)
    (found,) = gradients(lengths(f)(x), [x])
    by_x, by_y = numeric_gradient(lambda p: lengths(f)(p[0] + 1j * p[1]), [z.real, z.imag], False)
    assert_allclose(found, by_x - 1j * by_y, rtol=0, atol=1e-7 * np.abs(by_x).max())


@pytest.mark.parametrize("f", [np.linalg.eigh, np.linalg.eig])
def test_a_phase_of_the_vectors_has_no_derivative(f: Any) -> None:
    x = Tensor(np.array([[1, 0.5j], [-0.5j, 3]]), requires_grad=True)
    with pytest.raises(NotImplementedError, match="but for a phase"):
        xp.sum(xp.imag(f(x)[1][0] * (1 + 2j))).backward()
