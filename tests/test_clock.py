"""A value that was written after it was recorded is noticed when, and only when, it is needed."""

import sys
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autograd_mini import Tensor, defvjp, gradients, no_grad, primitive

xp: Any = np


def leaf(*values: float, name: str | None = None) -> Tensor:
    return Tensor(np.array(values), requires_grad=True, name=name)


# Ways to write into the Tensor x, of three elements, which the clock must see.


def through_data(x):
    x.data *= 2


def by_rebinding_data(x):
    x.data = x.data * 2


def by_rebinding_data_to_a_list(x):
    x.data = [7.0, 8.0, 9.0]


def through_the_data_of_a_view(x):
    x[1:].data *= 2


def through_a_reshaped_view(x):
    view = x.detach().reshape(3, 1).T
    view.data -= 1


def through_a_sibling_of_the_same_array(x):
    sibling = Tensor(x.data)
    sibling.data += 1


def through_a_sibling_of_a_part_of_the_array(x):
    sibling = Tensor(x.data[:2][::-1])
    sibling.data += 1


def through_a_detached_tensor(x):
    x.detach().data += 1


def by_assigning_an_item_of_a_detached_tensor(x):
    x.detach()[0] = 5.0


def by_assigning_an_item_under_no_grad(x):
    with no_grad():
        x[0] = 5.0


def by_assigning_a_masked_item_under_no_grad(x):
    with no_grad():
        x[x > 0] = 0.0


def in_place_under_no_grad(x):
    with no_grad():
        x += 1


def in_place_through_a_view_under_no_grad(x):
    with no_grad():
        part = x[:2]
        part *= 3


WRITES = [
    through_data,
    by_rebinding_data,
    by_rebinding_data_to_a_list,
    through_the_data_of_a_view,
    through_a_reshaped_view,
    through_a_sibling_of_the_same_array,
    through_a_sibling_of_a_part_of_the_array,
    through_a_detached_tensor,
    by_assigning_an_item_of_a_detached_tensor,
    by_assigning_an_item_under_no_grad,
    by_assigning_a_masked_item_under_no_grad,
    in_place_under_no_grad,
    in_place_through_a_view_under_no_grad,
]
NEEDS_X: dict[str, Any] = {
    "np.multiply": lambda x, y: x * y,
    "np.matmul": lambda x, y: x @ y,
    "np.sin": lambda x, y: xp.sin(x) * y,
    "np.power": lambda x, y: x**3,
    "np.square": lambda x, y: x**2,
    "np.divide": lambda x, y: y / x,
    "np.max": lambda x, y: x.max() * y,
    "np.where": lambda x, y: xp.where(x > 0, x * x, y),
    "np.einsum": lambda x, y: xp.einsum("i,i->", x, y),
    "np.maximum": xp.maximum,
    "np.prod": lambda x, y: x.prod() + y,
}
NEEDS_NO_VALUE: dict[str, Any] = {
    "np.add": lambda x: x + 1.0,
    "np.subtract": lambda x: 1.0 - x,
    "np.multiply by a constant": lambda x: x * 3,
    "np.divide by a constant": lambda x: x / 3,
    "np.negative": lambda x: -x,
    "np.sum": lambda x: x.sum(),
    "reshape": lambda x: x.reshape(1, 3),
    "transpose": lambda x: x.T,
    "index": lambda x: x[1:],
    "index list": lambda x: x[[0, 0]],
    "broadcast_to": lambda x: xp.broadcast_to(x, (2, 3)),
    "astype": lambda x: x.astype(np.float32),
    "matmul by a constant": lambda x: x @ np.ones((3, 2)),
    "exp": lambda x: x.exp(),  # reads its result only
    "sigmoid": lambda x: x.sigmoid(),
    "copy": lambda x: x.copy(),
    "roll": lambda x: xp.roll(x, 1),
    "split": lambda x: xp.split(x, 3)[1],
    "cumsum": lambda x: x.cumsum(),
    "mean": lambda x: x.mean(),
    "tile": lambda x: xp.tile(x, 2),
    "take": lambda x: x.take([0, 0, 2]),
    "pad": lambda x: xp.pad(x, 1),
    "trace": lambda x: xp.trace(x.reshape(3, 1)),
    "repeat": lambda x: x.repeat(2),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("operation", "f"), NEEDS_X.items(), ids=NEEDS_X)
