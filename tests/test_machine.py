"""The engine as a machine that random programs are fed to, with a record of what it must do.

Every step is one statement of a program: make, operate, view, write, detach, walk, step, delete.
`machine.py` keeps the same program on other memory, knows the derivatives from dual numbers and the
complex step, and when a walk must refuse. A failure shrinks to a short program, printed as code.
Engines that were broken on purpose must be found: that is the test of this test.
"""

import contextvars
import functools
import weakref
from collections import Counter
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)
from numpy.testing import assert_allclose

import optim
from autograd_mini import Tensor, backward, enable_grad, gradients, hook, no_grad
from autograd_mini.operation import Operation
from autograd_mini.primitive import TABLE
from autograd_mini.rules.indexing import setitem
from autograd_mini.testing.layouts import laid_out
from autograd_mini.walk import Walk
from tests import dual
from tests.machine import (
    BINARY,
    CURVED,
    DOUBLE,
    INDICES,
    MOVING,
    VIEWS,
    Hook,
    Node,
    Record,
    ancestors,
    assignment,
    derivative,
    replay,
)

# It looks at the gradients of results on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:the .grad of a result is None")

SHAPES = [(), (3,), (2, 3), (2, 1), (3, 2)]
LAYOUTS = ["C", "F", "strided", "reversed", "unaligned"]
STEPS = 30
OUTCOMES = {"no refusal", "no graph", "released", "written since", "would overwrite"}
REACHED: Counter[str] = Counter()


def numbers(shape: tuple[int, ...], seed: int, dtype: Any = np.float64) -> np.ndarray:
    """Return numbers between -1.5 and 1.5, none of them near 0."""
    size = int(np.prod(shape))
    wave = np.cos(1.0 + 2.0 * np.arange(size) + seed)
    return np.asarray((wave + np.copysign(0.5, wave)).reshape(shape).astype(dtype))


class Handle:
    """A Tensor of the program and its node; the Tensor is None once it was deleted."""

    def __init__(self, tensor: Tensor, node: Node) -> None:
        self.tensor: Any = tensor
        self.node = node

    def __repr__(self) -> str:
        return f"<{self.tensor!r}>"


def refusal(f: Any) -> str | None:
    """Return what `f` says when it raises, and keep nothing of it alive."""
    try:
        f()
    except (RuntimeError, ValueError) as error:
        return str(error)
    return None


def check_refusal(found: str | None, expected: tuple[str, ...] | None) -> None:
    """Assert that a walk refused with the `expected` words, or did not refuse."""
    REACHED["no refusal" if expected is None else expected[-1]] += 1
    if expected is None:
        assert found is None, f"refused without need: {found}"
    else:
        assert found is not None, f"did not refuse: {expected}"
        assert all(words in found for words in expected), (found, expected)


def statement(kind: Any = rule, **arguments: Any) -> Any:
    """Make a method a rule of the machine, after which all must be as the record says."""

    def decorated(method: Any) -> Any:
        @functools.wraps(method)
        def run(self: "Machine", **given: Any) -> Any:
            self.is_failing = True
            result = method(self, **given)
            self.check()
            self.is_failing = False
            return result

        return kind(**arguments)(run)

    return decorated


