"""Every public function and class of nn refuses a wrong argument in one sentence that names it."""

from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor

functional, init = nn.functional, nn.init
NO_NUMBERS = ["a", None, True, np.ones(2), Tensor(1.0), nn.Parameter(1.0), [], 1j]
NO_INTEGERS = ["a", None, True, 1.0, np.ones(2), Tensor(1.0), nn.Parameter(1.0), [], 1j]
NO_SWITCHES = ["a", None, 1, 0.0, np.ones(2), Tensor(1.0), []]
NO_NAMES = ["a", None, 1, True, np.ones(2), Tensor(1.0), nn.Parameter(1.0), []]
NO_ARRAYS = ["a", None, 1, 0.5, True, [], {}]


def weight():
    return nn.Parameter(np.ones((2, 3)))


NUMBERS: dict[str, Any] = {
    "dropout": lambda x: functional.dropout(np.ones(2), x),
    "Dropout": nn.Dropout,
    "uniform: a": lambda x: init.uniform(weight(), x, 5),
    "uniform: b": lambda x: init.uniform(weight(), -5, x),
    "normal: mean": lambda x: init.normal(weight(), x),
    "normal: std": lambda x: init.normal(weight(), 0, x),
    "xavier_uniform: gain": lambda x: init.xavier_uniform(weight(), x),
    "xavier_normal: gain": lambda x: init.xavier_normal(weight(), x),
    "calculate_gain: param": lambda x: init.calculate_gain("leaky_relu", x),
    "calculate_gain: param of kaiming_uniform": lambda x: init.kaiming_uniform(weight(), x),
    "calculate_gain: param of kaiming_normal": lambda x: init.kaiming_normal(weight(), x),
}
INTEGERS: dict[str, Any] = {
    "Linear: in_features": lambda x: nn.Linear(x, 2),
    "Linear: out_features": lambda x: nn.Linear(2, x),
    "Softmax: axis": nn.Softmax,
    "Flatten: start_axis": nn.Flatten,
    "Flatten: end_axis": lambda x: nn.Flatten(1, x),
    "flatten: start_axis": lambda x: functional.flatten(np.ones((2, 2)), x),
    "flatten: end_axis": lambda x: functional.flatten(np.ones((2, 2)), 1, x),
    "seed: n": init.seed,
}
SWITCHES: dict[str, Any] = {
    "Linear: bias": lambda x: nn.Linear(2, 2, bias=x),
    "train: mode": lambda x: nn.Linear(2, 2).train(x),
}
NAMES: dict[str, Any] = {
    "MSELoss has the reductions": nn.MSELoss,
    "CrossEntropyLoss has the reductions": nn.CrossEntropyLoss,
    "mse_loss has the reductions": lambda x: functional.mse_loss(np.ones(2), np.ones(2), x),
    "cross_entropy has the reductions": lambda x: functional.cross_entropy(
        np.ones((1, 2)), np.array([0]), x
    ),
    "calculate_gain knows": init.calculate_gain,
    "mode is": lambda x: init.kaiming_normal(weight(), 0, x),
}
ARRAYS: dict[str, Any] = {
    "dropout takes": functional.dropout,
    "flatten takes": functional.flatten,
    "linear takes arrays": lambda x: functional.linear(x, np.ones((2, 2))),
    "linear takes arrays or": lambda x: functional.linear(np.ones((2, 2)), x),
    "linear takes an array": lambda x: functional.linear(
        np.ones((2, 2)), np.ones((2, 2)), [] if x is None else x
    ),
    "mse_loss takes": lambda x: functional.mse_loss(x, np.ones(2)),
    "cross_entropy takes": lambda x: functional.cross_entropy(x, np.array([0])),
}


def refused(call, value, error, begins):
    with pytest.raises(error, match=f"^{begins}") as caught:
        call(value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("what", NUMBERS)
def test_what_is_no_number_is_refused(what, value):
    begins = "dropout takes a number" if "ropout" in what else what.partition(" of ")[0] + " is a "
    refused(NUMBERS[what], value, TypeError, begins)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=repr)
@pytest.mark.parametrize("what", NUMBERS)
def test_a_number_that_is_not_finite_is_refused(what, value):
    begins = "dropout takes the prob" if "ropout" in what else what.partition(" of ")[0] + " is a f"
    refused(NUMBERS[what], value, ValueError, begins)


@pytest.mark.parametrize("value", NO_INTEGERS, ids=repr)
@pytest.mark.parametrize("what", INTEGERS)
def test_what_is_no_integer_is_refused(what, value):
    refused(INTEGERS[what], value, TypeError, f"{what} is an integer, found")


@pytest.mark.parametrize("value", NO_SWITCHES, ids=repr)
@pytest.mark.parametrize("what", SWITCHES)
def test_what_is_no_switch_is_refused(what, value):
    refused(SWITCHES[what], value, TypeError, f"{what} is True or False, found")


@pytest.mark.parametrize("value", NO_NAMES, ids=repr)
@pytest.mark.parametrize("what", NAMES)
def test_what_is_no_name_of_a_choice_is_refused(what, value):
    refused(NAMES[what], value, ValueError, what)


@pytest.mark.parametrize("value", NO_ARRAYS, ids=repr)
@pytest.mark.parametrize("what", ARRAYS)
def test_what_is_no_array_is_refused(what, value):
    refused(ARRAYS[what], value, TypeError, what)


@pytest.mark.parametrize("value", [-1, -2.5])
def test_a_negative_number_is_refused_where_it_makes_no_sense(value):
    for call in (init.xavier_uniform, init.xavier_normal):
        with pytest.raises(ValueError, match="gain is a finite number, at least 0, found"):
            call(weight(), value)
    with pytest.raises(ValueError, match="found std=-"):
        init.normal(weight(), 0, value)
    with pytest.raises(ValueError, match=r"p of a zero, in 0\.\.1"):
        nn.Dropout(value)


def test_numbers_and_integers_of_numpys_kinds_are_taken():
    assert nn.Linear(np.int64(3), np.uint8(2)).weight.shape == (2, 3)
    assert nn.Dropout(np.float32(0.5)).p == 0.5
    init.normal(weight(), np.float64(0), np.int32(1))
    assert nn.Linear(2, 2, bias=np.bool_(0)).bias is None
