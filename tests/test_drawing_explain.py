"""The chain rule in numbers: every path, its factors in words, and their sum."""

import os
import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import nn
from autograd_mini import (
    Tensor,
    checkpoint,
    defvjp,
    detect_anomaly,
    gradients,
    hook,
    no_grad,
    primitive,
)
from autograd_mini.drawing import chain, explain, partials
from autograd_mini.drawing.factors import counted
from tests.test_random_graphs import programs

ROOT = Path(__file__).resolve().parent.parent


def leaf(data, name=None):
    return Tensor(data, requires_grad=True, name=name)


def text(explanation):
    """Return the text without the numbers of lines in this file."""
    return re.sub(r"(\.py):\d+", r"\1", str(explanation))


def derivatives(path):
    return [step.derivative for step in path.steps]


# Golden texts.


def small_network():
    """Return loss and weights of one input, two hidden neurons and one output.

    With the slopes 0.25 of a sigmoid at 0 and a difference of -0.5 from what is wanted.
    """
    w1 = leaf([[1.0], [-2.0]], "w1")
    w2 = leaf([[3.0, -3.0]], "w2")
    pixels = Tensor([[2.0]], name="pixels")
    hidden = nn.functional.linear(pixels, w1, Tensor([-2.0, 4.0])).sigmoid()
    hidden.name = "hidden"
    out = nn.functional.linear(hidden, w2).sigmoid()
    out.name = "out"
    return nn.functional.mse_loss(out, Tensor([[1.0]])), w1, w2


def test_a_small_network_is_explained_as_written_here():
    loss, w1, w2 = small_network()
    # pixel 2 * slope 1/4 * weight 3 * slope 1/4 * 2 (1/2 - 1) = -3/8
    at = "test_drawing_explain.py"  # without its folders
    assert text(explain(loss, w1, (0, 0))) == (
        f"""\
d loss / d w1[0, 0] = -0.375, the product of the local derivatives along the only path

path 1 of 1
     2     the activation pixels[0, 0]                       linear[0, 0] by weight[0, 0]       {at}
  *  0.25  the slope of the sigmoid, a (1 - a) with a = 0.5  hidden[0, 0] = sigmoid by x[0, 0]  {at}
  *  3     the weight w2[0, 0]                               linear[0, 0] by x[0, 0]            {at}
  *  0.25  the slope of the sigmoid, a (1 - a) with a = 0.5  out[0, 0] = sigmoid by x[0, 0]     {at}
  * -1     2 (a - y) with a = 0.5, y = 1                     mse_loss by prediction[0, 0]       {at}
  = -0.375

the sum of all paths   -0.375
the engine's gradient  -0.375"""
    )
    assert explain(loss, w2, (0, 1)).gradient == 0.5 * 0.25 * -1


def test_a_number_used_on_several_paths_is_explained_as_written_here():
    x = leaf(2.0, "x")
    cost = x * x + 3.5 * x
    assert text(explain(cost, x, paths=2)) == (
        """\
d cost / d x = 7.5, the sum over 3 paths, each a product of local derivatives

path 1 of 3
     3.5  the other factor, 3.5  np.multiply by y    test_drawing_explain.py
  *  1    added as it is         cost = np.add by y  test_drawing_explain.py
  = 3.5

path 2 of 3
     2    the other factor, x    np.multiply by x    test_drawing_explain.py
  *  1    added as it is         cost = np.add by x  test_drawing_explain.py
  = 2

and 1 more path, together 2
the sum of all paths    7.5
the engine's gradient   7.5"""
    )


# The digits network.


SIZES = (784, 16, 16, 10)


def digits(batch):
    """Return network, loss, and by hand its activations, slopes and 2 (a - y) / batch."""
    rng = np.random.default_rng(0)
    layers = []
    for n, m in pairwise(SIZES):
        layers += [nn.Linear(n, m, rng=rng), nn.Sigmoid()]
    network = nn.Sequential(*layers)
    pixels, wanted = rng.random((batch, 784)), np.eye(10)[rng.integers(0, 10, batch)]
    loss = nn.MSELoss(reduction="batchmean")(network(Tensor(pixels)), Tensor(wanted))
    activations = [pixels]
    for layer in layers[::2]:
        z = activations[-1] @ layer.weight.data.T + layer.bias.data
        activations.append(1 / (1 + np.exp(-z)))
    slopes = [a * (1 - a) for a in activations]
    return network, loss, activations, slopes, 2 * (activations[-1] - wanted) / batch