class Machine(RuleBasedStateMachine):
    """The library, the record beside it, and statements that change both."""

    tensors = Bundle("tensors")

    def __init__(self) -> None:
        super().__init__()
        self.record = Record()
        self.handles: list[Handle] = []
        self.deleted: list[tuple[Any, Node]] = []  # weak references
        self.in_hand: list[tuple[np.ndarray, np.ndarray]] = []  # arrays of the user, and copies
        self.hooks: dict[int, Hook] = {}
        self.is_failing = False
        self.is_cyclic = False  # item assignment makes cycles, which die later

    def keep(self, tensor: Any, node: Node) -> Handle:
        """Add a Tensor to the program."""
        handle = Handle(tensor, node)
        self.handles.append(handle)
        return handle

    def made(self, tensor: Any, node: Node | None) -> Any:
        return self.keep(tensor(), node) if node is not None else multiple()

    @property
    def alive(self) -> list[Handle]:
        return [x for x in self.handles if x.tensor is not None]

    @property
    def leaves(self) -> list[Handle]:
        return [x for x in self.alive if x.node.needs and x.node.kind is None]

    # Making Tensors.

    @statement(initialize, target=tensors, shape=st.sampled_from(SHAPES[1:]))
    def begin(self, shape):
        """Begin with two leaves and their product, or most statements have nothing to do."""
        x = self.keep(*self.pair(shape, "C", np.float64, 0, needs=True))
        y = self.keep(*self.pair(shape, "C", np.float64, 1, needs=True))
        return multiple(x, y, self.multiplied(x, y))

    @statement(
        target=tensors,
        shape=st.sampled_from(SHAPES),
        layout=st.sampled_from(LAYOUTS),
        dtype=st.sampled_from([np.float64, np.float64, np.float32]),
        seed=st.integers(0, 5),
        needs=st.sampled_from([True, True, False]),
    )
    def create(self, shape, layout, dtype, seed, needs):
        return self.keep(*self.pair(shape, layout, dtype, seed, needs))

    def pair(self, shape, layout, dtype, seed, needs) -> tuple[Tensor, Node]:
        data = numbers(shape, seed, dtype)
        array = laid_out(data, layout)
        node = self.record.leaf(np.array(array) if needs else array, needs)
        return Tensor(laid_out(data, layout), requires_grad=needs), node

    @statement(target=tensors, name=st.sampled_from(sorted(CURVED)), x=tensors)
    def curved(self, name, x):
        return self.unary(CURVED[name], x)

    @statement(target=tensors, name=st.sampled_from(sorted(MOVING)), x=tensors)
    def moving(self, name, x):
        return self.unary(MOVING[name], x)

    @statement(target=tensors, name=st.sampled_from(sorted(VIEWS)), x=tensors)
    def view(self, name, x):
        return self.unary(VIEWS[name], x)

    def unary(self, kind, x) -> Any:
        return self.made(lambda: kind.run(x.tensor), self.record.call(kind, x.node))

    @statement(target=tensors, name=st.sampled_from(sorted(BINARY)), x=tensors, y=tensors)
    def binary(self, name, x, y):
        kind = BINARY[name]
        node = self.record.call(kind, x.node, y.node)
        return self.made(lambda: kind.run(x.tensor, y.tensor), node)

    @statement(target=tensors, x=tensors, y=tensors)
    def product(self, x, y):
        return self.multiplied(x, y)

    def multiplied(self, x, y) -> Any:
        node = self.record.call(BINARY["multiply"], x.node, y.node)
        return self.made(lambda: x.tensor * y.tensor, node)

    @statement(target=tensors, x=tensors)
    def split(self, x):
        """Make two Tensors with one call."""
        nodes = self.record.split(x.node)
        if nodes is None:
            return multiple()
        return multiple(*map(self.keep, np.array_split(x.tensor, 2), nodes))

    @statement(target=tensors, x=tensors, factor=st.sampled_from([1, 2]))
    def hook(self, x, factor):
        """Put a hook behind `x`, which looks at gradients or changes them."""
        found = Hook(factor)
        node = self.record.call(found.kind, x.node)
        if node is not None and node.needs:
            self.hooks[node.time] = found
        return self.made(lambda: hook(x.tensor, found), node)

    @statement(target=tensors, x=tensors)
    def detach(self, x):
        return self.keep(x.tensor.detach(), self.record.leaf(x.node.array, needs=False))

    @statement(target=tensors, name=st.sampled_from(sorted(CURVED | VIEWS)), x=tensors)
    def operate_under_no_grad(self, name, x):
        kind = (CURVED | VIEWS)[name]
        node = self.record.call(kind, x.node, is_recording=False)
        with no_grad():
            return self.made(lambda: kind.run(x.tensor), node)

    # Writing.

    @statement(x=tensors, is_new=st.booleans())
    def write_data(self, x, is_new):
        """Write `x.data = ...` or `x.data *= 0.5`."""
        if is_new:
            x.tensor.data = x.tensor.data[...] * 0.5
            x.node.array = np.asarray(x.node.array[...] * 0.5)
            self.record.write(x.node)
        elif x.node.array.flags.writeable:
            x.tensor.data *= 0.5
            x.node.array *= 0.5
            self.record.write(x.node)

    @statement(x=tensors, is_item=st.booleans())
    def write_under_no_grad(self, x, is_item):
        """Write `x += 1` or `x[0] = 1`."""
        tensor, array = x.tensor, x.node.array
        if not array.flags.writeable:
            return
        with no_grad():
            if is_item and array.ndim:
                tensor[0] = 1.0
                array[0] = 1.0
            else:
                tensor += 1.0
                array += 1.0
        assert tensor is x.tensor
        self.record.write(x.node)

    @statement(target=tensors, x=tensors, y=tensors)
    def add_in_place(self, x, y):
        """Write `x += y` in a recorded computation: a new Tensor, and no write into a leaf."""
        before = x.tensor
        if x.node.needs and x.node.kind is None:
            found = refusal(lambda: before.__iadd__(y.tensor))
            check_refusal(found, ("in place would overwrite",))
            return multiple()
        array, other = x.node.array, y.node.array
        with suppress(ValueError):  # shapes that do not go together: no call at all
            if np.broadcast_shapes(array.shape, other.shape) != array.shape:
                assert "can't be written into" in str(refusal(lambda: before.__iadd__(y.tensor)))
                return multiple()
        if np.result_type(array, other) != array.dtype:  # cast back: two calls
            return multiple()
        node = self.record.call(BINARY["add"], x.node, y.node)
        return self.made(lambda: before.__iadd__(y.tensor), node)

    @statement(x=tensors, index=st.sampled_from(sorted(INDICES)), value=tensors)
    def assign(self, x, index, value):
        self.assigned(x, INDICES[index], value.tensor, value.node)

    @statement(x=tensors, index=st.sampled_from(sorted(INDICES)))
    def assign_number(self, x, index):
        self.assigned(x, INDICES[index], 1.5, Node(0, np.array(1.5), needs=False))

    def assigned(self, x, index, value, given) -> None:
        """Write `x[index] = value` in a recorded computation."""
        node = x.node
        if not self.fits(node.array, index, given.array) or not node.array.flags.writeable:
            return
        if not (node.needs or given.needs):
            x.tensor[index] = value
            node.array[index] = given.array
            self.record.write(node)
            return
        after = self.record.call(assignment(index), node, given)
        if after is None:
            return
        found = refusal(lambda: x.tensor.__setitem__(index, value))
        if node.needs and node.kind is None:
            check_refusal(found, ("would overwrite",))
        elif node.array.base is not None:
            check_refusal(found, ("to a view",))
        else:
            check_refusal(found, None)
            self.is_cyclic = True
            x.node = after

    def fits(self, array, index, value) -> bool:
        """Return whether array[index] = value is possible."""
        try:
            array.copy()[index] = value
        except (ValueError, IndexError):
            return False
        return True

    # Walking back.

    @statement(x=tensors, seed=st.integers(0, 3), retain=st.booleans(), again=st.booleans())
    def backward(self, x, seed, retain, again):
        """Walk back, and maybe again: that must be refused unless the graph was retained."""
        self.walk(x, seed, retain)
        if again:
            self.walk(x, seed, retain)

    def walk(self, x, seed, retain) -> None:
        """Walk back from `x`, there and here."""
        node = x.node
        g = np.ones(node.array.shape) if node.array.size == 1 else self.gradient(node, seed)
        passed, expected = self.record.walk(node, release=not retain)
        given = None if node.array.size == 1 else g
        check_refusal(refusal(lambda: x.tensor.backward(given, retain_graph=retain)), expected)
        g = g.astype(node.array.dtype)
        self.check_hooks(node, passed, g)
        for inner in passed if retain else ():
            inner.grad, inner.slack = derivative(node, inner, g)
        if expected is None:
            for leaf in [y for y in ancestors(node) if y.kind is None]:
                grad, slack = derivative(node, leaf, g)
                leaf.grad = grad if leaf.grad is None else leaf.grad + grad
                leaf.slack = leaf.slack + slack + 1e-7 * leaf.is_single * np.abs(leaf.grad)

    def gradient(self, node, seed) -> np.ndarray:
        """Return an array of the user's, given as the gradient of a result."""
        g = numbers(node.array.shape, seed)
        self.in_hand.append((g, g.copy()))
        return g

    def check_hooks(self, output, passed, g) -> None:
        """Assert that every hook on the way was called once, with the whole gradient."""
        for node in passed:
            if found := self.hooks.get(node.time):
                (seen,) = found.seen
                assert_close(seen, *derivative(output, node, g))
                self.in_hand.append((seen, seen.copy()))
                found.seen.clear()
        assert not any(found.seen for found in self.hooks.values())

    @statement(x=tensors, inputs=st.lists(tensors, min_size=1, max_size=3), seed=st.integers(0, 3))
    def gradients(self, x, inputs, seed):
        inputs = [y for y in inputs if y.node.needs]
        if not inputs:
            return
        g = self.gradient(x.node, seed)
        passed, expected = self.record.walk(x.node, [y.node for y in inputs])
        found: list[Any] = []
        asked = [y.tensor for y in inputs]
        check_refusal(refusal(lambda: found.extend(gradients(x.tensor, asked, g))), expected)
        self.check_hooks(x.node, passed, g.astype(x.node.array.dtype))
        for y, array in zip(inputs, found, strict=False):
            wanted, slack = derivative(x.node, y.node, g.astype(x.node.array.dtype))
            assert array.dtype == y.node.array.dtype
            assert_close(array, wanted, slack)

    @statement(x=tensors, seed=st.integers(0, 3))
    def second_derivative(self, x, seed):
        self.curve(x, seed)

    def curve(self, x, seed) -> None:
        """Compare u H v with dual numbers of dual numbers."""
        behind = ancestors(x.node)
        sources = [y for y in self.leaves if y.node in behind]
        _, expected = self.record.walk(x.node)
        if expected is not None or not sources or x.node.is_single:
            return
        g, nodes = self.gradient(x.node, seed), [y.node for y in sources]
        leaves = [y.tensor for y in sources]
        slopes = gradients(x.tensor, leaves, g, create_graph=True)
        scale = 1.0
        for node, slope in zip(nodes, slopes, strict=True):
            wanted, slack = derivative(x.node, node, g)
            assert_close(slope.data, wanted, slack)
            scale += np.max(slack) / DOUBLE
        us = [numbers(y.shape, seed + 1) for y in leaves]
        vs = [numbers(y.shape, seed + 2) for y in leaves]
        parts = [s * u for s, u in zip(slopes, us, strict=True) if s.requires_grad]
        rows = gradients(sum(y.sum() for y in parts), leaves) if parts else []
        found = sum(np.sum(row * v) for row, v in zip(rows, vs, strict=False))
        primals = [y.array.astype(float) for y in nodes]
        wanted = dual.curvature(lambda *xs: np.sum(replay(x.node, nodes, xs) * g), primals, us, vs)
        for seen in self.hooks.values():  # how often is not told
            seen.seen.clear()
        assert_allclose(found, wanted, rtol=0, atol=DOUBLE * scale**2)

    @statement(x=tensors)
    def zero_grad(self, x):
        x.tensor.grad = None
        x.node.grad, x.node.slack = None, 0.0

    @statement(lr=st.sampled_from([0.25, 0.125]))
    def step(self, lr):
        """Take a step, with the very gradients that the library has."""
        leaves = [x for x in self.leaves if x.tensor.grad is not None]
        if not leaves:
            return
        for x in leaves:
            x.node.array -= np.multiply(x.tensor.grad, np.array(lr, x.node.array.dtype))
            self.record.write(x.node)
        optim.SGD([x.tensor for x in leaves], lr=lr).step()

    def teardown(self) -> None:
        """At the end of the program, differentiate all that is left."""
        for x in () if self.is_failing else reversed(self.alive):
            self.curve(x, 0)
            self.walk(x, 0, retain=False)
        self.check()

    @statement(x=consumes(tensors))
    def delete(self, x):
        self.deleted.append((weakref.ref(x.tensor), x.node))
        x.tensor = None

    # What holds after every statement.

    def check(self) -> None:
        """Assert all of it. (As an invariant of Hypothesis it would fill the programs printed.)"""
        self.every_value_is_what_it_was_or_what_was_written()
        self.every_gradient_is_the_sum_of_what_the_walks_found()
        self.no_gradient_shares_memory_with_anything()
        self.what_nothing_refers_to_is_gone()

    def every_value_is_what_it_was_or_what_was_written(self):
        for x in self.alive:
            data, expected = x.tensor.data, x.node.array
            assert (data.shape, data.dtype) == (expected.shape, expected.dtype)
            assert data.tobytes() == expected.tobytes(), (data, expected)
            assert x.tensor.requires_grad == x.node.needs
        for array, copy in self.in_hand:
            assert array.tobytes() == copy.tobytes()

    def every_gradient_is_the_sum_of_what_the_walks_found(self):
        for x in self.alive:
            grad, expected = x.tensor.grad, x.node.grad
            assert (grad is None) == (expected is None), (grad, expected)
            if grad is not None:
                assert isinstance(grad, np.ndarray)
                assert (grad.shape, grad.dtype) == (x.node.array.shape, x.node.array.dtype)
                assert_close(grad, expected, x.node.slack)

    def no_gradient_shares_memory_with_anything(self):
        graded = [x for x in self.alive if x.tensor.grad is not None]
        arrays = [x.tensor.data for x in self.alive] + [array for array, _ in self.in_hand]
        for i, x in enumerate(graded):
            others = arrays + [y.tensor.grad for y in graded[:i]]
            assert not any(np.may_share_memory(x.tensor.grad, y) for y in others if y.size), x

    def what_nothing_refers_to_is_gone(self):
        if self.is_cyclic or not self.deleted:
            return
        held: set[int] = set()
        waiting = [x.node for x in self.alive]
        while waiting:
            node = waiting.pop()
            if node.time not in held:
                held.add(node.time)
                waiting += () if node.is_released else node.operands
        for reference, node in self.deleted:
            assert (reference() is not None) == (node.time in held)


