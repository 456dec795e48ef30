"""Whether calls are being remembered: a switch per thread and per task.

The switch is a context variable, so another thread or another asyncio task never notices it, and
leaving a `with` block restores what was there before, also when an exception leaves it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_recording: ContextVar[bool] = ContextVar("recording", default=True)
is_recording = _recording.get


class _Switch:
    """A context manager and decorator that sets the switch and puts the old state back."""

    __slots__ = ("_tokens",)
    _state: bool

    def __init__(self, function: None = None) -> None:
        if function is not None:
            raise TypeError(f"write @{type(self).__name__}(), with its brackets")
        self._tokens: list[Token[bool]] = []

    def __enter__(self) -> None:
        self._tokens.append(_recording.set(self._state))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _recording.reset(self._tokens.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        name = type(self).__name__
        if not callable(function):
            raise TypeError(f"@{name}() decorates a function, found {function!r}: write @{name}()")
        if _runs_later(function):
            raise TypeError(
                f"@{name}() can't decorate {function.__name__}, whose body runs after the call "
                f"has returned: write `with {name}():` inside it"
            )

        @functools.wraps(function)
        def switched(*args: P.args, **kwargs: P.kwargs) -> R:
            with type(self)():
                return function(*args, **kwargs)

        return switched


def _runs_later(function: Callable[..., object]) -> bool:
    kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return any(kind(function) for kind in kinds)


class no_grad(_Switch):  # noqa: N801 - PyTorch's word, used like a function
    """Stop remembering calls: results inside need no gradient.

    A context manager and a decorator; per thread and per task.

    >>> from autograd_mini import Tensor, no_grad
    >>> weight = Tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad():
    ...     (weight * 2).requires_grad
    False
    """

    __slots__ = ()
    _state = False


class enable_grad(_Switch):  # noqa: N801 - PyTorch's word, used like a function
    """Remember calls again, inside a `no_grad()`.

    >>> from autograd_mini import Tensor, enable_grad, no_grad
    >>> weight = Tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad(), enable_grad():
    ...     (weight * 2).requires_grad
    True
    """

    __slots__ = ()
    _state = True
