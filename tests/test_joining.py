"""Joining, taking apart, choosing: what the samples can't draw, constants and integers among it."""

import numpy as np
import pytest

from autograd_mini import Tensor, gradients
from autograd_mini.testing import check_grads


def leaf(*shape, dtype=float):
    rng = np.random.default_rng(sum(shape) + 1)
    return Tensor(rng.uniform(0.5, 2.0, shape), requires_grad=True, dtype=dtype)


def twice(f, *xs):
    """Return the gradients of sum(w f(xs)), on bare arrays, on Tensors, and those of their norm."""

    def loss():
        out = f(*xs)
        outs = out if isinstance(out, tuple | list) else [out]
        return sum(np.sum(np.arange(1, y.size + 1).reshape(y.shape) * y**2) for y in outs)

    xs = list(xs)
    plain = gradients(loss(), xs)
    recorded = gradients(loss(), xs, create_graph=True)
    for a, b in zip(plain, recorded, strict=True):
        assert np.array_equal(a, b.data)
    second = gradients(sum(np.sum(g * g) for g in recorded), xs)
    return plain, second


def numeric(f, *xs):
    def value():
        out = f(*(x.data for x in xs))
        outs = out if isinstance(out, tuple | list) else [out]
        return sum(np.sum(np.arange(1, y.size + 1).reshape(y.shape) * y**2) for y in outs)

    found = []
    for x in xs:
        g = np.zeros(x.shape)
        for at in np.ndindex(x.shape):
            old = x.data[at]
            x.data[at] = old + 1e-5
            up = value()
            x.data[at] = old - 1e-5
            g[at] = (up - value()) / 2e-5
            x.data[at] = old
        found.append(g)
    return found


