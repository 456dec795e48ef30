"""What the samples of the statistics can't say: nan, ties, empty slices, refusals."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, gradients
from tests import rule_checks
from tests.samples import Call, Sample
from tests.samples_statistics import METHODS

xp: Any = np
NAN = np.nan
# Far enough from each other for differences, and three numbers at least in every row and column.
HOLES = np.array(
    [
        [0.3, NAN, -1.2, 2.1, 0.9],
        [NAN, 1.6, -0.5, 0.6, -1.9],
        [1.1, -0.9, NAN, -2.2, 1.9],
        [-1.5, 2.5, 0.1, NAN, -0.3],
    ]
)
NAN_REDUCTIONS = (
    np.nansum,
    np.nanprod,
    np.nanmean,
    np.nanvar,
    np.nanstd,
    np.nanmax,
    np.nanmin,
    np.nanmedian,
)


def check(function: Any, *args: Any, **kwargs: Any) -> None:
    """Compare first and second derivatives with numeric ones, and the result with NumPy's."""
    sample, call = Sample(function, st.nothing()), Call(args, kwargs, analytic=False)
    rule_checks.check_first_order(sample, call)
    rule_checks.check_second_order(sample, call)
    rule_checks.check_result(sample, call)


def slope(f: Any, values: Any, dtype: Any = np.float64) -> Any:
    x = Tensor(np.array(values, dtype), requires_grad=True)
    (g,) = gradients(f(x).sum(), [x])
    assert g.dtype == dtype
    return g


@pytest.mark.parametrize("f", NAN_REDUCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_nan_function_differentiates_what_is_a_number(f, axis, keepdims):
    check(f, HOLES, axis=axis, keepdims=keepdims)
    check(f, np.asfortranarray(HOLES)[::-1], axis=axis, keepdims=keepdims)
    check(f, np.repeat(HOLES, 2, axis=1)[:, ::2], axis=axis)


@pytest.mark.parametrize("f", [np.nancumsum, np.nancumprod])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_a_running_nan_function_passes_nan_by(f, axis):
    check(f, HOLES, axis=axis)


@pytest.mark.parametrize("f", [np.nanquantile, np.nanpercentile])
@pytest.mark.parametrize("method", METHODS)
def test_a_nan_quantile_counts_the_numbers_of_each_slice(f, method):
    percent = 100 if f is np.nanpercentile else 1
    several = percent * np.array([[0.21, 0.77], [1, 0]], np.float32)
    ragged = HOLES.copy()
    ragged[0, 3:] = NAN
    check(f, ragged, several, axis=1, method=method)
    check(f, ragged, 0.37 * percent, axis=0, method=method, keepdims=True)
    check(f, ragged, 0.37 * percent, method=method)


@pytest.mark.parametrize("f", [np.nanvar, np.nanstd])
def test_the_nan_deviation_knows_ddof_and_where(f):
    check(f, HOLES, axis=1, ddof=1)
    check(f, HOLES, ddof=2, where=[True, True, True, False, True])


@pytest.mark.parametrize("f", [np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmedian])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own, of the empty slice
def test_a_slice_without_numbers_gives_nan_unless_it_is_masked(f):
    rows = [[1.0, NAN, 2.0, 4.5], [NAN, NAN, NAN, NAN]]
    used = slope(lambda x: f(x, axis=1), rows)
    assert np.isnan(used[1]).all()
    assert used[0, 1] == 0
    masked = slope(lambda x: xp.where([True, False], f(x, axis=1), 0.0), rows)
    assert_array_equal(masked[1], np.zeros(4))
    assert_array_equal(masked[0], used[0])
    assert_array_equal(slope(f, rows)[1], np.zeros(4))


@pytest.mark.filterwarnings("error")
def test_a_backward_walk_over_a_slice_without_numbers_does_not_warn():
    x = Tensor(np.full((2, 3), NAN), requires_grad=True)
    for f in (np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmedian):
        with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
            out = f(x, axis=0)
        assert np.isnan(gradients(out.sum(), [x])[0]).all()


def test_a_sum_and_a_product_without_numbers_have_the_slope_zero():
    for f in (np.nansum, np.nanprod):
        g = slope(lambda x, f=f: f(x, axis=1), [[NAN, NAN], [3.0, NAN]])
        assert_array_equal(g, [[0, 0], [1, 0]])


@pytest.mark.parametrize("f", [np.median, partial(np.quantile, q=0.3)])
def test_a_plain_order_statistic_of_nan_has_the_slope_nan(f):
    g = slope(lambda x: f(x, axis=1), [[1.0, NAN, 3.0], [1.0, 2.0, 3.0]])
    assert np.isnan(g[0]).all()
    assert_allclose(g[1].sum(), 1)


def test_elements_that_tie_at_the_place_of_a_quantile_share_equally():
    assert_array_equal(slope(np.median, [2.0, 1.0, 2.0, 2.0, 9.0]), np.array([1, 0, 1, 1, 0]) / 3)
    assert_array_equal(slope(np.median, [1.0, 3.0, 3.0, 1.0]), [0.25] * 4)
    assert_array_equal(slope(np.median, [[0.0, -0.0], [5.0, -4.0]]), [[0.5, 0.5], [0, 0]])
    ties = [3.0, 1.0, 3.0, 1.0, 1.0, 2.0]
    for q, f in ((1, np.max), (0, np.min), (1.0, np.nanmax)):
        assert_array_equal(slope(partial(np.quantile, q=q), ties), slope(f, ties))
        assert_array_equal(slope(partial(np.nanpercentile, q=100 * q), ties), slope(f, ties))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_floats_stay_narrow_and_do_not_overflow(dtype):
    x = np.random.default_rng(0).permutation(np.linspace(0, 1, 5000)).astype(dtype)
    for f in (np.nanmean, np.median, np.nanmedian, np.average, partial(np.quantile, q=0.5)):
        assert_allclose(slope(f, x, dtype).astype(float).sum(), 1, rtol=2e-2)
    for f in (np.nanvar, np.nanstd, np.ptp, np.nanmax):
        assert np.isfinite(slope(f, x, dtype)).all()
    few = partial(np.var, where=np.arange(5000) % 2 == 0)
    assert_allclose(slope(few, x, dtype), slope(few, x), atol=2e-6)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2.0, 3.0, 4.0], [16, 10, 6]),
        ([0.0, 3.0, 4.0], [16, 0, 0]),
        ([2.0, 0.0, 4.0], [1, 10, 0]),
        ([0.0, 0.0, 4.0], [1, 0, 0]),
        ([5.0], [1]),
    ],
)
def test_the_slope_of_a_running_product_is_right_where_factors_are_zero(values, expected):
    assert_array_equal(slope(np.cumprod, values), expected)
    assert_array_equal(slope(np.nancumprod, values), expected)
    columns = slope(lambda x: np.cumprod(x, axis=0), np.column_stack([values, values]))
    assert_array_equal(columns, np.column_stack([expected, expected]))
    padded = np.array([NAN, *values, NAN])
    assert_array_equal(slope(lambda x: np.nancumprod(x)[1:-1], padded), [0, *expected, 0])


