"""Arrays without axes and without elements, through every function that takes them in NumPy.

NumPy allows axis=0, -1 and None for an array of no axes in most functions and raises in some; where
it gives a result, a Tensor gives the same one, and its gradient is that of differences.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, gradients
from autograd_mini.operation import public_name
from autograd_mini.primitive import TABLE

FUNCTIONS = sorted(
    (f for f, operation in TABLE.items() if operation.vjps and operation.name.startswith("np.")),
    key=public_name,
)
SHAPES: list[tuple[int, ...]] = [(), (0,), (2, 0), (0, 2), (1,)]
FORMS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    *(((), {"axis": axis}) for axis in (0, -1, None, ())),
    *(((), {"axis": axis, "keepdims": True}) for axis in (0, None)),
    *(((first,), {}) for first in (0, 1, -1, (), 2.0)),
    *(((first,), {"axis": axis}) for first in (0, 1, 2, [0]) for axis in (0, -1, None)),
    ((0, 0), {}),
    ((0, -1), {}),
    ((0.1, 0.8), {}),
]
# Of these nothing can be said here.
OTHERWISE = {
    np.fft.hfft: "of no elements NumPy returns memory that it never wrote",
    np.fft.irfft: "of no elements NumPy returns memory that it never wrote",
    np.where: "its first argument is a condition",
    np.compress: "its first argument is a condition",
    np.extract: "its first argument is a condition",
    np.einsum: "its first argument is a string",
}
# These may fail in the walk, but give no wrong number: NumPy takes what makes no sense.
LOUD = {
    np.corrcoef: "variables beside no variables, which NumPy leaves away",
    np.cov: "variables beside no variables, which NumPy leaves away",
    np.linalg.norm: "an order that is a list, an axis that is a fraction",
    np.linalg.pinv: "a matrix that is hermitian and not square",
    np.polyder: "coefficients of several axes",
    np.polyint: "coefficients of no axes or of several",
    np.polymul: "polynomials without coefficients",
    np.trapezoid: "more points than values",
}
# What has no derivative, as its error says.
REFUSED = (
    "full_matrices=True adds|knows x; pass|knows array, shape; pass|vectors of 3 elements|"
    "of several axes have no rule|mode=0 has no rule|count axis|does not know axis="
)


def results(out: Any) -> list[Any]:
    return list(out) if isinstance(out, tuple | list) else [out]


def weighed(outs: list[Any]) -> Any:
    weights = [np.cos(np.arange(1.0, 1 + np.size(y))).reshape(np.shape(y)) for y in outs]
    return sum(
        (Tensor(0.0) + np.sum(y * w) for y, w in zip(outs, weights, strict=True)), start=Tensor(0.0)
    )


def calls(function: Any) -> list[tuple[Any, tuple[Any, ...], dict[str, Any], list[np.ndarray]]]:
    """Return the calls that NumPy answers with floats, and its answers."""
    found = []
    for shape in SHAPES:
        a = np.random.default_rng(0).uniform(0.5, 0.9, shape)
        for args, kwargs in FORMS:
            try:
                outs = [np.asarray(y) for y in results(function(a, *args, **kwargs))]
            except Exception:  # noqa: BLE001 - NumPy has many ways to say no
                continue
            if outs and all(y.dtype.kind == "f" for y in outs):
                found.append((a, args, kwargs, outs))
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f not in OTHERWISE], ids=public_name)
def test_an_array_without_axes_or_elements_has_numpys_result_and_its_gradient(
    function: Any,
) -> None:
    for a, args, kwargs, wanted in calls(function):
        t = Tensor(a, requires_grad=True)
        try:
            found = results(function(t, *args, **kwargs))
            total = weighed(found)
            (slope,) = gradients(total, [t]) if total.requires_grad else (np.zeros_like(a),)
        except Exception as error:
            if function not in LOUD and not re.search(REFUSED, str(error)):
                raise
            continue
        for mine, numpys in zip(found, wanted, strict=True):
            assert_array_equal(getattr(mine, "data", mine), numpys)
        assert slope.shape == a.shape

        def value(b: Any, args: Any = args, kwargs: Any = kwargs) -> float:
            return float(
                weighed(
                    [np.asarray(y) for y in results(function(np.asarray(b), *args, **kwargs))]
                ).item()
            )

        if a.size:
            by_difference = (value(a + 1e-6) - value(a - 1e-6)) / 2e-6
            if np.isfinite(by_difference):
                told = f"{args} {kwargs} {a.shape}"
                assert_allclose(slope.sum(), by_difference, 1e-4, 1e-5, err_msg=told)
