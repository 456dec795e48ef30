"""Layers compute what PyTorch's compute, and refuse what does not fit them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor

GOLDEN = nn.load(Path(__file__).parent / "golden" / "pytorch.npz")
LAYERS: dict[str, Callable[[Any], Any]] = {
    "Sigmoid": nn.Sigmoid(),
    "Tanh": nn.Tanh(),
    "ReLU": nn.ReLU(),
    "Softmax": nn.Softmax(),
    "LogSoftmax": nn.functional.log_softmax,
    "Flatten": nn.Flatten(),
}


def network():
    """Return the golden values' network, with PyTorch's weights."""
    model = nn.Sequential(
        nn.Linear(7, 5), nn.Sigmoid(), nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3)
    )
    prefix = "network/state/"
    model.load_state_dict(
        {name.removeprefix(prefix): GOLDEN[name] for name in GOLDEN if name.startswith(prefix)}
    )
    return model


def linear(*sizes: Any, **options: Any) -> Any:
    """Return a Linear of which mypy need not ask whether it has a bias."""
    return nn.Linear(*sizes, **options)


def rng():
    return np.random.default_rng(0)


# PyTorch's values.


def test_a_network_with_pytorchs_weights_gives_pytorchs_outputs():
    out = network()(GOLDEN["network/x"])
    np.testing.assert_allclose(out.data, GOLDEN["network/output"], rtol=1e-13)


@pytest.mark.parametrize(
    "loss",
    [
        *("mse/mean", "mse/sum", "mse/none", "mse/batchmean"),
        *("cross_entropy/mean", "cross_entropy/sum", "cross_entropy/none"),
    ],
)
def test_losses_and_all_gradients_are_pytorchs(loss):
    model = network()
    kind, reduction = loss.split("/")
    criterion = {"mse": nn.MSELoss, "cross_entropy": nn.CrossEntropyLoss}[kind](reduction)
    wanted = GOLDEN["network/target" if kind == "mse" else "network/labels"]
    result = criterion(model(GOLDEN["network/x"]), wanted)
    np.testing.assert_allclose(result.data, GOLDEN[f"network/{loss}/loss"], rtol=1e-13)
    result.backward(np.arange(1.0, 1 + result.size).reshape(result.shape))
    for name, p in model.named_parameters():
        expected = GOLDEN[f"network/{loss}/grad/{name}"]
        np.testing.assert_allclose(p.grad, expected, rtol=1e-11, atol=1e-14 * abs(expected).max())


@pytest.mark.parametrize("name", LAYERS)
def test_layers_without_weights_and_their_gradients_are_pytorchs(name):
    x = Tensor(GOLDEN["layer/x"], requires_grad=True)
    out = LAYERS[name](x)
    assert out.shape == GOLDEN[f"layer/{name}/output"].shape
    np.testing.assert_allclose(out.data, GOLDEN[f"layer/{name}/output"], rtol=1e-13)
    out.backward(GOLDEN["layer/g"].reshape(out.shape))
    np.testing.assert_allclose(x.grad, GOLDEN[f"layer/{name}/grad"], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_without_weights_keep_float32(name):
    x = Tensor(GOLDEN["layer/x"].astype(np.float32), requires_grad=True)
    out = LAYERS[name](x)
    out.sum().backward()
    assert out.dtype == x.grad.dtype == np.float32


# Linear.


def test_linear_is_the_weighted_sums_plus_the_bias():
    layer = linear(2, 3)
    layer.weight.data = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    layer.bias.data = np.array([0.0, 10.0, 100.0])
    out = layer(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert out.data.tolist() == [[1.0, 12.0, 103.0], [3.0, 14.0, 107.0]]


def test_linear_without_bias_has_none():
    layer = nn.Linear(2, 3, bias=False)
    assert layer.bias is None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    assert layer(np.zeros((1, 2))).data.tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 5, 4), (2, 0, 4), (0, 4), (2, 3, 5, 4)])
def test_linear_takes_any_number_of_leading_axes(shape):
    layer = linear(4, 3, rng=rng())
    x = rng().normal(size=shape)
    out = layer(x)
    assert out.shape == (*shape[:-1], 3)
    np.testing.assert_allclose(
        out.data, np.matmul(x, layer.weight.data.T) + layer.bias.data, rtol=1e-12
    )


def test_linear_starts_evenly_within_one_over_the_root_of_its_inputs():
    layer = linear(100, 500, rng=rng())
    for p in (layer.weight.data, layer.bias.data):
        assert 0.099 < abs(p).max() <= 0.1
        assert abs(p.mean()) < 0.01
        assert abs(p.std() - 0.1 / np.sqrt(3)) < 0.003


def test_linear_draws_from_the_generator_it_is_given():
    nn.init.seed(1)  # another one than that of rng()
    first, second = linear(3, 2, rng=rng()), linear(3, 2, rng=rng())
    assert np.array_equal(first.weight.data, second.weight.data)
    assert np.array_equal(first.bias.data, second.bias.data)
    nn.init.seed(1)
    assert not np.array_equal(first.weight.data, nn.Linear(3, 2).weight.data)


def test_linear_is_float64_unless_asked():
    assert nn.Linear(2, 2).weight.dtype == np.float64
    layer = linear(2, 2, dtype=np.float32)
    assert layer.weight.dtype == layer.bias.dtype == np.float32
    assert layer(np.ones((1, 2), np.float32)).dtype == np.float32


def test_the_same_seed_gives_the_same_network_in_both_precisions():
    wide, narrow = nn.Linear(3, 2, rng=rng()), nn.Linear(3, 2, dtype=np.float32, rng=rng())
    assert np.array_equal(wide.weight.data.astype(np.float32), narrow.weight.data)


@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 5, 3), (0,), (4, 1)])
def test_an_input_of_the_wrong_width_is_refused_with_both_shapes(shape):
    with pytest.raises(ValueError, match="linear") as caught:
        nn.Linear(4, 2)(np.zeros(shape))
    assert str(shape) in str(caught.value)
    assert "(2, 4)" in str(caught.value)


def test_a_number_as_an_input_is_refused():
    with pytest.raises(ValueError, match=r"found \(\) and \(2, 4\)"):
        nn.Linear(4, 2)(np.array(1.0))


def test_a_list_is_taken_as_an_array_and_has_the_same_gradient():
    layer = nn.Linear(2, 2)
    out = layer([[1.0, 2.0], [3.0, 4.0]])
    assert np.array_equal(out.data, layer(np.array([[1.0, 2.0], [3.0, 4.0]])).data)
    out.sum().backward()
    assert layer.weight.grad.tolist() == [[4.0, 6.0], [4.0, 6.0]]


def test_a_plain_number_as_an_input_is_refused():
    with pytest.raises(TypeError, match="linear takes arrays or Tensors, found float and ndarray"):
        nn.Linear(1, 2)(1.0)


@pytest.mark.parametrize("weight_shape", [(), (4,), (3, 2, 4)])
def test_a_weight_that_is_no_matrix_is_refused(weight_shape):
    with pytest.raises(ValueError, match=r"weight of shape \(out, in\)"):
        nn.functional.linear(np.ones((5, 4)), np.ones(weight_shape))


def test_mixed_dtypes_follow_numpy():
    x, weight, bias = np.ones((1, 2), np.float32), np.ones((3, 2), np.float32), np.full(3, 1e-9)
    out = nn.functional.linear(x, weight, bias)
    assert out.dtype == np.float64
    assert np.array_equal(out, [[2 + 1e-9] * 3])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 2), "in_features is at least 1, found 0"),
        ((2, -1), "out_features is at least 1, found -1"),
        ((2.0, 2), "in_features is an integer, found 2.0"),
        ((2, "3"), "out_features is an integer, found '3'"),
    ],
)
def test_a_bad_number_of_features_is_refused(sizes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        nn.Linear(*sizes)


@pytest.mark.parametrize("dtype", [int, complex])
def test_a_layer_of_anything_but_floats_is_refused(dtype):
    with pytest.raises(TypeError, match="floating-point"):
        nn.Linear(2, 2, dtype=dtype)


def test_numpy_integers_are_numbers_of_features():
    assert nn.Linear(np.int64(3), np.uint8(2)).weight.shape == (2, 3)


# Sequential.


def test_a_sequential_applies_its_layers_in_order():
    model = nn.Sequential(nn.ReLU(), nn.Softmax())
    out = model(np.array([-1.0, 0.0, np.log(2)]))
    np.testing.assert_allclose(out, [0.25, 0.25, 0.5])


def test_an_empty_sequential_returns_its_input():
    x = np.ones(3)
    assert nn.Sequential()(x) is x
    assert len(nn.Sequential()) == 0


def test_a_sequential_is_a_sequence_of_its_layers():
    layers = [nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1)]
    model = nn.Sequential(*layers)
    assert len(model) == 3
    assert list(model) == layers
    assert model[0] is layers[0]
    assert model[-1] is layers[2]
    with pytest.raises(IndexError):
        model[3]


def test_a_slice_of_a_sequential_is_a_sequential_of_the_same_layers():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1))
    part = model[1:]
    assert type(part) is nn.Sequential
    assert list(part) == [model[1], model[2]]


@pytest.mark.parametrize("layer", [np.tanh, nn.Sigmoid, [nn.Sigmoid()], None, "Sigmoid"])
def test_a_sequential_takes_nothing_but_modules(layer):
    with pytest.raises(TypeError, match="Sequential takes modules, found") as caught:
        nn.Sequential(nn.Linear(2, 2), layer)
    assert f"found {layer!r} at position 1" in str(caught.value)


# Softmax, Flatten.


def test_softmax_works_along_its_axis():
    x = np.log(np.array([[1.0, 2.0], [3.0, 2.0]]))
    np.testing.assert_allclose(nn.Softmax(axis=0)(x), [[0.25, 0.5], [0.75, 0.5]])
    np.testing.assert_allclose(nn.Softmax()(x), [[1 / 3, 2 / 3], [0.6, 0.4]])


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ((), (2, 60)),
        ((0,), (120,)),
        ((2,), (2, 3, 20)),
        ((1, 2), (2, 12, 5)),
        ((-2, -1), (2, 3, 20)),
    ],
)
def test_flatten_merges_the_axes_it_is_asked_to(axes, shape):
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    out = nn.Flatten(*axes)(x)
    assert out.shape == shape
    assert np.array_equal(out.ravel(), x.ravel())


def test_flatten_of_an_empty_batch_keeps_the_width():
    assert nn.Flatten()(np.zeros((0, 28, 28))).shape == (0, 784)


@pytest.mark.parametrize(("axes", "shape"), [((), (5,)), ((2, 1), (2, 3, 4)), ((0, 3), (2, 3))])
def test_flatten_of_axes_that_are_not_there_is_refused(axes, shape):
    with pytest.raises(ValueError, match="flatten merges axes") as caught:
        nn.Flatten(*axes)(np.zeros(shape))
    assert str(shape) in str(caught.value)


# Dropout.


def test_dropout_zeroes_that_share_and_scales_the_rest():
    x = np.full(20_000, 3.0)
    out = nn.Dropout(0.25, rng=rng())(x)
    kept = out != 0
    assert abs(kept.mean() - 0.75) < 0.01
    assert np.array_equal(np.unique(out), [0.0, 3.0 / 0.75])


def test_dropout_has_the_gradient_of_its_mask():
    x = Tensor(np.ones(100), requires_grad=True)
    out = nn.Dropout(0.5, rng=rng())(x)
    out.sum().backward()
    assert np.array_equal(x.grad, out.data)
    assert set(x.grad) == {0.0, 2.0}


def test_dropout_draws_a_new_mask_for_every_call():
    layer = nn.Dropout(0.5, rng=rng())
    x = np.ones(100)
    assert not np.array_equal(layer(x), layer(x))


def test_dropout_is_the_identity_in_eval_and_for_p_0():
    x = np.ones(100)
    assert nn.Dropout(0.5).eval()(x) is x
    assert nn.Dropout(0.0)(x) is x


def test_dropout_with_p_1_gives_zeros():
    x = Tensor(np.ones(100), requires_grad=True)
    out = nn.Dropout(1.0)(x)
    out.sum().backward()
    assert not out.data.any()
    assert not x.grad.any()


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_dropout_keeps_float32(p):
    x = Tensor(np.ones(10, np.float32), requires_grad=True)
    assert nn.Dropout(p)(x).dtype == np.float32


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_a_dropout_that_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match=rf"in 0\.\.1, found {p}"):
        nn.Dropout(p)
    with pytest.raises(ValueError, match=rf"in 0\.\.1, found {p}"):
        nn.functional.dropout(np.ones(3), p, training=False)


def test_dropout_masks_come_from_the_default_seed_but_do_not_change_how_layers_start():
    nn.init.seed(1)
    without = nn.Linear(3, 3).weight.data
    nn.init.seed(1)
    first = nn.Dropout(0.5)
    assert np.array_equal(nn.Linear(3, 3).weight.data, without)
    nn.init.seed(1)
    second = nn.Dropout(0.5)
    x = np.ones(100)
    assert np.array_equal(first(x), second(x))


def test_two_dropouts_have_masks_of_their_own():
    x = np.ones(100)
    assert not np.array_equal(nn.Dropout(0.5)(x), nn.Dropout(0.5)(x))
