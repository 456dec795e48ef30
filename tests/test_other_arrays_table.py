"""Every sample of the table over arrays of another library: right and of that kind, or it raises.

What passes over the strict stand-in is told exactly: a function whose name is not in REFUSING
passes with every sample. Over Dask, which lacks many functions, nothing may be wrong or NumPy's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from autograd_mini import Tensor, gradients
from autograd_mini.primitive import TABLE
from tests.samples import Call
from tests.strict_array import StrictArray
from tests.test_other_arrays import KINDS, Kind, da, needs_dask
from tests.test_rules import SAMPLES

NAMES = [TABLE[sample.function].name for sample in SAMPLES]

# Their rules, or NumPy itself, need an array of NumPy's own beside the argument: a mask, places of
# elements, weights, an identity matrix. A call that does not come to it passes.
REFUSING = {
    *("np.choose", "np.extract", "np.insert", "np.pad", "np.select", "np.take_along_axis"),
    *("np.cov", "np.histogram", "np.histogram_bin_edges", "np.mean", "np.std", "np.var"),
    *("np.median", "np.nanmedian", "np.quantile", "np.nanquantile", "np.percentile"),
    *("np.nanpercentile", "np.gradient", "np.interp", "np.linspace", "np.logspace"),
    *("np.geomspace", "np.vander", "np.polyder", "np.polyint", "np.sinc", "sinc_slope"),
    *("np.linalg.eig", "np.linalg.eigh", "np.linalg.svd", "setitem"),
    *("np.fft.rfft", "np.fft.irfft", "np.fft.hfft", "np.fft.ihfft", "np.fft.rfft2"),
    *("np.fft.irfft2", "np.fft.rfftn", "np.fft.irfftn"),
}


def results(x: Any) -> Iterator[Any]:
    if isinstance(x, tuple | list):
        for part in x:
            yield from results(part)
    elif isinstance(x, Tensor):
        yield x


def replaced(x: Any, make: Callable[[Any], Any], variables: list[Tensor]) -> Any:
    """Return `x` with Tensors that require grad for its arrays of floats, and note them."""
    if type(x) in (list, tuple):
        return type(x)(replaced(part, make, variables) for part in x)
    if not isinstance(x, np.ndarray):
        return x
    if x.dtype.kind not in "fc":
        return make(x)
    variables.append(Tensor(make(x), requires_grad=True))
    return variables[-1]


def evaluated(function: Any, call: Call, make: Callable[[Any], Any]) -> tuple[list[Any], list[Any]]:
    """Return the results of a call and the gradients of a sum of them."""
    variables: list[Tensor] = []
    args = [replaced(x, make, variables) for x in call.args]
    kwargs = {name: replaced(x, make, variables) for name, x in call.kwargs.items()}
    out = [*results(function(*args, **kwargs))]
    costs = [np.sum(np.real(y * make(weights(y)))) for y in out if y.requires_grad]
    found = gradients(sum(costs[1:], costs[0]), variables) if costs else []
    return [y.data for y in out], found


def weights(y: Any) -> Any:
    return np.cos(1 + np.arange(y.size)).reshape(y.shape)


def check(function: Any, call: Call, kind: Kind) -> None:
    """Hold a call over a kind against the same over NumPy."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = evaluated(function, call, np.array)
        except (NotImplementedError, ValueError):  # no rule for one of the arguments
            return
        found = evaluated(function, call, kind.make)
        for ones, others in zip(found, expected, strict=True):
            for one, other in zip(ones, others, strict=True):
                assert type(one) is kind.type
                assert (one.shape, one.dtype) == (other.shape, other.dtype)
                assert_allclose(kind.get(one), other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)
@settings(max_examples=2, phases=[Phase.generate])
@given(data=st.data())
def test_a_sample_over_the_stand_in_is_right_and_of_its_kind_or_raises(sample, data):
    call = data.draw(sample.calls)
    try:
        check(sample.function, call, KINDS["strict"])
    except AssertionError:
        raise
    except Exception:
        if TABLE[sample.function].name not in REFUSING:
            raise


@needs_dask
@pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)
@settings(max_examples=1, phases=[Phase.generate])
@given(data=st.data())
def test_a_sample_over_dask_is_right_and_of_its_kind_or_raises(sample, data):
    call = data.draw(sample.calls)
    try:
        one_chunk = KINDS["dask"]._replace(make=lambda x: da.from_array(np.array(x), chunks=-1))
        check(sample.function, call, one_chunk)
    except AssertionError:
        raise
    except Exception:  # noqa: BLE001 - Dask lacks a function or an argument: any of a dozen kinds
        return


def test_a_name_among_the_refusing_ones_is_one_of_the_table():
    assert set(NAMES) >= REFUSING


def test_the_stand_in_takes_numbers_but_no_numpy_array():
    x = StrictArray([1.0, 2.0])
    for number in (2, 2.5, np.float64(2.0)):
        assert type(x * number) is type(number * x) is StrictArray
    for array in (np.ones(2), np.array(2.0), [np.ones(2)]):
        for mixed in (lambda a: x * a, lambda a: a * x, lambda a: np.where(x > 0, x, a)):
            with pytest.raises(TypeError, match="Unsupported type"):
                mixed(array)
    assert type(x[0]) is type(x.sum()) is type(np.sum(x)) is type(x[[1, 0]]) is StrictArray
    assert not hasattr(x, "__array__")
