"""Stochastic gradient descent, with momentum.

For a parameter p with the gradient g, step by step (weight decay lambda, momentum mu, dampening
tau, velocity v, learning rate lr):

    g <- -g if maximize;  g <- g + lambda p
    v <- mu v + (1 - tau) g, at first v <- g;  g <- g + mu v if nesterov, else v
    p <- p - lr g

A step works in arrays that are made once: it allocates nothing.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_mini import Tensor
from autograd_mini.checks import check_number
from autograd_mini.clock import mark_written, tick
from autograd_mini.guards import check_writable, live
from autograd_mini.states import fitted
from optim.arguments import check_options, check_same_kind, checked_params

_USUAL = {np.ndarray, type(None)}  # kinds of gradients
OPTIONS = ("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize")


class SGD:
    """Stochastic gradient descent: p <- p - lr g.

    The options are attributes; `lr` and the others may be changed between steps.

    Args:
        params: the Tensors to change, leaves that require grad.
        lr: the learning rate, at least 0.
        momentum: how much of the velocity is kept from step to step; 0 for none.
        dampening: how much of a new gradient is kept out of the velocity.
        weight_decay: this times p is added to its gradient.
        nesterov: look ahead along the velocity; needs momentum and no dampening.
        maximize: climb instead.

    Raises:
        TypeError: `params` are not Tensors, or an option is no number.
        ValueError: `params` are empty, or one is there twice, is complex or can't be trained; an
            option is out of range.

    Source: Sutskever et al., On the importance of initialization and momentum in deep learning
    (2013); the formulas are those of `torch.optim.SGD`.

    >>> from autograd_mini import Tensor
    >>> x = Tensor(3.0, requires_grad=True)
    >>> optimizer = SGD([x], lr=0.25)
    >>> for _ in range(3):
    ...     optimizer.zero_grad()
    ...     (x**2).backward()
    ...     optimizer.step()
    >>> x.item()
    0.375
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        maximize: bool = False,
    ) -> None:
        check_options(lr, momentum, dampening, weight_decay, nesterov, maximize)
        self.params = checked_params(params)
        self.lr = lr
        self.momentum = momentum
        self.dampening = dampening
        self.weight_decay = weight_decay
        self.nesterov = nesterov
        self.maximize = maximize
        self._slots = [_Slot(p) for p in self.params]
        self._lr = math.nan  # what the slots hold, to notice a change
        self._used_until = 0  # gradients from before this tick were used
        self._has_warned = False

    def __repr__(self) -> str:
        """Show the options and what they are applied to."""
        options = ", ".join(f"{name}={getattr(self, name)!r}" for name in OPTIONS)
        numbers = sum(p.size for p in self.params)
        return f"SGD({options})  {len(self.params)} Tensors, {numbers:,} numbers"

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to None."""
        if live:
            self._check_writable()
        for p in self.params:
            p._grad = None

    def step(self) -> None:
        """Change every parameter that has a gradient.

        Warns once if a gradient was used by an earlier step and is still the same.

        Raises:
            RuntimeError: no parameter has a gradient, or one must not be written here.
            TypeError: a gradient is an array of another kind than its parameter.
            ValueError: `lr` was changed to a value out of range.
        """
        if live:
            self._check_writable()
        self._check_gradients()
        if self.lr != self._lr:
            self._take_lr()
        is_plain = not (self.momentum or self.weight_decay or self.maximize)
        for slot in self._slots:
            p = slot.p
            g = p._grad
            if g is None:
                continue
            array = p._array
            if array is not slot.array:
                slot.follow(array, self.lr)
            if not is_plain:
                g = self._direction(slot, g)
            scaled = slot.scaled
            if scaled is not None:  # the same, without the steps in between
                np.subtract(array, np.multiply(g, slot.lr, scaled), array)
                mark_written(array)
            else:
                p.data = array - np.multiply(g, slot.lr)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return the options, and the velocities as "momentum_buffer.0" and so on, as arrays."""
        state = {name: np.array(getattr(self, name)) for name in OPTIONS}
        for name, slot in self._slots_by_name().items():
            if slot.v is not None:
                state[name] = slot.v.copy()
        return state

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Take over the options and velocities of another optimizer of like parameters.

        Args:
            state: as from `state_dict` or `nn.load`.

        Raises:
            TypeError: `state` is no mapping, or holds a Tensor whose gradient would be lost.
            ValueError: a name is missing or unexpected, an array has a wrong shape or kind or would
                be changed by more than rounding, or an option is out of range. Nothing is changed
                then.
        """
        slots = self._slots_by_name()
        own = dict.fromkeys(OPTIONS) | {name: slot.p for name, slot in slots.items()}
        given = fitted("SGD", own, state, optional=slots)
        options = {name: given[name].item() for name in OPTIONS}
        check_options(**options)
        for name, value in options.items():
            setattr(self, name, value)
        for name, slot in slots.items():
            slot.v = given.get(name)

    def _direction(self, slot: _Slot, g: Any) -> Any:
        """Return what `lr` is multiplied with, by the formulas above, in the slot's arrays."""
        if slot.g is None and slot.scaled is not None:
            slot.g = np.empty_like(slot.scaled)
        if self.maximize:
            g = np.negative(g, out=slot.g)
        if self.weight_decay:
            decay = np.multiply(slot.array, self.weight_decay, out=slot.scaled)
            g = np.add(g, decay, out=slot.g)
        if not self.momentum:
            return g
        if slot.v is None:
            slot.v = g.copy()
        else:
            fresh = np.multiply(g, 1 - self.dampening, out=slot.scaled) if self.dampening else g
            kept = np.multiply(slot.v, self.momentum, out=_plain(slot.v))
            slot.v = np.add(kept, fresh, out=_plain(kept))
        if not self.nesterov:
            return slot.v
        ahead = np.multiply(slot.v, self.momentum, out=slot.scaled)
        return np.add(g, ahead, out=slot.g)

    def _check_writable(self) -> None:
        for p in self.params:
            check_writable(p._array)

    def _check_gradients(self) -> None:
        """Raise if there are none; warn if one is left from before the last step."""
        if {type(p._grad) for p in self.params} - _USUAL:
            for i, p in enumerate(self.params):
                check_same_kind(i, p)
        graded = [p._graded for p in self.params if p._grad is not None]
        if not graded:
            raise RuntimeError(
                f"SGD.step found no gradient in any of its {len(self.params)} parameters: call "
                "loss.backward() first, with a loss that was computed from these Tensors"
            )
        if min(graded) < self._used_until and not self._has_warned:
            self._has_warned = True
            stale = sum(at < self._used_until for at in graded)
            warnings.warn(
                f"SGD.step uses gradients of an earlier step again, in {stale} of "
                f"{len(self.params)} parameters: call zero_grad() and backward() before each step",
                UserWarning,
                stacklevel=3,
            )
        self._used_until = tick()

    def _take_lr(self) -> None:
        """Put `lr` into arrays of the parameters' dtypes, quicker for NumPy than a number."""
        check_number("SGD", "lr", self.lr, lowest=0)
        for slot in self._slots:
            slot.take_lr(self.lr)
        self._lr = self.lr

    def _slots_by_name(self) -> dict[str, _Slot]:
        return {f"momentum_buffer.{i}": slot for i, slot in enumerate(self._slots)}


