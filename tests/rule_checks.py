"""What is checked of every rule: a drawn call against numeric derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_mini import Tensor, gradients
from autograd_mini.fitting import unbroadcast
from autograd_mini.operation import nested
from autograd_mini.primitive import TABLE
from autograd_mini.variables import uncopied
from tests import samples_special
from tests.numeric import STEP, numeric_gradient
from tests.samples import Call, Sample

ANALYTIC_TOLERANCE, NUMERIC_TOLERANCE = 1e-10, 1e-7
EPSILON = np.finfo(np.float64).eps
# NumPy itself answers float32 with float64 here.
ALWAYS_DOUBLE = (
    np.corrcoef,
    np.cov,
    np.bincount,
    np.float_power,
    np.frexp,
    np.geomspace,
    np.interp,
    np.linalg.lstsq,  # its rank, an integer, widens the sum that is checked
    np.polyder,
    np.polyint,
    np.vander,
    *samples_special.ALWAYS_DOUBLE,
)


class Case:
    """A drawn call, its floating-point arrays taken out as variables."""

    def __init__(self, sample: Sample, call: Call) -> None:
        self.function, self.call = sample.function, call
        self.variables = list(arrays_in(call.args))
        out = self.run(self.variables)
        self.outs = list(out) if isinstance(out, tuple | list) else [out]
        self.is_complex = any(map(np.iscomplexobj, self.outs))
        assert not (self.is_complex and call.analytic), (
            "a complex step mixes with the imaginary part of the result: use analytic=False"
        )

    def args(self, variables: list[Any]) -> tuple[Any, ...]:
        return filled(self.call.args, iter(variables))

    def run(self, variables: list[Any]) -> Any:
        return self.function(*self.args(variables), **self.call.kwargs)

    def cotangents(self) -> list[np.ndarray]:
        """Return real numbers for each result; a complex one gets two arrays, x and y of x + iy."""
        rng = np.random.default_rng(len(self.variables))
        parts = [y for y in self.outs for _ in range(1 + np.iscomplexobj(y))]
        return [np.asarray(rng.uniform(-1.5, 1.5, np.shape(y))) for y in parts]

    def joined(self, parts: list[Any]) -> list[Any]:
        """Return the cotangents that `parts` are the parts of, one for each result."""
        rest = iter(parts)
        return [
            next(rest) + 1j * next(rest) if np.iscomplexobj(y) else next(rest) for y in self.outs
        ]

    def objective(self, variables: list[Any], parts: list[Any]) -> Any:
        """Return the real part of sum(g * f(variables)): its gradient is what the rules return."""
        out = self.run(variables)
        outs = out if isinstance(out, tuple | list) else [out]
        total: Any = sum(np.sum(y * g) for y, g in zip(outs, self.joined(parts), strict=True))
        return np.real(total) if self.is_complex else total

    def rules(self, variables: list[Any], parts: list[Any]) -> list[Any]:
        """Return what the table's rules say, applied to bare arrays without the walk."""
        args, out, gs = self.args(variables), self.run(variables), self.joined(parts)
        g = tuple(gs) if isinstance(out, tuple | list) else gs[0]
        found: list[Any] = []
        for vjp, x, shown in zip(TABLE[self.function].vjps, args, self.call.args, strict=False):
            if list(arrays_in((shown,))):
                gx = vjp(g, out, *args, **self.call.kwargs)
                found.extend(nested(gx) if isinstance(x, tuple | list) else [gx])
        fitted = [unbroadcast(gx, x.shape) for gx, x in zip(found, variables, strict=True)]
        is_complex_step = any(map(np.iscomplexobj, [*variables, *parts]))
        return fitted if is_complex_step else [np.real(gx) for gx in fitted]


def arrays_in(args: Any, dtype: Any = np.float64) -> Any:
    """Yield the arrays of `dtype` among the arguments of a call, also in its lists."""
    for x in args:
        if isinstance(x, tuple | list):
            yield from arrays_in(x, dtype)
        elif isinstance(x, np.ndarray) and x.dtype == dtype:
            yield x