def assert_close(found: Any, expected: np.ndarray, slack: Any) -> None:
    """Assert that `found` is `expected`, as far as rounding goes."""
    error = np.abs(found - expected)
    assert np.all(error <= slack + np.finfo(float).tiny), (found, expected, slack)


def test_random_programs_do_what_the_record_says():
    profile = settings()
    REACHED.clear()
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=2 * profile.max_examples, stateful_step_count=STEPS),
    )
    assert REACHED.keys() >= OUTCOMES


# Programs that once failed.


def test_a_number_is_assigned_to_and_used_twice():
    x = Tensor(1.5, requires_grad=True)
    y = x * x
    y[...] = y
    (y + y).backward()
    assert x.grad == 6


@pytest.mark.parametrize(
    "f",
    [
        *(np.sum, np.prod, np.cumprod, np.cumsum, np.max, np.add.reduce, np.nansum),
        *(np.nanprod, np.nancumprod, np.nanmean, np.nanmax),
    ],
)
@pytest.mark.parametrize("axis", [0, -1])
def test_a_number_is_reduced_as_if_it_were_a_row_of_one(f, axis):
    x = Tensor(3.0, requires_grad=True)
    (slope,) = gradients((f(x, axis=axis) ** 2).sum(), [x], create_graph=True)
    assert slope.data == 6
    assert gradients(slope, [x]) == [2]


