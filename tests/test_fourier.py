"""Fourier transforms of complex numbers, of parts of a computation, and what is refused."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from autograd_mini import Tensor, gradients, hessian, jacobian, jvp, vjp
from tests.samples_fourier import OPTIONS

xp: Any = np
fft: Any = np.fft

REAL_ONLY = {np.fft.rfft, np.fft.ihfft, np.fft.rfft2, np.fft.rfftn}
NORMS = (None, "backward", "ortho", "forward")
FORMS = [
    pytest.param(function, *form, id=f"{function.__name__}-{i}")
    for function, options in OPTIONS.items()
    for i, form in enumerate(options)
]


def drawn(shape: tuple[int, ...], is_complex: bool, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.asarray(rng.uniform(-1, 1, shape))
    return x + 1j * rng.uniform(-1, 1, shape) if is_complex else x


def pairing(x: Any, y: Any) -> float:
    return float(np.real(np.sum(x * y)))


@pytest.mark.parametrize(("function", "shape", "rest", "kwargs"), FORMS)
def test_a_rule_is_the_transpose_to_the_last_digits(
    function: Any, shape: Any, rest: Any, kwargs: Any
) -> None:
    for norm in [{}] if len(rest) == 3 else [{"norm": n} for n in NORMS]:
        for is_complex in {False, function not in REAL_ONLY}:
            x = drawn(shape, is_complex, 1)
            out, pull = vjp(lambda a, norm=norm: function(a, *rest, **kwargs, **norm), x)
            g = drawn(out.shape, np.iscomplexobj(out), 2)
            (gx,) = pull(g)
            assert (gx.shape, gx.dtype) == (x.shape, x.dtype)
            tangent = drawn(shape, is_complex, 3)
            moved = function(tangent, *rest, **kwargs, **norm)
            assert pairing(gx, tangent) == pytest.approx(pairing(g, moved), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("function", "shape", "rest", "kwargs"), FORMS)
def test_the_derivative_of_a_linear_function_is_itself(
    function: Any, shape: Any, rest: Any, kwargs: Any
) -> None:
    x, tangent = (drawn(shape, function not in REAL_ONLY, seed) for seed in (1, 2))
    _, slope = jvp(lambda a: function(a, *rest, **kwargs), (x,), (tangent,))
    assert_allclose(slope, function(tangent, *rest, **kwargs), rtol=0, atol=1e-14)


def test_the_slope_of_fft_is_the_dft_matrix() -> None:
    z = Tensor(drawn((5,), True, 0), requires_grad=True)
    rows = [gradients(fft.fft(z), [z], np.eye(5)[i])[0] for i in range(5)]
    k = np.arange(5)
    assert_allclose(rows, np.exp(-2j * np.pi * np.outer(k, k) / 5), atol=1e-14)


def test_what_irfft_ignores_has_no_gradient() -> None:
    half = Tensor(drawn((4,), True, 0), requires_grad=True)
    (fft.irfft(half) ** 2).sum().backward()
    assert half.grad.imag[0] == half.grad.imag[3] == 0
    assert np.all(half.grad.imag[1:3] != 0)
    half.grad = None
    (fft.irfft(half, 5) ** 2).sum().backward()
    assert half.grad[3] == 0
    assert np.all(half.grad.imag[1:3] != 0)


def test_energy_is_kept_so_its_gradient_is_too() -> None:
    x = Tensor(drawn((3, 4), False, 0), requires_grad=True)
    (xp.abs(fft.fft2(x, norm="ortho")) ** 2).sum().backward()
    assert_allclose(x.grad, 2 * x.data, rtol=1e-12)


def test_convolution_by_fft_has_the_gradients_of_convolution() -> None:
    x, kernel = drawn((6,), False, 0), drawn((3,), False, 1)

    def by_fft(x: Any, kernel: Any) -> Any:
        return fft.irfft(fft.rfft(x, 8) * fft.rfft(kernel, 8), 8)

    toeplitz = np.array([np.convolve(e, kernel) for e in np.eye(6)]).T
    assert_allclose(jacobian(by_fft)(x, kernel), toeplitz, atol=1e-14)
    loss = hessian(lambda k: (by_fft(x, k) ** 2).sum())(kernel)
    shifted = np.array([np.convolve(x, e) for e in np.eye(3)])
    assert_allclose(loss, 2 * shifted @ shifted.T, rtol=1e-12)


def test_second_derivatives_through_a_spectrum() -> None:
    x = drawn((5,), False, 0)

    def loss(x: Any) -> Any:
        return (xp.abs(fft.rfft(x)) ** 4).sum()

    found = hessian(loss)(x)
    step = 1e-4 * np.eye(5)
    slopes = jacobian(loss)
    wanted = [(slopes(x + e) - slopes(x - e)) / 2e-4 for e in step]
    assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("function", OPTIONS, ids=lambda f: f.__name__)
def test_single_precision_stays_single(function: Any) -> None:
    is_complex = function not in REAL_ONLY
    dtype = np.complex64 if is_complex else np.float32
    x = Tensor(drawn((3, 4), is_complex, 0).astype(dtype), requires_grad=True)
    out = function(x, norm="ortho")
    (slope,) = gradients((xp.abs(out) ** 2).sum(), [x], create_graph=True)
    (curvature,) = gradients(xp.real(slope).sum(), [x])
    assert out.dtype in (np.complex64, np.float32)
    assert slope.dtype == curvature.dtype == dtype


@pytest.mark.parametrize("function", OPTIONS, ids=lambda f: f.__name__)
def test_an_array_to_write_into_is_refused(function: Any) -> None:
    x = Tensor(np.ones((3, 4)), requires_grad=True)
    out = function(x.data)
    with pytest.raises(TypeError, match=r"out=\) can't be recorded"):
        function(x, out=out)


@pytest.mark.parametrize("s", [(2, None), (None, 5), (5,)])
@pytest.mark.parametrize("function", [np.fft.fftn, np.fft.rfftn, np.fft.irfftn])
def test_lengths_left_open_follow_numpy(function: Any, s: Any) -> None:
    x, tangent = drawn((4, 3), False, 0), drawn((4, 3), False, 1)
    with warnings.catch_warnings():  # NumPy does not like it, but takes it
        warnings.simplefilter("ignore", DeprecationWarning)
        for axes in ((0, 1), (0, 0), None) if len(s) == 2 else (None,):
            out, pull = vjp(lambda a, axes=axes: function(a, s, axes), x)
            g = drawn(out.shape, np.iscomplexobj(out), 2)
            moved = function(tangent, s, axes)
            assert pairing(pull(g)[0], tangent) == pytest.approx(pairing(g, moved), rel=1e-12)


def test_frequencies_scale_with_the_sample_spacing() -> None:
    d = Tensor(0.5, requires_grad=True)
    (fft.rfftfreq(4, d) * np.array([1.0, 2.0, 3.0])).sum().backward()
    assert_allclose(d.grad, -(0.25 * 2 + 0.5 * 3) / 0.5**2)


def test_real_if_close_gives_the_imaginary_part_no_gradient_when_it_drops_it() -> None:
    z = Tensor([1 + 1e-15j, 2], requires_grad=True)
    out = xp.real_if_close(z)
    assert out.dtype == np.float64
    (out**2).sum().backward()
    assert_allclose(z.grad, [2, 4])
    far = Tensor([1 + 1j], requires_grad=True)
    xp.real(xp.real_if_close(far) * 1j).sum().backward()
    assert_allclose(far.grad, [1j])
