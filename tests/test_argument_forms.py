"""Every array, number and sequence of every sample, in the other forms that NumPy takes it in.

A list for an array, a 0-d array for a number, another memory layout, byte order or precision, a
Tensor that needs no grad: where NumPy takes it, the result is NumPy's and the gradients of the
other arguments are those of the original call; where NumPy refuses it, so does the engine, with
the same kind of error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograd_mini import Tensor, gradients
from autograd_mini.primitive import TABLE
from autograd_mini.rules.indexing import setitem
from nn.functional import linear, mse_loss
from tests.samples import Call, Sample, laid_out
from tests.test_rules import SAMPLES

Place = tuple[Any, ...]  # (position or keyword, then positions in lists)


def as_tuples(x: Any) -> Any:
    return tuple(map(as_tuples, x)) if isinstance(x, list) else x


def big_endian(x: np.ndarray) -> np.ndarray:
    return x.astype(x.dtype.newbyteorder(">"))


def backwards_and_read_only(x: np.ndarray) -> np.ndarray:
    out = laid_out(x, "reversed")
    out.flags.writeable = False
    return out


def halved(x: np.ndarray) -> np.ndarray:
    smaller = {"f8": "f4", "i8": "i4"}
    return x.astype(smaller.get(x.dtype.str[1:], x.dtype))


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "Fortran order": lambda x: laid_out(x, "F"),
    "backwards, read-only": backwards_and_read_only,
    "big-endian": big_endian,
}
ARRAYS = LAYOUTS | {
    "list": lambda x: x.tolist(),
    "tuple": lambda x: as_tuples(x.tolist()),
    "NumPy number": lambda x: x[()],
    "Tensor": Tensor,
    "half the bytes": halved,
}
NUMBERS: dict[str, Callable[[Any], Any]] = {
    "0-d array": np.asarray,
    "NumPy number": lambda x: np.asarray(x)[()],
    "0-d Tensor": Tensor,
    "big-endian": lambda x: big_endian(np.asarray(x)),
}
SEQUENCES: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": np.asarray,
    "Tensor": Tensor,
    "NumPy numbers": lambda x: type(x)(np.asarray(part)[()] for part in x),
}

# (function, argument, form or None for all): why it is not as NumPy has it.
EXCEPTIONS: dict[tuple[Any, str, str | None], str] = {
    (np.rollaxis, "start", None): "NumPy writes into a 0-d array that is given as start",
    (np.full_like, "a", None): "NumPy does not hand it on: only `a` may be the Tensor",
    (np.polyint, "p", None): "NumPy does not hand it on: only `p` may be the Tensor",
    (np.select, "choicelist", None): "NumPy does not hand it on: `default` alone is a Tensor",
    **{
        (f, name, form): "on lists alone it refuses, as the library's own functions do"
        for f, names in (
            (linear, ("x", "weight", "bias")),
            (mse_loss, ("prediction", "target")),
            (setitem, ("x",)),
        )
        for name in names
        for form in ("list", "tuple")
    },
}


def forms(x: Any) -> dict[str, Callable[[Any], Any]]:
    """Return what else may stand for the argument `x`."""
    if isinstance(x, np.ndarray):
        return ARRAYS if x.dtype.kind in "iufb" else {}
    if isinstance(x, int | float) and not isinstance(x, bool):
        return NUMBERS
    is_sequence = isinstance(x, list | tuple) and x and all(isinstance(y, int | float) for y in x)
    return SEQUENCES if is_sequence else {}


def places(args: Any, before: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every argument with its place, and what stands in lists."""
    for key, x in args.items() if isinstance(args, dict) else enumerate(args):
        yield (*before, key), x
        if isinstance(x, list | tuple):
            yield from places(x, (*before, key))


def replaced(args: Any, place: Place, value: Any) -> Any:
    """Return `args` with another value at `place`."""
    key, *rest = place
    new = replaced(args[key], tuple(rest), value) if rest else value
    if isinstance(args, dict):
        return {**args, key: new}
    return type(args)(new if i == key else x for i, x in enumerate(args))


def put(call: Call, place: Place, value: Any) -> Call:
    if isinstance(place[0], str):
        return Call(call.args, replaced(call.kwargs, place, value))
    return Call(replaced(call.args, place, value), call.kwargs)


