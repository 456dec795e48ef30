"""`detect_anomaly`: the first nan or inf, forward and backward, and values overwritten unseen."""

import asyncio
import contextvars
import functools
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.testing import assert_array_equal

import nn
import optim
from autograd_mini import (
    Tensor,
    anomaly,
    checkpoint,
    defvjp,
    detect_anomaly,
    enable_grad,
    gradients,
    hessian,
    jvp,
    log_softmax,
    no_grad,
    primitive,
    softmax,
    tensor,
    walk,
)


def quietly() -> Any:
    return np.errstate(all="ignore")


class Foreign(NDArrayOperatorsMixin):
    """An array of another library, which speaks NumPy's protocols."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape, self.ndim, self.size = array.shape, array.ndim, array.size
        self.dtype = array.dtype

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return Foreign(np.asarray(getattr(ufunc, method)(*map(_native, inputs), **kwargs)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return Foreign(np.asarray(function(*map(_native, args), **kwargs)))

    def __bool__(self) -> bool:
        return bool(self.array)

    def copy(self) -> Any:
        return Foreign(self.array.copy())


def _native(x: Any) -> Any:
    return x.array if isinstance(x, Foreign) else x


def leaf(*values: float, **options: Any) -> Tensor:
    return Tensor([*values], requires_grad=True, **options)


def found(f: Callable[[], Any], kind: type[Exception] = FloatingPointError) -> str:
    """Return what is said of `f`, run in the mode, once the line has been checked."""
    with pytest.raises(kind) as error, detect_anomaly(), quietly():
        f()
    text = str(error.value)
    assert f'File "{__file__}"' in text
    return text


def passes(f: Callable[[], Any]) -> Any:
    """Return what `f` returns in the mode."""
    with detect_anomaly(), quietly():
        return f()


def is_watched() -> bool:
    try:
        with quietly():
            np.log(Tensor(0.0))
    except FloatingPointError:
        return True
    return False


# Forward.


def test_the_first_operation_that_makes_an_inf_is_named_with_its_line_and_arguments():
    x = leaf(1.0, 0.0, 4.0, name="x")

    def f() -> None:
        np.exp(np.log(x)).sum()

    line = inspect.getsourcelines(f)[1] + 1
    assert found(f) == (
        f'np.log (File "{__file__}", line {line}, in f) made 1 inf among 3 elements, the first '
        f"at index (1,), of x = Tensor 'x' of shape (3,), float64, 0 to 4: keep its arguments "
        f"where its result is finite, with np.maximum, np.clip or np.where"
    )


def test_nan_and_inf_are_counted_apart_and_the_first_of_them_is_placed():
    x = Tensor([[1.0, -1.0], [0.0, -2.0]])
    assert "made 2 nan and 1 inf among 4 elements, the first at index (0, 1)" in found(
        lambda: np.log(x)
    )


def test_all_arguments_are_described():
    x = Tensor(np.array([3.0, 4.0], np.float32), name="counts")
    text = found(lambda: x / np.array([[1], [0]]))
    assert "made 2 inf among 4 elements, the first at index (1, 0)" in text
    assert "x = Tensor 'counts' of shape (2,), float32, 3 to 4" in text
    assert "y = an array of shape (2, 1), int64, 0 to 1" in text


def test_numbers_keywords_and_lists_are_described_too():
    x = Tensor([1e300, 1.0])
    assert "y = 1e+300" in found(lambda: x * 1e300)
    assert "axis = 0, keepdims = True" in found(
        lambda: np.sum(x * 0 + 1e308, axis=0, keepdims=True)
    )
    text = found(lambda: np.einsum("i,i->", x, x))
    assert "'i,i->'" in text
    assert text.count("a Tensor of shape (2,), float64, 1 to 1e+300") == 2


def test_a_long_list_is_cut_short():
    text = found(lambda: np.linalg.multi_dot([Tensor([[1e200]])] * 12))
    assert text.count("a Tensor of shape (1, 1)") == 8
    assert "; ...]" in text


def test_a_single_number_has_no_index():
    assert "made 1 inf among 1 element, of x = a Tensor of shape (), float64, 0 to 0:" in found(
        lambda: np.log(Tensor(0.0))
    )


def test_an_operation_in_a_layer_is_reported_at_the_line_of_the_user():
    layer = nn.Linear(2, 1)
    layer.weight.data[...] = 1e200
    assert "made 1 inf" in found(lambda: layer(Tensor([[1e200, 1.0]])))


def test_float32_overflows_earlier():
    passes(lambda: np.exp(Tensor(100.0)))
    assert "float32, 100 to 100" in found(lambda: np.exp(Tensor(np.float32(100))))


@pytest.mark.parametrize("context", [no_grad, enable_grad])
@pytest.mark.parametrize("requires_grad", [True, False])
def test_an_operation_is_looked_at_whether_it_is_recorded_or_not(context, requires_grad):
    x = Tensor(0.0, requires_grad=requires_grad)

    def f() -> None:
        with context():
            np.log(x)

    assert "np.log" in found(f)


def test_a_method_an_operator_and_a_function_are_all_looked_at():
    x = leaf(0.0)
    assert "np.log" in found(x.log)
    assert "np.divide" in found(lambda: 1 / x)
    assert "np.power" in found(lambda: x**-1)
    assert "np.true_divide" in found(lambda: np.true_divide(1, x)) or "np.divide" in found(
        lambda: np.true_divide(1, x)
    )
    assert "np.mean" in found(lambda: np.mean(Tensor(np.full(3, 1e308))))


def test_one_of_several_results_is_named_by_its_place():
    singular = Tensor(np.ones((2, 2)), requires_grad=True)
    text = found(lambda: np.linalg.slogdet(singular))
    assert "np.linalg.slogdet" in text
    assert "made result 1, 1 inf among 1 element, of a = a Tensor of shape (2, 2)" in text
    assert "result 1," in found(lambda: np.linalg.slogdet(singular.detach()))


def test_complex_numbers_are_looked_at_and_their_range_is_that_of_their_size():
    text = found(lambda: Tensor([3 + 4j, 0j]) ** -1)
    assert "x = a Tensor of shape (2,), complex128, 0 to 5 in absolute value" in text


def test_integers_booleans_and_no_elements_are_never_strange():
    passes(lambda: Tensor([0, 1]) // Tensor([1, 0]))
    assert_array_equal(passes(lambda: np.isnan(Tensor([np.nan, 1]))).data, [True, False])
    assert passes(lambda: np.log(Tensor(np.zeros((0, 3))))).shape == (0, 3)
    passes(lambda: np.empty_like(Tensor(np.full(100, np.nan))))


def test_a_primitive_is_looked_at_as_a_whole():
    @primitive
    def harmless(x: Any) -> Any:
        return np.where(x > 0, np.log(x), 0)

    assert passes(lambda: harmless(Tensor([0.0, 1.0]))).tolist() == [0, 0]
    assert "np.log" in found(lambda: np.where(np.zeros(1, bool), np.log(Tensor([0.0])), 0))


def test_in_place_arithmetic_under_no_grad_is_looked_at_before_it_writes():
    x = leaf(1.0, 1e200)

    def f() -> None:
        with no_grad():
            nonlocal x
            x *= 1e200

    assert "np.multiply" in found(f)
    assert_array_equal(x.data, [1, 1e200])


def test_arrays_of_another_library_are_looked_at_without_ranges():
    text = found(lambda: np.log(Tensor(Foreign(np.array([1.0, 0.0])), requires_grad=True)))
    assert "np.log" in text
    assert "made nan or inf in shape (2,), float64, of x = a Tensor of shape (2,), float64:" in text
    x = Tensor(Foreign(np.array([1.0, 4.0])), requires_grad=True)
    passes(lambda: np.sqrt(x).sum().backward())
    assert_array_equal(x.grad.array, [0.5, 0.25])
    x = Tensor(Foreign(np.array([1.0, 0.0])), requires_grad=True)
    text = found(lambda: np.sqrt(x).sum().backward())
    assert "for 'x' its rule made nan or inf in shape (2,), float64" in text


# What came in with an argument.


@pytest.mark.parametrize(
    "mask",
    [
        lambda x, seen: np.where(seen, x, -np.inf),
        lambda x, seen: x + np.where(seen, 0, -np.inf),
        lambda x, seen: x + Tensor(np.where(seen, 0, -np.inf)),
        lambda x, seen: np.minimum(x, np.where(seen, np.inf, -np.inf)),
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda x: softmax(x)[0, 0],
        lambda x: log_softmax(x)[0, 0],
        lambda x: np.sum(np.exp(x)),
        lambda x: np.sum(np.maximum(x, 0)),
        lambda x: np.sum(np.max(x, axis=1)),
        lambda x: np.sum(np.exp(x - np.max(x, axis=-1, keepdims=True))),
    ],
)
def test_a_mask_of_infinities_is_no_alarm(mask, use):
    x = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    seen = np.array([[True, True, False], [False, True, True]])
    passes(lambda: use(mask(x, seen)).backward())
    assert np.isfinite(x.grad).all()


def test_a_row_that_is_masked_altogether_becomes_nan_and_is_found():
    text = found(lambda: softmax(Tensor([[1.0, 2.0], [-np.inf, -np.inf]])))
    assert "softmax" in text
    assert "made 2 nan among 4 elements, the first at index (1, 0)" in text
    assert "1 to 2, with 2 inf among 4 elements, the first at index (1, 0)" in text


def test_an_inf_that_arises_beside_one_that_came_in_is_found_at_its_element():
    text = found(lambda: 1 / Tensor([np.inf, 0.0, 2.0]) + 1)
    assert "made 1 inf among 3 elements, the first at index (1,)" in text
    text = found(lambda: Tensor([[np.inf], [1e308]]) * np.array([1.0, 10.0]))
    assert "made 1 inf among 4 elements, the first at index (1, 1)" in text


def test_an_inf_that_becomes_nan_is_found():
    assert "made 1 nan among 2" in found(lambda: Tensor([np.inf, 1.0]) - Tensor([np.inf, 1.0]))
    assert "made 1 nan among 1" in found(lambda: np.sum(Tensor([np.inf, -np.inf])))


@pytest.mark.parametrize("kind", [Tensor, np.array, leaf])
def test_a_nan_that_came_in_is_said_not_to_have_arisen_here(kind):
    data = leaf(1.0, np.nan, name="data") if kind is leaf else kind([1.0, np.nan])
    text = found(lambda: leaf(2.0, 3.0) * data)
    assert "np.multiply" in text
    assert "passes on 1 nan among 2 elements, the first at index (1,)" in text
    assert "did not arise here but came in with 'y'" in text
    assert "look where that was made" in text
    assert ("y = Tensor 'data' of shape (2,), float64, 1 to 1, with 1 nan" in text) is (
        kind is leaf
    )


def test_a_nan_of_data_that_is_left_out_or_filled_is_no_alarm():
    x = leaf(1.0, np.nan)
    assert passes(lambda: np.nanmean(x)).item() == 1
    assert passes(lambda: np.nan_to_num(x)).tolist() == [1, 0]
    assert passes(lambda: np.where(np.isnan(x.data), 0, x)).tolist() == [1, 0]
    assert passes(lambda: x[0]).tolist() == 1


# Backward.


def test_the_rule_that_makes_an_inf_is_named_with_line_gradient_and_values():
    x = leaf(0.0, 4.0, name="x")

    def f() -> None:
        y = np.sqrt(x)
        (y * 3).sum().backward()

    line = inspect.getsourcelines(f)[1] + 1
    assert found(f) == (
        f"the derivative of np.sqrt (File \"{__file__}\", line {line}, in f) failed: for 'x' its "
        f"rule made 1 inf among 2 elements, the first at index (0,), of g = an array of shape "
        f"(2,), float64, 3 to 3, out = a Tensor of shape (2,), float64, 0 to 2, x = Tensor 'x' of "
        f"shape (2,), float64, 0 to 4: keep the arguments where the derivative is finite"
    )
    assert x.grad is None


def test_a_zero_times_infinity_is_explained_and_the_advice_works():
    x = leaf(0.0, 4.0)
    text = found(lambda: ((x.data > 0) * np.sqrt(x)).sum().backward())
    assert "the derivative of np.sqrt" in text
    assert "made 1 nan among 2 elements, the first at index (0,)" in text
    assert "g is 0 there" in text
    assert "np.where(ok, f(x), 0)" in text
    passes(lambda: np.where(x.data > 0, np.sqrt(x), 0).sum().backward())
    assert_array_equal(x.grad, [0, 0.25])


def test_a_gradient_is_looked_at_for_the_argument_it_belongs_to():
    x, n = leaf(-2.0), leaf(3.0)
    assert "for 'y' its rule made 1 nan" in found(lambda: np.power(x, n).sum().backward())
    passes(lambda: np.power(x, 3.0).sum().backward())


def test_the_first_rule_is_reported_not_those_that_pass_a_nan_on():
    x = leaf(0.0)
    text = found(lambda: (np.sqrt(np.sin(x * 1) * 2) + 1).sum().backward())
    assert "the derivative of np.sqrt" in text


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_looks_too_and_in_a_recorded_walk_at_rules_not_at_their_calls(create_graph):
    x = leaf(0.0)
    text = found(lambda: gradients(np.sqrt(x).sum(), [x], create_graph=create_graph))
    assert "the derivative of np.sqrt" in text
    assert "for 'x' its rule made 1 inf" in text


def test_the_derivative_of_a_derivative_is_looked_at():
    x = leaf(0.0)
    text = found(lambda: gradients(gradients((x**1.5).sum(), [x], create_graph=True)[0].sum(), [x]))
    assert "the derivative of np.power" in text
    assert "FloatingPointError" not in text


def test_a_rule_may_pass_through_inf_on_its_way_to_a_finite_gradient():
    @primitive
    def log_of_size(x: Any) -> Any:
        return np.log(np.where(x == 0, 1, np.abs(x)))

    defvjp(log_of_size, lambda g, out, x: np.where(x == 0, 0, g / x))
    x = leaf(0.0, 2.0)
    (slope,) = passes(lambda: gradients(log_of_size(x).sum(), [x], create_graph=True))
    assert_array_equal(slope.data, [0, 0.5])
    with quietly():
        x.grad = None
        log_of_size(x).sum().backward()
    assert_array_equal(x.grad, [0, 0.5])


def test_gradients_that_overflow_when_they_are_added_up_are_found():
    x = Tensor(np.array([1e-9, 2.0], np.float32), requires_grad=True, name="x")
    big = np.array([3e38, 1], np.float32)
    text = found(lambda: (x * big + x * big).sum().backward())
    assert "the derivative of np.multiply" in text
    assert "for 'x' the sum of gradients, in float32, overflows: it holds 1 inf among 2" in text


def test_a_gradient_that_overflows_when_it_is_summed_over_a_batch_is_found():
    bias = Tensor(np.zeros(1, np.float32), requires_grad=True)
    x = np.zeros((4, 1), np.float32)
    text = found(lambda: (bias + x).backward(np.full((4, 1), 3e38, np.float32)))
    assert "the derivative of np.add" in text
    assert "overflows" in text


def test_a_nan_that_backward_was_given_is_said_to_be():
    x = leaf(1.0, 2.0)
    text = found(lambda: (x * 2).backward(np.array([1.0, np.nan])))
    assert "the gradient that the walk starts with, or a sum of some, holds 1 nan among 2" in text


def test_one_of_several_results_and_arguments_is_looked_at_backward():
    @primitive
    def scaled_by_root(arrays: Any, n: Any) -> Any:
        return np.sqrt(n) * arrays[0], np.sqrt(n) * arrays[1]

    defvjp(
        scaled_by_root,
        lambda g, out, arrays, n: [np.sqrt(n) * g[0], np.sqrt(n) / n * g[1]],
        lambda g, out, arrays, n: (g[0] * arrays[0] + g[1] * arrays[1]) / (2 * np.sqrt(n)),
    )
    x, y, n = leaf(1.0), leaf(2.0), leaf(0.0)
    text = found(lambda: np.add(*scaled_by_root([x, y], 0.0)).sum().backward())
    assert "for 'arrays' its rule made 1 nan among 1 element" in text
    assert "g = [an array of shape (1,), float64, 1 to 1; an array of shape (1,)" in text
    text = found(lambda: np.add(*scaled_by_root([x.detach(), 2.0], n)).sum().backward())
    assert "for 'n' its rule made 1 inf among 1 element" in text


def test_an_operation_inside_a_checkpoint_is_named():
    x = leaf(0.0)
    text = found(lambda: checkpoint(lambda x: np.sqrt(x) * 2)(x).sum().backward())
    assert "the derivative of np.sqrt" in text
    assert "for 'x' its rule made 1 inf" in text


def test_a_walk_inside_looks_at_gradients_of_calls_made_outside():
    x = leaf(0.0)
    loss = np.sqrt(x).sum()
    assert "the derivative of np.sqrt" in found(loss.backward)


def test_a_walk_outside_looks_at_nothing():
    x = leaf(0.0)
    loss = passes(lambda: np.sqrt(x).sum())
    with quietly():
        loss.backward()
    assert_array_equal(x.grad, [np.inf])


def test_a_walk_under_no_grad_is_looked_at():
    x = leaf(0.0)

    def f() -> None:
        loss = np.sqrt(x).sum()
        with no_grad():
            loss.backward()

    assert "the derivative of np.sqrt" in found(f)


def test_what_numpy_itself_raises_in_a_rule_stays_the_same_kind_of_error():
    loss = np.sqrt(leaf(0.0)).sum()
    with (
        pytest.raises(FloatingPointError, match=r"derivative of np\.sqrt .*divide by zero"),
        np.errstate(divide="raise"),
    ):
        loss.backward()


def test_a_rule_that_returns_no_array_is_refused_as_ever():
    @primitive
    def broken(x: Any) -> Any:
        return x * 2

    defvjp(broken, lambda g, out, x: "nothing")
    with pytest.raises(RuntimeError, match="its rule returned 'nothing'"), detect_anomaly():
        broken(leaf(1.0)).sum().backward()


# Fingerprints.


def written(f: Callable[[], Any], write: Callable[[], Any]) -> str:
    """Return what the walk says if `write` is called between forward and backward."""

    def both() -> None:
        loss = f()
        write()
        loss.backward()

    return found(both, RuntimeError)


def test_a_write_through_an_alias_is_named_with_operation_line_and_tensor():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    memory = x.data

    def f() -> Any:
        return (x * x).sum()

    line = inspect.getsourcelines(f)[1] + 1
    text = written(f, functools.partial(memory.__setitem__, 0, 7.0))
    assert text == (
        f'the derivative of np.multiply (File "{__file__}", line {line}, in f) failed: it needs '
        f"the value of Tensor 'x', whose memory was written since the call, through a NumPy "
        f"alias, a view or .data[...]: write after backward(), or give the Tensor a copy"
    )


MEMORY = np.arange(1.0, 7.0)


@pytest.mark.parametrize(
    "write",
    [
        lambda m, x: m.__setitem__(2, 9.0),
        lambda m, x: x.data.flat.__setitem__(0, 9.0),
        lambda m, x: x.data.fill(9.0),
        lambda m, x: m[1:4].__setitem__(1, 9.0),
        lambda m, x: m.reshape(2, 3)[0].__setitem__(2, 9.0),
        lambda m, x: np.add(m, 1, out=m),
        lambda m, x: m.sort() if m[0] > m[-1] else m[::-1].sort(),
        lambda m, x: memoryview(m).__setitem__(2, 9.0),
        lambda m, x: m.view(np.uint8).__setitem__(16, m.view(np.uint8)[16] ^ 1),
        lambda m, x: np.random.default_rng(0).random(out=m),
        lambda m, x: np.copyto(m, 9.0),
    ],
)
@pytest.mark.parametrize("part", [np.s_[:], np.s_[1:5], np.s_[::2], np.s_[2, ...]])
def test_every_way_to_write_behind_the_engine_is_caught(write, part):
    memory = MEMORY.copy()
    x, weight = Tensor(memory[part]), leaf(1.0)
    text = written(lambda: np.sum(x * weight), lambda: write(memory, x))
    assert "the derivative of np.multiply" in text
    assert "the Tensor given as 'x'" in text


def test_a_constant_array_that_is_filled_anew_is_caught():
    weight, batch = leaf(1.0, 2.0), np.ones((3, 2))
    text = written(lambda: np.sum(batch @ weight), lambda: batch.fill(5))
    assert "needs the value of the array given as" in text


def test_an_index_or_a_condition_that_was_changed_is_no_alarm_since_the_call_has_a_copy():
    x, rows, chosen = leaf(1.0, 2.0, 3.0), np.array([0, 1]), np.array([True, False, True])

    def f() -> None:
        loss = np.sum(x[rows]) + np.sum(x[(rows,)]) + np.sum(np.where(chosen, x, 0))
        rows.fill(2)
        chosen.fill(False)
        loss.backward()

    passes(f)
    assert_array_equal(x.grad, [3, 2, 1])


def test_a_result_that_was_changed_is_caught():
    y: list[Any] = []

    def f() -> Any:
        y.append(np.exp(leaf(1.0, 2.0)))
        return y[0].sum()

    assert "the value of its result" in written(f, lambda: y[0].data.fill(0))


def test_one_of_several_results_that_was_changed_is_caught():
    results: list[Any] = []

    def f() -> Any:
        results.extend(np.linalg.eigh(Tensor(np.diag([1.0, 2.0]), requires_grad=True)))
        return results[0].sum()

    text = written(f, lambda: results[1].data.fill(0))
    assert "np.linalg.eigh" in text
    assert "the value of its result" in text


def test_an_array_in_a_list_and_a_keyword_are_caught():
    x, y = leaf(1.0, 2.0), np.array([3.0, 4.0])
    text = written(lambda: np.linalg.multi_dot([x, y.reshape(2, 1)]).sum(), lambda: y.fill(0))
    assert "the list given as 'arrays'" in text
    weights = np.array([1.0, 3.0])
    text = written(lambda: np.average(x, weights=weights), lambda: weights.fill(1))
    assert "the array given as 'weights'" in text


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_graph_of_a_derivative_is_guarded_too(create_graph):
    x = Tensor([2.0], requires_grad=True, name="x")
    memory = x.data

    def f() -> None:
        (slope,) = gradients(np.sin(x).sum(), [x], create_graph=True)
        memory[0] = 5.0
        gradients(slope.sum(), [x], create_graph=create_graph)

    assert "Tensor 'x', whose memory was written" in found(f, RuntimeError)


def test_what_a_checkpoint_was_given_is_guarded():
    x = Tensor([2.0], requires_grad=True, name="x")
    memory = x.data
    text = written(lambda: checkpoint(np.sin)(x).sum(), lambda: memory.fill(1))
    assert "whose memory was written" in text


def test_any_change_of_any_one_element_is_seen():
    rng = np.random.default_rng(1)
    for dtype in (np.float16, np.float32, np.float64, np.complex128):
        memory = rng.random(5).astype(dtype)
        for i in range(5):
            x = Tensor(memory.copy(), requires_grad=True)
            value = np.nextafter(memory[i].real, memory[i].real + 1)
            change = functools.partial(x.data.__setitem__, i, value)
            text = written(functools.partial(lambda x: np.abs(x * x).sum(), x), change)
            assert "whose memory was written" in text


def test_a_value_that_no_rule_reads_may_be_written():
    memory, other = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    x = Tensor(memory, requires_grad=True)

    def f() -> None:
        loss = (x + other).sum() + np.where([True, False], x, other).sum() + x.reshape(2, 1).sum()
        memory[:] = other[:] = 0
        loss.backward()

    passes(f)
    assert_array_equal(x.grad, [3, 2])


def test_only_the_side_that_a_rule_reads_is_guarded():
    x, constant = leaf(1.0, 2.0), np.array([3.0, 4.0])

    def f() -> None:
        loss = (x * constant).sum()
        x.data[0] = 100.0  # read for the gradient of the constant only, which needs none
        loss.backward()

    passes(f)
    assert_array_equal(x.grad, [3, 4])


@pytest.mark.parametrize(
    "write", [lambda x: x.__setattr__("data", x.data * 2), lambda x: x.__imul__(2)]
)
def test_a_write_that_the_engine_sees_is_reported_as_ever(write):
    x = leaf(1.0, 2.0, name="x")

    def f() -> None:
        loss = (x * x).sum()
        with no_grad():
            write(x)
        loss.backward()

    text = found(f, RuntimeError)
    assert "Tensor 'x' was used by np.multiply" in text
    assert "and written since" in text


def test_a_retained_graph_is_walked_twice_without_alarm():
    x = leaf(1.0, 2.0)

    def f() -> None:
        loss = (np.exp(x) * x).sum()
        loss.backward(retain_graph=True)
        loss.backward()

    passes(f)
    assert_array_equal(x.grad, 2 * np.exp(x.data) * (1 + x.data))


def test_a_retained_graph_is_guarded_between_its_walks():
    x = leaf(1.0, 2.0)

    def f() -> None:
        loss = np.sin(x).sum()
        loss.backward(retain_graph=True)
        x.data[0] = 0.0
        loss.backward()

    assert "whose memory was written" in found(f, RuntimeError)


def test_item_assignment_is_no_alarm():
    x = leaf(1.0, 2.0)

    def f() -> None:
        t = x * x
        y = t * t
        t[0] = 10.0
        z = t * t
        t[1] = x[0] * 3
        (y + z + t * t).sum().backward()

    passes(f)
    assert_array_equal(x.grad, [4 + 0 + 18, 32 + 32])


def test_item_assignment_outside_leaves_no_stale_fingerprint():
    x = leaf(1.0, 2.0)
    with detect_anomaly():
        t = np.exp(x)
    t[0] = 10.0
    loss = np.exp(t * 0.1).sum()
    passes(loss.backward)
    assert np.isfinite(x.grad).all()


@pytest.mark.parametrize("make", [optim.SGD, functools.partial(optim.SGD, momentum=0.9)])
def test_training_is_no_alarm_and_gives_the_same_weights(make):
    def train() -> list[Any]:
        rng = np.random.default_rng(0)
        model = nn.Sequential(nn.Linear(4, 8, rng=rng), nn.Sigmoid(), nn.Linear(8, 3, rng=rng))
        optimizer = make(model.parameters(), lr=0.1)
        batch = np.empty((5, 4))
        for _ in range(5):
            batch[...] = rng.random((5, 4))  # a buffer, filled anew after each backward pass
            loss = nn.functional.cross_entropy(model(Tensor(batch)), np.array([0, 1, 2, 0, 1]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return [p.data for p in model.parameters()]

    for watched, plain in zip(passes(train), train(), strict=True):
        assert_array_equal(watched, plain)


def test_checkpoints_hessians_and_jvps_are_no_alarm_and_the_same():
    def f(x: Any) -> Any:
        return np.sum(checkpoint(lambda x: np.exp(np.sin(x)))(x) * x)

    x = np.array([0.3, 0.7])
    assert_array_equal(passes(lambda: hessian(f)(x)), hessian(f)(x))
    for watched, plain in zip(passes(lambda: jvp(f, (x,), (x,))), jvp(f, (x,), (x,)), strict=True):
        assert_array_equal(watched.data, plain.data)


# The mode.


def test_it_begins_and_ends_with_its_block():
    assert not is_watched()
    with detect_anomaly():
        assert is_watched()
        with detect_anomaly():
            assert is_watched()
        assert is_watched()
    assert not is_watched()


def test_calls_are_remembered_in_it_as_they_were_around_it():
    def is_recording() -> bool:
        return (leaf(1.0) * 2).requires_grad

    with detect_anomaly():
        assert is_recording()
        with no_grad():
            assert not is_recording()
            assert is_watched()
            with detect_anomaly():
                assert not is_recording()
            with enable_grad():
                assert is_recording()
                assert is_watched()
        assert is_recording()
    with no_grad(), detect_anomaly():
        assert not is_recording()
        assert is_watched()


def test_recorded_calls_know_their_line_in_it():
    x = leaf(1.0)
    with detect_anomaly():
        y = x * 2
        line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
        q, _ = np.linalg.qr(Tensor(np.eye(2), requires_grad=True))
    assert (y.origin.file, y.origin.line) == (__file__, line)
    assert (q.origin.file, q.origin.line) == (__file__, line + 2)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_an_exception_ends_it(error):
    with pytest.raises(error), detect_anomaly():
        raise error
    assert not is_watched()


def test_an_alarm_ends_it_and_leaves_everything_usable():
    x = leaf(0.0)
    for _ in range(3):
        found(lambda: np.sqrt(x).sum().backward())
        found(lambda: np.log(x))
        assert not is_watched()
        assert (x * 2).requires_grad
    with quietly():
        np.sqrt(x).sum().backward()
    assert_array_equal(x.grad, [np.inf])


def test_an_alarm_inside_it_may_be_caught_and_it_goes_on():
    with detect_anomaly():
        for _ in range(3):
            assert is_watched()
            with pytest.raises(FloatingPointError), quietly():
                np.sqrt(leaf(0.0)).sum().backward()


def test_a_decorated_function_runs_in_it():
    @detect_anomaly()
    def train() -> bool:
        """Train."""
        return is_watched()

    assert not is_watched()
    assert train()
    assert train.__doc__ == "Train."
    assert not is_watched()


def generator() -> Any:
    yield 1


async def coroutine() -> None:
    pass


@pytest.mark.parametrize("function", [generator, coroutine])
def test_a_function_whose_body_runs_later_is_refused(function):
    with pytest.raises(TypeError, match=r"can't decorate .*with detect_anomaly"):
        detect_anomaly()(function)
    with pytest.raises(TypeError, match=r"write @detect_anomaly\(\), with its brackets"):
        detect_anomaly(function)


def test_another_thread_is_not_in_it():
    barrier = threading.Barrier(2)

    def look(is_in: bool) -> list[bool]:
        seen = []
        for _ in range(100):
            barrier.wait()
            if is_in:
                with detect_anomaly():
                    seen.append(is_watched())
            else:
                seen.append(is_watched())
        return seen

    with detect_anomaly(), ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(look, is_in) for is_in in (True, False)]
        assert [job.result() for job in jobs] == [[True] * 100, [False] * 100]
    assert not is_watched()


def test_another_task_is_not_in_it():
    async def look(is_in: bool) -> bool:
        if is_in:
            with detect_anomaly():
                await asyncio.sleep(0)
                return is_watched()
        await asyncio.sleep(0)
        return is_watched()

    async def both() -> list[bool]:
        return list(await asyncio.gather(look(True), look(False), look(True)))

    assert asyncio.run(both()) == [True, False, True]


def test_a_copied_context_carries_it():
    with detect_anomaly():
        context = contextvars.copy_context()
    assert context.run(is_watched)
    assert not is_watched()


def fail(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("called outside detect_anomaly()")


def test_outside_of_it_nothing_of_it_is_called(monkeypatch):
    with detect_anomaly():
        inside = (leaf(1.0) * 2).sum()
    for module, name in [
        (tensor, "watch"),
        (tensor, "watched"),
        (walk, "watched_rules"),
        (anomaly.zlib, "crc32"),
    ]:
        monkeypatch.setattr(module, name, fail)
    x = leaf(1.0, 2.0)
    loss = (np.exp(x) * x + np.linalg.qr(Tensor(np.eye(2), requires_grad=True))[0]).sum()
    loss.backward()
    inside.backward()
    hessian(lambda x: np.sum(x**3))(np.array([1.0]))
    with no_grad():
        x *= 2
        np.exp(x)
    with pytest.raises(AssertionError, match="called outside"), detect_anomaly():
        np.exp(x)
