"""What a functional call must not do: use a replaced original, or write outside itself."""

import copy
import threading
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, checkpoint, detect_anomaly, enable_grad, grad, gradients, no_grad
from optim import SGD

X = np.array([4.0, 8.0])
GLOBAL: dict[str, Any] = {}


class Runs(nn.Module):
    """A module with a parameter `w` and a constant `m`, also held by a plain object."""

    def __init__(self, forward):
        self.w, self.m = nn.Parameter([1.0, 2.0]), Tensor([3.0, 5.0])
        self.plain = SimpleNamespace(w=self.w, m=self.m)
        self.run = forward

    def forward(self, *args):
        return self.run(self, *args)


def put(target, value):
    target[:] = value


def bare(x):
    return x.data if isinstance(x, Tensor) else x


def unrecorded(function):
    def run(*args):
        with no_grad():
            return function(*args)

    return run


# An original that was replaced.


USES: dict[str, Any] = {
    "arithmetic": lambda x: x * 2,
    "reflected arithmetic": lambda x: np.ones(2) - x,
    "a comparison": lambda x: x < 2,
    "a reduction": np.sum,
    "a list": lambda x: np.stack([x, np.ones(2)]),
    "a keyword": lambda x: np.clip(np.ones(2), 0, a_max=x),
    "an element": lambda x: x[0],
    "two results": np.modf,
    "a view": lambda x: x.T,
    "a bool": lambda x: np.array_equal(x, np.ones(2)),
    "data": lambda x: x.data,
    "detach": lambda x: x.detach(),
    "tolist": lambda x: x.tolist(),
    "item": lambda x: x[0].item(),
    "float": lambda x: float(x[1]),
    "a format": lambda x: f"{x[0]:.1f}",
    "a truth": lambda x: bool(x[0]),
    "a bare array": np.asarray,
    "a deep copy": lambda x: copy.deepcopy(x).data,
    "iteration": lambda x: [part.item() for part in x],
    "an operand in place": lambda x: Tensor(np.ones(2)).__iadd__(x),
    "an assigned value": lambda x: put(Tensor(np.ones(2)), x),
    "a layer": nn.functional.relu,
}


@pytest.mark.parametrize("path", ["w", "m"])
@pytest.mark.parametrize("use", USES)
def test_every_use_of_an_original_is_noticed_where_nothing_is_recorded(use, path):
    def forward(self, x):
        USES[use](getattr(self.plain, path))
        return x

    model = Runs(forward)
    with no_grad():
        assert np.array_equal(nn.functional_call(model, {}, X), X)
    with no_grad(), pytest.raises(RuntimeError, match=f"replaced '{path}', but the module used"):
        nn.functional_call(model, {path: np.array([5.0, 10.0])}, X)


@pytest.mark.parametrize("use", USES)
def test_every_use_of_a_constant_is_noticed_while_calls_are_recorded(use):
    model = Runs(lambda self, x: (USES[use](self.plain.m), x * self.w)[1])
    with pytest.raises(RuntimeError, match="replaced 'm', but the module used the original"):
        nn.functional_call(model, {"m": np.array([5.0, 10.0])}, X)


def test_a_constant_used_as_an_index_is_noticed():
    model = Runs(lambda self: self.w[self.plain.at])
    model.at = Tensor([1, 0])
    model.plain.at = model.at
    with pytest.raises(RuntimeError, match="replaced 'at', but the module used the original"):
        nn.functional_call(model, {"at": np.array([0, 0])})


LEAVING: dict[str, Any] = {
    "item": lambda y: y.sum().item(),
    "data": lambda y: y.data,
    "detach": lambda y: y.detach() * 2,
    "no_grad": unrecorded(lambda y: y * 2),
    "a comparison": lambda y: np.where(y > 0, 1.0, 0.0),
    "a gradient": lambda y: grad(lambda x: np.sum(x * y))(X),
}