def variables(call: Call) -> dict[Place, np.ndarray]:
    found = [*places(call.args)]
    return {at: x for at, x in found if isinstance(x, np.ndarray) and x.dtype == np.float64}


def bare(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return type(x)(map(bare, x))
    return x.data if isinstance(x, Tensor) else x


def results(function: Any, call: Call) -> list[Any]:
    out = function(*call.args, **call.kwargs)
    return list(out) if isinstance(out, tuple | list) else [out]


def numpys(function: Any, call: Call) -> list[np.ndarray] | Exception:
    """Return NumPy's results, or its refusal."""
    kwargs = {name: bare(x) for name, x in call.kwargs.items()}
    try:
        return [np.asarray(y) for y in results(function, Call(bare(call.args), kwargs))]
    except Exception as error:  # noqa: BLE001 - whatever NumPy says, the engine shall say
        return error


def recorded(
    function: Any, call: Call, leaves: dict[Place, np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the results of the call with Tensors at the places of `leaves`, and gradients."""
    tensors = {at: Tensor(x, requires_grad=True) for at, x in leaves.items()}
    for at, tensor in tensors.items():
        call = put(call, at, tensor)
    outs, rng = results(function, call), np.random.default_rng(0)
    weights = [rng.uniform(0.5, 1.5, np.shape(y)) for y in outs]
    total = Tensor(0.0)
    for y, weight in zip(outs, weights, strict=True):
        total = total + np.sum(np.real(y * weight))
    slopes = [np.zeros_like(x) for x in leaves.values()]
    if total.requires_grad:
        slopes = gradients(total, list(tensors.values()))
    return [np.asarray(bare(y)) for y in outs], slopes


def changes(function: Any, call: Call) -> Iterator[tuple[str, Place, Call, dict[Place, Any]]]:
    """Yield calls with one argument in another form, and the Tensors beside it."""
    leaves = variables(call)
    for place, x in [*places(call.args), *places(call.kwargs)]:
        name = place[0] if isinstance(place[0], str) else TABLE[function].name_of(place[0])
        others = {at: y for at, y in leaves.items() if at[: len(place)] != place}
        for form, change in forms(x).items() if others else ():
            if not any((function, name, each) in EXCEPTIONS for each in (form, None)):
                yield form, place, put(call, place, change(x)), others
    for place, x in leaves.items():
        for form in (*LAYOUTS, "half the bytes"):
            yield form, place, call, leaves | {place: ARRAYS[form](x)}


def native(x: Any) -> Any:
    return x.dtype.newbyteorder("=")


def same(found: Any, wanted: Any, tolerance: float) -> bool:
    scale = np.abs(wanted).max(initial=0)
    return bool(
        found.shape == wanted.shape
        and np.allclose(found, wanted, tolerance, tolerance * scale, equal_nan=True)
    )


def check(function: Any, call: Call) -> None:
    originals: dict[Any, Any] = {}
    for form, place, changed, leaves in changes(function, call):
        told = f"{TABLE[function].name}, {form} at {place}: {changed}"
        with_leaves = changed
        for at, x in leaves.items():
            with_leaves = put(with_leaves, at, x)
        wanted = numpys(function, with_leaves)
        if isinstance(wanted, Exception):
            with pytest.raises(type(wanted)):
                recorded(function, changed, leaves)
            continue
        found, slopes = recorded(function, changed, leaves)
        assert [y.dtype for y in found] == [y.dtype for y in wanted], told
        is_single = form == "half the bytes"
        assert all(map(same, found, wanted, [1e-6 if is_single else 1e-13] * len(found))), told
        assert [native(g) for g in slopes] == [native(x) for x in leaves.values()], told
        key = frozenset(leaves)
        if key not in originals:
            its = variables(call)
            originals[key] = recorded(function, call, {at: its[at] for at in leaves})
        values, originally = originals[key]
        limit = 1e-3 if is_single else 1e-11
        if len(found) == len(values) and all(map(same, found, values, [limit] * len(found))):
            assert all(map(same, slopes, originally, [10 * limit] * len(slopes))), told


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sample", SAMPLES, ids=[TABLE[sample.function].name for sample in SAMPLES])
@settings(max_examples=3, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
@given(data=st.data())
def test_an_argument_may_have_any_form_that_numpy_takes(sample: Sample, data: Any) -> None:
    check(sample.function, data.draw(sample.calls))
