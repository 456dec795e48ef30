"""Check and copy a state dict for the module or optimizer that loads it.

If one value does not fit, none is loaded. Rounding to another precision is allowed; an overflow, a
truncated number, a lost mask or a lost gradient is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd_mini.checks import shown
from autograd_mini.exits import GradientLostError
from autograd_mini.kinds import is_same, like
from autograd_mini.modes import is_recording
from autograd_mini.storage import as_array, bare, needs_grad

# For each kind of number the kinds that can hold it.
_HOLDERS = {"b": "b", "i": "iufc", "u": "iufc", "f": "fc", "c": "c"}


def fitted(
    owner: str, own: Mapping[str, Any], state: Any, optional: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the arrays of `state`, each in the shape and dtype that `own` has under its name.

    Args:
        owner: the name of what loads the state, for errors.
        own: by name an array or Tensor, or None for any single number.
        state: what was given, arrays by name.
        optional: names that may be missing in `state`.

    Raises:
        TypeError: `state` is no mapping, or holds a Tensor whose gradient would be lost.
        ValueError: it does not fit. Lists every name that is missing or unexpected, every wrong
            shape or kind, and every value that would be changed.
    """
    if not isinstance(state, Mapping):
        raise TypeError(
            f"load_state_dict takes a dict of arrays by name, found {shown(state)}: read a file "
            f"with nn.load first"
        )
    for name, value in state.items():
        if is_recording() and needs_grad(value):
            raise GradientLostError(
                f"load_state_dict copies numbers, and would lose the gradient of {name!r}, a "
                f"Tensor that requires grad: give its .detach() or .data, a whole state_dict(), "
                f"or, to run a model with other parameters, nn.functional_call(model, params, x)"
            )
    spared = {*optional}
    misfits = [f"missing in the state: {x}" for x in own if x not in state and x not in spared]
    misfits += [f"unexpected in the state: {name}" for name in state if name not in own]
    found = {name: _fitted(name, x, state[name]) for name, x in own.items() if name in state}
    misfits += [x for x in found.values() if isinstance(x, str)]
    if misfits := misfits or [*_contradictions(own, found)]:
        listed = "\n  ".join(misfits)
        raise ValueError(f"the state does not fit this {owner}, so nothing was loaded:\n  {listed}")
    return found


def _contradictions(own: Mapping[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """Say where a Tensor with two names would get two different values."""
    first_names: dict[int, str] = {}
    for name, x in own.items():
        first = name if x is None else first_names.setdefault(id(x), name)
        if first != name and not is_same(found[first], found[name]):
            yield f"two values for one Tensor: {first} and {name} differ in the state"


def _fitted(name: str, own: Any, value: Any) -> Any:
    """Return a copy of `value` like `own`, or the reason why there is none."""
    try:
        array = as_array(bare(value))
        array = array if own is None else like(array, bare(own))
    except (TypeError, ValueError) as error:  # a mask, rows of several lengths
        return f"no array: {name}, since {error}"
    if misfit := _misfit(own, array):
        return misfit.format(name)
    if own is None:
        return array
    try:
        return converted(array, own.dtype, name)
    except ValueError as error:
        return str(error)


def _misfit(own: Any, array: Any) -> str:
    """Return what is wrong with `array` in the place of `own`, with a gap for its name."""
    shape = () if own is None else own.shape
    if array.shape != shape:
        return f"wrong shape: {{}} is {shape} here, {array.shape} in the state"
    kind, found = type(array if own is None else bare(own)), type(array)
    if kind is not found:
        return (
            f"wrong kind of array: {{}} is a {kind.__module__}.{kind.__name__} here, a "
            f"{found.__module__}.{found.__name__} in the state"
        )
    if own is not None and own.dtype.kind not in _HOLDERS.get(array.dtype.kind, ""):
        return f"wrong dtype: {{}} is {own.dtype} here, {array.dtype} in the state"
    return ""


def converted(array: Any, dtype: np.dtype[Any], name: str) -> Any:
    """Return a copy of `array` in another dtype that holds its values, but for rounding.

    Raises:
        ValueError: a finite number would become infinite, or a whole number another one.

    >>> converted(np.array([0.1, 1e300]), np.dtype("f4"), "weight")
    Traceback (most recent call last):
    ValueError: wrong value: weight holds 1e+300, which float32 can't: it would become inf
    """
    with np.errstate(all="ignore"):
        out = array.astype(dtype)
        lost = _lost(array, out)
    if np.any(lost):
        at = np.nonzero(np.ravel(lost))[0][0]
        old, new = np.ravel(array)[at], np.ravel(out)[at]
        # The str of a longdouble rounds to a double.
        shown = (
            np.format_float_scientific(old, 4, trim="-")
            if old.dtype.kind == "f" and np.isinf(float(old))
            else old
        )
        raise ValueError(
            f"wrong value: {name} holds {shown}, which {dtype} can't: it would become {new}"
        )
    return out


def _lost(array: Any, out: Any) -> Any:
    """Return where the numbers of `array` are lost in `out`."""
    if array.dtype == out.dtype or array.dtype.kind == "b":
        return False
    if array.dtype.kind in "fc":
        return np.isfinite(array) & ~np.isfinite(out)
    exact = 2 ** np.finfo(out.dtype).nmant if out.dtype.kind in "fc" else 0
    if np.all((array <= exact) & (array >= -exact)):
        return False
    return array.astype(object) != out.astype(object)  # Python's comparison, which rounds nothing
