"""What the tests of the gradient checker share: functions to check, and how they ask for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd_mini import defvjp, primitive
from autograd_mini.testing import Function, GradientError, check_grads, examine

X = np.array([0.5, 2.0, -1.2])
LARGE = np.random.default_rng(0).normal(size=1000)


def sigmoid_with(error: float) -> Any:
    """Return a sigmoid whose rule is too large by this part of itself."""

    @primitive
    def wrong_sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    defvjp(wrong_sigmoid, lambda g, out, x: g * (out - out * out) * (1 + error))
    return wrong_sigmoid


def verdict(f: Any, *inputs: Any, **options: Any) -> str:
    return examine(Function(f, inputs), **options).verdict


def refused(f: Any, *inputs: Any, **options: Any) -> GradientError:
    with pytest.raises(GradientError) as caught:
        check_grads(f, *inputs, **options)
    return caught.value
