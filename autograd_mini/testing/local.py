"""The check of a single recorded call: its own rule against its own numeric derivative.

A wrong gradient of a whole function says little; the call whose rule disagrees with the numbers it
was recorded with is the culprit. Function and rule get arrays that can't be written, so that one
that writes into its gradient or its arguments is found as well, and the rule is run twice, so that
one whose results share memory is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_mini.fitting import unbroadcast
from autograd_mini.operation import CONTAINERS, ITEM, nested
from autograd_mini.recorded import needing
from autograd_mini.storage import needs_grad
from autograd_mini.tensor import Tensor
from autograd_mini.testing.bisection import Place, element, only, worst
from autograd_mini.testing.numeric import OTHER_STEP, TOLERANCE, UNKNOWN, Array, size_of
from autograd_mini.testing.replay import Replay, doubled, frozen
from autograd_mini.testing.report import FindingError
from autograd_mini.testing.tape import CHECKPOINT, bare_call, describe

# One of several results, and a checkpoint, which is checked call by call.
_UNCHECKED = (ITEM, CHECKPOINT)
DOUBLE = float(np.finfo(np.float64).eps)
ROUNDED = 1e4  # allowed error of a gradient of few digits, in roundings


def check_call(node: Any, rng: np.random.Generator) -> None:
    """Raise a FindingError if the rules of the recorded call `node` are wrong at its values.

    And at values beside them, for a rule that goes on using those of an earlier call.
    A rule that returns float64 although an argument has fewer digits is checked once more with
    that argument in float64, where its numbers show.
    """
    if node._operation in _UNCHECKED:
        return
    if left := _check_rules(Replay(node), rng):
        _check_rules(Replay(node, is_doubled=True), rng, left)


def _check_rules(
    replay: Replay, rng: np.random.Generator, chosen: list[str] | None = None
) -> list[str]:
    """Check the rules of the arguments `chosen` by name, all if None.

    Returns:
        The names of those to check in float64.
    """
    left, found = [], []
    directions: dict[int, Array] = {}
    for name, vjp, x in needing(replay.node, replay.args, replay.kwargs):
        own = {
            len(directions) + k: _direction(part._array, rng)
            for k, part in enumerate(filter(needs_grad, nested((x,))))
        }
        directions |= own
        if chosen is not None and name not in chosen:
            continue
        rule = _Rule(replay, vjp, x, name)
        if rule.check(own, _like(replay.out, rng)):
            if rule.is_exact:
                found.append((rule, own))
            elif rule.fewest <= DOUBLE:
                left.append(name)
    if found and replay.move(directions):
        for rule, own in found:
            rule.check(own, _like(replay.node._array, rng))
    return left


class _Rule:
    """The rule of a recorded call for one of its arguments, by its name."""

    def __init__(self, replay: Replay, vjp: Any, x: Any, name: str) -> None:
        self.replay = replay
        self.vjp = vjp
        self.argument = x
        self.name = name
        results = [y.dtype for y in nested((replay.out,)) if _is_floating(y)]
        moving = [part.dtype for part in nested((x,)) if _is_floating(part)]
        others = [part.dtype for part in nested(replay.values[0]) if _is_floating(part)]
        self.fewest = max(map(_epsilon, (*results, *moving)))  # digits that a gradient may have
        self.most = min(map(_epsilon, (*results, *moving, *others)))
        # The gradient of an argument of few digits has few, even if the result has more.
        self.rounded = max(self.fewest, *map(_epsilon, others), 0.0)
        self.is_exact = self.rounded <= DOUBLE

    def check(self, directions: dict[int, Array], g: Any) -> bool:
        """Check what the rule makes of `g`, along a direction for each Tensor by its place.

        Returns:
            Whether it could be compared with other numbers.
        """
        try:
            found = self.parts(g)
        except NotImplementedError:
            return False  # of this g, which is a random one: that of the walk may be another
        self.check_memory(found, g)
        for part, gx in found:
            self.check_dtype(part, gx)
        if not self.is_exact:
            return self.check_digits([gx for _, gx in found], g)
        for k, (place, direction) in enumerate(directions.items()):
            self.check_numbers(k, place, direction, g)
        return True

    def wrong(self, what: str, place: str | None = None) -> FindingError:
        """Return the finding that the rule is wrong: what it does."""
        call = describe(self.replay.node)
        return FindingError("wrong", f"the rule of {call} for {self.name} {what}", call, place)

    def parts(self, g: Any, values: Any = None, out: Any = None) -> list[tuple[Tensor, Any]]:
        """Return each Tensor of the argument with its gradient, in its shape."""
        args, kwargs = self.replay.values if values is None else values
        out = self.replay.out if out is None else out
        try:
            found = self.vjp(frozen(g), frozen(out), *args, **kwargs)
        except NotImplementedError:
            raise
        except Exception as error:
            if "read-only" in str(error):
                raise self.wrong(
                    "writes into its gradient or an argument, which other calls share: work on a "
                    "copy"
                ) from error
            raise self.wrong(f"fails with {type(error).__name__}: {error}") from error
        return self.paired(self.argument, found)

    def paired(self, x: Any, found: Any) -> list[tuple[Tensor, Any]]:
        """Return the Tensors in the argument `x` with their shares of what the rule returned."""
        if type(x) in CONTAINERS:
            pairs = zip(x, found, strict=True)
            return [pair for part, g in pairs if needs_grad(part) for pair in self.paired(part, g)]
        try:
            return [(x, unbroadcast(found, x.shape) if found.shape != x.shape else found)]
        except (AttributeError, ValueError) as error:
            shape = getattr(found, "shape", type(found).__name__)
            raise self.wrong(f"returns {shape} for an argument of shape {x.shape}") from error

    def check_dtype(self, x: Tensor, g: Any) -> None:
        """Refuse a gradient that is no float, or has fewer or more digits than the call."""
        is_floating = _is_floating(g)
        few = is_floating and _epsilon(g.dtype) > self.fewest
        many = is_floating and _epsilon(g.dtype) < self.most
        if few or many or not is_floating:
            raise self.wrong(f"returns {g.dtype} for {x.dtype}")

    def check_digits(self, found: list[Any], g: Any) -> bool:
        """Refuse a gradient of few digits that differs from the one in float64.

        How much it may differ is measured in float64, at the rounded result and at nearby numbers.

        Returns:
            Whether function and rule run in float64.
        """
        values, g = doubled(self.replay.values), doubled(g)
        beside = self.replay.doubled_beside(self.rounded)
        try:
            with np.errstate(all="ignore"):
                out, moved = self.replay.forward(*values), self.replay.forward(*beside)
                rounded = doubled(self.replay.out)
                runs = [(values, out), (values, rounded), (beside, moved)]
                exact, *others = ([gx for _, gx in self.parts(g, *run)] for run in runs)
        except (ArithmeticError, ValueError, NotImplementedError, FindingError):
            return False  # at nearby numbers, or in float64
        for mine, wanted, *near in zip(found, exact, *others, strict=True):
            noise = max(size_of(each - wanted) for each in near)
            allowed = ROUNDED * self.rounded * size_of(wanted) + 16 * noise
            allowed += float(np.finfo(mine.dtype).tiny)
            off = np.where(np.isfinite(wanted), ~(np.abs(mine - wanted) <= allowed), False)
            if np.any(off) and size_of(wanted) < float(np.finfo(mine.dtype).max):
                at = tuple(map(int, np.argwhere(off)[0]))
                what = f"{mine[at]:.6g} instead of {wanted[at]:.6g}"
                where = element(self.name, at)
                raise self.wrong(
                    f"disagrees with itself: the gradient of {where} is {what}, which "
                    f"{wanted.dtype} makes of the same {mine.dtype} numbers",
                    where,
                )
        return True

    def check_memory(self, found: list[tuple[Tensor, Any]], g: Any) -> None:
        """Refuse a rule that writes what it returns to where it returned something before."""
        before = [np.array(gx) for _, gx in found]
        twice = tuple(2 * part for part in g) if isinstance(g, tuple) else 2 * g
        self.parts(twice)
        same = (
            np.array_equal(gx, copy, equal_nan=True)
            for (_, gx), copy in zip(found, before, strict=True)
        )
        if not all(same):
            raise self.wrong(
                "returns memory that it writes into again when it is called next, while its "
                "gradient is still needed: return a new array"
            )

    def check_numbers(self, k: int, place: int, direction: Array, g: Any) -> None:
        """Refuse a gradient that is not the numeric derivative, of the Tensor at `place`."""
        mine, numeric, error, scale = self.compared(k, place, direction, g)
        is_endless = abs(numeric) / _size(direction) > UNKNOWN  # too large for a float64
        if is_endless or not self.is_off(mine, numeric, error, scale):
            return
        if not self.is_off(*self.compared(k, place, direction, g, OTHER_STEP)):
            return  # an estimate was wrong by chance
        where = worst(lambda part: self.difference(k, place, part, g), direction)
        what = f"is {mine:.10g} instead of {numeric:.10g} along a random direction"
        at = element(self.name, where)
        one = only(direction, where)
        if isinstance(g, np.ndarray) and g.size:
            out = worst(lambda part: self.difference(k, place, one, part), g)
            mine, numeric, error, scale = self.compared(k, place, one, only(g, out))
            if self.is_off(mine, numeric, error, scale):
                unit = np.real(g[out] * direction[where]) or 1.0
                what = self.entry(out, at, mine / unit, numeric / unit)
        raise self.wrong(f"disagrees with the numeric derivative of its own call: {what}", at)

    def entry(self, out: Place, at: str, mine: Any, numeric: Any) -> str:
        """Return an element of the Jacobian in words, as the rule has it and as it is."""
        numbers = f"{mine + 0.0:.10g} instead of {numeric + 0.0:.10g}"  # not -0
        return f"that of {element('the result', out)} by {at} is {numbers}"

    def is_off(self, mine: Any, numeric: Any, error: float, scale: float) -> bool:
        """Return whether two derivatives differ by more than the numeric one may be off."""
        if error >= UNKNOWN or not np.isfinite(numeric):
            return False
        return not abs(mine - numeric) <= TOLERANCE * scale + 4 * error or not np.isfinite(mine)

    def difference(self, k: int, place: int, direction: Array, g: Any) -> float:
        """Return by how much the rule and the numbers differ along `direction`."""
        mine, numeric, _, _ = self.compared(k, place, direction, g)
        return float(mine - numeric)

    def compared(self, k: int, place: int, direction: Array, g: Any, part: float = 1.0) -> Any:
        """Return the rule's derivative along `direction`, the numeric one, its error, a scale."""
        products = self.parts(g)[k][1] * direction
        numeric, error = self.replay.slope(place, direction, g, part)
        scale = max(abs(numeric), _size(products) * np.sqrt(products.size))
        return np.sum(np.real(products)), numeric, error, scale


