"""Losses against values worked out by hand, and the errors that keep wrong pairs from mixing."""

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, gradients
from nn.functional import cross_entropy, mse_loss

PREDICTION = np.array([[1.0, 2.0], [3.0, 5.0], [0.0, 1.0]])
TARGET = np.array([[0.0, 2.0], [1.0, 2.0], [0.0, 0.0]])
SQUARES = [[1.0, 0.0], [4.0, 9.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("reduction", "loss", "divisor"),
    [("mean", 15 / 6, 6), ("sum", 15, 1), ("batchmean", 15 / 3, 3), ("none", SQUARES, 1)],
)
def test_mse_is_the_squared_differences_reduced(reduction, loss, divisor):
    a = Tensor(PREDICTION, requires_grad=True)
    y = Tensor(TARGET, requires_grad=True)
    out = nn.MSELoss(reduction)(a, y)
    np.testing.assert_allclose(out.data, loss, rtol=1e-15)
    out.backward(np.ones(out.shape))
    np.testing.assert_allclose(a.grad, 2 * (PREDICTION - TARGET) / divisor, rtol=1e-15)
    np.testing.assert_allclose(y.grad, 2 * (TARGET - PREDICTION) / divisor, rtol=1e-15)


def test_batchmean_sums_over_outputs_and_averages_over_examples():
    per_example = mse_loss(PREDICTION, TARGET, "none").sum(axis=1)
    assert mse_loss(PREDICTION, TARGET, "batchmean") == per_example.mean()


def test_the_second_derivative_of_mse_is_constant():
    a = Tensor(PREDICTION, requires_grad=True)
    (slope,) = gradients(mse_loss(a, TARGET, "sum"), [a], create_graph=True)
    (curvature,) = gradients(slope.sum(), [a])
    assert np.array_equal(curvature, np.full(a.shape, 2.0))


def test_cross_entropy_is_the_negative_log_of_the_right_share():
    shares = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    losses = cross_entropy(np.log(shares) + 3, np.array([0, 2]), "none")
    np.testing.assert_allclose(losses, [np.log(2), -np.log(0.7)], rtol=1e-14)


@pytest.mark.parametrize(("reduction", "divisor"), [("mean", 2), ("sum", 1)])
def test_the_gradient_of_cross_entropy_is_softmax_minus_one_hot(reduction, divisor):
    shares = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    logits = Tensor(np.log(shares), requires_grad=True)
    nn.CrossEntropyLoss(reduction)(logits, np.array([0, 2])).backward()
    np.testing.assert_allclose(
        logits.grad, (shares - [[1, 0, 0], [0, 0, 1]]) / divisor, rtol=1e-14, atol=1e-16
    )


def test_cross_entropy_of_equal_logits_is_the_log_of_the_number_of_classes():
    for classes in (2, 10, 1000):
        assert np.isclose(cross_entropy(np.zeros((4, classes)), np.arange(4) % 2), np.log(classes))


def test_cross_entropy_neither_overflows_nor_underflows():
    logits = Tensor([[1e4, 0.0], [0.0, 1e4], [-1e4, 0.0]], requires_grad=True)
    loss = cross_entropy(logits, np.array([0, 0, 0]), "none")
    assert loss.data.tolist() == [0.0, 1e4, 1e4]
    loss.backward(np.ones(3))
    assert logits.grad.tolist() == [[0.0, 0.0], [-1.0, 1.0], [-1.0, 1.0]]


def test_a_class_that_is_ruled_out_by_minus_infinity_has_no_share():
    logits = Tensor([[0.0, -np.inf, 0.0]], requires_grad=True)
    loss = cross_entropy(logits, np.array([0]))
    loss.backward()
    assert np.isclose(loss.item(), np.log(2))
    np.testing.assert_allclose(logits.grad, [[-0.5, 0.0, 0.5]])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint64])