@pytest.mark.parametrize("leave", LEAVING)
def test_a_value_recorded_from_an_original_that_leaves_the_graph_is_noticed(leave):
    model = Runs(lambda self: LEAVING[leave](np.exp(self.plain.w * 2) + 1))
    nn.functional_call(model, {})
    with pytest.raises(RuntimeError, match="replaced 'w', but the module used the original"):
        nn.functional_call(model, {"w": X})


def test_an_original_that_is_reached_through_a_global_is_noticed():
    model = Runs(lambda _, x: x * GLOBAL["model"].w)
    GLOBAL["model"] = model
    for mode in (no_grad(), enable_grad(), detect_anomaly()):
        with mode, pytest.raises(RuntimeError, match="replaced 'w'"):
            nn.functional_call(model, {"w": X}, X)


def test_an_original_that_is_looked_at_but_not_used_is_no_mistake():
    model = Runs(lambda self, x: (repr(self.plain.w), self.plain.w.shape, x * self.w)[2])
    with no_grad():
        assert np.array_equal(nn.functional_call(model, {"w": X}, X).data, X * X)


def test_an_original_that_is_an_input_may_be_used_where_nothing_is_recorded():
    model = Runs(lambda self, x: x * self.w * self.m)
    with no_grad():
        assert np.array_equal(nn.functional_call(model, {"w": X}, model.w).data, X * [3.0, 10.0])
        assert np.array_equal(nn.functional_call(model, {"m": X}, model.m).data, X * [3.0, 10.0])


def test_originals_may_be_used_again_after_a_call_and_in_other_threads():
    model, found = Runs(lambda self: (elsewhere(), self.w * 2)[1]), []

    def elsewhere():
        thread = threading.Thread(target=lambda: found.append((model.w * 2).data))
        thread.start()
        thread.join()

    with no_grad():
        nn.functional_call(model, {"w": X})
        assert np.array_equal((model.w * 2).data, [2.0, 4.0])
        put(model.w, 7.0)
    assert np.array_equal(found, [[2.0, 4.0]])