@pytest.mark.parametrize("batch", [1, 3])
def test_a_weight_of_the_last_layer_has_a_path_for_each_example(batch):
    network, loss, a, slopes, error = digits(batch)
    found = explain(loss, network[4].weight, (3, 5), model=network)
    by_hand = [[a[2][b, 5], slopes[3][b, 3], error[b, 3]] for b in range(batch)]
    assert found.count == batch
    assert found.element == "4.weight[3, 5]"
    assert_allclose(sorted(map(derivatives, found.paths)), sorted(by_hand), rtol=1e-12)


@pytest.mark.parametrize("batch", [1, 3])
def test_a_weight_of_the_second_layer_has_ten_paths_for_each_example(batch):
    network, loss, a, slopes, error = digits(batch)
    found = explain(loss, network[2].weight, (3, 5), paths=1000)
    w = network[4].weight.data
    by_hand = [
        [a[1][b, 5], slopes[2][b, 3], w[o, 3], slopes[3][b, o], error[b, o]]
        for b in range(batch)
        for o in range(10)
    ]
    assert found.count == len(found.paths) == 10 * batch
    assert_allclose(sorted(map(derivatives, found.paths)), sorted(by_hand), rtol=1e-12)


@pytest.mark.parametrize("batch", [1, 3])
def test_a_weight_of_the_first_layer_has_160_paths_for_each_example(batch):
    network, loss, a, slopes, error = digits(batch)
    found = explain(loss, network[0].weight, (3, 5))
    v, w = network[2].weight.data, network[4].weight.data
    by_hand = sorted(
        (
            a[0][b, 5] * slopes[1][b, 3] * v[h, 3] * slopes[2][b, h]
            * w[o, h] * slopes[3][b, o] * error[b, o]
            for b in range(batch)
            for h in range(16)
            for o in range(10)
        ),
        key=abs,
        reverse=True,
    )  # fmt: skip
    assert found.count == len(by_hand) == 160 * batch
    assert_allclose([path.product for path in found.paths], by_hand[:10], rtol=1e-11)
    assert_allclose(found.rest.sum, sum(by_hand[10:]), rtol=1e-9)
    assert found.rest.count == len(by_hand) - 10
    (whole,) = gradients(loss, [network[0].weight])
    assert found.gradient == whole[3, 5]
    assert_allclose([found.total, sum(by_hand)], found.gradient, rtol=1e-10)


def test_the_factors_of_the_digits_network_are_said_in_words():
    network, loss, *_ = digits(2)
    (path,) = explain(loss, network[2].weight, (3, 5), paths=1, model=network).paths
    example, o = path.steps[-1].argument_index
    said = [re.sub(" with.*", "", step.words) for step in path.steps]
    assert said == [
        f"the activation sigmoid[{example}, 5]",
        "the slope of the sigmoid, a (1 - a)",
        f"the weight 4.weight[{o}, 3]",
        "the slope of the sigmoid, a (1 - a)",
        "2 (a - y) / 2",
    ]


def test_float32_agrees_to_its_rounding():
    network, *_ = digits(1)
    network.astype(np.float32)
    x = Tensor(np.random.default_rng(1).random((4, 784), np.float32))
    loss = nn.MSELoss()(network(x), Tensor(np.zeros((4, 10), np.float32)))
    found = explain(loss, network[0].weight, (0, 9))
    assert found.count == 640
    assert_allclose(found.total, found.gradient, rtol=1e-5)


# Words stand for the derivative, or are not said.


def one_step(loss, x, index=()):
    (path,) = explain(loss, x, index).paths
    return path.steps[0]


X, Y = 1.5, 0.5


