"""Where a function has a kink, the derivative is the one that the contract names."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, gradients, relu

xp: Any = np

DTYPES = [np.float32, np.float64]


def slopes(f: Any, *values: Any, dtype: Any = np.float64, has_curvature: bool = True) -> list[Any]:
    """Return the gradients of sum(f(*values)), after checking first and second order for nan.

    A second order that is nan is allowed only where `has_curvature` says that there is none.
    """
    tensors = [Tensor(np.array(x, dtype), requires_grad=True) for x in values]
    out = f(*tensors).sum()
    found = gradients(out, tensors)
    recorded = gradients(out, tensors, create_graph=True)
    for g, slope in zip(found, recorded, strict=True):
        assert g.dtype == dtype
        assert_array_equal(slope.data, g)
        if slope.requires_grad:
            for curvature in gradients(slope.sum(), tensors):
                assert np.isfinite(curvature).all() == has_curvature
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", [relu, lambda x: x.relu()])
def test_the_slope_of_relu_at_zero_is_zero(f, dtype):
    (g,) = slopes(f, [-1.0, -0.0, 0.0, 1.0], dtype=dtype)
    assert_array_equal(g, [0, 0, 0, 1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", [abs, np.abs, np.fabs, lambda x: x.abs()])
def test_the_slope_of_the_absolute_value_at_zero_is_zero(f, dtype):
    (g,) = slopes(f, [-2.0, -0.0, 0.0, 2.0], dtype=dtype)
    assert_array_equal(g, [-1, 0, 0, 1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", [np.max, np.amax])
def test_tied_maxima_share_equally(f, dtype):
    (g,) = slopes(f, [3.0, 1.0, 3.0, 3.0], dtype=dtype)
    assert_array_equal(g, np.array([1, 0, 1, 1], dtype) / dtype(3))
    rows = [[2.0, 2.0], [1.0, 5.0], [0.0, 0.0]]
    (g,) = slopes(lambda x: f(x, axis=1), rows, dtype=dtype)
    assert_array_equal(g, [[0.5, 0.5], [0, 1], [0.5, 0.5]])
    (g,) = slopes(lambda x: f(x, axis=(0, 1), keepdims=True), np.zeros((2, 2)), dtype=dtype)
    assert_array_equal(g, np.full((2, 2), 0.25))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", [np.min, np.amin])
def test_tied_minima_share_equally(f, dtype):
    (g,) = slopes(f, [-3.0, 1.0, -3.0], dtype=dtype)
    assert_array_equal(g, [0.5, 0, 0.5])
    (g,) = slopes(lambda x: f(x, axis=0), [[2.0, 1.0], [2.0, 5.0]], dtype=dtype)
    assert_array_equal(g, [[0.5, 1], [0.5, 0]])


@pytest.mark.parametrize("f", [xp.max, xp.min])
def test_many_ties_do_not_overflow_a_narrow_float(f):
    x = Tensor(np.zeros(5000, np.float16), requires_grad=True)
    f(x).backward()
    assert x.grad.dtype == np.float16
    assert_array_equal(x.grad, np.full(5000, np.float16(1 / 5000)))


@pytest.mark.parametrize("f", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_two_equal_candidates_get_half_each(f):
    low, high = ([0, 1], [1, 0]) if f in (np.maximum, np.fmax) else ([1, 0], [0, 1])
    x, y = slopes(f, [1.0, 2.0, 0.0, -0.0], [1.0, 5.0, -0.0, 0.0])
    assert_array_equal(x, [0.5, low[0], 0.5, 0.5])
    assert_array_equal(y, [0.5, high[0], 0.5, 0.5])
    (both,) = slopes(lambda x: f(x, x), [1.0, -2.0])
    assert_array_equal(both, [1, 1])
    (left,) = slopes(lambda x: f(x, 0.0), [0.0])
    assert_array_equal(left, [0.5])


def test_a_number_beside_nan_passes_where_numpy_passes_it():
    x, y = slopes(np.fmax, [1.0, np.nan], [np.nan, 2.0])
    assert_array_equal(x, [1, 0])
    assert_array_equal(y, [0, 1])


def test_a_bound_of_clip_that_is_met_shares_with_it():
    a, low, high = slopes(
        np.clip,
        [0.0, 1.0, 0.5, -1.0, 3.0],
        [0.0] * 5,
        [1.0] * 5,
    )
    assert_array_equal(a, [0.5, 0.5, 1, 0, 0])
    assert_array_equal(low, [0.5, 0, 0, 1, 0])
    assert_array_equal(high, [0, 0.5, 0, 0, 1])


def test_the_slope_of_a_norm_at_zero_is_zero():
    x, y = slopes(np.hypot, [0.0, 3.0], [0.0, 4.0], has_curvature=False)
    assert_allclose(x, [0, 0.6], rtol=1e-15)
    assert_allclose(y, [0, 0.8], rtol=1e-15)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_slope_of_the_deviation_of_equal_elements_is_zero(dtype, ddof):
    x = Tensor(np.full((2, 3), 0.1, dtype), requires_grad=True)
    x.std(axis=1, ddof=ddof).sum().backward()
    assert x.grad.dtype == dtype
    assert_array_equal(x.grad, np.zeros((2, 3)))
    (g,) = slopes(lambda x: x.std(axis=1), [[0.5, 0.5], [1.0, 3.0]], has_curvature=False)
    assert_array_equal(g, [[0, 0], [-0.5, 0.5]])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2.0, 3.0, 4.0], [12, 8, 6]),
        ([0.0, 3.0, 4.0], [12, 0, 0]),
        ([0.0, 3.0, 0.0], [0, 0, 0]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
        ([0.0], [1]),
        ([], []),
    ],
)
def test_the_slope_of_a_product_is_right_where_factors_are_zero(values, expected):
    (g,) = slopes(np.prod, values)
    assert_array_equal(g, expected)
    (g,) = slopes(lambda x: np.prod(x, axis=0), np.column_stack([values, values]))
    assert_array_equal(g, np.column_stack([expected, expected]))


def raised(x, exponent):
    return x**exponent


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [(0.0, 0, 0), (0.0, 1, 1), (0.0, 2, 0), (0.0, 3, 0), (2.0, 0, 0), (-2.0, 2, -4), (-2.0, 3, 12)],
)
def test_the_slope_of_a_power_in_its_base(base, exponent, expected):
    for power in (exponent, float(exponent), np.array(float(exponent)), Tensor(float(exponent))):
        (g,) = slopes(partial(raised, exponent=power), base)
        assert_array_equal(g, expected)


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [(0.0, 2.0, 0), (0.0, 1.0, 0), (0.0, 0.0, 0), (1.0, 5.0, 0), (2.0, 3.0, 8 * np.log(2))],
)
def test_the_slope_of_a_power_in_its_exponent(base, exponent, expected):
    (g,) = slopes(lambda y: base**y, exponent)
    assert_allclose(g, expected, rtol=1e-15)


def test_the_slope_of_a_power_of_zero_in_both_is_zero():
    x, y = slopes(lambda x, y: x**y, [0.0, 0.0], [0.0, 2.0])
    assert_array_equal(x, [0, 0])
    assert_array_equal(y, [0, 0])


def test_the_branch_that_is_not_taken_gives_no_gradient():
    x = Tensor([-1.0, 4.0], requires_grad=True)
    xp.where(x > 0, x * 3, x * 5).sum().backward()
    assert_array_equal(x.grad, [5, 3])


def test_an_extremum_of_one_element_takes_all():
    for f in (np.max, np.min):
        (g,) = slopes(f, 5.0)
        assert_array_equal(g, 1)
    (g,) = slopes(lambda x: np.max(x, axis=1), np.zeros((3, 1)))
    assert_array_equal(g, np.ones((3, 1)))


def test_relu_of_the_difference_and_of_its_negative_meet_in_the_absolute_value():
    (g,) = slopes(lambda x: relu(x) + relu(-x), [-1.0, 0.0, 1.0])
    assert_array_equal(g, [-1, 0, 1])
