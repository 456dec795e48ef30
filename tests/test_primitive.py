"""How a user adds an operation, and what happens when it is wrong."""

import inspect
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, defvjp, gradients, nondifferentiable, primitive

xp: Any = np


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


@primitive
def scaled(x: Any, y: Any = 1.0, *, power: int = 1) -> Any:
    """Return x**power * y."""
    return x**power * y


defvjp(
    scaled,
    lambda g, out, x, y=1.0, *, power=1: g * y * power * x ** (power - 1),
    lambda g, out, x, y=1.0, *, power=1: g * x**power,
)


# What an operation can be.


def test_an_operation_works_on_tensors_and_on_bare_arrays():
    x = leaf(2.0, 3.0)
    out = scaled(x, 5.0)
    assert type(out) is Tensor
    out.sum().backward()
    assert_array_equal(x.grad, [5, 5])
    bare = scaled(np.array([2.0]), 5.0)
    assert type(bare) is np.ndarray
    assert scaled(2, 5) == 10


def test_an_operation_keeps_its_name_its_words_and_its_signature():
    assert scaled.__name__ == "scaled"
    assert scaled.__doc__ == "Return x**power * y."
    assert list(inspect.signature(scaled).parameters) == ["x", "y", "power"]


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: scaled(x, y, power=2),
        lambda x, y: scaled(x, y=y, power=2),
        lambda x, y: scaled(y=y, x=x, power=2),
        lambda x, y: scaled(power=2, x=x, y=y),
    ],
)
def test_arguments_may_be_given_by_name(call):
    x, y = leaf(3.0), leaf(5.0)
    call(x, y).backward()
    assert_array_equal(x.grad, [30])
    assert_array_equal(y.grad, [9])


def test_an_argument_left_out_has_its_default_in_the_rule():
    x = leaf(3.0)
    scaled(x, power=3).backward()
    assert_array_equal(x.grad, [27])


def test_broadcasting_is_undone_for_a_users_operation():
    x, y = Tensor(np.ones((2, 3)), requires_grad=True), leaf(2.0, 3.0, 4.0)
    scaled(x, y).sum().backward()
    assert_array_equal(x.grad, [[2, 3, 4]] * 2)
    assert_array_equal(y.grad, [2, 2, 2])


def test_a_users_operation_has_derivatives_of_higher_order():
    x = leaf(2.0)
    (first,) = gradients(scaled(x, power=4), [x], create_graph=True)
    (second,) = gradients(first, [x], create_graph=True)
    assert_array_equal(second.data, [48])


def test_an_operation_has_several_results():
    @primitive
    def polar(x, y):
        return np.hypot(x, y), np.arctan2(y, x)

    defvjp(
        polar,
        lambda g, out, x, y: g[0] * x / out[0] - g[1] * y / out[0] ** 2,
        lambda g, out, x, y: g[0] * y / out[0] + g[1] * x / out[0] ** 2,
    )
    x, y = leaf(3.0, 1.0), leaf(4.0, 1.0)
    radius, angle = polar(x, y)
    assert type(radius) is type(angle) is Tensor
    (radius * np.cos(angle.data)).sum().backward(retain_graph=True)
    x.grad = y.grad = None
    (radius * xp.cos(angle) + 2 * radius * xp.sin(angle)).sum().backward()  # = x + 2 y
    assert_allclose(x.grad, [1, 1], rtol=1e-14)
    assert_allclose(y.grad, [2, 2], rtol=1e-14)
    (by_x,) = gradients(polar(x, y)[0].sum(), [x], create_graph=True)
    (by_xy,) = gradients(by_x.sum(), [y])
    assert_allclose(by_xy, -x.data * y.data / np.hypot(x.data, y.data) ** 3, rtol=1e-14)
    radius, _ = polar(x, y)
    (by_x,) = gradients(radius.sum(), [x], create_graph=True)
    (by_y,) = gradients((by_x + radius).sum(), [y])  # by way of the result, twice
    assert_allclose(by_y, by_xy + y.data / radius.data, rtol=1e-14)


def test_a_list_of_results_stays_a_list():
    @primitive
    def halves(x):
        return [x[:1], x[1:]]

    defvjp(halves, lambda g, out, x: np.concatenate(g))
    x = leaf(1.0, 2.0)
    out = halves(x)
    assert type(out) is list
    (out[1] * 3).backward()
    assert_array_equal(x.grad, [0, 3])


