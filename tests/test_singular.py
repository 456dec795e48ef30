"""Where slopes are 0, infinite or unknown: what is not chosen, what is nan, and kinks.

Three promises. What a result does not depend on gets 0, also of a gradient that is infinite or nan.
Where a value is nan no slope is a finite number. Where a slope is 0 by convention only, the second
derivative is nan, or right.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, grad, gradients, hessian, hvp, jvp, relu
from autograd_mini.primitive import TABLE
from tests.rule_checks import Case
from tests.samples import Call, Sample
from tests.test_rules import SAMPLES

xp: Any = np
NAN, INF = np.nan, np.inf

# A slope of these is 0 where a factor or a sum happens to be, not for want of a way.
BY_VALUE = """
    np.angle np.arctan2 np.copysign np.corrcoef np.cov np.divide np.gradient np.imag np.multiply
    np.nanstd np.nanvar np.polyval np.power np.ptp np.std np.trapezoid np.var np.linalg.cholesky
    np.linalg.matrix_power np.linalg.qr np.linalg.svd np.einsum np.float_power mse_loss
    cross_entropy np.linalg.cond np.linalg.norm np.poly np.polymul np.polydiv np.polysub np.roots
    np.vander
"""
MIXING = {*BY_VALUE.split()}


def is_choosing(sample: Sample) -> bool:
    name = TABLE[sample.function].name
    return not (name in MIXING or name.startswith(("np.fft.", "np.pad", "scipy.")))


CHOOSING = [sample for sample in SAMPLES if is_choosing(sample)]


def check_what_is_not_reached(sample: Sample, call: Call) -> None:
    """Compare the slopes of one element of a result, its g 1, with those where it is inf or nan."""
    case = Case(sample, call)
    gs = [np.zeros_like(g) for g in case.cotangents()]
    for k, g in enumerate(gs):
        for at in {0, g.size - 1} if g.size else ():
            one, other = ([x.copy() for x in gs] for _ in range(2))
            one[k].flat[at] = 1
            reached = [slopes != 0 for slopes in case.rules(case.variables, one)]
            for value in (INF, NAN):
                other[k].flat[at] = value
                for mask, slopes in zip(reached, case.rules(case.variables, other), strict=True):
                    assert np.all(slopes[~mask] == 0), (call, value, slopes)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("sample", CHOOSING, ids=[TABLE[s.function].name for s in CHOOSING])
@settings(max_examples=3)
@given(data=st.data())
def test_an_infinite_gradient_goes_where_a_finite_one_goes(sample: Sample, data: Any) -> None:
    check_what_is_not_reached(sample, data.draw(sample.calls))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda a: xp.sqrt(relu(a)), -1.0, 0),
        (lambda a: xp.sqrt(xp.maximum(a, 0.0)), -1.0, 0),
        (lambda a: xp.log(xp.clip(a, 0.0, 2.0)), -1.0, 0),
        (lambda a: xp.sqrt(xp.heaviside(a, 0.5)), -1.0, 0),
        (lambda a: xp.sqrt(xp.fmax(a, 0.0)), -1.0, 0),
        (lambda a: xp.sqrt(xp.interp(a, [0.0, 1.0], [0.0, 1.0])), -1.0, 0),
        (lambda a: xp.sqrt(xp.sum(xp.max(xp.stack([a, xp.zeros_like(a)])))), -1.0, 0),
        (lambda a: xp.sqrt(xp.nan_to_num(a)), NAN, 0),
        # Not flat but a kink, of an infinite slope on both sides: 0 would be wrong.
        (lambda a: xp.sqrt(xp.abs(a)), 0.0, NAN),
        (lambda a: xp.sqrt(xp.linalg.norm(xp.stack([a, a]))), 0.0, NAN),
    ],
)
def test_nothing_flows_into_a_flat_branch(f: Any, x: float, slope: float) -> None:
    assert_array_equal(grad(f)(x), slope)


# Functions of one array, and one for which their value is nan. Not among them: sums, products and
# quotients by the numerator, whose slope is the other argument, whatever this one is.
UNKNOWN: list[tuple[Any, Any]] = [
    *((f, [-1.0]) for f in (np.log, np.log2, np.log10, np.sqrt)),
    *((f, [2.0]) for f in (np.arcsin, np.arccos, np.arctanh)),
    (np.log1p, [-2.0]),
    (np.arccosh, [0.5]),
    (np.arccosh, [-3.0]),
    *((partial(f, ddof=1), [0.7]) for f in (np.std, np.var, np.nanstd, np.nanvar)),
    *((f, [NAN]) for f in (relu, np.abs, np.max, np.min, np.ptp, np.median, np.nanmean)),
    *((f, [NAN, 1.0]) for f in (np.max, np.amin, np.median, np.std, np.linalg.norm)),
    *((partial(np.linalg.norm, ord=p), [NAN, 1.0]) for p in (1, 2, 3, INF, -INF)),
    *((f, [NAN]) for f in (np.nanmax, np.nanmedian, np.nanstd)),
    (lambda x: xp.maximum(x, 1.0), [NAN]),
    (lambda x: xp.minimum(0.5, x), [NAN]),
    (lambda x: xp.clip(x, 0.0, 1.0), [NAN]),
    (lambda x: xp.heaviside(x, 0.5), [NAN]),
    (lambda x: xp.remainder(x, 0.0), [1.0]),
    (lambda x: xp.fmod(1.0, x), [0.0]),
    (lambda x: xp.divmod(x, 0.0)[1], [1.0]),
    (lambda x: xp.interp(x, [0.0, 1.0], [0.0, 2.0]), [NAN]),
    (lambda x: xp.quantile(x, 0.3), [NAN, 1.0]),
    (lambda x: xp.corrcoef(x, [1.0, 2.0])[0, 1], [3.0, 3.0]),
    (lambda x: xp.cov(x, ddof=1), [3.0]),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("f", "x"), UNKNOWN)
def test_a_value_that_is_nan_has_no_finite_slope(f: Any, x: Any) -> None:
    x = Tensor(np.array(x), requires_grad=True)
    y = f(x)
    assert np.isnan(y.data).all()
    # Forwards relu passes 0 on, its slope being chosen by its value: a factor would cost time.
    assert f is relu or not np.isfinite(jvp(f, (x.data,), (np.ones(x.shape),))[1]).any()
    if y.requires_grad:
        assert not np.isfinite(gradients(y.sum(), [x])[0]).any()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda fp: xp.interp([NAN, 0.5], [0.0, 1.0], fp), [1.0, 1.0], [0.5, 0.5]),
        (lambda fp: xp.interp([0.25, NAN], [0.0, 1.0], fp), [1.0, 1.0], [0.75, 0.25]),
        (lambda fp: xp.interp([NAN], [0.0, 1.0], fp), [1.0, 1.0], [0, 0]),
        (lambda q: xp.interp([NAN, 0.5], q, [0.0, 1.0]), [0.0, 1.0], [-0.5, -0.5]),
        (lambda w: xp.log(w * np.array([-1.0, 2.0])), 3.0, 1 / 3),
        (lambda w: xp.maximum(w, [NAN, 2.0]), 3.0, 1.0),
        (lambda w: relu(w + np.array([NAN, 2.0])), 3.0, 1.0),
        (lambda w: relu(relu(w * np.array([NAN, 2.0])) - 1.0), 3.0, 2.0),
        (lambda w: relu(w * np.array([NAN, -2.0, 2.0], np.float32)) ** 2, 3.0, 24.0),
        (lambda w: xp.clip(w + np.array([NAN, 2.0]), 0, 9), 3.0, 1.0),
        (
            lambda w: xp.std(xp.stack([w, 2 * w])[:, None] + [NAN, 2.0], axis=0),
            3.0,
            0.5,
        ),
    ],
)
def test_a_nan_that_nobody_uses_spreads_nowhere(f: Any, x: Any, slope: Any) -> None:
    assert_allclose(grad(lambda t: xp.nansum(f(t)))(np.array(x)), slope, rtol=1e-12)


# A nan beside it takes relu to its slower form, which must be the same one.
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_nan_in_relu_changes_no_other_element_to_second_order(kind: Any) -> None:
    x = np.array([NAN, -1.0, 0.0, 2.0, 3.0], kind)
    for f in (relu, lambda t: relu(t) ** 2, lambda t: relu(t * t - 1)):
        with_nan, without = (
            (grad(lambda t, f=f: xp.sum(f(t)))(p), hessian(lambda t, f=f: xp.sum(f(t)))(p))
            for p in (x, x[1:])
        )
        for one, other in zip(with_nan, without, strict=True):
            assert one.dtype == other.dtype == kind
        assert_array_equal(with_nan[0], [NAN, *without[0]])
        assert_array_equal(with_nan[1][1:, 1:], without[1])
        assert np.isnan(with_nan[1][0, 0])


@pytest.mark.parametrize("size", [(), (1, 16), (0, 3)])
def test_no_slope_of_relu_comes_of_an_infinite_one_where_it_is_flat(size: Any) -> None:
    x = Tensor(-np.ones(size, np.float32), requires_grad=True)
    (slope,) = gradients(relu(x), [x], np.full(size, INF, np.float32))
    assert_array_equal(slope, np.zeros(size, np.float32), strict=True)


# Each squared has a second derivative at 0 that the chain of its parts does not tell.
ORIGIN = np.zeros(2)
KINKS: list[tuple[Any, Any]] = [
    (np.linalg.norm, ORIGIN),
    (np.linalg.norm, np.zeros((2, 2))),
    *((partial(np.linalg.norm, ord=p), ORIGIN) for p in (1, 2, 1.5, 3, INF, -INF)),
    *((partial(np.linalg.norm, ord=p), np.zeros((2, 2))) for p in (1, -1, INF, -INF, "fro")),
    (np.linalg.vector_norm, ORIGIN),
    (np.linalg.matrix_norm, np.zeros((2, 2))),
    (lambda x: xp.hypot(x[0], x[1]), ORIGIN),
    (lambda x: xp.abs(x[0] + 1j * x[1]), ORIGIN),
    (np.std, np.ones(3)),
    (np.nanstd, np.ones(3)),
    (lambda x: xp.angle(x[0] + 1j * x[1]), ORIGIN),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("f", "at"), KINKS)
def test_the_second_derivative_at_a_kink_is_no_number(f: Any, at: np.ndarray) -> None:
    def squared(x: Any) -> Any:
        return f(x) ** 2

    direction = np.arange(1.0, at.size + 1).reshape(at.shape)
    assert_array_equal(grad(squared)(at), np.zeros_like(at))
    assert_array_equal(jvp(f, (at,), (direction,))[1], 0)
    assert np.isnan(hvp(squared, (at,), (direction,))).all()
    assert np.isnan(jvp(grad(squared), (at,), (direction,))[1]).all()
    assert np.isnan(hessian(squared)(at)).all()


def test_the_second_derivative_beside_a_kink_is_right() -> None:
    rows = np.array([[0.0, 0.0], [3.0, 4.0]])
    second = hessian(lambda x: xp.sum(xp.linalg.norm(x, axis=1) ** 2))(rows)
    assert np.isnan(second[0, :, 0]).all()
    assert_allclose(second[1, :, 1], 2 * np.eye(2), atol=1e-15)
    cubes = hessian(lambda x: xp.linalg.norm(x, 3) ** 3)(np.array([0.0, 2.0]))
    assert_allclose(cubes, [[0, 0], [0, 12]], atol=1e-14)
    assert_array_equal(hessian(lambda x: xp.std(x) ** 2)(np.ones(1)), [[0]])
