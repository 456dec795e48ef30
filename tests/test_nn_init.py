"""Initialisers: PyTorch's formulas, and random numbers that come from where they should."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor
from nn import init

GOLDEN = nn.load(Path(__file__).parent / "golden" / "pytorch.npz")
VARIANTS: dict[str, tuple[Callable[..., Tensor], dict[str, Any]]] = {
    "uniform": (init.uniform, {"a": -2.0, "b": 2.0}),
    "normal": (init.normal, {"mean": 0.0, "std": 3.0}),
    "xavier_uniform": (init.xavier_uniform, {"gain": 1.5}),
    "xavier_normal": (init.xavier_normal, {"gain": 1.5}),
    "kaiming_uniform": (init.kaiming_uniform, {}),
    "kaiming_uniform_out": (init.kaiming_uniform, {"mode": "fan_out", "nonlinearity": "tanh"}),
    "kaiming_normal": (init.kaiming_normal, {"a": 0.5}),
    "kaiming_normal_out": (init.kaiming_normal, {"mode": "fan_out", "nonlinearity": "relu"}),
}
SHAPES = {2: (300, 200), 4: (60, 40, 5, 3)}
# Standard deviations from the formulas by hand, for 200 inputs and 300 outputs.
BY_HAND = {
    "uniform": 4 / np.sqrt(12),
    "normal": 3.0,
    "xavier_uniform": 1.5 * np.sqrt(2 / 500),
    "xavier_normal": 1.5 * np.sqrt(2 / 500),
    "kaiming_uniform": np.sqrt(2 / 200),
    "kaiming_uniform_out": 5 / 3 / np.sqrt(300),
    "kaiming_normal": np.sqrt(2 / 1.25 / 200),
    "kaiming_normal_out": np.sqrt(2 / 300),
}


def drawn(name, shape, dtype=np.float64):
    initialise, options = VARIANTS[name]
    weight = nn.Parameter(np.zeros(shape, dtype))
    result = initialise(weight, **options, rng=np.random.default_rng(5))
    assert result is weight
    return weight.data


@pytest.mark.parametrize("axes", SHAPES)
@pytest.mark.parametrize("name", VARIANTS)
def test_the_spread_is_pytorchs(name, axes):
    std, largest = GOLDEN[f"init/spread/{name}/{axes}"]
    values = drawn(name, SHAPES[axes])
    assert values.std() == pytest.approx(std, rel=0.02)
    assert abs(values.mean()) < 0.02 * std
    if "uniform" in name:
        assert abs(values).max() == pytest.approx(largest, rel=0.001)
    else:
        assert min(abs(values).max(), largest) > 3.5 * std


@pytest.mark.parametrize("name", VARIANTS)
def test_the_standard_deviation_is_the_formulas(name):
    assert drawn(name, SHAPES[2]).std() == pytest.approx(BY_HAND[name], rel=0.015)


@pytest.mark.parametrize("name", [name for name in VARIANTS if "uniform" in name])
def test_uniform_numbers_stay_within_their_bound(name):
    assert abs(drawn(name, SHAPES[2])).max() <= BY_HAND[name] * np.sqrt(3)


def test_uniform_and_normal_take_a_range_and_a_mean():
    x = Tensor(np.zeros(10_000))
    init.uniform(x, 5, 7)
    assert 5 <= x.data.min() < 5.01
    assert 6.99 < x.data.max() <= 7
    init.normal(x, mean=100, std=0.5)
    assert abs(x.data.mean() - 100) < 0.05
    assert abs(x.data.std() - 0.5) < 0.03


@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains_are_pytorchs(name):
    assert init.calculate_gain(name) == pytest.approx(GOLDEN[f"init/gain/{name}"], rel=1e-15)


def test_the_gain_of_a_leaky_relu_depends_on_its_slope():
    assert init.calculate_gain("leaky_relu", 1.0) == pytest.approx(1.0)
    assert init.calculate_gain("leaky_relu", 0.0) == init.calculate_gain("relu")


@pytest.mark.parametrize("name", VARIANTS)
def test_a_float32_tensor_stays_float32_with_the_same_numbers_rounded(name):
    narrow = drawn(name, (3, 2), np.float32)
    assert narrow.dtype == np.float32
    assert np.array_equal(narrow, drawn(name, (3, 2)).astype(np.float32))


def test_a_filled_parameter_still_requires_grad_and_is_the_same_object():
    layer = nn.Linear(3, 2)
    weight = layer.weight
    init.xavier_normal(layer.weight)
    assert layer.weight is weight
    assert weight.requires_grad
    assert weight.is_leaf


def test_a_write_between_forward_and_backward_is_noticed():
    layer = nn.Linear(3, 2)
    x = Tensor(np.ones((1, 3)), requires_grad=True)
    out = layer(x).sum()
    init.normal(layer.weight)
    with pytest.raises(RuntimeError, match=r"weight.* was used by linear .* and written since"):
        out.backward()


def test_one_call_seeds_everything_that_draws_from_the_default():
    def network():
        init.seed(42)
        model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.Linear(3, 3))
        init.normal(model[2].bias)
        return model

    first, second = network(), network()
    x = np.ones((20, 3))
    assert np.array_equal(first(x).data, second(x).data)
    init.seed(43)
    assert not np.array_equal(nn.Linear(3, 3).weight.data, first[0].weight.data)


def test_without_a_seed_two_layers_differ():
    assert not np.array_equal(nn.Linear(3, 3).weight.data, nn.Linear(3, 3).weight.data)


def test_a_generator_that_is_passed_leaves_the_default_alone():
    init.seed(1)
    expected = nn.Linear(2, 2).weight.data
    init.seed(1)
    nn.Linear(5, 5, rng=np.random.default_rng(0))
    nn.Dropout(0.5, rng=np.random.default_rng(0))(np.ones(5))
    assert np.array_equal(nn.Linear(2, 2).weight.data, expected)


def test_numpys_global_random_state_is_never_used():
    before = np.random.get_state(legacy=False)  # noqa: NPY002 - the state that must not change
    init.seed(0)
    nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))(np.ones((2, 3)))
    after = np.random.get_state(legacy=False)  # noqa: NPY002 - the same
    assert np.array_equal(before["state"]["key"], after["state"]["key"])
    assert before["state"]["pos"] == after["state"]["pos"]


# What is refused.


@pytest.mark.parametrize("rng", [0, np.random, np.random.RandomState(0)])
def test_anything_but_a_generator_is_refused(rng):
    with pytest.raises(TypeError, match=r"rng is a numpy\.random\.Generator"):
        nn.Linear(2, 2, rng=rng)


@pytest.mark.parametrize("shape", [(), (3,), (0, 3), (3, 0)])
@pytest.mark.parametrize(
    "initialise",
    [init.xavier_uniform, init.xavier_normal, init.kaiming_uniform, init.kaiming_normal],
)
def test_a_shape_without_inputs_and_outputs_is_refused(initialise, shape):
    with pytest.raises(ValueError, match="inputs and outputs") as caught:
        initialise(Tensor(np.zeros(shape)))
    assert f"found shape {shape}" in str(caught.value)


@pytest.mark.parametrize("target", [np.zeros((2, 2)), [[0.0]], Tensor([[1, 2]])])
@pytest.mark.parametrize("initialise", [init.uniform, init.normal, init.xavier_uniform])
def test_only_a_floating_point_tensor_can_be_filled(initialise, target):
    with pytest.raises(TypeError, match="fills a floating-point Tensor, found"):
        initialise(target)


def test_bad_parameters_are_refused():
    x = Tensor(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="a=1 and b=0"):
        init.uniform(x, 1, 0)
    with pytest.raises(ValueError, match="std=-1"):
        init.normal(x, std=-1)
    with pytest.raises(ValueError, match="found 'fan_avg'"):
        init.kaiming_normal(x, mode="fan_avg")
    with pytest.raises(ValueError, match="asked for 'gelu'"):
        init.kaiming_uniform(x, nonlinearity="gelu")
    assert not x.data.any()


@pytest.mark.parametrize(
    "fill",
    [init.uniform, init.normal, init.xavier_uniform, init.kaiming_normal, init.kaiming_uniform],
)
def test_a_result_is_not_filled_since_its_gradient_would_be_that_of_other_numbers(fill):
    weight = Tensor(np.ones((2, 3)), requires_grad=True)
    result = weight * 2
    with pytest.raises(ValueError, match=r"fills a leaf, found a result of shape \(2, 3\)"):
        fill(result)
    assert np.all(result.data == 2)