@pytest.mark.parametrize(
    ("function", "words", "derivative"),
    [
        (lambda x: x + Y, "added as it is", 1),
        (lambda x: Y - x, "subtracted", -1),
        (lambda x: -x, "the sign changes", -1),
        (lambda x: x / Y, "1 / y with y = 0.5", 2),
        (lambda x: Y / x, "-x / y² with x = 0.5, y = 1.5", -Y / X**2),
        (lambda x: x**3, "3 x^2 with x = 1.5", 3 * X**2),
        (lambda x: x**2, "2 x with x = 1.5", 3),
        (np.sqrt, "1 / (2 r) with the root r = 1.225", 0.5 / np.sqrt(X)),
        (np.exp, "exp(x), the result itself", np.exp(X)),
        (np.log, "1 / x with x = 1.5", 1 / X),
        (np.sin, "cos(x) with x = 1.5", np.cos(X)),
        (np.cos, "-sin(x) with x = 1.5", -np.sin(X)),
        (np.tanh, "the slope of tanh, 1 - a² with a = 0.9051", 1 - np.tanh(X) ** 2),
        (lambda x: x.relu(), "the slope of relu, 1 as x > 0 with x = 1.5", 1),
        (np.cosh, "the slope of np.cosh by x", np.sinh(X)),
        (np.positive, "passed on as it is", 1),
    ],
)
def test_a_factor_has_its_words(function, words, derivative):
    x = leaf(X)
    step = one_step(function(x), x)
    assert step.words == words
    assert step.derivative == pytest.approx(derivative, rel=1e-12)


def test_sums_and_means_and_products_of_matrices_have_their_words():
    x, m = leaf([[1.0, 2.0], [3.0, 4.0]], "x"), Tensor([[5.0, 6.0], [7.0, 8.0]], name="m")
    assert one_step(x.sum(), x, (0, 1)).words == "summed as it is"
    assert one_step(x.mean(), x, (0, 1)).words == "1 / 4, the mean is of 4"
    assert one_step((x @ m)[1, 0], x, (1, 1)).words == "the factor m[1, 0]"
    assert one_step((m @ x)[1, 0], x, (1, 0)).words == "the factor m[1, 1]"
    v = leaf([1.0, 5.0], "v")
    assert one_step((x @ v)[1], x, (1, 0)).words == "the factor v[0]"
    assert one_step((v @ x)[1], x, (0, 1)).words == "the factor v[0]"
    assert one_step((x @ v)[1], v, (1,)).words == "the factor x[1, 1]"
    assert one_step(v @ m[0], v, (1,)).words == "the factor y[1]"
    assert one_step((x * m[0])[1, 1], x, (1, 1)).words == "the other factor, y[1]"


def test_losses_of_classes_have_their_words():
    x = leaf([[0.0, 0.0], [0.0, 0.0]])
    labels = np.array([1, 0])
    loss = nn.functional.cross_entropy(x, labels)
    assert one_step(loss, x, (0, 1)).words == "(p - y) / 2 with p = 0.5, y = 1"
    shares = nn.functional.softmax(x)
    assert one_step(shares[0, 0], x, (0, 0)).words == "the slope of softmax, p (1 - p) with p = 0.5"
    other = one_step(shares[0, 1], x, (0, 0))
    assert other.words == "the slope of softmax, -p q with p = 0.5, q = 0.5"
    assert other.derivative == -0.25


def test_an_operation_that_only_shares_the_name_is_not_said_to_be_a_sigmoid():
    @primitive
    def sigmoid(x):
        return x / (1 + abs(x))

    defvjp(sigmoid, lambda g, out, x: g / (1 + abs(x)) ** 2)
    x = leaf(2.0)
    assert one_step(sigmoid(x), x).words == "the slope of sigmoid by x"


# Where there is nothing to add up.


def test_a_black_pixel_is_named_as_the_reason_of_a_zero():
    pixels, weight = Tensor(np.eye(3), name="pixels"), leaf(np.ones((4, 3)))
    loss = nn.functional.linear(pixels[:1], weight).sigmoid().sum()
    found = explain(loss, weight, (1, 2))
    assert (found.gradient, found.total, found.count, found.paths) == (0, 0, 0, ())
    assert text(found).startswith(
        "d loss / d weight[1, 2] = 0: every path's product is 0, since linear, called in "
        "test_drawing_explain.py, has the derivative 0 by weight[1, 2] (the activation x[0, 2])"
    )


