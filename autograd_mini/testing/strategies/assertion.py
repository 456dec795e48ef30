"""`assert_gradients`: check every derivative in every condition, and at inputs that are drawn."""

from __future__ import annotations

import inspect
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, currently_in_test_context, given, note, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from autograd_mini.tensor import Tensor
from autograd_mini.testing.checking import MODES, examine
from autograd_mini.testing.layouts import layout_of
from autograd_mini.testing.report import GradientError, Report
from autograd_mini.testing.stages import Subject
from autograd_mini.testing.strategies.conditions import conditions, conditions_of
from autograd_mini.testing.strategies.covering import base_of, cover
from autograd_mini.testing.strategies.shapes import Draw, Shape, broadcastable_shapes
from autograd_mini.testing.strategies.values import arrays
from autograd_mini.testing.subjects import Function, Network

LONGEST = 100  # elements that are printed
MOST_PASSED_OVER = 3  # inputs, for each that is checked
FEWEST_TRIED = 10  # before there is no hope
# Undecided examples are counted here, and a slow check is no fault of the function.
NOT_CHECKED = [HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large]


def assert_gradients(
    f: Any,
    *inputs: Any,
    order: int = 2,
    modes: Iterable[str] = MODES,
    max_examples: int | None = None,
    away_from: Sequence[float] = (0.0,),
) -> None:
    """Check the derivatives of `f` in every condition, then at inputs that Hypothesis draws.

    Sizes 0, 1 and many, each argument broadcast against the others, each memory layout, signs,
    magnitudes, 0 and float32 are tried each time, by the same calls; see `conditions`.

    What is wrong is shrunk: the message shows the simplest call found, the operation and its line.
    Inputs that can't be judged are skipped, unless they are more than three quarters of those
    drawn.

    Args:
        f: a function of Tensors, or a module, whose parameters are checked as well.
        inputs: a strategy for each argument, or a constant; each layout, sign and size of number
            that `arrays` of one shape may draw is tried. Without any, every required argument is
            an array, of shapes that broadcast, away from kinks and each other.
        order: 1 for the gradient, 2 for its gradient too, and so on.
        modes: "rev" for vector-Jacobian products, "fwd" for Jacobian-vector products.
        max_examples: how many inputs are drawn; the Hypothesis profile's number by default.
        away_from: kinks of `f` that the arrays it draws itself keep away from.

    Raises:
        GradientError: a derivative is wrong, or at most inputs it can't be told.
        RuntimeError: called inside a test that draws already; call `check_grads` there.
        TypeError: the arguments of `f` are not known.

    >>> assert_gradients(np.tanh, max_examples=3)
    >>> assert_gradients(lambda x, y: x @ y, arrays((2, 3)), arrays((3, 2)), max_examples=3)
    """
    if isinstance(f, st.SearchStrategy) or not callable(f):
        kind = "a strategy" if isinstance(f, st.SearchStrategy) else repr(f)
        raise TypeError(f"assert_gradients takes a function first, then strategies; found {kind}")
    if currently_in_test_context():
        raise RuntimeError(
            "assert_gradients draws inputs itself, found a call inside a @given test: "
            "call check_grads(f, *inputs) there"
        )
    limit = settings().max_examples if max_examples is None else max_examples
    check = _Check(f, order, tuple(modes), limit)
    if inputs:
        drawn = st.tuples(*map(_as_strategy, inputs))
        cover(check, conditions_of(inputs))
    else:
        count = _arity(f)
        drawn = _together(count, tuple(away_from))
        cover(check, conditions(base_of(check, count, away_from), away_from))
    _run(check, drawn)
    if check.undecided.total() > MOST_PASSED_OVER * check.right:
        raise GradientError(check.verdict())


def _run(check: _Check, drawn: st.SearchStrategy[Any]) -> None:
    """Let Hypothesis call `check`; undecided inputs alone are no error of Hypothesis's."""

    def test(inputs: tuple[Any, ...]) -> None:
        check(inputs)

    # Hypothesis files what failed under the test's name.
    test.__name__ = test.__qualname__ = check.name
    now = settings()
    run = settings(
        max_examples=check.limit,
        deadline=None,
        report_multiple_bugs=False,
        # Without inputs nothing is checked; which others fail as well isn't worth a hundred checks.
        phases=[*({*now.phases, Phase.generate} - {Phase.explain})],
        suppress_health_check=[*now.suppress_health_check, *NOT_CHECKED],
    )(given(drawn)(test))
    try:
        run()
    except Unsatisfiable:
        if not check.undecided:
            raise


