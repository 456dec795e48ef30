"""The methods of ufuncs: reduce, accumulate and outer, as NumPy gives them, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autograd_mini import Tensor, grad
from autograd_mini.testing import check_grads

xp: Any = np
A = np.random.default_rng(0).normal(size=(3, 4))
REDUCED = [np.add, np.multiply, np.maximum, np.minimum]


@pytest.mark.parametrize("ufunc", REDUCED)
@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), ((1,), {}), ((None,), {}), ((), {"axis": (0, 1)}), ((-1,), {"keepdims": True})],
)
def test_a_reduction_is_numpys_and_its_gradient_right(ufunc: Any, args: Any, kwargs: Any) -> None:
    out = ufunc.reduce(Tensor(A, requires_grad=True), *args, **kwargs)
    assert_array_equal(out.data, ufunc.reduce(A, *args, **kwargs))
    check_grads(lambda a: ufunc.reduce(a, *args, **kwargs), A)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply])
@pytest.mark.parametrize("args", [(), (1,), (-2,)])
def test_an_accumulation_is_numpys_and_its_gradient_right(ufunc: Any, args: Any) -> None:
    out = ufunc.accumulate(Tensor(A, requires_grad=True), *args)
    assert_array_equal(out.data, ufunc.accumulate(A, *args))
    check_grads(lambda a: ufunc.accumulate(a, *args), A)


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.divide, np.hypot])
def test_every_pair_is_numpys_and_its_gradient_right(ufunc: Any) -> None:
    b = np.array([1.5, 2.5])
    out = ufunc.outer(Tensor(A, requires_grad=True), b)
    assert_array_equal(out.data, ufunc.outer(A, b))
    check_grads(ufunc.outer, A, b)
    check_grads(lambda x: ufunc.outer(2.0, x), b)


def test_questions_need_no_gradient() -> None:
    x = Tensor(A, requires_grad=True)
    assert not np.logical_or.reduce(x > 0).requires_grad
    assert_array_equal(np.logical_and.reduce(x > -9).data, [True] * 4)


@pytest.mark.parametrize(
    "call",
    [
        np.divide.reduce,
        np.maximum.accumulate,
        lambda x: np.add.accumulate(x, None),
        lambda x: np.add.accumulate(x.sum()),
        lambda x: np.add.reduceat(x, [0, 1]),
        lambda x: np.add.at(x, [0], 1.0),
        lambda x: np.add.reduce(x, out=np.zeros(4)),
    ],
)
def test_other_methods_are_refused(call: Any) -> None:
    with pytest.raises(TypeError, match="can't be recorded"):
        call(Tensor(A, requires_grad=True))


def test_the_method_of_an_array_that_calls_a_hidden_ufunc_is_recorded():
    a = np.array([1.0, 2.0, 4.0])
    assert grad(lambda t: np.sum(a.clip(t, 3.0)))(1.5) == 1
    assert grad(lambda t: np.sum(a.clip(0.0, t)))(1.5) == 2
    assert grad(lambda t: np.sum(a.clip(min=t)))(1.5) == 1
    assert grad(lambda t: np.float64(2.5).clip(t, 3.0))(2.75) == 1
    assert grad(lambda t: np.sum(a.clip(t, 3.0)))(2.5) == 2


def test_a_condition_that_is_a_tensor_reaches_the_method_of_an_array():
    a, is_chosen = np.array([1.0, 2.0, 4.0]), Tensor([1.0, -1.0, 1.0], requires_grad=True) > 0
    assert a.sum(where=is_chosen) == 5
    assert a.max(where=is_chosen, initial=0) == 4
    assert a.prod(where=is_chosen) == 4
    assert a.mean(where=is_chosen) == 2.5