def test_a_neuron_that_is_off_is_named_as_the_reason_of_a_zero():
    x = leaf([-1.0, 2.0])
    found = explain((2 * x).relu().sum(), x, 0)
    assert "since relu, called in" in found.reason
    assert "by x[0] (the slope of relu, 0 as x <= 0 with x = -2)" in found.reason


def test_a_number_that_was_not_chosen_is_a_zero():
    x = leaf([-1.0, 2.0])
    assert "has the derivative 0 by x[0] (its result does not depend on it)" in str(
        explain(x[1] * 2, x, 0)
    )


def test_paths_with_a_factor_of_zero_are_left_out():
    x = leaf([1.0, 2.0])
    found = explain((x * [0.0, 3.0] + x).sum(), x, 0)
    assert found.count == 1
    assert found.gradient == 1


# All kinds of calls.


def agrees(loss, tensor):
    """Return the explanations of all numbers of `tensor`, which must add up to the gradient."""
    (whole,) = gradients(loss, [tensor])
    found = [explain(loss, tensor, place, paths=10**6) for place in np.ndindex(tensor.shape)]
    scale = np.max(np.abs(whole), initial=1e-300)
    for each, g in zip(found, whole.ravel(), strict=True):
        assert each.gradient == g
        total = sum(path.product for path in each.paths)
        assert_allclose([total, each.total], g, rtol=1e-9, atol=1e-12 * scale)
        assert each.rest.count == 0
        for path in each.paths:
            assert_allclose(path.product, np.prod(derivatives(path)), rtol=1e-12)
    return found


def symmetric():
    return leaf([[2.0, 1.0], [1.0, 3.0]], "m")


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda m: (m * m).sum(), 2),
        (lambda m: (m + m.T * 2).sum(), 2),
        (lambda m: np.stack([m, m * m]).sum(), 3),
        (lambda m: np.concatenate([m, m], axis=1)[0].sum(), None),
        (lambda m: np.einsum("ij,jk->", m, m), 2),
        (lambda m: np.linalg.eigh(m)[0][0] * np.linalg.eigh(m)[1][1, 0], None),
        (lambda m: np.linalg.slogdet(m)[1], None),
        (lambda m: sum(part.sum() for part in np.split(m, 2)), 1),
        (lambda m: np.max(m, axis=1, keepdims=True).sum(), None),
        (lambda m: np.clip(m, a_min=0.0, a_max=2.5).sum(), None),
        (lambda m: (m + m).mean(), 2),
        (lambda m: m.cumsum(axis=1)[:, 1].sum(), 1),
        (lambda m: m[[0, 0, 1]].sum(), None),
        (lambda m: checkpoint(lambda m: np.tanh(m @ m))(m).sum(), None),
        (lambda m: np.linalg.solve(m, m[0]).sum(), None),
    ],
)
def test_the_paths_of_any_call_add_up_to_the_gradient(function, count):
    m = symmetric()
    found = agrees(function(m), m)
    if count is not None:
        assert {each.count for each in found} == {count}


def test_what_a_checkpoint_reaches_without_an_argument_is_explained():
    m, outer = symmetric(), leaf(2.0)
    agrees(checkpoint(lambda m: np.tanh(m) * outer)(m).sum(), outer)


def test_what_was_assigned_to_is_explained_as_it_was_at_each_use():
    x = leaf([1.0, 2.0], "x")
    t = x * x
    before = t.sum()
    t[0] = x[1]
    loss = before * t.sum()
    agrees(loss, x)
    agrees(loss, t)
    assert explain(loss, t, 0).count == 1


def test_a_layer_used_twice_and_a_residual_block_have_paths_of_each_use():
    w, x = leaf([[0.5, -1.0], [2.0, 0.25]], "w"), Tensor([[1.0, 2.0]])
    hidden = x
    for _ in range(2):
        hidden = hidden + np.tanh(nn.functional.linear(hidden, w))
    # Used last: 1 path. Used first: past the second use, or through it to one of two neurons.
    assert {each.count for each in agrees(hidden.sum(), w)} == {4}


