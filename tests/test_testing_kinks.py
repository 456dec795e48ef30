"""The gradient checker at kinks: it knows them all, stays off them, and judges none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini import Tensor, checkpoint, defvjp, primitive, relu, softmax
from autograd_mini.primitive import TABLE
from autograd_mini.testing import Function, declare_kink, examine
from autograd_mini.testing.kinks import KINKS, OF_SPECIAL
from tests.rule_checks import arrays_in, filled
from tests.samples import Sample
from tests.test_rules import REGISTERED, SAMPLES
from tests.verdicts import refused, verdict

xp: Any = np

# Differentiable wherever they are finite.
_SMOOTH_NAMES = """
    array bessel_i cast cross_entropy hook linear log_softmax mse_loss np.add np.append
    np.array_split np.astype np.atleast_1d np.atleast_2d np.atleast_3d np.average np.block
    np.broadcast_arrays np.broadcast_to np.column_stack np.concatenate np.conjugate
    np.convolve np.copy np.corrcoef np.correlate np.cos np.cosh np.cov np.cross np.cumprod
    np.cumsum np.cumulative_prod np.cumulative_sum np.deg2rad np.degrees np.diag np.diagflat
    np.diagonal np.diff np.divide np.dot np.dsplit np.dstack np.ediff1d np.einsum np.exp
    np.exp2 np.expand_dims np.expm1 np.fft.fft np.fft.fft2 np.fft.fftn np.fft.fftshift
    np.fft.hfft np.fft.ifft np.fft.ifft2 np.fft.ifftn np.fft.ifftshift np.fft.ihfft
    np.fft.irfft np.fft.irfft2 np.fft.irfftn np.fft.rfft np.fft.rfft2 np.fft.rfftn np.flip
    np.fliplr np.flipud np.full_like np.geomspace np.gradient np.hsplit np.hstack np.i0
    np.imag np.inner np.ix_ np.kron np.lib.stride_tricks.sliding_window_view
    np.linalg.cholesky np.linalg.cross np.linalg.det np.linalg.diagonal np.linalg.inv
    np.linalg.matmul np.linalg.matrix_power np.linalg.matrix_transpose np.linalg.multi_dot
    np.linalg.outer np.linalg.slogdet np.linalg.solve np.linalg.tensordot
    np.linalg.tensorinv np.linalg.tensorsolve np.linalg.trace np.linalg.vecdot np.linspace
    np.logaddexp np.logaddexp2 np.logspace np.matmul np.matrix_transpose np.matvec np.mean
    np.meshgrid np.moveaxis np.multiply np.nancumprod np.nancumsum np.nanmean np.nanprod
    np.nansum np.nanvar np.negative np.outer np.poly np.polyadd np.polyder np.polyint
    np.polysub np.polyval np.positive np.prod np.rad2deg np.radians np.ravel np.real
    np.reciprocal np.reshape np.resize np.roll np.rollaxis np.rot90 np.sin np.sinc np.sinh
    np.split np.square np.squeeze np.stack np.subtract np.sum np.swapaxes np.tan np.tanh
    np.tensordot np.tile np.trace np.transpose np.trapezoid np.tril np.triu np.unstack
    np.vander np.var np.vdot np.vecdot np.vecmat np.vsplit np.vstack sigmoid sigmoid_slope
    sinc_slope softmax
"""
SMOOTH = frozenset(_SMOOTH_NAMES.split())
# Differentiable but for whole numbers and conditions, which are sides of every function.
_CHOOSING_NAMES = """
    at_kink getitem np.bincount np.choose np.compress np.delete np.extract np.insert np.ldexp
    np.repeat np.select np.take np.take_along_axis np.where scatter setitem