COND = np.array([[True, False, True], [False, False, True]])
INDEX = np.array([[0, 2, 1], [1, 0, 0]])
C = np.array([[0.5, 1.5, 2.5], [1.0, 2.0, 3.0]])


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (lambda x: np.append(x, 2.0), [(2, 3)]),
        (lambda x: np.append(2.0, x), [(2, 3)]),
        (lambda x: np.append(C, x, axis=0), [(1, 3)]),
        (lambda x: np.append(arr=x, values=C, axis=0), [(1, 3)]),
        (lambda x: np.append(x, [[1.0]], 1), [(1, 2)]),
        (lambda x, y: np.append(x, [y, 2.0]), [(2,), ()]),
        (lambda x: np.hstack([x, C]), [(2, 1)]),
        (lambda x: np.hstack([1.0, x, 2.0]), [(3,)]),
        (lambda x: np.hstack(tup=(C, x, C)), [(2, 1)]),
        (lambda x: np.vstack([[1.0, 2.0, 3.0], x]), [(3,)]),
        (lambda x: np.vstack([x, C], dtype=float), [(3,)]),
        (lambda x: np.dstack([x, C]), [(2, 3)]),
        (lambda x: np.column_stack([C, x, [1, 2]]), [(2,)]),
        (lambda x, y: np.block([[x, C], [C, y]]), [(2, 3), (2, 3)]),
        (lambda x, y: np.block([[x, 1.0], [np.ones((1, 3)), y]]), [(1, 3), ()]),
        (lambda x, y: np.block([[[x], [y]], [[C], [C]]]), [(2, 3), (2, 3)]),
        (lambda x: np.block(arrays=[x, x]), [(2, 3)]),
        (lambda x: np.insert(x, 1, 5.0), [(2, 3)]),
        (lambda x: np.insert(C, 1, x, axis=1), [()]),
        (lambda x: np.insert(C, [1, 1], x, axis=0), [(3,)]),
        (lambda x: np.insert(C, 1, values=x, axis=0), [(3,)]),
        (lambda x: np.insert(arr=x, obj=Tensor([0, 1]), values=[8.0, 9.0]), [(2, 3)]),
        (lambda x, y: np.insert(x, Tensor(1), [y, 2.0]), [(3,), ()]),
        (lambda x: np.delete(x, Tensor([0, 2]), 1), [(2, 3)]),
        (lambda x: np.delete(arr=x, obj=1, axis=0), [(2, 3)]),
        (lambda x: np.atleast_1d(x, 2.0), [()]),
        (lambda x: np.atleast_2d(C, x), [(3,)]),
        (lambda x: np.atleast_3d(C, x, [1.0]), [(3,)]),
        (lambda x: np.broadcast_arrays(C, x), [(3,)]),
        (lambda x: np.broadcast_arrays(x, C, 1.0), [(2, 1)]),
        (lambda x: np.meshgrid([1.0, 2.0], x), [(3,)]),
        (lambda x: np.meshgrid(x, x, indexing="ij"), [(3,)]),
        (lambda x: np.meshgrid(1.0, x, C, sparse=True), [(3,)]),
        (lambda x: np.ix_([0, 1], x), [(3,)]),
        (lambda x: np.choose(INDEX, [x, C, 1.0]), [(3,)]),
        (lambda x: np.choose(Tensor(INDEX), [x, C, x]), [(3,)]),
        (lambda x: np.choose(Tensor(INDEX), x), [(3,)]),
        (lambda x: np.choose(a=INDEX, choices=(1.0, x, 2.0), mode="clip"), [(2, 1)]),
        (lambda x: np.choose(Tensor(INDEX), [x, C], mode="wrap"), [(3,)]),
        (lambda x: np.choose(np.arange(9).reshape(3, 3) % 2, [[1.0, 2.0, 3.0], x]), [(3,)]),
        (lambda x: np.select([np.eye(3) > 0], [x], [1.0, 2.0, 3.0]), [(3,)]),
        (lambda x: np.select([np.eye(3) > 0, np.eye(3) == 0], [x, [1.0, 2.0, 3.0]]), [(3,)]),
        (lambda x: np.vstack([[1, 2, 3], x]), [(3,)]),
        (lambda x: np.select([COND, ~COND], [x, 1.5]), [(3,)]),
        (lambda x: np.select([x > 1, x > 0.7], [x, C], x * 2), [(2, 3)]),
        (lambda x: np.select(condlist=[x > 1, COND], choicelist=[C, x], default=x), [(2, 3)]),
        (lambda x: np.select([x[0] > 1, x[0] < 1], x, 2.0), [(2, 3)]),
        (lambda x: np.extract(x > 1, x), [(2, 3)]),
        (lambda x: np.extract(COND, x), [(2, 3)]),
        (lambda x: np.compress(x[0] > 1, x, axis=1), [(2, 3)]),
        (lambda x: np.unique(x, return_index=True)[0], [(2, 3)]),
        (lambda x: np.unique(x, True, True, True)[0], [(2, 3)]),
        (lambda x: np.unique(x, axis=1, return_counts=True)[0], [(2, 3)]),
        (np.unique_values, [(2, 3)]),
        (lambda x: np.partition(x, 1, axis=0), [(4, 3)]),
        (lambda x: np.full_like(Tensor(C), x), [(3,)]),
        (lambda x: np.full_like(Tensor([1, 2]), x, dtype=float), [()]),
        (lambda x: np.full_like(x, 3.0) * x, [(2, 3)]),
        (lambda x: np.full_like(x, x, shape=(2, 2)), [()]),
        (lambda x: np.nan_to_num(x, nan=1.0), [(2, 3)]),
        (lambda x: np.trim_zeros(x * np.array([0, 0, 1, 0, 1, 0])), [(6,)]),
        (lambda x: np.trim_zeros(x * np.array([0, 0, 1, 0, 1, 0]), "f"), [(6,)]),
        (lambda x: np.trim_zeros(x * np.array([0, 0, 1, 0, 1, 0]), trim="b"), [(6,)]),
        (lambda x: np.resize(x, 7), [(2, 3)]),
        (lambda x: np.hsplit(x, 3), [(2, 3)]),
        (lambda x: np.hsplit(x, [1])[1], [(2, 3)]),
        (lambda x: np.vsplit(x, 2)[0], [(2, 3)]),
    ],
)
def test_what_the_samples_do_not_draw(f, shapes):
    xs = [leaf(*shape) for shape in shapes]
    plain, _ = twice(f, *xs)
    for mine, other in zip(plain, numeric(f, *xs), strict=True):
        assert np.allclose(mine, other, rtol=1e-6, atol=1e-6), (mine, other)
    singles = [Tensor(x.data.astype(np.float32), requires_grad=True) for x in xs]
    for mine, other in zip(twice(f, *singles)[0], plain, strict=True):
        assert mine.dtype == np.float32
        assert np.allclose(mine, other, rtol=1e-4, atol=1e-4)
    for wrap in (
        lambda a: np.array(a, order="F"),
        lambda a: np.repeat(a, 2, -1)[..., ::2] if a.ndim else a,
    ):
        others = [Tensor(wrap(x.data), requires_grad=True) for x in xs]
        for mine, other in zip(twice(f, *others)[0], plain, strict=True):
            assert np.allclose(mine, other)