def test_an_inner_tensor_and_the_loss_itself_can_be_explained():
    loss, *_ = small_network()
    out = loss._args[0]
    assert explain(loss, out, (0, 0)).gradient == -1
    found = explain(loss, loss)
    assert (found.gradient, found.total, found.count) == (1, 1, 1)
    assert found.paths[0].steps == ()


def test_one_of_several_results_can_be_explained():
    values, vectors = np.linalg.eigh(symmetric())
    agrees((values * vectors[0]).sum(), values)
    agrees((values * vectors[0]).sum(), vectors)


def test_an_infinite_slope_beside_it_does_not_matter():
    x = leaf([0.0, 4.0])
    y = np.sqrt(x)
    assert explain(y[1] * 1, x, 1).gradient == 0.25
    with pytest.raises(ValueError, match=r"derivative of np\.sqrt .* element 0 of 'x' is inf"):
        explain(y.sum(), x, 0)


def uses_of(program):
    leaves, loss = program.recorded()
    for x in leaves:
        if loss.requires_grad:
            uses, is_met = partials.uses_between(x, loss)
            if is_met:
                yield from uses


@settings(max_examples=60)
@given(programs(), st.data())
def test_the_paths_of_a_random_program_add_up_to_the_gradient(program, data):
    leaves, loss = program.recorded()
    if not loss.requires_grad or loss.is_leaf:
        return
    for x, g in zip(leaves, gradients(loss, leaves), strict=True):
        if not partials.uses_between(x, loss)[1]:
            continue
        place = data.draw(st.sampled_from([*np.ndindex(x.shape)]))
        found = explain(loss, x, place, paths=5)
        assert found.gradient == g[place]
        products = [path.product for path in found.paths]
        assert products == sorted(products, key=abs, reverse=True)
        scale = found.count * max(map(abs, products), default=0)
        listed = sum(products) + found.rest.sum
        assert_allclose([found.total, listed], found.gradient, rtol=0, atol=1e-10 * scale)


@settings(max_examples=40)
@given(programs())
def test_rows_and_columns_of_the_derivatives_of_a_call_agree(program):
    for use in uses_of(program):
        if use.call._operation is partials.ITEM:
            continue
        jacobian = partials._Jacobian(use)
        rows = [jacobian.row(r) for r in range(partials.size_of(use.call))]
        columns = [jacobian.column(e) for e in range(use.x.size)]
        assert_allclose(np.array(rows), np.array(columns).T, rtol=1e-12, atol=1e-14)


@settings(max_examples=40)
@given(programs(), st.integers(0, 6))
def test_the_largest_paths_are_the_largest_of_all(program, most):
    leaves, loss = program.recorded()
    if not loss.requires_grad or not partials.uses_between(leaves[0], loss)[1]:
        return
    place = (0,) * leaves[0].ndim
    every = explain(loss, leaves[0], place, paths=10**6)
    if every.count > 2000:
        return
    some = explain(loss, leaves[0], place, paths=most)
    assert (len(every.paths), every.rest) == (every.count, chain.Rest(0, 0))
    assert len(some.paths) == min(most, every.count)
    assert_allclose(
        [abs(path.product) for path in some.paths],
        [abs(path.product) for path in every.paths[:most]],
        rtol=1e-12,
    )
    left = sum(path.product for path in every.paths) - sum(p.product for p in some.paths)
    scale = sum(abs(path.product) for path in every.paths)
    assert_allclose(some.rest.sum, left, rtol=0, atol=1e-12 * scale)
    assert some.rest.count == every.count - len(some.paths)


# Many paths, long paths.


def test_a_diamond_60_deep_has_all_its_paths_counted_at_once():
    x = leaf(1.0, "x")
    y = x
    for _ in range(60):
        y = y + y
    start = time.process_time()
    found = explain(y, x, paths=4)
    assert time.process_time() - start < 2
    assert (found.count, found.gradient, found.total) == (2**60, 2.0**60, 2.0**60)
    assert (found.rest.count, found.rest.sum) == (2**60 - 4, 2.0**60 - 4)
    routes = {tuple(step.argument for step in path.steps) for path in found.paths}
    assert len(routes) == 4