@dataclass
class _Check:
    """What is done with every input drawn, and how often it said what."""

    f: Any
    order: int
    modes: tuple[str, ...]
    limit: int
    right: int = 0
    is_failing: bool = False
    undecided: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Report] = field(default_factory=dict)

    @property
    def name(self) -> str:
        name: str = getattr(self.f, "__name__", type(self.f).__name__)
        return name if name.isidentifier() else "f"

    @property
    def is_hopeless(self) -> bool:
        """Return whether so many inputs were passed over that no more need be tried."""
        return self.undecided.total() > MOST_PASSED_OVER * max(self.right, FEWEST_TRIED)

    def __call__(self, inputs: tuple[Any, ...]) -> None:
        if self.is_hopeless and not self.is_failing:
            reject()
        call = self.call(inputs)
        try:
            report = self.report(inputs)
        except Exception:
            self.is_failing = True
            note(call)
            raise
        if report.verdict == "wrong":
            self.is_failing = True
            raise GradientError(replace(report, message=f"{call}: {report.message}"))
        if report.verdict == "cannot tell":
            self.pass_over(report, call)
        self.right += 1

    def call(self, inputs: tuple[Any, ...]) -> str:
        """Return the call as Python."""
        return f"{self.name}({', '.join(map(shown, inputs))})"

    def report(self, inputs: tuple[Any, ...]) -> Report:
        """Return the report of the check at `inputs`."""
        # Outside its domain a function warns; the check says that it is not finite.
        with np.errstate(all="ignore"):
            return examine(_subject(self.f, inputs), self.order, self.modes, _seed(inputs))

    def pass_over(self, report: Report, call: str) -> None:
        """Count an undecided input under its reason, the numbers in it left out."""
        reason = report.operation or re.sub(r"-?\d[\d.e+-]*", "#", report.message)
        self.undecided[reason] += 1
        message = f"{report.message}, for example in {call}"
        self.examples.setdefault(reason, replace(report, message=message))
        reject()

    def verdict(self) -> Report:
        """Return why the most inputs were passed over."""
        total = self.undecided.total()
        reason, count = self.undecided.most_common(1)[0]
        message = (
            f"{self.name} could be checked at {self.right} of {self.right + total} inputs; the "
            f"commonest reason, {count} times: {self.examples[reason].message}. Draw other inputs, "
            f"such as assert_gradients({self.name}, arrays(low=0.5, high=2.0))"
        )
        return replace(self.examples[reason], message=message)


def _as_strategy(x: Any) -> st.SearchStrategy[Any]:
    return x if isinstance(x, st.SearchStrategy) else st.just(x)


def _subject(f: Any, inputs: tuple[Any, ...]) -> Subject:
    return Network(f, inputs) if hasattr(f, "named_parameters") else Function(f, inputs)


def _seed(inputs: tuple[Any, ...]) -> int:
    """Return a seed that depends on nothing but the inputs: an example repeats itself."""
    return zlib.crc32(", ".join(map(shown, inputs)).encode())


def _arity(f: Any) -> int:
    """Return how many arrays `f` must be given, all of shapes that broadcast."""
    count = 0
    if isinstance(f, np.ufunc):
        count = f.nin if f.signature is None else 0
    elif not hasattr(f, "named_parameters"):
        count = len([p for p in _parameters(f) if p.default is p.empty])
    if not count:
        raise TypeError(
            "assert_gradients doesn't know the arguments of this function or their shapes, found "
            f"{f!r}: pass a strategy for each, such as arrays((2, 3))"
        )
    return count


def _parameters(f: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(f).parameters.values()
    except ValueError:
        return []
    return [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


@st.composite
def _together(draw: Draw[Any], count: int, away_from: tuple[float, ...]) -> tuple[Any, ...]:
    """Draw arrays of shapes that broadcast."""
    drawn: tuple[Shape, ...] = draw(broadcastable_shapes(count, min_side=1, max_side=3))
    return tuple(draw(arrays(shape, away_from=away_from)) for shape in drawn)


def shown(x: Any) -> str:
    """Return Python that makes `x`: an array with its memory layout, or anything else.

    >>> shown(np.array([0.5, -1.0]))
    'np.array([0.5, -1.0])'
    >>> shown(np.ones((2, 2)).T)
    "laid_out([[1.0, 1.0], [1.0, 1.0]], 'F')"
    """
    if isinstance(x, Tensor):
        return f"Tensor({shown(x.data)})"
    if not isinstance(x, np.ndarray):
        return repr(x)
    if x.size > LONGEST:
        return f"<{x.dtype} array of shape {x.shape}, {layout_of(x)}>"
    native = x.dtype.newbyteorder("=")
    kind = "" if native == np.float64 else f", np.{native}"
    values = repr(x.tolist()) if x.size else f"np.zeros({x.shape})"
    layout = layout_of(x)
    if layout != "C":
        values = f"np.array({values}{kind})" if kind else values
        return f"laid_out({values}, {layout!r})"
    return f"np.array({values}{kind})" if x.size or kind else values