def test_an_operation_takes_a_list_of_tensors():
    @primitive
    def total(arrays):
        return sum(arrays)

    defvjp(total, lambda g, out, arrays: [g] * len(arrays))
    x, y = leaf(1.0), leaf(2.0)
    total([x, y, x, np.ones(1)]).backward()
    assert_array_equal(x.grad, [2])
    assert_array_equal(y.grad, [1])


def test_an_operation_takes_any_number_of_arguments():
    @primitive
    def total(*terms):
        return sum(terms)

    rules = [lambda g, out, *terms: g] * 3
    defvjp(total, *rules)
    x, y = leaf(1.0), leaf(2.0)
    total(x, y, x).backward()
    assert_array_equal(x.grad, [2])
    assert_array_equal(y.grad, [1])
    with pytest.raises(
        NotImplementedError, match="total has no rule for its argument 'argument 3'"
    ):
        total(y, y, y, x).backward()


def test_a_later_rule_replaces_an_earlier_one():
    @primitive
    def step(x):
        return np.sign(x)

    defvjp(step, lambda g, out, x: g)
    defvjp(step, lambda g, out, x: 2 * g)
    x = leaf(1.0)
    step(x).backward()
    assert_array_equal(x.grad, [2])


def test_the_last_word_on_an_operation_counts():
    @primitive
    def step(x):
        return np.sign(x)

    nondifferentiable(step)
    assert not step(leaf(1.0)).requires_grad
    defvjp(step, lambda g, out, x: g)
    assert step(leaf(1.0)).requires_grad
    nondifferentiable(step)
    assert not step(leaf(1.0)).requires_grad


def test_a_nondifferentiable_operation_gives_tensors_without_gradient():
    @nondifferentiable
    @primitive
    def winner(x):
        return np.argmax(x), x * 2

    index, double = winner(leaf(1.0, 5.0, 2.0))
    assert index.item() == 1
    assert not double.requires_grad
    assert winner([1, 5])[0] == 1


def test_a_wrapped_numpy_function_gets_a_rule():
    @primitive
    def norm(x):
        return np.linalg.norm(x)

    defvjp(norm, lambda g, out, x: g * x / out)
    x = leaf(3.0, 4.0)
    norm(x).backward()
    assert_allclose(x.grad, [0.6, 0.8], rtol=1e-15)


# What is wrong with one is said, with its name and line.


def test_an_operation_without_rules_refuses_tensors_that_require_grad():
    @primitive
    def unruly(x):
        return x * 2

    with pytest.raises(NotImplementedError, match=r"unruly has no derivative rule.*defvjp\(unruly"):
        unruly(leaf(1.0))
    with pytest.raises(NotImplementedError, match="unruly"):
        unruly(x=leaf(1.0))
    assert_array_equal(unruly(Tensor([1.0])).data, [2])
    assert unruly(3) == 6


def test_a_missing_rule_is_missed_when_a_gradient_is_needed():
    @primitive
    def product(x, y, z):
        return x * y * z

    defvjp(product, None, lambda g, out, x, y, z: g * x * z)
    x, y = leaf(3.0), leaf(2.0)
    product(Tensor([3.0]), y, 5.0).backward()
    assert_array_equal(y.grad, [15])
    for args in ((x, 2.0, 5.0), (3.0, y, x), (3.0, y, [x])):
        out = product(*args)
        with pytest.raises(
            NotImplementedError, match=r"product .*has no rule for its argument '[xz]'"
        ) as caught:
            out.backward()
        assert f'File "{__file__}", line' in str(caught.value)


def test_a_rule_that_raises_is_named_with_the_line_of_the_call():
    @primitive
    def fragile(x):
        return x * 2

    def rule(g, out, x):
        raise ZeroDivisionError("nothing to divide")

    defvjp(fragile, rule)
    x = leaf(1.0)
    out = fragile(x)
    line = inspect.currentframe().f_lineno - 1
    with pytest.raises(RuntimeError, match=r"fragile.*nothing to divide") as caught:
        (out + 1).backward()
    assert f'File "{__file__}", line {line}' in str(caught.value)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert x.grad is None
    with pytest.raises(RuntimeError, match=r"fragile.*nothing to divide"):
        gradients(fragile(x), [x], create_graph=True)


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (lambda g, out, x: g.sum(), r"\(\)"),
        (lambda g, out, x: np.ones(2), r"\(2,\)"),
        (lambda g, out, x: np.ones((4, 2)), r"\(4, 2\)"),
        (lambda g, out, x: np.ones((3, 1)), r"\(3, 1\)"),
    ],
)
def test_a_rule_that_returns_a_wrong_shape_is_named(rule, found):
    @primitive
    def misshapen(x):
        return x * 2

    defvjp(misshapen, rule)
    x = leaf(1.0, 2.0, 3.0)
    for walk in (lambda y: y.backward(), lambda y: gradients(y, [x], create_graph=True)):
        with pytest.raises(RuntimeError, match=rf"misshapen.*{found}.*\(3,\)") as caught:
            walk(misshapen(x).sum())
        assert f'File "{__file__}", line' in str(caught.value)
    assert x.grad is None