"""
CHOOSING = frozenset(_CHOOSING_NAMES.split())
# Of scipy.special: the same as SMOOTH, inside their domains.
_SMOOTH_SPECIAL_NAMES = """
    _ufuncs._lambertw _ufuncs._zeta airy beta betainc betaincc betaincinv betaln cosm1 dawsn
    ellipe ellipk entr erf erfc erfcinv erfcx erfi erfinv exp1 exp10 exp2 expi expit expm1
    expn exprel fresnel gamma gammainc gammaincc gammainccinv gammaincinv gammaln hankel1
    hankel2 hyp0f1 hyp1f1 hyp2f1 i0 i1 iv j0 j1 jv k0 k0e k1 k1e kl_div kn kv kve log1p
    log_expit log_ndtr loggamma logit ndtr ndtri ndtri_exp psi rel_entr rgamma shichi sici
    spence wrightomega xlog1py xlogy y0 y1 yn yv
"""
SMOOTH_SPECIAL = frozenset(_SMOOTH_SPECIAL_NAMES.split())


# The list.


def test_every_function_is_known_to_be_smooth_or_where_it_is_not() -> None:
    kinked = {TABLE[f].name for f in KINKS if f in TABLE}
    named = {TABLE[f].name for f in REGISTERED if not TABLE[f].name.startswith("scipy.")}
    assert not kinked & (SMOOTH | CHOOSING)
    forgotten = named - kinked - SMOOTH - CHOOSING
    assert not forgotten, f"declare the kinks of {forgotten}, or list them as smooth"


def test_every_function_of_scipy_is_known_to_be_smooth_or_where_it_is_not() -> None:
    special = pytest.importorskip("scipy.special")
    assert TABLE[special.erf].vjps  # fills the table
    kinked = {name.removeprefix("scipy.special.") for name in OF_SPECIAL}
    found = {operation.name for operation in TABLE.values()}
    named = {name.removeprefix("scipy.special.") for name in found if name.startswith("scipy.")}
    assert not kinked & SMOOTH_SPECIAL
    forgotten = named - kinked - SMOOTH_SPECIAL
    assert not forgotten, f"declare the kinks of {forgotten}, or list them as smooth"


# On a kink.


KINKED: list[tuple[Callable[..., Any], Any]] = [
    (lambda x: relu(x) - relu(-x), [0.0, 1.0]),
    (checkpoint(lambda x: relu(x) - relu(-x)), [0.0, 1.0]),
    (xp.abs, [0.0]),
    (lambda x: xp.abs(x + 1j * x), [0.0]),
    (xp.cbrt, [0.0, 1.0]),
    (lambda x: xp.sqrt(x * x), [0.0, 1.0]),
    (lambda x: xp.power(x * x, 0.5), [0.0, 1.0]),
    (lambda x: xp.maximum(x, 1.0), [1.0, 2.0]),
    (lambda x: xp.fmin(x, x[::-1] * 2), [0.0, 1.0, 0.0]),
    (lambda x: xp.clip(x, 0, 1), [0.0, 0.5]),
    (lambda x: xp.clip(x, None, x[0]), [0.5, 0.5]),
    (lambda x: xp.remainder(x, 2.0), [4.0]),
    (lambda x: xp.fmod(x, 2.0), [-4.0]),
    (lambda x: xp.modf(x)[0], [1.0]),
    (lambda x: xp.frexp(x)[0], [4.0]),
    (lambda x: xp.heaviside(x, 0.5), [0.0]),
    (lambda x: xp.copysign(x, 1.0), [0.0]),
    (lambda x: xp.copysign(3.0, x), [0.0]),
    (lambda x: xp.hypot(x, x), [0.0]),
    (lambda x: xp.arctan2(x, -1.0), [0.0]),
    (lambda x: xp.arctan2(x, x), [0.0]),
    (lambda x: xp.angle(x - 1j * x), [0.0]),
    (lambda x: xp.angle(1j * x - 1), [0.0]),
    (lambda x: xp.real(xp.log(1j * x - 1)), [0.0]),
    (lambda x: xp.imag(xp.sqrt(1j * x - 1)), [0.0]),
    (lambda x: xp.imag(xp.arcsin(1j * x + 2)), [0.0]),
    (lambda x: xp.real(xp.arctan(x + 2j)), [0.0]),
    (lambda x: xp.real(xp.emath.sqrt(x)), [0.0, 1.0]),
    (lambda x: xp.real(xp.emath.arcsin(x)), [1.0, 0.5]),
    (xp.unwrap, [0.0, np.pi, 6.5]),
    (lambda x: xp.interp(x, [0.0, 1.0, 2.0], [0.0, 3.0, 1.0]), [1.0]),
    (lambda x: xp.interp(x, [0.0, 1.0, 2.0], [0.0, 3.0, 1.0], period=-3.0), [4.0]),
    (xp.max, [1.0, 1.0]),
    (lambda x: xp.max(x, axis=(0, 1)), [[1.0, 0.0], [0.5, 1.0]]),
    (lambda x: xp.min(x, initial=0.5), [0.5, 2.0]),
    (lambda x: xp.nanmax(xp.where(x > 2, np.nan, x)), [1.0, 1.0, 3.0]),
    (xp.sort, [1.0, 1.0]),
    (lambda x: xp.partition(x, 1), [3.0, 1.0, 1.0]),
    (xp.median, [1.0, 2.0, 2.0]),
    (lambda x: xp.nanquantile(x, 0.3, axis=0), [[1.0, 1.0], [1.0, 2.0]]),
    (lambda x: xp.percentile(x, [20, 50], method="nearest"), [1.0, 2.0, 2.0, 5.0]),
    (xp.ptp, [1.0, 0.0, 1.0]),
    (xp.std, [2.0, 2.0]),
    (lambda x: xp.nanstd(xp.where(x > 2, np.nan, x)), [1.0, 1.0, 3.0]),
    (xp.unique, [1.0, 1.0]),
    (xp.trim_zeros, [0.0, 1.0, 2.0]),
    (lambda x: xp.pad(x, 1, mode="maximum"), [2.0, 2.0, 1.0]),
    (lambda x: xp.histogram(x, [0.0, 1.0, 2.0], weights=x)[0], [0.5, 1.0]),
    (lambda x: xp.histogram_bin_edges(x, 2), [0.5, 1.0, 1.0]),
    (xp.linalg.norm, [0.0, 0.0]),
    (lambda x: xp.linalg.norm(x, 1), [0.0, 1.0]),
    (lambda x: xp.linalg.norm(x, np.inf), [-1.0, 1.0]),
    (lambda x: xp.linalg.norm(x, 2), [[1.0, 0.0], [0.0, 1.0]]),
    (lambda x: xp.linalg.norm(x, "nuc"), [[1.0, 1.0], [1.0, 1.0]]),
    (lambda x: xp.linalg.vector_norm(x, ord=3), [0.0, 1.0]),
    (lambda x: xp.linalg.matrix_norm(x, ord=1), [[1.0, 2.0], [2.0, 1.0]]),
    (xp.linalg.cond, [[0.0, 1.0], [1.0, 0.0]]),
    (lambda x: xp.linalg.cond(x, 1), [[0.0, 1.0], [1.0, 0.0]]),
    (xp.linalg.eigvalsh, [[2.0, 0.0], [0.0, 2.0]]),
    (xp.linalg.svdvals, [[0.6, 0.8], [-0.8, 0.6]]),
    (xp.linalg.eigvals, [[2.0, 0.0], [0.0, 2.0]]),
    (lambda x: xp.linalg.qr(x)[1], [[1.0, 2.0], [2.0, 4.0]]),
    (xp.roots, [1.0, -2.0, 1.0]),
    (lambda x: xp.polymul(x, [1.0, 2.0]), [0.0, 1.0]),
]


@pytest.mark.parametrize(("f", "x"), KINKED)
def test_a_kink_is_named_not_judged(f: Any, x: Any) -> None:
    def called_here(x: Any) -> Any:
        return f(x)

    error = refused(called_here, np.array(x))
    assert error.report.verdict == "cannot tell"
    assert "stands on a kink" in str(error)
    assert "test_testing_kinks.py" in str(error.report.operation)


def test_a_pseudoinverse_is_judged_where_its_rank_stays_and_only_there() -> None:
    row = np.array([[1.0, 2.0, 3.0]])
    weights = np.arange(9.0).reshape(3, 3)
    assert verdict(lambda x: xp.sum(weights * xp.linalg.pinv(x.T @ x)), row) == "right"
    error = refused(lambda a: xp.sum(weights * xp.linalg.pinv(a)), row.T @ row)
    assert error.report.verdict == "cannot tell"
    assert "np.linalg.pinv" in str(error)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: xp.fmod(x, 2.0), [0.0]),
        (lambda x: xp.modf(x)[0], [0.0]),
        (lambda x: xp.arctan2(x, 1.0), [0.0]),
        (lambda x: xp.arctan2(1.0, x), [0.0]),
        (lambda x: xp.angle(1j * x + 1), [0.0]),
        (xp.median, [1.0, 1.0, 2.0, 5.0, 5.0]),
        (lambda x: xp.quantile(x, [0.0, 0.9]), [1.0, 2.0, 2.0, 2.0, 5.0, 6.0]),
        (lambda x: xp.max(x, axis=0), [[1.0, 1.0], [0.0, 2.0]]),
        (lambda x: xp.max(x, initial=7.0), [1.0, 1.0]),
        (lambda x: xp.interp(x, [0.0, 1.0], [0.0, 3.0], period=4.0), [4.5, -4.0001]),
        (lambda x: xp.unwrap(x, discont=4.0), [0.0, np.pi, 6.5]),
        (lambda x: xp.std(x, axis=0), [[1.0, 2.0]]),
        (lambda x: xp.ptp(x, axis=0), [[1.0, 2.0]]),
        (xp.trim_zeros, [1.0, 0.0, 2.0]),
        (lambda x: xp.histogram_bin_edges(x, 2), [0.5, 0.75, 1.0]),
        (lambda x: xp.linalg.norm(x, 4), [0.0, 1.0]),
        (lambda x: xp.linalg.norm(x, 2), [[1.0, 0.0], [0.0, 0.0]]),
        (xp.prod, [0.0, 0.0, 3.0]),
        (lambda x: xp.power(x, 3.0), [0.0]),
        (lambda x: xp.where(x > 0, x, x * 2), [1.0, -1.0]),
        (lambda x: softmax(x) * np.arange(2.0), [1.0, 1.0]),
    ],
)
def test_what_looks_like_a_kink_and_is_none_is_right(f: Any, x: Any) -> None:
    assert verdict(f, np.array(x), order=1) == "right"


def test_the_condition_that_changes_is_named() -> None:
    error = refused(lambda x: xp.where(x > 0, x, 2 * x), np.array([0.0, 1.0]))
    assert error.report.verdict == "cannot tell"
    assert "np.where (File" in str(error.report.operation)
    error = refused(lambda x: x[xp.argsort(x.data)] * np.arange(2.0), np.array([1.0, 1.0]))
    assert "getitem" in str(error.report.operation)


# Near a kink.


@pytest.mark.parametrize("distance", [1e-3, 1e-6])
def test_a_kink_nearby_is_not_stepped_over(distance: float) -> None:
    assert verdict(lambda x: relu(x) + xp.abs(x - 1), np.array([distance, 1 - distance])) == "right"


def test_a_kink_of_ones_own_is_declared() -> None:
    @primitive
    def hinge(x: Any) -> Any:
        return np.maximum(1 - x, 0)

    defvjp(hinge, lambda g, out, x: -g * (x < 1))
    declare_kink(hinge, lambda x: (x < 1, np.abs(1 - x)))
    assert verdict(hinge, np.array([1.0])) == "cannot tell"
    assert verdict(hinge, np.array([0.5, 1.5])) == "right"


@primitive
def huber(x: Any, d: Any) -> Any:
    return np.where(np.abs(x) <= d, 0.5 * x**2, d * (np.abs(x) - 0.5 * d))


defvjp(
    huber,
    lambda g, out, x, d: g * xp.where(xp.abs(x) <= d, x, d * xp.sign(x)),
    lambda g, out, x, d: g * xp.where(xp.abs(x) <= d, 0, xp.abs(x) - d),
)


@pytest.mark.parametrize("distance", [3e-4, 3e-3, 1e-2])
def test_a_jump_of_the_second_derivative_need_not_be_declared(distance: float) -> None:
    x = np.array([1.32 + distance, 1.32 - distance, -0.93])
    for seed in range(10):
        assert verdict(huber, x, np.array([1.32]), order=1, seed=seed) == "right"


@pytest.mark.parametrize("distance", [0.0, 1e-9, 1e-6, 1e-5])
def test_a_jump_of_the_second_derivative_is_not_called_wrong_however_near(distance: float) -> None:
    x = np.array([1.32 + distance, 1.32 - distance, -0.93])
    for seed in range(10):
        assert verdict(huber, x, np.array([1.32]), order=1, seed=seed) != "wrong"


@pytest.mark.parametrize(("f", "x"), KINKED)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_beside_a_kink_a_right_rule_is_not_wrong(f: Any, x: Any) -> None:
    steps = np.cos(np.arange(1.0, np.size(x) + 1)).reshape(np.shape(x))
    for distance in (1e-3, 1e-5, 1e-8):
        assert verdict(f, np.array(x) + distance * steps, order=1, seed=0) != "wrong"


# Every function, moved onto its kinks.
MOVES: dict[str, Callable[[Any], Any]] = {
    "rounded": np.round,
    "every other 0": lambda x: np.where(np.arange(x.size).reshape(x.shape) % 2, x, 0.0),
    "all the same": lambda x: np.full_like(x, x.flat[0]) if x.size else x,
    "all 0": np.zeros_like,
    "signs": lambda x: np.where(x > 0, 1.0, -1.0),
}


@pytest.mark.parametrize("sample", SAMPLES, ids=[TABLE[s.function].name for s in SAMPLES])
@settings(max_examples=max(2, settings.default.max_examples // 40))
@given(data=st.data())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_right_rule_is_called_wrong_on_a_kink_nor_right(sample: Sample, data: Any) -> None:
    call = data.draw(sample.calls)
    move = MOVES[data.draw(st.sampled_from(sorted(MOVES)))]
    arrays = [*arrays_in(call.args)]
    which = data.draw(st.integers(0, len(arrays)))  # one of them, or all
    xs = [move(x) if which in (i, len(arrays)) else x for i, x in enumerate(arrays)]

    def f(*values: Any) -> Any:
        return sample.function(*filled(call.args, iter(values)), **call.kwargs)

    try:
        f(*map(Tensor, xs))
        report = examine(Function(f, tuple(xs)), order=1, seed=0)
    except (ArithmeticError, NotImplementedError, ValueError):
        return  # there is no such value, or no such derivative
    assert report.verdict != "wrong", (report, xs)
    assert report.verdict == "cannot tell" or is_differentiable(f, xs), (report, xs)


def is_differentiable(f: Any, xs: list[Any]) -> bool:
    """Return whether differences ahead and back agree, roughly, along every axis."""

    def value(i: int, change: Any) -> Any:
        out = f(*(np.asarray(x + change) if j == i else x for j, x in enumerate(xs)))
        outs = map(np.asarray, out if isinstance(out, tuple | list) else [out])
        return np.concatenate([np.ravel(y) for y in outs if y.dtype.kind in "fc"])

    h = 1e-7
    for i, x in enumerate(xs):
        here = value(i, 0 * x)
        for axis in np.eye(x.size)[:12]:
            step = h * axis.reshape(x.shape)
            ahead, back = (value(i, step) - here) / h, (here - value(i, -step)) / h
            size = max(1.0, np.max(np.abs(here), initial=0.0))
            if not np.all(np.abs(ahead - back) <= 1e-4 * np.abs(ahead) + 1e-5 * size):
                return False
    return True
