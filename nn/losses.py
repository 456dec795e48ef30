"""The losses: how far the outputs are from their targets, in one number.

Each is a primitive with its rules, and a module that remembers the reduction. One recorded call
stands where a composition would make four or more. Nothing here turns float32 into float64:
constants are Python numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_mini import defvjp, primitive, softmax
from autograd_mini.checks import shown
from autograd_mini.kinds import as_array, as_numpy
from nn.module import Module

REDUCTIONS = ("mean", "sum", "none")
MSE_REDUCTIONS = (*REDUCTIONS, "batchmean")


# A primitive for cost: a difference and one dot product, instead of four calls.
@primitive
def mse_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the squared differences, summed or averaged.

    loss = sum (prediction - target)^2 / n

    Args:
        prediction: any shape.
        target: the values wanted, of the same shape.
        reduction: n is the number of elements for "mean", the length of the first axis for
            "batchmean" (squares summed over the outputs, averaged over the examples), 1 for
            "sum"; "none" returns every square.

    Raises:
        TypeError: neither is floating-point.
        ValueError: the shapes differ, there is nothing to average, or no such reduction.

    >>> mse_loss(np.array([[1.0, 0.0], [0.0, 0.0]]), np.zeros((2, 2)), "batchmean")
    np.float64(0.5)
    """
    _check_reduction("mse_loss", reduction, MSE_REDUCTIONS)
    try:
        fits = prediction.shape == target.shape
    except AttributeError:  # a plain number fits a single one
        fits = getattr(prediction, "shape", None) == getattr(target, "shape", ())
    if not fits:
        raise _mismatch(prediction, target)
    difference = prediction - target
    if difference.dtype.kind not in "fc":
        raise TypeError(
            f"mse_loss compares floating-point numbers, found {prediction.dtype} and "
            f"{target.dtype}: convert one with .astype(float)"
        )
    if reduction == "none":
        return difference * difference
    n = _count(prediction.shape, reduction)
    if type(difference) is not np.ndarray:  # other libraries may not flatten every layout
        return np.sum(difference * difference) / n
    difference = difference.ravel()
    return difference.dot(difference) / n


defvjp(
    mse_loss,
    lambda g, out, prediction, target, reduction="mean": (
        g * (2 / _count(prediction.shape, reduction)) * (prediction - target)
    ),
    lambda g, out, prediction, target, reduction="mean": (
        g * (2 / _count(prediction.shape, reduction)) * (target - prediction)
    ),
)


class MSELoss(Module):
    """Squared differences; see `mse_loss`.

    With "batchmean", the squares are summed over the outputs and averaged over the examples.

    Args:
        reduction: "mean", "sum", "none" or "batchmean".

    Raises:
        ValueError: no such reduction.

    >>> MSELoss("batchmean")(np.array([[1.0, 0.0], [0.0, 0.0]]), np.zeros((2, 2)))
    np.float64(0.5)
    """

    def __init__(self, reduction: str = "mean") -> None:
        _check_reduction("MSELoss", reduction, MSE_REDUCTIONS)
        self.reduction = reduction

    def forward(self, prediction: Any, target: Any) -> Any:
        """Return the loss of `prediction` against `target`, two arrays of one shape."""
        return mse_loss(prediction, target, self.reduction)

    def extra_repr(self) -> str:
        """Describe the reduction."""
        return repr(self.reduction)


# A primitive for numerics: the logarithm of a softmax must not see a rounded zero.
@primitive
@np.errstate(under="ignore")
def cross_entropy(logits: Any, labels: Any, reduction: str = "mean") -> Any:
    """Return the negative log-likelihood of `labels`, in nats.

    loss_i = logsumexp(logits_i) - logits_i[labels_i]

    Args:
        logits: unnormalised scores, shape (batch, classes).
        labels: class indices in [0, classes), integers of shape (batch,).
        reduction: "mean" or "sum" over the batch, or "none".

    Raises:
        TypeError: the labels are not integers.
        ValueError: the shapes disagree, a label is out of range, there is nothing to average, or
            no such reduction.

    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), 6.2.2.3.

    >>> cross_entropy(np.array([[0.0, 0.0], [0.0, 1e3]]), np.array([0, 1]))
    np.float64(0.34657359027997264)
    """
    _check_reduction("cross_entropy", reduction, REDUCTIONS)
    labels = as_array(labels)
    _check_labels(logits, labels)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    losses = log_sum - _chosen(shifted, labels)
    return losses if reduction == "none" else losses.sum() / _count(labels.shape, reduction)