def test_a_value_that_is_needed_and_was_written_is_refused(operation, f, write):
    x, y = leaf(1.0, 2.0, 3.0, name="weight"), leaf(2.0, 3.0, 4.0)
    loss = f(x, y).sum()
    write(x)
    with pytest.raises(RuntimeError, match=r"Tensor 'weight'.*written since") as caught:
        loss.backward()
    assert f'File "{__file__}", line ' in str(caught.value)
    if operation != "np.where":
        assert operation in str(caught.value)
    assert x.grad is None
    assert y.grad is None


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("f", NEEDS_NO_VALUE.values(), ids=NEEDS_NO_VALUE)
def test_a_value_that_no_rule_needs_may_be_written(f, write):
    x, y = leaf(1.0, 2.0, 3.0), leaf(1.0, 2.0, 3.0)
    f(y).sum().backward()
    loss = f(x).sum()
    write(x)
    loss.backward()
    assert_array_equal(x.grad, y.grad)


def test_the_operation_and_its_line_are_named():
    x, y = leaf(1.0, name="left"), leaf(2.0, name="right")
    product = x * y
    line = _line() - 1
    x.data += 1
    with pytest.raises(RuntimeError) as caught:
        (product + 1).backward()
    message = str(caught.value)
    place = "in test_the_operation_and_its_line_are_named"
    assert f'np.multiply (File "{__file__}", line {line}, {place})' in message
    assert "Tensor 'left'" in message
    assert "'right'" not in message
    assert "call backward() before writing" in message


def _line():
    return sys._getframe(1).f_lineno


def test_a_tensor_without_a_name_is_named_by_its_argument():
    x, y = leaf(1.0), leaf(2.0)
    product = x * y
    y.data += 1
    with pytest.raises(RuntimeError, match="the Tensor given as 'y' was used by"):
        product.backward()


def test_only_the_operand_that_was_written_is_refused():
    x, constant = leaf(1.0, 2.0), Tensor([3.0, 4.0])
    loss = (x * constant).sum()
    x.data *= 100  # its own rule reads the other operand
    loss.backward()
    assert_array_equal(x.grad, [3, 4])
    loss = (x * constant).sum()
    constant.data *= 100
    with pytest.raises(RuntimeError, match="written since"):
        loss.backward()


def test_a_result_that_is_needed_and_was_written_is_refused():
    x = leaf(1.0, 2.0)
    y = x.exp()
    loss = y.sum()
    with no_grad():
        y += 1
    with pytest.raises(RuntimeError, match=r"the result of np\.exp .*written since"):
        loss.backward()


def test_a_result_that_is_not_needed_may_be_written():
    x = leaf(1.0, 2.0)
    y = x * 2
    loss = (y + 1).sum()
    with no_grad():
        y[:] = 0.0
    loss.backward()
    assert_array_equal(x.grad, [2, 2])


def test_a_write_into_the_base_of_an_inner_view_is_noticed():
    x, y = leaf(1.0, 2.0, 3.0, 4.0), leaf(1.0, 2.0)
    loss = (x.reshape(2, 2).T[0] * y).sum()
    x.data[...] += 0  # NumPy's own write, which nobody sees
    x.data += 1
    with pytest.raises(RuntimeError, match="written since"):
        loss.backward()


def test_one_of_several_results_is_watched():
    @primitive
    def powers(x):
        return x**2, x**3

    defvjp(powers, lambda g, out, x: 2 * out[0] / x * g[0] + 3 * out[1] / x * g[1])
    x = leaf(2.0)
    square, cube = powers(x)
    with no_grad():
        cube *= 0
    with pytest.raises(RuntimeError, match=r"the result of powers .*written since"):
        square.backward()


def test_one_of_several_results_may_be_written_if_nothing_needs_it():
    x = leaf(1.0, 2.0)
    first, second = xp.split(x, 2)
    loss = first + second
    with no_grad():
        first *= 0
    loss.backward()
    assert_array_equal(x.grad, [1, 1])


def test_a_bare_array_is_watched_where_a_tensor_wrote_it():
    array = np.array([2.0, 3.0])
    x = leaf(1.0, 1.0)
    loss = (x * array).sum()
    Tensor(array).data *= 10
    with pytest.raises(RuntimeError, match=r"np\.multiply.*written since"):
        loss.backward()


def test_an_index_is_kept_as_it_was():
    for wrap in (lambda i: i, lambda i: (i,)):
        x, index = leaf(1.0, 2.0, 3.0), Tensor([0, 1])
        loss = x[wrap(index)].sum()
        index[0] = 2
        loss.backward()
        assert_array_equal(x.grad, [1, 1, 0])


