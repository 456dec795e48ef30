"""NumPy's functions that call functions: their results are NumPy's, their derivatives right."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autograd_mini import Tensor, gradients
from autograd_mini.rules.compositions import COMPOSITIONS
from autograd_mini.testing import check_grads

xp: Any = np
ROW = np.array([-1.5, -0.3, 0.4, 1.2])
BLOCK = np.random.default_rng(0).normal(size=(2, 3, 4))
SIDES = [ROW < 0, ROW > 1]


def scaled(row: Any, factor: Any, shift: float = 0.0) -> Any:
    return row * factor + shift


CALLS: dict[str, tuple[Any, Any]] = {
    "a number for each row": (lambda x: xp.apply_along_axis(np.sum, 1, x), BLOCK),
    "a row for each row": (lambda x: xp.apply_along_axis(np.sort, 0, x), BLOCK),
    "the last axis": (lambda x: xp.apply_along_axis(np.cumsum, -1, x), BLOCK),
    "a longer row": (lambda x: xp.apply_along_axis(np.tile, 1, x, 2), BLOCK),
    "a matrix for each row": (lambda x: xp.apply_along_axis(np.diag, 1, x), BLOCK),
    "arguments": (lambda x: xp.apply_along_axis(scaled, 0, x, 2.0, shift=1.0), BLOCK),
    "one row": (lambda x: xp.apply_along_axis(np.prod, 0, x), ROW),
    "a Python number": (lambda x: xp.apply_along_axis(lambda row: 3, 0, x), BLOCK),
    "sums over axes": (lambda x: xp.apply_over_axes(np.sum, x, (0, -1)), BLOCK),
    "running over an axis": (lambda x: xp.apply_over_axes(np.cumsum, x, 1), BLOCK),
    "two pieces": (lambda x: xp.piecewise(x, SIDES, [np.exp, np.square]), ROW),
    "the rest": (lambda x: xp.piecewise(x, SIDES, [np.exp, np.square, np.sin]), ROW),
    "numbers": (lambda x: xp.piecewise(x, SIDES, [-1, np.sin, 0.5]), ROW),
    "conditions of x": (lambda x: xp.piecewise(x, [x < 0], [np.sin, np.cos]), ROW),
    "one condition": (lambda x: xp.piecewise(x, x < 0, [np.sin, np.cos]), ROW),
    "rows of conditions": (lambda x: xp.piecewise(x, np.array(SIDES), [np.exp, np.tanh]), ROW),
    "a plain list": (lambda x: xp.piecewise(x, [False, True, True, False], [np.exp]), ROW),
    "overlapping": (lambda x: xp.piecewise(x, [ROW < 1, ROW < 0], [np.exp, np.square]), ROW),
    "nowhere": (lambda x: xp.piecewise(x, [ROW > 9], [lambda part: 1 / 0]), ROW),
    "a block": (lambda x: xp.piecewise(x, [BLOCK > 0], [scaled, scaled], 2.0), BLOCK),
    "a number itself": (lambda x: xp.piecewise(x, [x < 0, x >= 0], [np.exp, np.square]), ROW[1]),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_result_is_numpys_and_the_derivatives_are_right(name: str) -> None:
    f, x = CALLS[name]
    out, numpys = f(Tensor(x, requires_grad=True)), f(x)
    assert_array_equal(out.data if isinstance(out, Tensor) else out, numpys)
    assert out.dtype == numpys.dtype
    assert check_grads(lambda x: f(x) * 1.0, x).verdict == "right"


@pytest.mark.parametrize("name", CALLS)
def test_float32_stays_float32(name: str) -> None:
    f, x = CALLS[name]
    single = x.astype(np.float32)
    assert f(Tensor(single, requires_grad=True)).dtype == f(single).dtype


def test_a_tensor_that_the_function_holds_gets_its_gradient() -> None:
    w = Tensor(2.0, requires_grad=True)
    x = Tensor(ROW, requires_grad=True)
    found = gradients(xp.piecewise(x, [ROW > 0], [lambda part: w * part]).sum(), [w, x])
    assert_array_equal(found[0], ROW[ROW > 0].sum())
    assert_array_equal(found[1], np.where(ROW > 0, 2.0, 0.0))
    (slope,) = gradients(xp.apply_along_axis(lambda row: row @ row * w, 0, x), [w])
    assert slope == ROW @ ROW


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: xp.piecewise(x, SIDES, [np.exp]), "found 1 for 2"),
        (lambda x: xp.apply_along_axis(np.sum, 1, x), "axis 1 is out of bounds"),
        (lambda x: xp.apply_along_axis(np.sum, 1, x[:0, None]), "needs a slice"),
        (lambda x: xp.apply_over_axes(lambda a, axis: a.ravel()[:, None, None], x, 0), "shape"),
    ],
)
def test_what_cannot_be_done_is_said(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(Tensor(ROW, requires_grad=True))


@pytest.mark.parametrize("function", COMPOSITIONS, ids=lambda f: f.__name__)
def test_each_has_the_parameters_of_numpys_function(function: Any) -> None:
    numpys, own = (inspect.signature(f).parameters for f in (function, COMPOSITIONS[function]))
    assert [*own] == [*numpys]