def test_labels_may_be_any_integers_also_in_a_tensor_or_list(dtype):
    logits = np.log([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    labels = np.array([0, 2], dtype)
    expected = (np.log(2) - np.log(0.7)) / 2
    x = Tensor(logits, requires_grad=True)
    for given in (labels, Tensor(labels), labels.tolist()):
        loss = cross_entropy(x, given)
        assert np.isclose(loss.item(), expected)
        loss.backward()
    assert np.isclose(x.grad[1, 2], 3 * (0.7 - 1) / 2)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
def test_mse_of_float32_is_float32(reduction):
    a = Tensor(PREDICTION.astype(np.float32), requires_grad=True)
    out = mse_loss(a, TARGET.astype(np.float32), reduction)
    out.backward(np.ones(out.shape, np.float32))
    assert out.dtype == a.grad.dtype == np.float32


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_of_float32_is_float32(reduction):
    logits = Tensor(PREDICTION.astype(np.float32), requires_grad=True)
    out = cross_entropy(logits, np.array([0, 1, 1]), reduction)
    out.backward(np.ones(out.shape, np.float32))
    assert out.dtype == logits.grad.dtype == np.float32


# What is refused.


@pytest.mark.parametrize(
    ("found", "wanted", "remedy"),
    [
        ((5, 1), (5,), "reshape one of them, such as target.reshape((5, 1))"),
        ((5,), (5, 1), "reshape one of them, such as target.reshape((5,))"),
        ((10,), (1, 10), "target.reshape((10,))"),
        ((32, 10), (32,), "one-hot rows with np.eye(10)[labels]"),
        ((32, 10), (10,), "np.broadcast_to"),
        ((32, 10), (), "np.broadcast_to"),
        ((2, 3), (3, 2), "reshape((2, 3))"),
    ],
)
def test_mse_of_different_shapes_is_refused_with_both_and_the_likely_remedy(found, wanted, remedy):
    with pytest.raises(ValueError, match="mse_loss compares arrays of one shape") as caught:
        nn.MSELoss()(Tensor(np.ones(found), requires_grad=True), np.ones(wanted))
    assert f"prediction {found} and target {wanted}" in str(caught.value)
    assert remedy in str(caught.value)


def test_mse_against_a_plain_number_is_refused():
    with pytest.raises(
        TypeError, match="mse_loss takes arrays or Tensors, found ndarray and float"
    ):
        mse_loss(Tensor([1.0, 2.0], requires_grad=True), 1.0)


def test_mse_of_a_single_number_against_a_plain_one_works():
    prediction = Tensor(3.0, requires_grad=True)
    mse_loss(prediction, 1.0).backward()
    assert prediction.grad == 4.0
    assert mse_loss(np.float64(3.0), 1) == 4.0


def test_mse_against_a_list_works():
    a = Tensor([1.0, 2.0], requires_grad=True)
    loss = mse_loss(a, [0.0, 4.0])
    loss.backward()
    assert loss.item() == 2.5
    assert a.grad.tolist() == [1.0, -2.0]


def test_mse_of_integers_is_refused_because_they_would_wrap_around():
    with pytest.raises(TypeError, match="found uint8 and uint8: convert one"):
        mse_loss(np.array([1], np.uint8), np.array([2], np.uint8))


def test_mse_against_integer_targets_works():
    assert mse_loss(np.array([0.5]), np.array([1], np.uint8)) == 0.25
    assert mse_loss(np.array([0.5]), np.array([True])) == 0.25


@pytest.mark.parametrize(
    ("loss", "known"),
    [
        (nn.MSELoss, "'mean', 'sum', 'none', 'batchmean'"),
        (nn.CrossEntropyLoss, "'mean', 'sum', 'none'"),
    ],
)
def test_an_unknown_reduction_is_refused_with_the_ones_there_are(loss, known):
    with pytest.raises(ValueError, match="asked for 'median'") as caught:
        loss("median")
    assert f"{loss.__name__} has the reductions {known}," in str(caught.value)


def test_the_functions_refuse_an_unknown_reduction_too():
    with pytest.raises(ValueError, match="mse_loss has the reductions"):
        mse_loss(PREDICTION, TARGET, "median")
    with pytest.raises(ValueError, match="cross_entropy has the reductions"):
        cross_entropy(PREDICTION, np.array([0, 1, 1]), "batchmean")


@pytest.mark.parametrize(
    ("shape", "reduction"),
    [((0, 3), "mean"), ((0, 3), "batchmean"), ((), "batchmean"), ((2, 0), "mean")],
)
def test_an_average_of_nothing_is_refused(shape, reduction):
    with pytest.raises(ValueError, match="nothing to average") as caught:
        mse_loss(np.zeros(shape), np.zeros(shape), reduction)
    assert str(shape) in str(caught.value)


def test_a_sum_of_nothing_is_zero():
    assert mse_loss(np.zeros((0, 3)), np.zeros((0, 3)), "sum") == 0
    assert cross_entropy(np.zeros((0, 3)), np.zeros(0, int), "sum") == 0
    with pytest.raises(ValueError, match="nothing to average"):
        cross_entropy(np.zeros((0, 3)), np.zeros(0, int))


@pytest.mark.parametrize("label", [-1, 3, 100])
def test_a_label_out_of_range_is_refused(label):
    with pytest.raises(ValueError, match=f"with 3 classes takes labels from 0 to 2, found {label}"):
        cross_entropy(np.zeros((2, 3)), np.array([0, label]))


@pytest.mark.parametrize("dtype", [np.float64, np.bool_])
def test_labels_that_are_no_integers_are_refused(dtype):
    with pytest.raises(TypeError, match="class indices as labels, found dtype"):
        nn.CrossEntropyLoss()(np.zeros((2, 3)), np.array([0, 1], dtype))


@pytest.mark.parametrize(
    ("logits", "labels"), [((2, 3), (3,)), ((2, 3), (2, 1)), ((3,), ()), ((2, 3, 4), (2, 4))]
)
def test_logits_and_labels_of_other_shapes_are_refused(logits, labels):
    with pytest.raises(ValueError, match=r"labels of shape \(batch,\)") as caught:
        cross_entropy(np.zeros(logits), np.zeros(labels, int))
    assert f"found {logits} and {labels}" in str(caught.value)


def test_logits_that_are_a_plain_list_are_refused():
    with pytest.raises(TypeError, match="cross_entropy takes arrays or Tensors, found list"):
        cross_entropy([[0.0, 0.0]], np.array([0]))
