"""The switch for recording and watching calls, one per thread and per task.

The switch is a context variable, so other threads and asyncio tasks are not affected, and
leaving a `with` block restores the earlier state, also when an exception leaves it. It is True
or False, or a `Watch` inside `detect_anomaly()`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Watch(NamedTuple):
    """The switch inside `detect_anomaly()`: false, so that no call is remembered unseen.

    `is_quiet` while a rule runs: what it returns is looked at, not each of its own calls.
    """

    recording: bool
    is_quiet: bool = False

    def __bool__(self) -> bool:
        return False


Mode = bool | Watch

# Every Watch that was ever set: as long as there is none, the switch need not be read.
watches: set[Watch] = set()

_switch: ContextVar[Mode] = ContextVar("switch", default=True)
mode = _switch.get
# The enclosing `with` blocks, the innermost last, each with the switch as it was outside.
_blocks: ContextVar[tuple[tuple[object, Mode], ...]] = ContextVar("blocks", default=())


def is_recording() -> bool:
    """Return whether calls are remembered."""
    now = mode()
    return now.recording if isinstance(now, Watch) else now


def is_watching() -> bool:
    """Return whether this is inside `detect_anomaly()`."""
    return type(mode()) is Watch


class Switch:
    """A context manager and decorator that sets the switch and puts the old state back.

    It holds no state: one object may serve several threads, and be nested in itself.
    """

    __slots__ = ()

    def __init__(self, function: None = None) -> None:
        if function is not None:
            raise TypeError(f"write @{type(self).__name__}(), with its brackets")

    def __enter__(self) -> None:
        _blocks.set((*_blocks.get(), (self, mode())))
        _switch.set(self._after(mode()))

    def _after(self, before: Mode) -> Mode:
        """Return what the switch is to be inside, if it was `before`."""
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        blocks = [*_blocks.get()]
        at = max(i for i, (owner, _) in enumerate(blocks) if owner is self)
        _, before = blocks.pop(at)
        if at == len(blocks):
            _switch.set(before)
        else:  # a generator was closed out of turn: the block after it ends in what was before both
            blocks[at] = (blocks[at][0], before)
        _blocks.set(tuple(blocks))

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return `function` as one that runs inside."""
        name = type(self).__name__
        if not callable(function):
            raise TypeError(f"@{name}() decorates a function, found {function!r}: write @{name}()")
        if _runs_later(function):
            called = getattr(function, "__name__", repr(function))  # a functools.partial has none
            raise TypeError(
                f"@{name}() can't decorate {called}, whose body runs after the call has "
                f"returned: write `with {name}():` inside it, around no yield"
            )

        @functools.wraps(function)
        def switched(*args: P.args, **kwargs: P.kwargs) -> R:
            with type(self)():
                return function(*args, **kwargs)

        return switched


def _runs_later(function: Callable[..., object]) -> bool:
    kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return any(kind(function) for kind in kinds)


class no_grad(Switch):  # noqa: N801 - PyTorch's word, used like a function
    """Stop remembering calls: results inside need no gradient.

    A context manager and a decorator; per thread and per task. Around a `yield` it also holds for
    whoever runs the generator, as in Python every context does: leave it before.

    >>> from autograd_mini import Tensor, no_grad
    >>> weight = Tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad():
    ...     (weight * 2).requires_grad
    False
    """

    __slots__ = ()

    def _after(self, before: Mode) -> Mode:
        return before._replace(recording=False) if isinstance(before, Watch) else False


class enable_grad(Switch):  # noqa: N801 - PyTorch's word, used like a function
    """Remember calls again, inside a `no_grad()`.

    >>> from autograd_mini import Tensor, enable_grad, no_grad
    >>> weight = Tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad(), enable_grad():
    ...     (weight * 2).requires_grad
    True
    """

    __slots__ = ()

    def _after(self, before: Mode) -> Mode:
        return before._replace(recording=True) if isinstance(before, Watch) else True


class unwatched(Switch):  # noqa: N801 - used like the ones above
    """Remember calls or not, as before, without looking at them."""

    __slots__ = ()

    def _after(self, before: Mode) -> Mode:
        return before.recording if isinstance(before, Watch) else before


class quiet(Switch):  # noqa: N801 - used like the ones above
    """Go on watching, but do not look at the single calls of a rule."""

    __slots__ = ()

    def _after(self, before: Mode) -> Mode:
        return before._replace(is_quiet=True) if isinstance(before, Watch) else before
