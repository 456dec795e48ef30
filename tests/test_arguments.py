"""Arguments as people give them: lists that change later, array-likes, keywords, odd indices."""

import collections
import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, defvjp, gradients, nondifferentiable, primitive
from nn import Linear


def leaf(*values, dtype=float):
    return Tensor(np.array(values, dtype), requires_grad=True)


def slope(f, *xs):
    """Return the gradients of the sum of f(*xs)."""
    return gradients(f(*xs).sum(), xs)


def test_a_list_that_changes_after_the_call_leaves_the_graph_as_it_was():
    a, b, c = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)
    parts = [a, b]
    total = np.stack(parts).sum()
    parts[0] = c
    total.backward()
    assert_array_equal(a.grad, [1, 1])
    assert c.grad is None


def test_a_list_of_states_may_be_overwritten_step_by_step():
    w = Tensor(0.5, requires_grad=True)
    states, loss = [Tensor(0.1), Tensor(0.2)], Tensor(0.0)
    for _ in range(3):
        for i in range(2):
            states[i] = np.tanh(states[i] * w) + w
        loss = loss + np.stack(states).sum()

    def by_hand(w):
        states, loss = [0.1, 0.2], 0.0
        for _ in range(3):
            states = [np.tanh(h * w) + w for h in states]
            loss += sum(states)
        return loss

    (found,) = gradients(loss, [w])
    assert_allclose(found, np.imag(by_hand(0.5 + 1e-30j)) / 1e-30, rtol=1e-12)


def test_a_list_setting_that_changes_after_the_call_does_not_matter():
    x, repeats = leaf(1.0, 2.0), [1, 2]
    total = (np.repeat(x, repeats) * [1.0, 10.0, 100.0]).sum()
    repeats[:] = [2, 1]
    total.backward()
    assert_array_equal(x.grad, [1, 110])


def test_gradients_takes_an_iterator_of_inputs():
    layer = Linear(2, 3)
    found = gradients(layer(np.ones((4, 2))).sum(), layer.parameters())
    assert [g.shape for g in found] == [(3, 2), (3,)]