def filled(args: Any, values: Any, dtype: Any = np.float64) -> Any:
    """Return the arguments with `values` in the place of those arrays."""
    return type(args)(
        filled(x, values, dtype)
        if isinstance(x, tuple | list)
        else next(values)
        if isinstance(x, np.ndarray) and x.dtype == dtype
        else x
        for x in args
    )


def assert_close(found: list[Any], wanted: list[np.ndarray], analytic: bool) -> None:
    """Compare relative to the scale of each gradient, never to a bare constant.

    A gradient that is zero comes out as the rounding error of what cancelled in it, which has the
    scale of the largest gradient of the call, and a difference divides it by the step.
    """
    tolerance = ANALYTIC_TOLERANCE if analytic else NUMERIC_TOLERANCE
    rounding = 16 * EPSILON * max((_scale(numeric) for numeric in wanted), default=0)
    rounding /= 1 if analytic else STEP
    for mine, numeric in zip(found, wanted, strict=True):
        assert mine.shape == numeric.shape
        allowed = tolerance * _scale(numeric) + rounding
        assert np.all(np.abs(mine - numeric) <= allowed), (mine, numeric)


def _scale(x: np.ndarray) -> float:
    return float(np.max(np.abs(x), initial=0))


def tensors(values: list[np.ndarray]) -> list[Tensor]:
    return [uncopied(x) for x in values]  # in their own layout, on which bits may depend


def check_first_order(sample: Sample, call: Call) -> None:
    """Compare the gradients of a call with numeric ones."""
    case = Case(sample, call)
    gs = case.cotangents()
    xs = tensors(case.variables)
    found = gradients(case.objective(xs, gs), xs)
    wanted = numeric_gradient(
        lambda values: case.objective(values, gs), case.variables, call.analytic
    )
    assert_close(found, wanted, call.analytic)


def check_second_order(sample: Sample, call: Call) -> None:
    """Compare the gradients of a weighted sum of gradients, by arguments and cotangents."""
    case = Case(sample, call)
    rng, gs = np.random.default_rng(1), case.cotangents()
    weights = [rng.uniform(0.5, 1.5, x.shape) for x in case.variables]
    n = len(case.variables)

    def weighed(first: list[Any]) -> Any:
        return sum(np.sum(w * g) for w, g in zip(weights, first, strict=True))

    everything = tensors([*case.variables, *gs])
    xs, cotangents = everything[:n], everything[n:]
    first = gradients(case.objective(xs, cotangents), xs, create_graph=True)
    found = gradients(weighed(first), everything)
    wanted = numeric_gradient(
        lambda values: weighed(case.rules(values[:n], values[n:])),
        [*case.variables, *gs],
        call.analytic,
    )
    assert_close(found, wanted, call.analytic)


def check_result(sample: Sample, call: Call) -> None:
    """Compare the result with NumPy's, bit for bit."""
    case = Case(sample, call)
    out = case.run(tensors(case.variables))
    outs = out if isinstance(out, tuple | list) else [out]
    for mine, numpys in zip(outs, case.outs, strict=True):
        assert type(mine) is Tensor
        assert mine.dtype == np.asarray(numpys).dtype
        assert np.array_equal(mine.data, numpys)


def check_float32(sample: Sample, call: Call) -> None:
    """Run the call in float32: the result and the gradients must stay there."""
    if any(x is np.dtype(np.float64) for x in call.args):
        call = Call((call.args[0], np.dtype(np.float32)))
    case = Case(sample, call)
    singles = [x.astype(np.float32) for x in case.variables]
    xs, gs = tensors(singles), [g.astype(np.float32) for g in case.cotangents()]
    loss = case.objective(xs, gs)
    assert loss.dtype == (np.float64 if sample.function in ALWAYS_DOUBLE else np.float32)
    # At the very same numbers: where a slope passes through zero, rounding them would be seen.
    doubles = case.rules(*([x.astype(np.float64) for x in values] for values in (singles, gs)))
    for mine, double in zip(gradients(loss, xs), doubles, strict=True):
        assert mine.dtype == np.float32
        assert np.all(np.abs(mine - double) <= 2e-4 * _scale(double))