def test_a_block_nested_twice_gives_each_part_its_own_gradient():
    a, b = leaf(2, 2), leaf(2, 1)
    weights = np.arange(12.0).reshape(4, 3)
    grads = gradients(np.sum(weights * np.block([[a, b], [b * 2, a]])), [a, b])
    assert np.array_equal(grads[0], weights[:2, :2] + weights[2:, 1:])
    assert np.array_equal(grads[1], weights[:2, 2:] + 2 * weights[2:, :1])


def test_of_equal_elements_unique_takes_the_first():
    x = Tensor([2.0, 1.0, 2.0, 1.0, 3.0], requires_grad=True)
    values, counts = np.unique(x, return_counts=True)
    assert not counts.requires_grad
    assert gradients(np.sum(values * [1.0, 10.0, 100.0]), [x])[0].tolist() == [10, 1, 0, 0, 100]
    y = np.unique_values(x)
    assert gradients(np.sum(y * y), [x])[0].tolist() == [4, 2, 0, 0, 6]


def test_equal_rows_give_their_gradient_to_the_first():
    x = Tensor([[1.0, 2.0], [0.0, 1.0], [1.0, 2.0]], requires_grad=True)
    (g,) = gradients(np.sum(np.unique(x, axis=0) * [[1.0, 2.0], [3.0, 4.0]]), [x])
    assert g.tolist() == [[3, 4], [1, 2], [0, 0]]


