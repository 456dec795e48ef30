"""The activations over the whole range of every floating-point type."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, sigmoid

DTYPES = [np.float16, np.float32, np.float64, np.longdouble]


def reference(x):
    """Return the sigmoid from exponentials of negative numbers only, in long doubles."""
    power = np.exp(-np.abs(x.astype(np.longdouble)))
    return np.where(x < 0, power, 1) / (1 + power)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_sigmoid_is_exact_in_both_tails_and_never_overflows(dtype):
    info = np.finfo(dtype)
    ends = [-np.inf, info.min, -1000, 1000, info.max, np.inf]
    x = np.array([*ends, *np.linspace(-120, 120, 4801)], dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        out = sigmoid(x)
    assert out.dtype == dtype
    assert_array_equal(out[:6], [0, 0, reference(x[2:3]).astype(dtype)[0], 1, 1, 1])
    tolerances = {"rtol": float(4 * info.eps), "atol": float(info.smallest_subnormal)}
    assert_allclose(out, reference(x), **tolerances)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_sigmoid_of_a_recorded_tensor_is_that_of_its_array(dtype):
    x = np.linspace(-20, 20, 81).astype(dtype)
    tensor = Tensor(x, requires_grad=True)
    for out in (sigmoid(tensor), tensor.sigmoid()):
        assert_array_equal(out.data, sigmoid(x))
    out.backward(np.ones_like(x))
    slope = reference(x) * reference(-x)
    assert tensor.grad.dtype == dtype
    assert_allclose(tensor.grad, slope, rtol=0, atol=float(np.finfo(dtype).eps))


def test_the_sigmoid_of_other_numbers():
    assert np.isnan(sigmoid(np.array([np.nan]))).all()
    assert sigmoid(np.array([0, 1000, -1000])).tolist() == [0.5, 1.0, 0.0]
    assert sigmoid(np.array([0, 1000, -1000], ">f4")).tolist() == [0.5, 1.0, 0.0]
    assert sigmoid(0.0) == 0.5