class Series:
    """An array-like with arithmetic of its own, as data frames have it."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.values

    def __mul__(self, other):
        raise AssertionError("a rule met the arithmetic of an array-like")

    __rmul__ = __mul__


def test_an_array_like_operand_becomes_an_array():
    x = leaf(1.0, 2.0)
    np.multiply(x, Series([3.0, 4.0])).sum().backward()
    assert_array_equal(x.grad, [3, 4])


def test_the_weights_of_bincount_get_their_gradient():
    w = leaf(1.0, 2.0, 3.0)
    (np.bincount([0, 2, 2], weights=w) * [1.0, 10.0, 100.0]).sum().backward()
    assert_array_equal(w.grad, [1, 100, 100])


def test_a_list_of_tensors_by_keyword_means_the_same_as_by_position():
    @primitive
    def scaled(x, y):
        return x * y

    defvjp(scaled, lambda g, out, x, y: g * y, lambda g, out, x, y: g * x)
    x, a, b = Tensor([[1.0, 2.0], [3.0, 4.0]]), leaf(1.0)[0], leaf(1.0)[0]
    found = [
        gradients(scaled(x, y=[a, b]).sum(), [a, b]),
        gradients(scaled(x, [a, b]).sum(), [a, b]),
    ]
    assert found[0] == found[1] == [4, 6]


def test_a_float_exponent_makes_floats_of_integers():
    assert (Tensor(np.array([16], np.uint8)) ** 2.0).data.tolist() == [256.0]


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float16])
def test_arctan2_does_not_overflow_in_a_small_dtype(dtype):
    (found,) = slope(lambda x: np.arctan2(np.array([100], dtype), x), leaf(1.0))
    assert_allclose(found, [-100 / 10001], rtol=1e-3)


def test_a_small_integer_base_does_not_round_the_slope_of_its_power():
    (found,) = slope(lambda y: np.power(np.array([3], np.int8), y), leaf(1.0))
    assert_allclose(found, [3 * np.log(3)], rtol=1e-15)


def test_the_mixed_second_derivative_of_a_power_at_exponent_zero():
    x, y = Tensor(2.0, requires_grad=True), Tensor(0.0, requires_grad=True)
    by_x, by_y = gradients(x**y, [x, y], create_graph=True)
    assert gradients(by_x, [y]) == gradients(by_y, [x]) == [0.5]


def test_logaddexp_keeps_its_slope_where_the_result_is_rounded():
    x, y = (leaf(-58271.7, dtype=np.float32) for _ in range(2))
    for found in slope(np.logaddexp, x, y):
        assert_allclose(found, [0.5], rtol=1e-6)


def test_fmod_counts_the_whole_parts_that_fit():
    assert slope(lambda y: np.fmod(1.0, y), Tensor(0.1, requires_grad=True)) == [-9]


def test_a_quotient_does_not_overflow_in_its_slope():
    (found,) = slope(lambda y: np.float16(1000) / y, leaf(300, dtype=np.float16))
    assert_allclose(found, [-1000 / 300**2], rtol=2e-3)


@pytest.mark.parametrize("index", [((0, 0),), range(-1, 1), ([0, 0],)])
def test_an_index_that_names_a_place_twice_adds_both(index):
    x = leaf(1.0, 2.0, 3.0)
    picked = x[index]
    (picked * np.arange(1.0, 1 + picked.size)).sum().backward()
    wanted = np.zeros(3)
    np.add.at(wanted, np.arange(3)[index], np.arange(1.0, 1 + picked.size))
    assert_array_equal(x.grad, wanted)


def test_take_reads_booleans_as_places():
    x = leaf(1.0, 2.0)
    (np.take(x, [True, True]) * [1.0, 10.0]).sum().backward()
    assert_array_equal(x.grad, [0, 11])


def test_roll_by_the_lowest_integer_of_its_dtype_goes_back():
    x = leaf(1.0, 2.0, 3.0)
    (np.roll(x, np.array([-128], np.int8)) * [1.0, 10.0, 100.0]).sum().backward()
    assert_array_equal(x.grad, [10, 100, 1])


def test_a_tensor_that_required_no_grad_when_it_was_used_is_refused_not_given_a_part():
    w, x = Tensor(2.0, name="w"), Tensor(3.0, requires_grad=True)
    y = x * (w * 2) + x * w
    w.requires_grad = True
    with pytest.raises(
        RuntimeError, match=r"'w' was used by np.multiply .*before its requires_grad"
    ):
        y.backward()
    (x * (w * 2) + x * w).backward()
    assert (w.grad, x.grad) == (9, 6)


def test_freezing_and_thawing_between_graphs_is_free():
    w = leaf(2.0)
    for _ in range(3):
        w.requires_grad = False
        assert not (w * 3).requires_grad
        w.requires_grad = True
        (w * 3).sum().backward()
    assert w.grad == [9]


def test_a_constant_can_not_be_given_an_array_to_write_into_by_position():
    x, y = leaf(1.0, 2.0), Tensor([1.0, 2.0])
    for call in (lambda: np.round(x, 0, y), lambda: np.argmax(x, 0, y), lambda: np.floor(x, y)):
        with pytest.raises(TypeError, match="can't be recorded"):
            call()


def test_a_write_through_another_view_of_the_same_bytes_is_noticed():
    memory = bytearray(np.array([1.0, 2.0]).tobytes())
    a, b = (Tensor(np.frombuffer(memory)) for _ in range(2))
    loss = (leaf(1.0, 1.0) * b).sum()
    a.data -= 100
    with pytest.raises(RuntimeError, match="written since"):
        loss.backward()


def test_nondifferentiable_of_a_plain_function_is_refused():
    with pytest.raises(TypeError, match="write @primitive"):
        nondifferentiable(lambda x: x)


def test_a_gradient_that_is_set_is_a_copy():
    a, b = leaf(1.0), leaf(2.0)
    a.grad = np.array([3.0])
    b.grad = a.grad
    b.grad *= 5
    assert (a.grad, b.grad) == ([3], [15])


def test_a_complex_gradient_of_a_real_result_is_refused():
    with pytest.raises(TypeError, match="real numbers"):
        (leaf(1.0, 2.0) * 2).backward(np.array([1j, 2]))


def test_flatten_is_a_copy_and_ravel_is_not():
    x = Tensor([[1.0, 2.0]])
    assert not np.shares_memory(x.flatten().data, x.data)
    assert np.shares_memory(x.ravel().data, x.data)


def test_a_copy_of_a_leaf_with_a_gradient_can_be_stepped():
    p = leaf(1.0)
    (p * 3).sum().backward()
    twin = copy.deepcopy(p)
    assert twin.grad == p.grad == [3]
    assert twin._graded > p._graded


@pytest.mark.parametrize("kind", [collections.deque, collections.UserList, tuple])
def test_tensors_in_other_sequences_are_stacked(kind):
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (np.stack(kind([a, b])) * [[1.0], [10.0]]).sum().backward()
    assert_array_equal(b.grad, [10, 10])


def test_dot_with_a_number_scales():
    x = leaf(1.0, 2.0)
    (np.dot(x, 2.0) + np.inner(3.0, x)).sum().backward()
    assert_array_equal(x.grad, [5, 5])


def test_gradients_asks_nothing_of_what_lies_behind_its_inputs():
    x = leaf(1.0, 2.0)
    y = x * x
    y.sum().backward()
    z = (y * 3).sum()
    assert_array_equal(gradients(z, [y]), [[3, 3]])


def test_ties_beyond_the_range_of_float16_share_equally():
    x = Tensor(np.zeros(70_000, np.float16), requires_grad=True)
    (gradient,) = gradients(np.max(x), [x])
    assert_allclose(gradient.astype(float).sum(), 1, rtol=2e-2)


def test_the_mean_of_more_elements_than_float16_counts_has_a_slope():
    x = Tensor(np.ones(100_000, np.float16), requires_grad=True)
    (gradient,) = gradients(x.mean(), [x], np.float16(1))
    assert_allclose(gradient.astype(float), 1e-5, rtol=1e-2)


def test_a_polynomial_object_is_not_taken_for_its_coefficients():
    with pytest.raises(TypeError, match=r"pass \.coeffs"):
        np.polyval(leaf(1.0, 2.0), np.poly1d([1.0, 0.0]))


@pytest.mark.parametrize(
    "optimize", [False, True, "greedy", "optimal", ("greedy", 10), ["einsum_path", (0, 2), (0, 1)]]
)
def test_an_einsum_has_one_gradient_however_it_is_ordered(optimize):
    rng = np.random.default_rng(0)
    a, b, c = rng.uniform(size=(2, 3)), rng.uniform(size=(3, 4)), rng.uniform(size=(4, 2))
    x = Tensor(b, requires_grad=True)
    np.einsum("ij,jk,ki->", a, x, c, optimize=optimize).backward()
    assert_allclose(x.grad, (c @ a).T, rtol=1e-12)


@pytest.mark.parametrize("key", ["out", "dtype", "order", "casting"])
def test_an_einsum_refuses_by_name_what_its_derivative_does_not_know(key):
    with pytest.raises(TypeError, match=rf"np\.einsum\(\.\.\., {key}=\) can't be recorded"):
        np.einsum("i->", leaf(1.0, 2.0), **{key: None})


def test_the_subscripts_of_an_einsum_may_be_bytes_as_in_numpy():
    assert_array_equal(
        slope(lambda x: np.einsum(b"i,i->", x, [1.0, 2.0]), leaf(3.0, 4.0)), [[1, 2]]
    )


def test_a_condition_that_requires_grad_is_refused_with_the_way_on():
    x = leaf(0.0, 2.0)
    with pytest.raises(NotImplementedError, match=r"np\.where.* condition .* pass t\.detach\(\)"):
        np.where(x, x, 1.0).sum().backward()
    np.where(x.detach(), x, 1.0).sum().backward()
    assert_array_equal(x.grad, [0, 1])


def test_the_path_of_an_einsum_needs_no_gradient():
    x = leaf(1.0, 2.0)
    assert np.einsum_path("i,i->", x, x)[0] == ["einsum_path", (0, 1)]


def test_a_list_of_tensors_among_any_number_of_arrays_is_stacked():
    x, y = Tensor(2.0, requires_grad=True), leaf(1.0, 3.0)
    first, second = np.broadcast_arrays([x, x * x], y)
    assert_array_equal(slope(lambda x: np.meshgrid([x, x * x], y)[0] * [[1.0, 2.0]], x), [18])
    (first * second * [1.0, 10.0]).sum().backward()
    assert_array_equal(x.grad, 1 + 10 * 4 * 3)