def test_partition_keeps_every_gradient_with_its_element_whatever_the_ties():
    rng = np.random.default_rng(0)
    for kth in (3, [1, 40], 60):
        data = rng.integers(0, 9, (5, 64)).astype(float)
        x = Tensor(data, requires_grad=True)
        out = np.partition(x, kth, axis=1)
        w = rng.normal(size=(5, 64))
        (g,) = gradients(np.sum(out * w), [x])
        for row in range(5):
            for value in np.unique(data[row]):
                mine = np.sort(g[row][data[row] == value])
                assert np.array_equal(mine, np.sort(w[row][out.data[row] == value]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_replaced_has_no_slope(value):
    x = Tensor([1.0, value, 2.0], requires_grad=True)
    assert gradients(np.sum(np.nan_to_num(x) * 3e-30), [x])[0].tolist() == [3e-30, 0, 3e-30]


def test_nan_to_num_in_place_is_refused_before_it_writes():
    x = Tensor([1.0, np.nan], requires_grad=True)
    with pytest.raises(TypeError, match="copy="):
        np.nan_to_num(x, copy=False)
    assert np.isnan(x.data[1])


def test_trim_zeros_of_zeros():
    x = Tensor(np.zeros(3), requires_grad=True)
    (g,) = gradients(np.sum(np.trim_zeros(x)), [x])
    assert g.tolist() == [0, 0, 0]


def test_trim_zeros_in_two_dimensions():
    if tuple(map(int, np.__version__.split(".")[:2])) < (2, 2):
        return
    data = np.zeros((4, 5))
    data[1, 2] = data[2, 3] = 1
    for kwargs in ({}, {"trim": "f"}, {"trim": "b"}, {"trim": "bF"}):
        x = Tensor(data, requires_grad=True)
        out = np.trim_zeros(x, **kwargs)
        (g,) = gradients(np.sum(out * 1), [x])
        assert g.sum() == out.size
        assert (g >= 0).all()
        assert np.array_equal(g[np.ix_(g.any(1), g.any(0))], np.ones(out.shape))
        assert np.array_equal(data[np.ix_(g.any(1), g.any(0))], out.data)


def test_astype_casts_the_gradient_back():
    if hasattr(np, "astype"):
        x = leaf(3)
        y = np.astype(x, np.float32)
        assert y.dtype == np.float32
        assert gradients(np.sum(y * y), [x])[0].dtype == np.float64
        assert not np.astype(x, int).requires_grad


def test_full_like_of_integers_needs_no_grad():
    assert not np.full_like(Tensor([1, 2]), leaf()).requires_grad


def test_lists_of_tensors_among_the_choices():
    x, y, z = leaf(), leaf(), leaf()
    c = Tensor(np.ones(3), requires_grad=True)
    index = np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]])
    w = np.arange(9.0).reshape(3, 3)
    for out in (
        np.select([index == 0, index == 1], [[x, y, z], c]),
        np.select([index == 0], [c * 0], [x, y, z]) * 0 + np.select([index == 1], [c], [x, y, z]),
    ):
        found = gradients(np.sum(w * out), [x, y, z, c])
        assert [float(g) for g in found[:3]] == [9, 11, 8]
        assert found[3].tolist() == [0, 1, 7]


@pytest.mark.parametrize(
    "kwargs",
    [
        {"mode": "median"},
        {"mode": "reflect", "reflect_type": "odd"},
        {"mode": lambda v, w, i, k: None},
    ],
)
def test_a_pad_without_a_rule_says_so(kwargs):
    x = leaf(3)
    with pytest.raises(NotImplementedError, match="has no rule: only"):
        gradients(np.sum(np.pad(x, 1, **kwargs)), [x])


def test_equal_maxima_share_what_was_padded():
    x = Tensor([2.0, 2.0, 1.0], requires_grad=True)
    assert gradients(np.sum(np.pad(x, (4, 0), "maximum")), [x])[0].tolist() == [3, 3, 1]


def test_what_pad_leaves_empty_has_no_slope():
    x = leaf(2)
    y = np.pad(x, 1, mode="empty")
    assert gradients(y[1] + 3 * y[2], [x])[0].tolist() == [1, 3]


@pytest.mark.parametrize(
    "join",
    [
        lambda x: np.concatenate([[x[0]], x, [x[1], 1.0]]),
        lambda x: np.concatenate([[[x[0], 2.0]], x[None]], axis=None),
        lambda x: np.stack([[x[0], 1.0], x]),
        lambda x: np.hstack([[x[0], 1.0], x]),
        lambda x: np.vstack([[x[0], 1.0], x]),
        lambda x: np.dstack([[x[0], 1.0], x]),
        lambda x: np.column_stack([[x[0], 1.0], x]),
        lambda x: np.block([[x[0], 1.0], [x]]),
        lambda x: np.choose([0, 1], [x, [x[0], x[0] * x[1]]]),
        lambda x: np.select([x > 1, x < 1], [[x[0] * x[1], x[1]], x]),
        lambda x: sum(np.broadcast_arrays([x[0], x[0] * x[1]], x)),
        lambda x: sum(np.meshgrid([x[0], x[0] * x[1]], x)),
        lambda x: np.atleast_1d([x[0], x[0] * x[1]], x)[0],
        lambda x: np.einsum("i,i->i", [x[0], x[1]], x),
    ],
)
def test_a_list_of_tensors_among_the_arrays_has_derivatives_of_all_orders(join):
    check_grads(lambda x: np.sin(join(x)), np.array([1.5, 0.7]), seed=0)
