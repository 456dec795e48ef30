"""Under np.errstate(all="raise") a harmless underflow raises nowhere, forward or backward.

A share of a softmax, a slope of a sigmoid or a tanh that is too small for its dtype is 0. What
NumPy's own functions raise forward is theirs, and an overflow of a slope goes on raising.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, grad, gradients, hvp, log_softmax, relu, sigmoid, softmax
from autograd_mini.primitive import TABLE
from nn.functional import cross_entropy, mse_loss
from tests.rule_checks import Case, tensors
from tests.samples import Sample
from tests.test_rules import SAMPLES

xp: Any = np
FAR = np.array([[-800.0, 800.0, 0.0], [800.0, 3.0, -2.0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "f",
    [
        sigmoid,
        softmax,
        log_softmax,
        relu,
        np.tanh,
        np.arctan,
        np.arcsinh,
        lambda x: xp.reciprocal(x + 1),
        lambda x: cross_entropy(x, np.array([0, 1])),
        lambda x: cross_entropy(x, np.array([1, 0]), "none"),
        lambda x: mse_loss(sigmoid(x), np.ones_like(FAR, x.dtype)),
        lambda x: xp.log1p(softmax(x, axis=0)),
    ],
)
def test_saturated_activations_and_losses_do_not_raise(f: Any, dtype: Any) -> None:
    x = FAR.astype(dtype)

    def cost(t: Any) -> Any:
        return xp.sum(f(t))

    t = Tensor(x, requires_grad=True)
    with np.errstate(all="raise"):
        slopes, turned = grad(cost)(x), hvp(cost, (x,), (np.ones_like(x),))
        cost(t).backward()
    assert_array_equal(t.grad, slopes)
    with np.errstate(all="ignore"):
        assert_allclose(slopes, grad(cost)(x))
        assert_allclose(turned, hvp(cost, (x,), (np.ones_like(x),)))
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize("tail", [-460.0, -400.0, -372.0, -1e-200, 1e-310])
@pytest.mark.parametrize("f", [sigmoid, np.tanh, np.arctan, np.square, lambda x: x * x, np.sin])
def test_backward_goes_on_after_a_harmless_underflow(f: Any, tail: float) -> None:
    """The same as if it were ignored, also where one argument of two was done, or a sum."""
    x, y = (Tensor([tail, 0.5, 2.0], requires_grad=True) for _ in "xy")

    def slopes() -> list[Any]:
        x.grad = y.grad = None
        try:
            out = np.sum(f(x) * y * x + f(y) * 1e-200)
        except FloatingPointError:  # NumPy's own, forward
            with np.errstate(under="ignore"):
                out = np.sum(f(x) * y * x + f(y) * 1e-200)
        out.backward()
        return [x.grad, y.grad]

    with np.errstate(all="raise"):
        found = slopes()
    with np.errstate(under="ignore"):
        assert_array_equal(found, slopes())


@pytest.mark.parametrize("f", [np.exp, np.tan, lambda x: 1 / x])
def test_a_slope_that_overflows_raises_as_asked(f: Any) -> None:
    x = Tensor(np.float32(1.5707964 if f is np.tan else 80.0 if f is np.exp else 1e-4), True)
    y = f(x) * np.float32(1e30 if f is not np.exp else 1)
    with np.errstate(all="raise"), pytest.raises((FloatingPointError, RuntimeError), match="overf"):
        y.backward(np.float32(1e20))


@pytest.mark.parametrize("sample", SAMPLES, ids=[TABLE[s.function].name for s in SAMPLES])
@settings(max_examples=2)
@given(data=st.data())
def test_no_rule_raises_where_its_function_does_not(sample: Sample, data: Any) -> None:
    case = Case(sample, data.draw(sample.calls))
    gs = case.cotangents()
    with np.errstate(all="raise", under="ignore"):
        try:
            case.run(case.variables)
        except FloatingPointError:
            return
        xs = tensors(case.variables)
        first = gradients(case.objective(xs, gs), xs, create_graph=True)
        total = sum(xp.sum(g) for g in first)
        if total.requires_grad:
            gradients(total, xs)
