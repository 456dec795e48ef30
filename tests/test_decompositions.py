"""Decompositions where their derivatives end: repeated values, lost rank, singular matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, gradients

xp: Any = np
linalg: Any = np.linalg


def slope(f: Any, value: Any) -> Any:
    x = Tensor(np.array(value, float), requires_grad=True)
    (found,) = gradients(f(x).sum(), [x])
    return found


def test_the_results_of_a_decomposition_have_numpys_names() -> None:
    x = Tensor(np.diag([1.0, 3.0]), requires_grad=True)
    found = linalg.eigh(x)
    assert type(found) is type(np.linalg.eigh(np.eye(2)))
    found.eigenvalues[1].backward()
    assert_array_equal(x.grad, [[0, 0], [0, 1]])


@pytest.mark.parametrize(
    "f",
    [
        linalg.eigvalsh,
        linalg.svdvals,
        lambda x: linalg.eigh(x).eigenvalues,
        lambda x: linalg.svd(x).S,
        lambda x: linalg.eig(x).eigenvalues,
        linalg.eigvals,
    ],
)
def test_the_sum_of_repeated_eigenvalues_has_the_slope_of_the_trace(f: Any) -> None:
    assert_allclose(slope(f, np.eye(3)), np.eye(3), atol=1e-15)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: linalg.eigh(x).eigenvectors[0],
        lambda x: linalg.eig(x).eigenvectors[0],
        lambda x: linalg.svd(x).U[0],
        lambda x: linalg.svd(x).Vh[0],
    ],
)
def test_the_vectors_of_repeated_values_are_refused(f: Any) -> None:
    with pytest.raises(NotImplementedError, match="vectors of equal eigenvalues"):
        slope(f, np.eye(3))


def test_a_vector_beside_repeated_eigenvalues_has_its_slope() -> None:
    found = slope(lambda x: linalg.eigh(x).eigenvectors[0, 2] ** 1, np.diag([1.0, 1.0, 3.0]))
    assert_allclose(np.abs(found), [[0, 0, 0], [0, 0, 0], [0.5, 0, 0]], atol=1e-15)


def test_only_the_triangle_that_is_read_has_a_gradient() -> None:
    a = [[2.0, 0.5], [0.5, 1.0]]
    assert slope(linalg.cholesky, a)[0, 1] == 0
    assert slope(lambda x: linalg.cholesky(x, upper=True), a)[1, 0] == 0
    assert slope(lambda x: linalg.eigvalsh(x)[0], a)[0, 1] == 0
    assert slope(lambda x: linalg.eigvalsh(x, "U")[0], a)[1, 0] == 0


@pytest.mark.parametrize(
    ("value", "cofactors"),
    [
        ([[1, 2], [2, 4]], [[4, -2], [-2, 1]]),
        (np.zeros((2, 2)), np.zeros((2, 2))),
        (np.diag([2.0, 3.0, 0.0]), np.diag([0.0, 0.0, 6.0])),
        (np.zeros((1, 1)), [[1]]),
        (1e-200 * np.eye(2), 1e-200 * np.eye(2)),
        ([np.ones((2, 2)), np.eye(2)], [[[1, -1], [-1, 1]], np.eye(2)]),
    ],
)
def test_the_determinant_of_a_singular_matrix_has_its_cofactors(value: Any, cofactors: Any) -> None:
    assert_allclose(slope(linalg.det, value), cofactors, rtol=1e-12)


def test_a_large_singular_matrix_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="all minors"):
        slope(linalg.det, np.zeros((200, 200)))


@pytest.mark.parametrize(
    "f",
    [
        linalg.pinv,
        lambda x: linalg.lstsq(x, np.arange(3.0))[0],
        lambda x: linalg.qr(x).R,
        lambda x: linalg.svd(x).U[:, 2:],
        lambda x: linalg.qr(x, "complete").Q,
        linalg.cond,
    ],
)
def test_what_has_no_derivative_is_refused(f: Any) -> None:
    with pytest.raises(NotImplementedError):
        slope(f, np.zeros((3, 2)))


@pytest.mark.parametrize("order", [None, 1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc"])
def test_the_slope_of_a_matrix_norm_at_zero_is_zero(order: Any) -> None:
    assert_array_equal(slope(lambda x: linalg.norm(x, order), np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("order", [None, 0, 1, 2, 3, np.inf, -np.inf])
def test_the_slope_of_a_vector_norm_at_zero_is_zero(order: Any) -> None:
    x = Tensor(np.zeros(3), requires_grad=True)
    (first,) = gradients(linalg.norm(x, order), [x], create_graph=True)
    assert_array_equal(first.data, np.zeros(3))
    if first.requires_grad:
        assert_array_equal(gradients(first.sum(), [x])[0], np.zeros(3))


def test_tied_singular_values_share_equally() -> None:
    assert_allclose(slope(lambda x: linalg.norm(x, 2), np.eye(4)), np.eye(4) / 4, atol=1e-15)
