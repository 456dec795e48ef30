"""A result that stands where a parameter was meant is named; one that forward keeps is not."""

import warnings
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, no_grad
from autograd_mini.testing import check_module
from optim import SGD


class Scaled(nn.Module):
    """A module whose weight was meant to be a parameter."""

    def __init__(self, make):
        self.bias = nn.Parameter([0.0])
        self.w = make()

    def forward(self, x):
        return x * self.w + self.bias


def scaled():
    return Tensor([1.0, 2.0], requires_grad=True) * 0.1


def leaf():
    return Tensor([1.0, 2.0], requires_grad=True)


class Made(nn.Module):
    """A module that computes its weight itself."""

    def __init__(self):
        self.w = leaf() * 0.1


MISTAKES: dict[str, Any] = {
    "a product": lambda: Scaled(scaled),
    "a product of a parameter": lambda: Scaled(lambda: nn.Parameter([1.0, 2.0]) * 0.1),
    "a parameter in another dtype": lambda: Scaled(lambda: nn.Parameter([1.0]).astype(np.float32)),
    "a transposed parameter": lambda: Scaled(lambda: nn.Parameter([[1.0, 2.0]]).T),
    "a sum of two": lambda: Scaled(lambda: nn.Parameter([1.0]) + nn.Parameter([2.0])),
    "an initialised one": lambda: Scaled(lambda: nn.init.normal(nn.Parameter([1.0, 2.0])) / 10),
    "a leaf of a helper": Made,
    "one of several steps": lambda: Scaled(lambda: np.abs(np.stack([scaled(), scaled()]) + 1)),
    "in a list of a part": lambda: nn.Sequential(nn.Sequential(Scaled(lambda: [scaled()]))),
}
ASKING: dict[str, Any] = {
    "parameters": lambda model: list(model.parameters()),
    "repr": repr,
    "state_dict": lambda model: model.state_dict(),
    "load_state_dict": lambda model: model.load_state_dict({"bias": [1.0]}),
    "astype": lambda model: model.astype(np.float64),
    "zero_grad": lambda model: model.zero_grad(),
    "functional_call": lambda model: nn.functional_call(model, {}, 1.0),
    "an optimizer": lambda model: SGD(model.parameters(), lr=0.1),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_result_of_a_leaf_that_nothing_holds_is_warned_of_by_name(kind):
    with pytest.warns(UserWarning, match=r"w(\.0)?' of this \w+ is no parameter but the result of"):
        list(MISTAKES[kind]().parameters())


@pytest.mark.parametrize("way", ASKING)
def test_every_way_of_asking_for_parameters_warns_at_the_line_that_asked(way):
    model = Scaled(scaled)
    with pytest.warns(UserWarning, match=r"Parameter\(0\.1 \* data\)") as caught:
        ASKING[way](model)
    assert {each.filename for each in caught} == {__file__}


def test_each_line_is_warned_of_once():
    model = Scaled(scaled)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            list(model.parameters())
        list(model.parameters())
    assert len({each.lineno for each in caught}) == len(caught) == 2


# What is no mistake.


class Caching(nn.Module):
    """A module that keeps what it computed."""

    def __init__(self):
        self.g, self.v = nn.Parameter([2.0]), nn.Parameter([3.0, 4.0])
        self.normed = self.g * self.v / np.linalg.norm(self.v)
        self.last: Any = None
        self.seen: list[Any] = []

    def forward(self, x):
        self.w = self.g * self.v
        self.temporary = Tensor([1.0], requires_grad=True) * 2
        self.seen.append(x * self.g)
        self.last = self.squared(x * self.w)
        return self.last

    def squared(self, x):
        self.inner = x * x
        return self.inner


def test_results_of_the_modules_own_parameters_and_of_forward_are_no_mistake():
    model = Caching()
    model(np.ones(2))
    assert len(list(model.parameters())) == 2
    assert list(model.state_dict()) == ["g", "v"]


def test_an_input_that_requires_grad_leaves_results_that_are_no_mistake():
    model, x = Caching(), Tensor([1.0, 2.0], requires_grad=True)
    model(x)
    repr(model)
    model.zero_grad()
    outer = nn.Sequential(model)
    outer(x).sum().backward()
    repr(outer)
    assert x.grad is not None


def test_what_a_module_returned_may_be_kept_by_anyone():
    model: Any = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    model.last = model(Tensor([1.0, 2.0], requires_grad=True))
    model[0].last = model[0](Tensor([1.0, 2.0], requires_grad=True))
    assert len(list(model.parameters())) == 2


def test_checking_a_module_that_keeps_its_results_is_no_mistake():
    model = nn.Linear(2, 2)

    class Keeping(nn.Module):
        def __init__(self):
            self.inner = model

        def forward(self, x):
            self.last = np.tanh(self.inner(x))
            return self.last

    check_module(Keeping(), np.array([[0.5, 1.0]]))


def test_a_constant_computed_without_recording_is_no_mistake():
    with no_grad():
        model = Scaled(scaled)
    assert list(model.state_dict()) == ["bias", "w"]


def test_a_released_result_is_not_looked_into():
    model = Scaled(scaled)
    model.w.sum().backward()
    assert len(list(model.parameters())) == 1