@pytest.mark.parametrize("f", [np.nanvar, np.nanstd])
def test_a_single_number_does_not_vary(f):
    x = Tensor(3.0, requires_grad=True)
    f(x, axis=0).backward()
    assert x.grad == 0


# Broken engines, which the machine must find.


def sums_over_stretched_axes_are_dropped(patch):
    def broken(g, array):
        return np.reshape(np.ravel(g)[: array.size], array.shape).astype(array.dtype)

    patch.setattr("autograd_mini.walk.fit", broken)


def a_second_path_replaces_the_first(patch):
    give = Walk.give

    def broken(self, x, g, mask=None):
        self.pending.get(x._tick, [x, g])[1] = 0.0
        give(self, x, g, mask)

    patch.setattr(Walk, "give", broken)


def a_leaf_does_not_accumulate(patch):
    accumulate = backward._accumulate

    def broken(found):
        for leaf, _ in found.values():
            leaf._grad = None
        accumulate(found)

    patch.setattr("autograd_mini.backward._accumulate", broken)


def a_gradient_is_not_copied(patch):
    patch.setattr("autograd_mini.backward.unshared", lambda entry: np.asarray(entry[1]))


def a_graph_is_not_released(patch):
    run = Walk.run

    def broken(self, release=False, keep_inner=False):
        return run(self, release=False, keep_inner=keep_inner)

    patch.setattr(Walk, "run", broken)