def test_a_guard_ends_with_a_call_that_raises():
    model = Runs(lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        nn.functional_call(model, {"w": X})
    with no_grad():
        put(model.w, model.w * 2)
    assert np.array_equal(model.w.data, [2.0, 4.0])


# Constants: what is written goes into the copy.


def running(self, x):
    self.m.data = 0.5 * self.m.data + 0.5 * x


def running_in_place(self, x):
    self.m.data *= 0.5
    self.m.data += 0.5 * x


def running_by_assignment(self, x):
    self.m[:] = 0.5 * self.m + 0.5 * x


def running_through_the_array(self, x):
    self.m.data[...] = 0.5 * self.m.data + 0.5 * x


def running_in_a_view(self, x):
    put(self.m.T, 0.5 * self.m + 0.5 * x)


def running_by_operators(self, x):
    self.m *= 0.5
    self.m += 0.5 * x


@pytest.mark.parametrize(
    "write",
    [
        running,
        running_in_place,
        unrecorded(running_by_assignment),
        running_by_assignment,
        running_through_the_array,
        unrecorded(running_in_a_view),
        unrecorded(running_by_operators),
    ],
)
def test_what_forward_writes_into_a_constant_stays_in_the_call(write):
    def forward(self, x):
        write(self, x)
        return self.w * self.m

    model = Runs(forward)
    state, expected = model.state_dict(), np.array([3.5, 6.5])
    given = {"w": np.ones(2), "m": np.array([3.0, 5.0])}
    for params in ({}, {"w": given["w"]}, given):
        w = params.get("w", state["w"])
        for _ in range(2):
            assert np.array_equal(nn.functional_call(model, params, X).data, w * expected)
    slopes = [grad(lambda p: np.sum(nn.functional_call(model, p, X)))(given) for _ in range(2)]
    assert np.array_equal([each["w"] for each in slopes], [expected, expected])
    tensor = Tensor([3.0, 5.0])
    nn.functional_call(model, {"m": tensor}, X)
    assert np.array_equal(tensor.data, [3.0, 5.0])
    assert np.array_equal(given["m"], [3.0, 5.0])
    assert all(np.array_equal(model.state_dict()[path], state[path]) for path in state)


def test_the_gradient_by_a_constant_flows_under_no_grad_where_forward_enables_it():
    model = Runs(lambda self: enabled(lambda: gradients((self.m**2).sum(), [self.m])[0]))

    def enabled(function):
        with enable_grad():
            return function()

    with no_grad():
        found = nn.functional_call(model, {"m": Tensor(X, requires_grad=True)})
    assert np.array_equal(found, 2 * X)


def test_a_constant_that_was_written_is_not_read_through_a_plain_object():
    def forward(self, x):
        before = self.plain.m.data.copy()
        self.m.data = x
        return before if self.stops else self.plain.m * self.w

    model = Runs(forward)
    model.stops = True
    assert np.array_equal(nn.functional_call(model, {}, X), [3.0, 5.0])
    model.stops = False
    for mode in (no_grad(), enable_grad()):
        with mode, pytest.raises(RuntimeError, match="wrote into its copy of 'm', but the module"):
            nn.functional_call(model, {}, X)


MEMORY: dict[str, Any] = {
    "a Tensor of the same array": Tensor,
    "a reversed one": lambda array: Tensor(array[::-1]),
    "a part of it": lambda array: Tensor(array[1:]),
    "its bytes": lambda array: array.view(np.uint8),
    "a broadcast": lambda array: np.broadcast_to(array, (2, 2)),
}


@pytest.mark.parametrize("kind", MEMORY)
def test_constants_and_arrays_that_share_memory_do_so_in_the_call(kind):
    def forward(self, x):
        self.array[0], self.array[1] = x
        self.m.data *= 2
        return bare(self.other).copy(), self.m.data.copy()

    model = Runs(forward)
    model.array = np.array([3.0, 5.0])
    model.m, model.other = Tensor(model.array), MEMORY[kind](model.array)
    found, m = nn.functional_call(model, {}, X)
    assert np.array_equal(model.array, [3.0, 5.0])
    assert np.array_equal(m, 2 * X)
    assert np.array_equal(found, bare(MEMORY[kind](2 * X)))


HELD: dict[str, Any] = {
    "an array": (lambda: np.zeros(2), lambda x: put(x, 1.0)),
    "an array in a list": (lambda: [np.zeros(2)], lambda x: put(x[0], 1.0)),
    "an array in a tuple": (lambda: (np.zeros(2),), lambda x: put(x[0], 1.0)),
    "an array in Fortran order": (lambda: np.zeros((2, 3), order="F"), lambda x: put(x, 1.0)),
    "an array of objects": (lambda: np.array([None, 1]), lambda x: put(x, 1.0)),
    "a set": (lambda: {1}, lambda x: x.add(2)),
    "a deque": (lambda: deque([1]), lambda x: x.append(2)),
    "a bytearray": (lambda: bytearray(2), lambda x: x.append(2)),
}


@pytest.mark.parametrize("kind", HELD)
def test_what_forward_writes_into_arrays_and_containers_stays_in_the_call(kind):
    make, write = HELD[kind]

    def forward(self):
        write(self.held)
        return repr(self.held)

    model, expected = Runs(forward), make()
    model.held = make()
    write(expected)
    assert nn.functional_call(model, {}) == repr(expected)
    assert repr(model.held) == repr(make())


# Parameters: what would be written is refused.


REFUSED: dict[str, Any] = {
    "assignment": unrecorded(lambda x: put(x, 9.0)),
    "an operator": unrecorded(lambda x: x.__imul__(9.0)),
    "a view": unrecorded(lambda x: put(x[:1], 9.0)),
    "a detached one": lambda x: put(x.detach(), 9.0),
    "new data": lambda x: setattr(x, "data", np.array([9.0, 9.0])),
    "data in place": lambda x: x.data.__imul__(9.0),
    "the array": lambda x: put(x.data, 9.0),
    "an array made of it": unrecorded(lambda x: put(np.asarray(x), 9.0)),
    "requires_grad": lambda x: setattr(x, "requires_grad", not x.requires_grad),
}


@pytest.mark.parametrize("write", REFUSED)
def test_a_write_into_a_parameter_is_refused(write):
    def forward(self, x):
        REFUSED[write](self.w)
        return self.w * x

    model, tensor = Runs(forward), nn.Parameter([1.0, 2.0])
    given = {"w": np.array([1.0, 2.0])}
    calls = [
        lambda: nn.functional_call(model, {}, X),
        lambda: nn.functional_call(model, {"w": tensor}, X),
        lambda: nn.functional_call(model, given, X),
        lambda: grad(lambda p: np.sum(nn.functional_call(model, p, X)))(given),
    ]
    for call in calls:
        with pytest.raises((RuntimeError, ValueError), match=r"write into 'w'|is read-only"):
            call()
    for array in (model.w.data, tensor.data, given["w"]):
        assert np.array_equal(array, [1.0, 2.0])
    assert model.w.requires_grad


@pytest.mark.parametrize("path", ["w", "m"])
@pytest.mark.parametrize("write", [kind for kind in REFUSED if kind != "requires_grad"])
def test_a_write_into_a_tensor_of_the_model_through_a_plain_object_is_refused(write, path):
    def forward(self):
        REFUSED[write](getattr(self.plain, path))

    model = Runs(forward)
    state = model.state_dict()
    with pytest.raises((RuntimeError, ValueError), match=rf"write into '{path}'|is read-only"):
        nn.functional_call(model, {})
    assert all(np.array_equal(model.state_dict()[path], state[path]) for path in state)


@pytest.mark.parametrize(
    "change",
    [
        lambda model, optimizer: optimizer.step(),
        lambda model, optimizer: model.load_state_dict({"w": X, "m": X}),
        lambda model, optimizer: model.astype(np.float32),
        lambda model, optimizer: model.zero_grad(),
        lambda model, optimizer: optimizer.zero_grad(),
        lambda model, optimizer: setattr(model.w, "grad", X),
    ],
)
def test_training_loading_and_converting_the_model_within_its_call_is_refused(change):
    def forward(_):
        change(model, optimizer)

    model = Runs(forward)
    optimizer = SGD(model.parameters(), lr=0.1)
    model.w.grad, state = np.ones(2), model.state_dict()
    with pytest.raises(RuntimeError, match="forward would write into 'w'"):
        nn.functional_call(model, {})
    assert all(np.array_equal(model.state_dict()[path], state[path]) for path in state)
    assert model.w.dtype == np.float64
    optimizer.step()
    assert np.array_equal(model.w.data, [0.9, 1.9])


def test_a_recorded_assignment_to_a_constant_of_the_model_is_refused():
    model = Runs(lambda self: put(self.plain.m, self.w))
    with pytest.raises(RuntimeError, match="forward would write into 'm'"):
        nn.functional_call(model, {})
    assert model.m.is_leaf


def test_a_write_into_a_constant_that_shares_the_memory_of_a_parameter_is_refused():
    model = Runs(unrecorded(lambda self: put(self.m, 9.0)))
    model.m = model.w.detach()
    with pytest.raises(RuntimeError, match="forward would write into"):
        nn.functional_call(model, {})
    assert np.array_equal(model.w.data, [1.0, 2.0])


def test_gradients_of_parameters_left_out_are_the_models_by_several_walks():
    model = Runs(lambda self, x: (self.w * x, checkpoint(lambda y: self.w * y * self.m)(x)))
    for out in nn.functional_call(model, {"m": np.array([2.0, 2.0])}, X):
        out.sum().backward()
    assert np.array_equal(model.w.grad, 3 * X)
    assert model.m.grad is None