def test_a_chain_of_10_000_calls_is_explained():
    y = x = leaf(1.0, "x")
    for _ in range(10_000):
        y = y * 1.0001
    start = time.process_time()
    found = explain(y, x)
    assert len(found.paths[0].steps) == 10_000
    assert found.gradient == pytest.approx(1.0001**10_000, rel=1e-10)
    assert "the product of 9,970 more factors" in str(found)
    assert len(found.scene().marks) == 10_001
    assert time.process_time() - start < 8


def test_a_product_too_small_for_a_number_is_told_so():
    y = x = leaf(1.0, "x")
    for _ in range(400):
        y = y * 0.1
    found = explain(y, x)
    assert (found.gradient, found.count) == (0, 1)
    assert "= 0, closer to 0 than any float64" in str(found)


def test_products_on_the_way_may_be_larger_than_any_number():
    x = leaf(1e-300, "x")
    y = x * 1e200 * 1e200 * 1e-300
    found = explain(y, x)
    assert found.paths[0].product == found.gradient == pytest.approx(1e100)


@pytest.mark.parametrize("factors", [(1e-200, 1e-200, 1e300, 1e-8), (1e200, 1e200, 1e-300, 1e-8)])
def test_products_that_no_number_holds_are_refused(factors):
    x = leaf(1e-250 if factors[0] > 1 else 1.0, "x")
    small, again, large, last = factors
    y = x * small * again
    with pytest.raises(ValueError, match=r"beyond what a float64 holds: .* nearer to the loss"):
        explain((y * large + y * large) * last, x, paths=1)


def test_more_paths_than_digits_are_printed():
    y = x = leaf(1.0, "x")
    for _ in range(20_000):
        y = y * 0.5 + y * 0.5
    found = explain(y, x, paths=1)
    assert found.count == 2**20_000
    assert "the sum over about 3.98e6020 paths" in str(found)


@pytest.mark.parametrize(
    ("n", "words"), [(0, "0"), (1234, "1,234"), (10**15, "about 1e15"), (2**60, "about 1.15e18")]
)
def test_a_count_is_short(n, words):
    assert counted(n) == words


def test_too_many_derivatives_are_refused_with_what_to_do(monkeypatch):
    network, loss, *_ = digits(1)
    monkeypatch.setattr(chain, "MOST_ARROWS", 100)
    with pytest.raises(ValueError, match=r"more than 100 derivatives: .* fewer examples"):
        explain(loss, network[0].weight, (0, 0))


def test_too_much_work_is_refused_before_it_is_done():
    x = leaf(np.ones(1))
    wide = np.broadcast_to(x, (100_000,)) * 1.0
    with pytest.raises(ValueError, match=r"more than 4,000,000,000 numbers: .* fewer examples"):
        explain(np.tanh(wide).sum(), x, 0)


# Bad input.


def loss_and_weight():
    w = leaf([[1.0, 2.0, 3.0]], "w")
    return (w * w).sum(), w


@pytest.mark.parametrize("index", [3, (0,), (0, 0, 0), (0, 3), (0, -4), (1, 0), ()])
def test_an_index_of_no_number_is_refused(index):
    loss, w = loss_and_weight()
    with pytest.raises(IndexError, match=r"one number of shape \(1, 3\).* give 2 integers"):
        explain(loss, w, index)


@pytest.mark.parametrize("index", [1.0, (0, 1.5), (0, True), slice(None), None, "0", [0, 1]])
def test_what_is_no_index_is_refused(index):
    loss, w = loss_and_weight()
    with pytest.raises(TypeError, match=r"an index of integers, such as 3 or \(3, 5\)"):
        explain(loss, w, index)


def test_an_index_may_count_from_the_end_and_be_numpys():
    loss, w = loss_and_weight()
    for index in [(0, -1), (-1, 2), (np.int64(0), np.int32(2))]:
        assert explain(loss, w, index).element == "w[0, 2]"
    x = leaf([1.0, 2.0])
    assert explain(x.sum(), x, 1).element == "a[1]"