def test_an_index_in_a_list_is_kept_as_it_was():
    x, index = leaf(1.0, 2.0, 3.0), [0, 1]
    loss = x[index].sum()
    index[0] = 2
    loss.backward()
    assert_array_equal(x.grad, [1, 1, 0])


def test_a_tensor_in_a_list_or_a_keyword_is_watched():
    x, low = leaf(1.0, 2.0), leaf(0.0, 3.0)
    clipped = xp.clip(x, a_min=low, a_max=9.0)
    listed = xp.einsum("i,i->i", x, low)
    low.data += 1
    for out in (clipped, listed):
        with pytest.raises(RuntimeError, match="written since"):
            out.sum().backward()


def test_a_value_written_before_it_was_used_is_no_matter():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    for write in (through_data, in_place_under_no_grad, by_rebinding_data):
        write(x)
        loss = (x * y).sum()
        x.grad = y.grad = None
        loss.backward()
        assert_array_equal(y.grad, x.data)


def test_a_write_into_other_memory_is_no_matter():
    x, y, other = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)
    loss = (x * y).sum()
    other.data += 1
    copied = Tensor(x.data.copy())
    copied.data += 1
    loss.backward()
    assert_array_equal(x.grad, [3, 4])


def test_gradients_and_higher_orders_are_refused_as_well():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    loss = (x * x * y).sum()
    (slope,) = gradients(loss, [x], create_graph=True)
    x.data += 1
    with pytest.raises(RuntimeError, match="written since"):
        gradients(loss, [x])
    with pytest.raises(RuntimeError, match="written since"):
        gradients(slope.sum(), [y])


def test_forward_backward_and_write_in_turn_never_raises():
    x = leaf(1.0, 2.0, 3.0)
    other = Tensor(np.arange(3.0))
    for write in WRITES * 3:
        loss = ((x * other).exp() / (1 + x**2)).sum()
        loss.backward()
        x.grad = None
        write(x)
        other.data = np.cos(x.data)


def test_memory_that_was_freed_and_used_again_raises_no_false_alarm():
    y = leaf(*np.arange(8.0))
    for _ in range(300):
        temporary = Tensor(np.ones(8))
        temporary.data += 1
        del temporary
        (Tensor(np.ones(8)) * y).sum().backward()
        y.data = np.arange(8.0)


def closure(inner):
    return inner()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda g, out, x, y: g * y, lambda g, out, a, b: g * a),
        (lambda g, out, *args: g * args[1], lambda g, out, a, b: g * a),
        (lambda c, result, x, y: c * result / x, lambda c, result, x, y: c * x),
        (lambda g, out, x, y: g * y, lambda g, out, x, y: sum([g * z for z in [x]])),
        (lambda g, out, x, y: g * y, lambda g, out, x, y: closure(lambda: g * x)),
    ],
)
def test_what_a_rule_reads_is_known_whatever_it_calls_its_arguments(first, second):
    @primitive
    def product(x, y):
        return x * y

    defvjp(product, first, second)
    constant, y = Tensor([2.0]), leaf(3.0)
    out = product(constant, y)
    constant.data *= 10
    with pytest.raises(RuntimeError, match="written since"):
        out.backward()


def test_the_result_is_watched_whatever_a_rule_calls_it():
    @primitive
    def power(x):
        return np.exp(x)

    defvjp(power, lambda c, y, x: c * y)
    x = leaf(1.0)
    out = power(x)
    with no_grad():
        out *= 10
    with pytest.raises(RuntimeError, match=r"the result of power .*written since"):
        out.backward()


def test_what_a_rule_takes_as_keywords_is_taken_to_be_read():
    @primitive
    def scaled(x, *, scale):
        return x * scale

    defvjp(scaled, lambda g, out, x, **kwargs: g * kwargs["scale"])
    x, scale = leaf(3.0), Tensor([2.0])
    out = scaled(x, scale=scale)
    scale.data *= 10
    with pytest.raises(RuntimeError, match="written since"):
        out.backward()


def test_a_rule_that_is_no_plain_function_is_taken_to_read_all():
    class Rule:
        def __call__(self, *args):
            return 2 * args[0]

        def method(self, c, _, y):
            return 2 * c * y / y

    @primitive
    def double(x):
        return 2 * x

    for rule in (Rule(), Rule().method):
        defvjp(double, rule)
        x = leaf(3.0)
        out = double(x)
        x.data *= 10
        with pytest.raises(RuntimeError, match="written since"):
            out.backward()
