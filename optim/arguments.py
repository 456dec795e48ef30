"""Checks of the arguments of an optimizer: its parameters and its options."""

from __future__ import annotations

from collections.abc import Iterable

from autograd_mini import Tensor
from autograd_mini.checks import check_number, check_switch, shown
from autograd_mini.kinds import name_of
from autograd_mini.origin import skip_frames_in

# The line that asks a module for its parameters is the user's.
skip_frames_in(__file__)


def checked_params(params: Iterable[Tensor]) -> list[Tensor]:
    """Return the Tensors as a list, each a real leaf that requires grad, each once."""
    if isinstance(params, Tensor):
        raise TypeError("SGD takes a list of Tensors, found a single one: write [tensor]")
    if not isinstance(params, Iterable):
        raise TypeError(
            f"SGD takes a list of Tensors, such as model.parameters(), found {shown(params)}"
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


def check_options(
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    """Raise a TypeError or ValueError if an option is no number, no switch, or out of range."""
    check_number("SGD", "lr", lr, lowest=0)
    check_number("SGD", "momentum", momentum, lowest=0)
    check_number("SGD", "dampening", dampening)
    check_number("SGD", "weight_decay", weight_decay, lowest=0)
    for name, value in (("nesterov", nesterov), ("maximize", maximize)):
        check_switch("SGD", name, value)
    if nesterov and (momentum == 0 or dampening != 0):
        raise ValueError(
            f"SGD: nesterov needs momentum > 0 and dampening = 0, found momentum={momentum} and "
            f"dampening={dampening}"
        )


def check_same_kind(position: int, p: Tensor) -> None:
    """Refuse a gradient that is an array of another library than the parameter's."""
    if p.grad is not None and type(p.grad) is not type(p.data):
        raise TypeError(
            f"SGD changes arrays with gradients of their own kind, found a {name_of(p.grad)} for a "
            f"{name_of(p.data)} at position {position}: convert it, such as p.grad = "
            f"np.asarray(p.grad)"
        )