def test_what_is_no_tensor_is_refused():
    loss, w = loss_and_weight()
    with pytest.raises(TypeError, match="found ndarray as tensor"):
        explain(loss, w.data, (0, 0))
    with pytest.raises(TypeError, match="found float as loss"):
        explain(1.0, w, (0, 0))
    with pytest.raises(TypeError, match=r"named_parameters\(\), found dict"):
        explain(loss, w, (0, 0), model={})


def test_a_loss_that_is_no_scalar_is_refused():
    _, w = loss_and_weight()
    with pytest.raises(ValueError, match=r"scalar loss, found shape \(1, 3\).*\.sum\(\)"):
        explain(w * w, w, (0, 0))
    assert explain((w * w)[:, :1], w, (0, 0)).gradient == 2


def test_a_tensor_that_is_not_in_the_graph_is_refused():
    loss, w = loss_and_weight()
    with pytest.raises(ValueError, match="not computed from Tensor 'other'"):
        explain(loss, leaf(1.0, "other"))
    with pytest.raises(ValueError, match=r"not computed from the Tensor of shape \(1, 3\)"):
        explain(loss, w * 2, (0, 0))


def test_a_tensor_that_needs_no_gradient_is_refused():
    x, w = Tensor(2.0, name="x"), leaf(1.0)
    with pytest.raises(TypeError, match=r"'x' does not: make it with requires_grad=True"):
        explain(w * x, x)


def test_a_loss_without_a_graph_is_refused():
    w = leaf(1.0)
    with no_grad():
        loss = w * w
    with pytest.raises(RuntimeError, match=r"no graph behind .* no_grad\(\)"):
        explain(loss, w)


def test_an_array_as_index_and_a_word_as_paths_are_refused():
    loss, w = loss_and_weight()
    with pytest.raises(TypeError, match=r"index of integers, .* found array\(\[0, 1\]\)"):
        explain(loss, w, np.array([0, 1]))
    for paths in ("all", -1, 1.5, True):
        with pytest.raises(ValueError, match=rf"a whole number from 0 on, found {paths!r}"):
            explain(loss, w, (0, 0), paths=paths)


def test_without_a_model_the_outermost_modules_name_their_own_as_in_a_picture():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1))
    loss = model(np.ones((1, 2))).sum()
    path = explain(loss, model[0].weight, (0, 1))
    assert path.element == "0.weight[0, 1]"
    assert path.paths[0].steps[2].words == "the weight 2.weight[0, 0]"


def test_what_came_before_the_tensor_may_have_been_released():
    w = leaf([1.0, 2.0])
    h = w * 2.0
    h.sum().backward()
    assert explain((h * h).sum(), h, 0).gradient == 4.0


def test_a_released_graph_is_refused():
    loss, w = loss_and_weight()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"draw or explain before backward\(\), .*retain_graph"):
        explain(loss, w, (0, 0))


def test_a_value_written_since_is_refused():
    loss, w = loss_and_weight()
    w.data -= 1
    with pytest.raises(RuntimeError, match=r"'w' was used by np\.multiply .* and written since"):
        explain(loss, w, (0, 0))


def test_complex_numbers_are_refused():
    x = leaf([1.0, 2.0])
    with pytest.raises(NotImplementedError, match=r"found complex numbers in np\.fft\.fft"):
        explain(np.abs(np.fft.fft(x)).sum(), x, 0)
    z = leaf(1j)
    with pytest.raises(NotImplementedError, match="complex128"):
        explain(np.real(z * z), z)


def test_a_hook_is_refused_and_not_called():
    seen = []
    x = leaf(1.0)
    with pytest.raises(NotImplementedError, match="without the hook"):
        explain(hook(x * 2, seen.append) * 3, x)
    assert seen == []


def test_a_rule_that_is_not_linear_is_noticed():
    @primitive
    def clipped(x):
        return x * 1.0

    defvjp(clipped, lambda g, out, x: np.minimum(g, 2.0))
    x = leaf(1.0)
    with pytest.raises(
        RuntimeError, match=r"the paths, 1 of them, add up to 3\.0, .* gradient is 2\.0"
    ):
        explain(clipped(x) * 3, x)


