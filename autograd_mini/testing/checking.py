"""The gradient checker: every derivative of a function against numbers, at the function's scale.

Each input array and each output array is a block of the Jacobian with a scale of its own, so that
the verdict does not change when a function is multiplied by 1e-8, and small gradients of a first
layer are held to as many digits as large ones of the last. Small blocks are compared element by
element, large ones along random directions of signs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_mini.modes import enable_grad
from autograd_mini.testing.report import FindingError, GradientError, Report
from autograd_mini.testing.stages import Stage, Subject, check_rules
from autograd_mini.testing.subjects import Function, Network

MODES = ("rev", "fwd")
MOST_ORDERS = 100


def check_grads(
    f: Any, *inputs: Any, order: int = 2, modes: Iterable[str] = MODES, seed: int | None = 0
) -> Report:
    """Check the derivatives of `f` at `inputs`, and raise unless they are right.

    Args:
        f: a function of Tensors.
        inputs: float64 or complex128 arrays, or containers of them; others are passed on as they
            are.
        order: 1 for the gradient, 2 for its gradient too, and so on.
        modes: "rev" for vector-Jacobian products, "fwd" for Jacobian-vector products.
        seed: of the random directions, the same each time by default; None draws a new one.

    Returns:
        A report with the verdict "right".

    Raises:
        GradientError: a derivative is wrong, or it can't be told; its `report` says more.
        TypeError: `f` is a module.

    >>> import numpy as np
    >>> check_grads(lambda x: np.sin(x) * x, np.array([0.5, 2.0])).verdict
    'right'
    """
    if hasattr(f, "named_parameters"):
        raise TypeError(
            "check_grads takes a function, found a module: check_module(module, ...) checks its "
            "parameters as well"
        )
    return _raised(examine(Function(f, inputs), order, modes, seed))


def check_module(
    module: Any, *inputs: Any, order: int = 2, modes: Iterable[str] = MODES, seed: int | None = 0
) -> Report:
    """Check the derivatives of a module by its parameters and its inputs; see `check_grads`.

    Raises:
        GradientError: a derivative is wrong, or it can't be told.
        TypeError: `module` has no parameters to ask for; a function goes to `check_grads`.
    """
    if isinstance(module, type) or not hasattr(module, "named_parameters"):
        raise TypeError(f"check_module takes a module, found {module!r}: check_grads a function")
    return _raised(examine(Network(module, inputs), order, modes, seed))


def _raised(report: Report) -> Report:
    if report.verdict != "right":
        raise GradientError(report)
    return report


def examine(
    subject: Subject, order: int = 2, modes: Iterable[str] = MODES, seed: int | None = 0
) -> Report:
    """Return the report on `subject`, whatever its verdict."""
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    if not modes or not set(modes) <= set(MODES):
        raise ValueError(f"a check has modes out of {MODES}, found {modes}")
    if order not in range(1, MOST_ORDERS):
        raise ValueError(f"a check has an order from 1 on, found {order!r}")
    if seed is None:
        seed = int(np.random.default_rng().integers(2**32))
    rng = np.random.default_rng(seed)
    compared = 0
    try:
        with enable_grad():  # else walks of a caller under no_grad are not recorded
            _check_inputs(subject, rng)
            stage = Stage(subject, rng)
            compared += stage.check(modes)
            for _ in range(1, order):
                stage = stage.next()
                compared += stage.check(modes)
    except FindingError as finding:
        return Report(finding.verdict, finding.message, seed, compared, *finding.where)
    if not any(value.size for value in subject.values):
        return Report("cannot tell", f"the inputs of {subject.name} have no elements", seed)
    orders = "first order" if order == 1 else f"orders 1 to {order}"
    message = f"{subject.name} agrees with its numeric derivatives, {orders}, {' and '.join(modes)}"
    return Report("right", message, seed, compared)


def _check_inputs(subject: Subject, rng: np.random.Generator) -> None:
    if not subject.values:
        raise FindingError(
            "cannot tell",
            f"{subject.name} was given no floating-point input, found {subject.given}",
        )
    for name, value in zip(subject.names, subject.values, strict=True):
        if value.dtype != np.float64:
            check_rules(subject, rng)
            raise FindingError(
                "cannot tell",
                f"{name} of {subject.name} is {value.dtype}, in which numeric derivatives have too "
                f"few digits: check it in float64",
            )
        if not np.all(np.isfinite(value)):
            raise FindingError("cannot tell", f"{name} of {subject.name} is not finite")
