"""Decompositions where their derivatives end: repeated values, lost rank, singular matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, grad, gradients
from tests.numeric import numeric_gradient

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
def test_the_slope_of_a_vector_norm_at_zero_is_zero_and_has_no_slope(order: Any) -> None:
    x = Tensor(np.zeros(3), requires_grad=True)
    (first,) = gradients(linalg.norm(x, order), [x], create_graph=True)
    assert_array_equal(first.data, np.zeros(3))
    assert first.requires_grad == (order != 0)  # a count is flat
    if order != 0:
        assert_array_equal(gradients(first.sum(), [x])[0], np.full(3, np.nan))


def test_tied_singular_values_share_equally() -> None:
    assert_allclose(slope(lambda x: linalg.norm(x, 2), np.eye(4)), np.eye(4) / 4, atol=1e-15)


WIDE = np.array([[1 + 2j, 3, -1j], [2, 1j, 1.5]])
HERMITIAN = np.array([[1, 0.5j, 0], [-0.5j, 3, 0], [0, 0, 6]])
MATRICES = {
    "wide": WIDE,
    "tall": WIDE.T.copy(),
    "diagonal": np.diag([1 + 0j, 2, 4]),
    "hermitian": HERMITIAN,
    "permuting": np.array([[0, 2, 1], [1, 0, 0], [0, 3, 0]], complex),
    "rank 2 of 3": np.array([[1, 2, 3j], [1j, 0, 1], [1 + 1j, 2, 1 + 3j]]),
    "stack": np.stack([np.diag([1, 2j, 4]), 1e-30 * HERMITIAN, 1e5 * HERMITIAN @ HERMITIAN]),
}
VECTORS = {
    "eigh": lambda x: linalg.eigh(x).eigenvectors,
    "eig": lambda x: linalg.eig(x).eigenvectors,
    "left": lambda x: linalg.svd(x, False).U,
    "right": lambda x: linalg.svd(x, False).Vh,
}
# (name of the matrix, name of the vectors): eigenvectors are those of square matrices.
PAIRS = [(m, v) for m in MATRICES for v in VECTORS if "eig" not in v or m not in ("wide", "tall")]


def fourth_powers(vectors: Any, matrix: Any) -> Any:
    return xp.sum(xp.abs(VECTORS[vectors](matrix)) ** 4)


def complex_slope(f: Any, z: np.ndarray) -> np.ndarray:
    by_x, by_y = numeric_gradient(lambda p: f(p[0] + 1j * p[1]), [z.real, z.imag], False)
    return by_x - 1j * by_y


@pytest.mark.parametrize("name", ["left", "right"])
@pytest.mark.parametrize("matrix", ["wide", "tall", "permuting"])
def test_what_depends_on_vectors_of_one_side_has_a_derivative(matrix: str, name: str) -> None:
    z = MATRICES[matrix]
    found = grad(lambda a: fourth_powers(name, a))(z)
    wanted = complex_slope(lambda a: fourth_powers(name, a), z)
    assert_allclose(found, wanted, rtol=0, atol=1e-7)


@pytest.mark.parametrize(("matrix", "vectors"), PAIRS)
def test_a_derivative_by_vectors_is_that_of_the_scaled_matrix_scaled_back(
    matrix: str, vectors: str
) -> None:
    z, f = MATRICES[matrix], lambda a: fourth_powers(vectors, a)
    wanted = grad(f)(z)
    for scale in (2.0**-600, 2.0**-60, 2.0**600):
        assert_allclose(grad(f)(z * scale) * scale, wanted, rtol=1e-9, atol=1e-11)
    single = grad(f)((z * 2.0**20).astype(np.complex64))
    assert single.dtype == np.complex64
    size = np.abs(wanted).max(axis=(-2, -1), keepdims=True)
    assert np.all(np.abs(single * 2.0**20 - wanted) <= 1e-4 * size + 1e-5)


@pytest.mark.parametrize("scale", [2.0**-600, 1.0, 2.0**600])
@pytest.mark.parametrize(("matrix", "vectors"), PAIRS)
def test_what_depends_on_a_phase_is_refused_at_any_scale(
    matrix: str, vectors: str, scale: float
) -> None:
    def turned(a: Any) -> Any:
        return xp.sum(xp.real(VECTORS[vectors](a) * (1 + 2j))) * 1e-9

    for z in (MATRICES[matrix] * scale, MATRICES[matrix].astype(np.complex64)):
        with pytest.raises(NotImplementedError, match="but for a phase"):
            grad(turned)(z)


def test_the_phases_of_one_matrix_are_not_lost_beside_large_gradients_of_another() -> None:
    weights = np.array([1e12, 1.0])

    def f(a: Any) -> Any:
        v = linalg.eigh(a).eigenvectors
        powers = xp.sum(xp.abs(v[0]) ** 4) * weights[0]
        return powers + xp.sum(xp.real(v[1] * (1 + 2j))) * weights[1]

    with pytest.raises(NotImplementedError, match="but for a phase"):
        grad(f)(np.stack([HERMITIAN, HERMITIAN]))


def test_the_two_phases_of_a_singular_value_zero_are_independent() -> None:
    z = MATRICES["rank 2 of 3"]

    def polar(a: Any) -> Any:
        u, _, vh = linalg.svd(a)
        return xp.sum(xp.abs(u @ vh) ** 4)

    with pytest.raises(NotImplementedError, match="but for a phase"):
        grad(polar)(z)


def test_eigenvalues_of_a_small_matrix_keep_their_order_beside_a_large_one() -> None:
    small = np.array([[1.0, 2.0], [3.0, 4.0]])
    wanted = grad(lambda a: xp.real(linalg.eigvals(a)[0]))(small)
    both = grad(lambda a: xp.sum(xp.real(linalg.eigvals(a)[1, 0])))(np.stack([1e20 * small, small]))
    assert_allclose(both[1], wanted, rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_independent_columns_have_a_qr_derivative_however_short(scale: float) -> None:
    lengths = np.array([1.0, 1e-30])
    a = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 0.0]])
    wanted = grad(lambda x: xp.sum(linalg.qr(x).Q ** 3))(a)
    found = grad(lambda x: xp.sum(linalg.qr(x).Q ** 3))(a * lengths * scale)
    assert_allclose(found * lengths * scale, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scale", [3e-108, 1e-105, 1e103])
def test_a_determinant_too_small_or_too_large_for_its_dtype_has_its_cofactors(scale: float) -> None:
    a = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 1.0]])
    with np.errstate(over="ignore"):
        found = slope(linalg.det, a * scale)
    assert_allclose(found / scale / scale, slope(linalg.det, a), rtol=1e-9)


def low_rank(x: Any, rows: int) -> Any:
    """Return a matrix of `rows` rows whose rank is at most the number of columns of `x`."""
    return x[:rows] @ x[rows:].T


def weighed(y: Any) -> Any:
    return xp.sum(y * np.cos(np.arange(1.0, 1 + np.prod(y.shape)).reshape(y.shape)))


RIGHT = np.arange(20.0).reshape(2, 5, 2) % 3 - 1
BY_RANK = {
    "pinv": linalg.pinv,
    "pinv, rcond": lambda a: linalg.pinv(a, 1e-9),
    "pinv, rtol": lambda a: linalg.pinv(a, rtol=1e-9),
    "pinv, hermitian": lambda a: linalg.pinv(a @ a.T, hermitian=True, rtol=1e-9),
    "pinv of x.T @ x": lambda a: linalg.pinv(a.T @ a),
    "pinv, stack": lambda a: linalg.pinv(xp.stack([a, 2 * a])),
    "vector": lambda a: linalg.lstsq(a, RIGHT[0, : len(a), 0])[0],
    "matrix": lambda a: linalg.lstsq(a, RIGHT[0, : len(a)], rcond=1e-9)[0],
    "right": lambda a: linalg.lstsq(a, a @ a.T @ a, rcond=1e-9)[0],
    "values": lambda a: linalg.lstsq(a, RIGHT[0, : len(a)])[3][:1],
}


@pytest.mark.parametrize("f", BY_RANK.values(), ids=BY_RANK)
@pytest.mark.parametrize(
    ("rows", "rank", "columns"), [(3, 1, 3), (4, 2, 3), (2, 1, 4), (5, 2, 2), (2, 2, 5), (1, 1, 3)]
)
def test_a_pseudoinverse_has_a_derivative_along_matrices_of_one_rank(
    f: Any, rows: int, rank: int, columns: int
) -> None:
    x = np.random.default_rng(rows).uniform(0.5, 1.5, (rows + columns, rank))

    def objective(x: Any) -> Any:
        return weighed(f(low_rank(x, rows)))

    found = grad(objective)(x)
    (wanted,) = numeric_gradient(lambda values: objective(values[0]), [x], False)
    assert_allclose(found, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("f", [BY_RANK["pinv"], BY_RANK["matrix"]])
def test_it_has_a_second_derivative_there_too(f: Any) -> None:
    x = np.random.default_rng(3).uniform(0.5, 1.5, (6, 1))

    def first(x: Any) -> Any:
        return weighed(grad(lambda y: weighed(f(low_rank(y, 3))))(x))

    (wanted,) = numeric_gradient(lambda values: first(values[0]), [x], False)
    assert_allclose(grad(first)(x), wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("f", [linalg.pinv, lambda a: linalg.lstsq(a, RIGHT[0, :3] + 1j)[0]])
def test_a_complex_pseudoinverse_has_a_derivative_along_matrices_of_one_rank(f: Any) -> None:
    rng = np.random.default_rng(5)
    z = rng.uniform(0.5, 1.5, (7, 2)) + 1j * rng.uniform(0.5, 1.5, (7, 2))

    def objective(z: Any) -> Any:
        return weighed(xp.real((1 + 2j) * f(low_rank(z, 3))))

    assert_allclose(grad(objective)(z), complex_slope(objective, z), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "rank", "columns"), [(4, 1, 3), (3, 2, 4), (4, 3, 3), (2, 2, 5), (4, 0, 3)]
)
@pytest.mark.parametrize("right", [RIGHT[0, :, 0], RIGHT[0]])
def test_least_squares_are_linear_in_the_right_side_whatever_the_rank(
    right: Any, rows: int, rank: int, columns: int
) -> None:
    a = np.random.default_rng(rank).uniform(0.5, 1.5, (rows + columns, rank))
    a = low_rank(a, rows)

    def objective(b: Any) -> Any:
        x, residuals, *_ = linalg.lstsq(a, b)
        return weighed(x) + weighed(residuals)

    (wanted,) = numeric_gradient(lambda values: objective(values[0]), [right[:rows]], False)
    assert_allclose(grad(objective)(right[:rows]), wanted, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1e200])
def test_a_pseudoinverse_has_its_derivative_at_any_scale(scale: float) -> None:
    x = np.random.default_rng(3).uniform(0.5, 1.5, (7, 2))
    a = low_rank(x, 4)
    wanted = grad(lambda a: weighed(linalg.pinv(a)))(a)
    found = grad(lambda a: weighed(linalg.pinv(a) * scale))(a * scale)
    assert_allclose(found * scale, wanted, rtol=1e-9)


@pytest.mark.parametrize(
    "f",
    [lambda a: linalg.pinv(a, 0.1), lambda a: linalg.lstsq(a, np.ones(2), rcond=0.1)[0]],
)
def test_a_pseudoinverse_that_cuts_off_what_is_not_zero_is_refused(f: Any) -> None:
    with pytest.raises(NotImplementedError, match="rcond or rtol cut off singular values"):
        grad(lambda a: xp.sum(f(a)))(np.array([[1.0, 0.3], [0.2, 0.01]]))


def test_the_complete_q_has_the_derivative_of_the_columns_that_span_the_matrix() -> None:
    a = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 0.0]])
    found = grad(lambda x: weighed(linalg.qr(x, "complete").Q[:, :2] ** 2))(a)
    assert_allclose(found, grad(lambda x: weighed(linalg.qr(x).Q ** 2))(a), atol=1e-15)
    found = grad(lambda x: weighed(linalg.qr(x, "complete").R[:2]))(a)
    assert_allclose(found, grad(lambda x: weighed(linalg.qr(x).R))(a), atol=1e-15)