def test_a_rule_that_fails_is_named_with_its_line():
    m = leaf(np.eye(2))
    with pytest.raises(NotImplementedError, match=r"the derivative of np\.linalg\.eigh"):
        explain(np.linalg.eigh(m)[1][0, 0] * 1.0, m, (0, 1))


# Nothing is disturbed.


def step(look):
    """Return the gradients of a walk before which `look` is called."""
    network, loss, *_ = digits(2)
    parameters = list(network.parameters())
    before = [(p.data.tobytes(), p._grad, p._tick, p.name) for p in (*parameters, loss)]
    calls = loss._args
    look(loss, network[0].weight, (3, 5), model=network)
    assert loss._args is calls
    assert [(p.data.tobytes(), p._grad, p._tick, p.name) for p in (*parameters, loss)] == before
    loss.backward()
    return [p.grad.tobytes() for p in parameters]


def test_explaining_changes_neither_values_nor_gradients_nor_the_graph():
    assert step(explain) == step(lambda *_, **__: None)


def test_explaining_works_where_nothing_is_recorded():
    loss, w = loss_and_weight()
    with no_grad():
        assert explain(loss, w, (0, 1)).gradient == 4


def test_explaining_raises_no_anomaly_that_is_none():
    x = leaf([0.0, 4.0])
    with detect_anomaly():
        y = np.sqrt(x)
        assert explain(y[1] * 1, x, 1).gradient == 0.25


def test_an_explanation_is_the_same_each_time():
    network, loss, *_ = digits(1)
    one, two = (explain(loss, network[2].weight, (1, 2), model=network) for _ in range(2))
    assert one == two
    assert repr(one) == str(one)
    assert one.picture().source == two.picture().source


PROGRAM = """
from tests.test_drawing_explain import digits
from autograd_mini.drawing import explain
network, loss, *_ = digits(2)
found = explain(loss, network[0].weight, (3, 5), model=network)
print(found)
print(found.picture().source)
"""


def test_an_explanation_does_not_depend_on_the_hash_seed():
    texts = set()
    for seed in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, env=environment, text=True
        )
        assert run.returncode == 0, run.stderr
        texts.add(run.stdout)
    assert len(texts) == 1
    assert "path 10 of 320" in texts.pop()


# The picture.


def test_the_picture_has_the_numbers_of_the_listed_paths_and_their_derivatives():
    network, loss, *_ = digits(1)
    found = explain(loss, network[2].weight, (3, 5), model=network)
    scene = found.scene()
    # The weight, its sum and activation, ten sums and activations, and the loss.
    assert len(scene.marks) == 1 + 2 + 20 + 1
    assert len(scene.arrows) == 2 + 10 + 10 + 10
    assert scene.marks[0].title == "2.weight[3, 5]"
    assert [mark.kind for mark in scene.marks].count("output") == 1
    first = {f"e{s.element}": f"{s.derivative:.4g}" for s in found.paths[0].steps}
    told = {arrow.head: arrow.text for arrow in scene.arrows if "," in arrow.text}
    assert [*told] == [*first]
    assert all(first[head] in text for head, text in told.items())
    assert told[[*told][1]].endswith(", slope of the sigmoid")
    marks = {mark.id for mark in scene.marks}
    assert all({arrow.tail, arrow.head} <= marks for arrow in scene.arrows)
    assert scene.notes[0].startswith("d loss / d 2.weight[3, 5] = ")
    assert sum(note.startswith("path ") for note in scene.notes) == 10


def test_two_uses_by_one_call_are_two_arrows():
    x = leaf(3.0, "x")
    scene = explain(x * x, x).scene()
    assert [(a.tail, a.head) for a in scene.arrows] == [("e0", "e1")] * 2


def test_a_zero_is_drawn_with_its_reason():
    x = leaf([1.0, 2.0])
    scene = explain(x[0] * 1, x, 1).scene()
    assert len(scene.marks) == 1
    assert "does not depend on it" in scene.notes[1]


def test_what_is_not_listed_stands_in_a_note():
    x = leaf(2.0)
    assert explain(x * x * x, x, paths=1).scene().notes[-1] == "and 2 more paths, together 8"
    assert explain(x * x * x, x, paths=0).scene().notes[-1] == "3 paths, not listed, together 12"