def inner_gradients_are_always_kept(patch):
    run = Walk.run

    def broken(self, release=False, keep_inner=False):
        return run(self, release=release, keep_inner=True)

    patch.setattr(Walk, "run", broken)


def nodes_are_visited_out_of_order(patch):
    patch.setattr("autograd_mini.walk.heappop", list.pop)


def writes_to_data_are_not_noticed(patch):
    patch.setattr("autograd_mini.storage.mark_written", id)


def writes_in_place_are_not_noticed(patch):
    patch.setattr("autograd_mini.in_place.mark_written", id)


def writes_through_views_are_not_noticed(patch):
    patch.setattr("autograd_mini.clock.owner_of", np.positive)


def every_value_counts_as_read(patch):
    patch.setattr(Operation, "reads_value", lambda self, vjps, name: True)


def no_value_counts_as_read(patch):
    patch.setattr(Operation, "reads_value", lambda self, vjps, name: False)


def item_assignment_forgets_the_old_value(patch):
    patch.setattr("autograd_mini.recorded._version", lambda x, at, versions: x)


def item_assignment_writes_into_the_old_value(patch):
    def broken(x, index, value):
        x[index] = value
        return x.copy()

    patch.setattr(TABLE[setitem], "forward", broken)


def detach_copies(patch):
    patch.setattr(Tensor, "detach", lambda self: Tensor(self.data.copy()))


