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
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_mini import Tensor
from autograd_mini.clock import mark_written, tick

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
        _check_options(lr, momentum, dampening, weight_decay, nesterov, maximize)
        self.params = _checked_params(params)
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

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to None."""
        for p in self.params:
            p._grad = None

    def step(self) -> None:
        """Change every parameter that has a gradient.

        Warns once if a gradient was used by an earlier step and is still the same.

        Raises:
            RuntimeError: no parameter has a gradient.
            ValueError: `lr` was changed to a value out of range.
        """
        self._check_gradients()
        if self.lr != self._lr:
            self._take_lr()
        is_plain = not (self.momentum or self.weight_decay or self.maximize)
        for slot in self._slots:
            p = slot.p
            g = p._grad
            if g is None:
                continue
            if not is_plain:
                g = self._direction(slot, g)
            array, change = p._array, np.multiply(g, slot.lr, slot.scaled)
            if type(array) is np.ndarray:  # the same, without the steps in between
                np.subtract(array, change, array)
                mark_written(array)
            else:
                p.data -= change

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
            TypeError: `state` is no mapping.
            ValueError: a name is missing or unexpected, an array has a wrong shape, or an option
                is out of range. Nothing is changed then.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict takes a dict of arrays by name, found {state!r}")
        given = {name: np.asarray(value) for name, value in state.items()}
        if misfits := self._misfits(given):
            raise ValueError(
                "the state does not fit this SGD, so nothing was loaded:\n  " + "\n  ".join(misfits)
            )
        options = {name: given[name].item() for name in OPTIONS}
        _check_options(**options)
        for name, value in options.items():
            setattr(self, name, value)
        for name, slot in self._slots_by_name().items():
            slot.v = given[name].astype(slot.p.dtype) if name in given else None

    def _direction(self, slot: _Slot, g: Any) -> Any:
        """Return what `lr` is multiplied with, by the formulas above, in the slot's arrays."""
        p = slot.p.data
        if slot.g is None:
            slot.g = np.empty_like(p)
        if self.maximize:
            g = np.negative(g, out=slot.g)
        if self.weight_decay:
            np.multiply(p, self.weight_decay, out=slot.scaled)
            g = np.add(g, slot.scaled, out=slot.g)
        if not self.momentum:
            return g
        if slot.v is None:
            slot.v = g.copy()
        else:
            slot.v *= self.momentum
            slot.v += np.multiply(g, 1 - self.dampening, out=slot.scaled) if self.dampening else g
        if not self.nesterov:
            return slot.v
        np.multiply(slot.v, self.momentum, out=slot.scaled)
        return np.add(g, slot.scaled, out=slot.g)

    def _check_gradients(self) -> None:
        """Raise if there are none; warn if one is left from before the last step."""
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
        _check_number("lr", self.lr, lowest=0)
        for slot in self._slots:
            slot.lr = np.array(self.lr, slot.p.dtype)
        self._lr = self.lr

    def _slots_by_name(self) -> dict[str, _Slot]:
        return {f"momentum_buffer.{i}": slot for i, slot in enumerate(self._slots)}

    def _misfits(self, given: dict[str, NDArray[Any]]) -> list[str]:
        """List in words what keeps `given` from being loaded."""
        slots = self._slots_by_name()
        misfits = [f"missing in the state: {name}" for name in OPTIONS if name not in given]
        for name, array in given.items():
            if name not in slots and name not in OPTIONS:
                misfits.append(f"unexpected in the state: {name}")
                continue
            shape = slots[name].p.shape if name in slots else ()
            if array.shape != shape:
                misfits.append(f"wrong shape: {name} is {shape} here, {array.shape} in the state")
            elif name in slots and not np.can_cast(array.dtype, slots[name].p.dtype, "same_kind"):
                misfits.append(f"wrong dtype: {name} is {array.dtype} in the state")
        return misfits


class _Slot:
    """A parameter, its velocity, and the arrays that its steps work in."""

    __slots__ = ("g", "lr", "p", "scaled", "v")

    def __init__(self, p: Tensor) -> None:
        self.p = p
        self.v: NDArray[Any] | None = None
        self.g: NDArray[Any] | None = None
        self.lr: NDArray[Any]
        self.scaled = np.empty_like(p.data)


def _checked_params(params: Iterable[Tensor]) -> list[Tensor]:
    if isinstance(params, Tensor):
        raise TypeError("SGD takes a list of Tensors, found a single one: write [tensor]")
    if not isinstance(params, Iterable):
        raise TypeError(
            f"SGD takes a list of Tensors, such as model.parameters(), found {params!r}"
        )
    params = list(params)
    if not params:
        raise ValueError("SGD takes at least one Tensor, found an empty list of parameters")
    first: dict[int, int] = {}
    for i, p in enumerate(params):
        if not isinstance(p, Tensor):
            raise TypeError(
                f"SGD takes Tensors, such as model.parameters(), found {type(p).__name__} at "
                f"position {i}"
            )
        if not (p.requires_grad and p.is_leaf):
            why = "is the result of an operation" if p.requires_grad else "does not require grad"
            raise ValueError(
                f"SGD changes leaves that require grad, but the Tensor of shape {p.shape} at "
                f"position {i} {why}: make it with Tensor(data, requires_grad=True)"
            )
        if p.dtype.kind == "c":
            raise ValueError(
                f"SGD changes real numbers, found {p.dtype} at position {i}: make it of two real "
                f"Tensors, real + 1j * imag"
            )
        if first.setdefault(id(p), i) != i:
            raise ValueError(
                f"SGD would change one Tensor twice in a step: positions {first[id(p)]} and {i} "
                "hold the same, leave one out"
            )
    return params


def _check_options(
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    _check_number("lr", lr, lowest=0)
    _check_number("momentum", momentum, lowest=0)
    _check_number("dampening", dampening)
    _check_number("weight_decay", weight_decay, lowest=0)
    for name, value in (("nesterov", nesterov), ("maximize", maximize)):
        if not isinstance(value, bool | np.bool_):
            raise TypeError(f"SGD: {name} is True or False, found {value!r}")
    if nesterov and (momentum == 0 or dampening != 0):
        raise ValueError(
            f"SGD: nesterov needs momentum > 0 and dampening = 0, found momentum={momentum} and "
            f"dampening={dampening}"
        )


def _check_number(name: str, value: Any, lowest: float = -math.inf) -> None:
    if not isinstance(value, Real):
        raise TypeError(f"SGD: {name} is a number, found {value!r}")
    if not (math.isfinite(value) and float(value) >= lowest):
        bound = "" if lowest == -math.inf else f", at least {lowest}"
        raise ValueError(f"SGD: {name} is a finite number{bound}, found {value!r}")