def test_initial_is_one_more_candidate():
    assert_array_equal(slope(lambda x: xp.max(x, initial=2.0), [1.0, 2.0, 2.0]), [0, 1 / 3, 1 / 3])
    assert_array_equal(slope(lambda x: xp.nanmin(x, initial=1.0), [1.0, NAN]), [0.5, 0])
    assert_array_equal(slope(lambda x: xp.max(x, initial=9.0), [1.0, 2.0]), [0, 0])


def test_what_where_leaves_out_may_be_nan_or_equal():
    where = [True, False, True]
    assert_array_equal(slope(partial(np.mean, where=where), [1.0, NAN, 3.0]), [0.5, 0, 0.5])
    assert_array_equal(slope(partial(np.prod, where=where), [2.0, NAN, 3.0]), [3, 0, 2])
    assert_array_equal(slope(partial(np.std, where=where), [1.0, NAN, 3.0]), [-0.5, 0, 0.5])
    f = partial(np.max, where=where, initial=-1.0)
    assert_array_equal(slope(f, [3.0, 3.0, 1.0]), [1, 0, 0])
    x = Tensor([1.0, NAN, 3.0], requires_grad=True)
    xp.sum(x, where=~xp.isnan(x)).backward()
    assert_array_equal(x.grad, [1, 0, 1])


def test_ties_of_the_range_share_at_both_ends():
    assert_array_equal(slope(np.ptp, [1.0, 4.0, 4.0, 2.0]), [-1, 0.5, 0.5, 0])
    assert_array_equal(slope(np.ptp, [2.0, 2.0]), [0, 0])


def test_an_average_takes_constants_lists_and_numbers():
    w = Tensor([1.0, 3.0], requires_grad=True)
    assert_allclose(gradients(xp.average([2, 6], weights=w), [w])[0], [-0.75, 0.25])
    a = Tensor([2.0, 6.0], requires_grad=True)
    assert_allclose(gradients(xp.average(a, 0, [1, 3]), [a])[0], [0.25, 0.75])
    mean, total = xp.average(a, weights=w, returned=True)
    assert_allclose(gradients(mean * total, [a, w])[1], [2, 6])


@pytest.mark.parametrize("density", [None, True])
@pytest.mark.parametrize(
    ("bins", "limits"), [(3, None), (4, (-0.7, 3.7)), (np.array([-0.6, 1.1, 2.1, 3.6]), None)]
)
def test_a_histogram_is_differentiated_by_weights_and_edges(density, bins, limits):
    a = np.array([0.1, 0.9, 1.4, 3.1, 1.6, 2.5, 2.4])
    check(np.histogram, a, bins, limits, density, np.linspace(0.5, 1.3, 7) ** 2)
    if limits is None:
        check(np.histogram, a, bins, limits, density)


def test_weights_outside_the_edges_of_a_histogram_have_no_slope():
    w = Tensor(np.ones(5), requires_grad=True)
    counts, _ = xp.histogram([-1.0, 0.0, 1.0, NAN, 2.0], bins=[0.0, 1.0, 2.0], weights=w)
    assert_array_equal(gradients((counts * [2.0, 3.0]).sum(), [w])[0], [0, 2, 3, 0, 3])


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda x: xp.quantile(x, 0.5, method="inverted_cdf", weights=[1, 2]), "weights="),
        (lambda x: xp.median(x, overwrite_input=True), "overwrite_input="),
        (lambda x: xp.sum(x, 0, None, None), "positional"),
        (lambda x: xp.var(x, mean=x), "mean="),
    ],
)
def test_an_argument_without_a_rule_is_refused(call, reason):
    with pytest.raises(TypeError, match=reason):
        call(Tensor([1.0, 2.0], requires_grad=True))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: xp.quantile(np.arange(5.0), x),
        lambda x: xp.max(x * np.ones(3), initial=x),
        lambda x: xp.cov(np.arange(3.0), aweights=x + np.ones(3)),
        lambda x: xp.cov(xp.reshape(x * np.ones(3), (1, 3)), xp.ones((3, 1)), rowvar=False),
    ],
)
def test_a_slope_that_is_not_known_is_refused(call):
    with pytest.raises((NotImplementedError, ValueError)):
        call(Tensor(0.5, requires_grad=True)).sum().backward()