def _like(out: Any, rng: np.random.Generator) -> Any:
    if isinstance(out, tuple | list):
        return tuple(_like(y, rng) for y in out)
    g = _weights(out, rng)
    return np.asarray(g.astype(out.dtype) if out.dtype.kind in "fc" else g)


def _weights(x: Any, rng: np.random.Generator) -> Array:
    g: Array = rng.uniform(0.5, 1.5, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x))
    return g + 1j * rng.uniform(0.5, 1.5, np.shape(x)) if np.iscomplexobj(x) else g


def _direction(x: Any, rng: np.random.Generator) -> Array:
    return _weights(x, rng) * _size(x)


def _size(x: Any) -> float:
    return float(np.max(np.abs(x), initial=0.0)) or 1.0


def _epsilon(dtype: Any) -> float:
    return float(np.finfo(dtype).eps)


def _is_floating(x: Any) -> bool:
    return hasattr(x, "dtype") and x.dtype.kind in "fc"


def distinct(nodes: list[Any]) -> list[Any]:
    """Return one of each kind among `nodes`: operation, shapes and other arguments."""
    kinds: dict[Any, Any] = {}
    for node in nodes:
        shapes = tuple(
            (np.shape(x), x.dtype) if isinstance(x, np.ndarray) else repr(x)[:80]
            for x in nested((*bare_call(node)[0],))
        )
        kinds.setdefault((node._operation.name, shapes, repr(node._kwargs)[:80]), node)
    return [*kinds.values()]