def no_grad_records(patch):
    patch.setattr(no_grad, "__enter__", lambda self: None)
    patch.setattr(no_grad, "__exit__", lambda self, *error: None)


def no_grad_does_not_end(patch):
    finish = Machine.teardown

    def restored(self):
        try:
            finish(self)
        finally:
            enable_grad().__enter__()  # before the next program begins

    patch.setattr(Machine, "teardown", restored)
    patch.setattr(no_grad, "__exit__", lambda self, *error: None)


def a_rule_is_off_by_a_part_in_ten_thousand_million(patch):
    replace_rule(patch, np.multiply, 0, lambda g, out, x, y: g * y * (1 + 1e-10))


def replace_rule(patch, function, position, rule):
    """Put `rule` in the table, as one that reads the same values."""
    operation = TABLE[function]
    vjps = list(operation.vjps)
    patch.setitem(operation.reads, rule, operation.reads[vjps[position]])
    vjps[position] = rule
    patch.setattr(operation, "vjps", tuple(vjps))


def a_rule_writes_into_its_gradient(patch):
    def rule(g, out, x, y):
        fits = isinstance(g, np.ndarray) and g.flags.writeable
        return np.multiply(g, y, out=g) if fits else g * y

    replace_rule(patch, np.multiply, 0, rule)


def a_rule_is_wrong_in_second_order_only(patch):
    def rule(g, out, x, y):
        return g * (y.detach() if isinstance(y, Tensor) else y)

    replace_rule(patch, np.multiply, 0, rule)


def deleted_tensors_stay(patch):
    kept: list[Any] = []
    init = Tensor.__init__

    def broken(self, *args, **kwargs):
        init(self, *args, **kwargs)
        kept.append(self)

    patch.setattr(Tensor, "__init__", broken)


BROKEN = [
    sums_over_stretched_axes_are_dropped,
    a_second_path_replaces_the_first,
    a_leaf_does_not_accumulate,
    a_gradient_is_not_copied,
    a_graph_is_not_released,
    inner_gradients_are_always_kept,
    nodes_are_visited_out_of_order,
    writes_to_data_are_not_noticed,
    writes_in_place_are_not_noticed,
    writes_through_views_are_not_noticed,
    every_value_counts_as_read,
    no_value_counts_as_read,
    item_assignment_forgets_the_old_value,
    item_assignment_writes_into_the_old_value,
    detach_copies,
    no_grad_records,
    no_grad_does_not_end,
    a_rule_is_off_by_a_part_in_ten_thousand_million,
    a_rule_writes_into_its_gradient,
    a_rule_is_wrong_in_second_order_only,
    deleted_tensors_stay,
]


@pytest.mark.parametrize("broken", BROKEN)
def test_an_engine_that_was_broken_is_found(broken, monkeypatch):
    broken(monkeypatch)
    assert contextvars.copy_context().run(is_found)


def is_found() -> bool:
    """Run the machine until it fails, without looking for the shortest program."""
    short = settings(
        max_examples=300,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(Machine, settings=short)
    except (AssertionError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
        return True
    return False