@pytest.mark.parametrize("result", [1.0, None, [1.0], "text"])
def test_a_rule_that_returns_no_array_is_named(result):
    @primitive
    def odd(x):
        return x * 2

    defvjp(odd, lambda g, out, x: result)
    with pytest.raises(RuntimeError, match=r"odd .*failed: its rule returned .*, not an array"):
        odd(leaf(1.0)).backward()


@pytest.mark.parametrize("rule", [lambda g: g, lambda g, out: g, lambda: 1])
def test_a_rule_without_g_and_out_in_front_is_refused_at_once(rule):
    @primitive
    def odd(x):
        return x * 2

    with pytest.raises(TypeError, match=r"a rule of odd takes \(g, out\) and then the arguments"):
        defvjp(odd, rule)


def test_a_rule_with_too_many_arguments_is_named():
    @primitive
    def odd(x):
        return x * 2

    defvjp(odd, lambda g, out, x, y: g)
    with pytest.raises(RuntimeError, match=r"odd .*failed"):
        odd(leaf(1.0)).backward()


def test_a_rule_for_a_plain_function_is_refused():
    def plain(x):
        return x * 2

    with pytest.raises(TypeError, match="write @primitive above its def"):
        defvjp(plain, lambda g, out, x: 2 * g)


def test_a_rule_for_a_list_must_give_one_gradient_each():
    @primitive
    def total(arrays):
        return sum(arrays)

    defvjp(total, lambda g, out, arrays: [g])
    with pytest.raises(RuntimeError, match=r"the derivative of total"):
        total([leaf(1.0), leaf(2.0)]).backward()


@pytest.mark.parametrize("result", [3.5, None, {"a": 1.0}, (1.0, 2.0)])
def test_an_operation_that_returns_no_array_loses_no_gradient_silently(result):
    @primitive
    def odd(x):
        return result

    defvjp(odd, lambda g, out, x: x)
    with pytest.raises(TypeError, match=r"odd returned a .*an operation returns an array"):
        odd(leaf(1.0))


def test_an_argument_that_the_rules_do_not_know_is_refused():
    @primitive
    def loose(x, **options):
        return x * options.get("factor", 1)

    defvjp(loose, lambda g, out, x: g)
    with pytest.raises(TypeError, match=r"loose\(\.\.\., factor=\) can't be recorded"):
        loose(leaf(1.0), factor=2)

    @primitive
    def longer(x, y=1.0):
        return x * y

    defvjp(longer, lambda g, out, x: g)
    with pytest.raises(TypeError, match="longer with 2 positional arguments can't be recorded"):
        longer(leaf(1.0), 2.0)


def test_defvjp_takes_a_function_and_rules():
    with pytest.raises(TypeError, match="defvjp takes a function first, found 'exp'"):
        defvjp("exp", lambda g, out, x: g)
    for rules in ((), (None,), (3,), (lambda g, out, x: g, 3)):
        with pytest.raises(TypeError, match=r"defvjp\(scaled, \.\.\.\) takes a rule per argument"):
            defvjp(scaled, *rules)
    with pytest.raises(TypeError, match="nondifferentiable takes a function, found 3"):
        nondifferentiable(3)
    x = leaf(2.0)
    scaled(x, 5.0).backward()
    assert_array_equal(x.grad, [5])


def test_more_rules_than_the_first_one_has_arguments_are_refused():
    @primitive
    def product(x, y):
        return x * y

    with pytest.raises(TypeError, match="product got 2 rules, but the first one takes 1"):
        defvjp(product, lambda g, out, x: g, lambda g, out, x, y: g * x)


def test_a_rule_for_an_argument_that_there_is_not_is_refused_and_the_old_one_kept() -> None:
    @primitive
    def double(x):
        return x * 2

    defvjp(double, lambda g, out, x: g * 2)
    with pytest.raises(TypeError, match="got a rule for z, but its first rule takes x"):
        defvjp(double, z=lambda g, out, x: g)
    x = Tensor(1.0, requires_grad=True)
    double(x).backward()
    assert x.grad == 2