defvjp(
    cross_entropy,
    lambda g, out, logits, labels, reduction="mean": (
        (g / _count(logits.shape[:1], reduction)).reshape(-1, 1)
        * (softmax(logits) - _one_hot(labels, logits))
    ),
    None,
)


class CrossEntropyLoss(Module):
    """Negative log-likelihood of class labels, in nats; see `cross_entropy`.

    Args:
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: no such reduction.

    >>> CrossEntropyLoss()(np.array([[0.0, 0.0]]), np.array([1]))
    np.float64(0.6931471805599453)
    """

    def __init__(self, reduction: str = "mean") -> None:
        _check_reduction("CrossEntropyLoss", reduction, REDUCTIONS)
        self.reduction = reduction

    def forward(self, logits: Any, labels: Any) -> Any:
        """Return the loss of `logits`, shape (batch, classes), for `labels`, shape (batch,)."""
        return cross_entropy(logits, labels, self.reduction)

    def extra_repr(self) -> str:
        """Describe the reduction."""
        return repr(self.reduction)


def _check_reduction(loss: str, reduction: Any, known: tuple[str, ...]) -> None:
    """Raise a ValueError if `reduction` is not one of those `known` to `loss`."""
    if not isinstance(reduction, str) or reduction not in known:
        raise ValueError(
            f"{loss} has the reductions {', '.join(map(repr, known))}, asked for {shown(reduction)}"
        )


def _count(shape: tuple[int, ...], reduction: str) -> int:
    """Return the number that the sum of the losses is divided by."""
    if reduction == "mean":
        n = math.prod(shape)
    elif reduction == "batchmean":
        n = shape[0] if shape else 0
    else:
        return 1
    if n == 0:
        raise ValueError(f"there is nothing to average by {reduction!r} in losses of shape {shape}")
    return n


def _check_labels(logits: Any, labels: Any) -> None:
    """Raise unless `labels` are integers in range, one per row of `logits`."""
    if not hasattr(logits, "shape"):
        raise TypeError(_no_arrays("cross_entropy", logits))
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            "cross_entropy takes logits of shape (batch, classes) and labels of shape (batch,), "
            f"found {logits.shape} and {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"cross_entropy takes class indices as labels, found dtype {labels.dtype}: use "
            "labels.astype(int), or probabilities.argmax(axis=1)"
        )
    classes = logits.shape[1]
    if np.count_nonzero(wrong := (labels < 0) | (labels >= classes)):
        raise ValueError(
            f"cross_entropy with {classes} classes takes labels from 0 to {classes - 1}, "
            f"found {as_numpy(labels[int(np.argmax(wrong))])}"
        )


def _chosen(rows: Any, labels: Any) -> Any:
    """Return the element of each row that its label names."""
    if type(rows) is np.ndarray:  # faster; other libraries may not have it
        return rows[np.arange(len(labels)), labels]
    return np.where(_one_hot(labels, rows), rows, 0).sum(axis=1)


def _one_hot(labels: Any, rows: Any) -> Any:
    """Return where each label's column is; the columns are numbered in the kind of `rows`."""
    if type(rows) is np.ndarray:  # faster
        columns = np.arange(rows.shape[1])
    else:
        columns = np.cumsum(np.ones_like(rows[:1], dtype=np.intp), axis=1) - 1
    return np.equal(np.reshape(labels, (-1, 1)), columns)


def _mismatch(prediction: Any, target: Any) -> Exception:
    """Make the error for shapes that differ, with the likely remedy."""
    if not (hasattr(prediction, "shape") and hasattr(target, "shape")):
        return TypeError(_no_arrays("mse_loss", prediction, target))
    found, wanted = prediction.shape, target.shape
    remedy = "compare like with like, or say what you mean with np.broadcast_to"
    if found[:-1] == wanted:
        remedy = f"turn class labels into one-hot rows with np.eye({found[-1]})[labels]"
    if math.prod(found) == math.prod(wanted):
        remedy = f"reshape one of them, such as target.reshape({found})"
    return ValueError(
        f"mse_loss compares arrays of one shape, found prediction {found} and target {wanted}: "
        f"{remedy}"
    )


def _no_arrays(function: str, *values: Any) -> str:
    kinds = " and ".join(type(value).__name__ for value in values)
    return f"{function} takes arrays or Tensors, found {kinds}: wrap numbers and lists in np.array"