class _Slot:
    """A parameter, its velocity, and the arrays that its steps work in.

    An array of another library may not be written to: None stands for those it would work in.
    """

    __slots__ = ("array", "g", "lr", "p", "scaled", "v")

    def __init__(self, p: Tensor) -> None:
        self.p = p
        self.array: Any = None
        self.lr: Any = None
        self.v: Any = None
        self.g: Any = None
        self.scaled: Any = None

    def take_lr(self, lr: float) -> None:
        """Keep `lr` in the form that multiplies the parameter fastest."""
        self.lr = lr if _plain(self.p.data) is None else np.array(lr, self.p.dtype)

    def follow(self, array: Any, lr: float) -> None:
        """Make everything fit `array`, which took the place of the parameter's array."""
        self.array = array
        if not _is_like(self.scaled, array):
            self.scaled = None if _plain(array) is None else np.empty_like(array)
            self.g = None
            self.take_lr(lr)
        if self.v is not None and not _is_like(self.v, array):
            self.v = np.array(self.v, array.dtype, like=array)


def _is_like(one: Any, other: Any) -> bool:
    """Return whether two arrays are of one kind, shape and dtype."""
    return type(one) is type(other) and (one.shape, one.dtype) == (other.shape, other.dtype)


def _plain(array: Any) -> Any:
    """Return an array that may be written to, None for one of another library."""
    return array if type(array) is np.ndarray else None
