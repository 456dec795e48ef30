"""A network run with other parameters: the right derivatives, and a model that nothing touched."""

import functools
import threading
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, grad, gradients, hessian, hvp, jacobian, jvp, no_grad
from autograd_mini import value_and_grad as with_value
from autograd_mini.drawing import draw
from optim import SGD

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])


def network(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(3, 2, rng=rng), nn.Tanh(), nn.Linear(2, 1, rng=rng))


def arrays(model):
    return {path: p.data.copy() for path, p in model.named_parameters()}


def cost_of(model, x=X):
    def cost(params):
        return (nn.functional_call(model, params, x) ** 2).sum()

    return cost


def other(model, seed=7):
    rng = np.random.default_rng(seed)
    return {path: rng.normal(size=array.shape) for path, array in arrays(model).items()}


def difference(f, params, path, at, h=1e-6):
    moved = []
    for step in (h, -h):
        array = params[path].copy()
        array[at] += step
        moved.append(f(params | {path: array}))
    return (moved[0].data - moved[1].data) / (2 * h)


# The derivatives.


def test_the_gradient_is_that_of_backward_in_a_model_with_these_parameters():
    model, params = network(), other(network())
    twin = network()
    twin.load_state_dict(params)
    (twin(X) ** 2).sum().backward()
    found = grad(cost_of(model))(params)
    for path, p in twin.named_parameters():
        assert np.array_equal(found[path], p.grad)
    value, slopes = with_value(cost_of(model))(params)
    assert value == (twin(X) ** 2).sum().data
    assert all(np.array_equal(slopes[path], found[path]) for path in params)


def test_the_gradient_and_jacobian_agree_with_differences():
    model, params = network(), other(network())
    slopes = grad(cost_of(model))(params)
    columns = jacobian(lambda p: nn.functional_call(model, p, X))(params)
    for path, array in params.items():
        assert columns[path].shape == (2, 1, *array.shape)
        for at in np.ndindex(array.shape):
            expected = difference(cost_of(model), params, path, at)
            assert slopes[path][at] == pytest.approx(expected, rel=1e-6)
            column = difference(lambda p: nn.functional_call(model, p, X), params, path, at)
            assert columns[path][(..., *at)] == pytest.approx(column, rel=1e-6)


def test_the_hessian_agrees_with_differences_of_the_gradient():
    model, params = network(), other(network())
    slopes = grad(cost_of(model))
    found = hessian(cost_of(model))(params)
    for path, array in params.items():
        for at in np.ndindex(array.shape):
            moved = [array.copy(), array.copy()]
            moved[0][at] += 1e-5
            moved[1][at] -= 1e-5
            up, down = (slopes(params | {path: each}) for each in moved)
            for second in params:
                expected = (up[second] - down[second]) / 2e-5
                assert found[second][path][(..., *at)] == pytest.approx(expected, abs=1e-6)


def test_products_with_the_hessian_and_the_jacobian_are_one_line():
    model, params = network(), other(network())
    direction = {path: np.ones_like(array) for path, array in params.items()}
    product = hvp(cost_of(model), (params,), (direction,))
    rows = hessian(cost_of(model))(params)
    for path in params:
        expected = sum(
            rows[path][second].reshape(*params[path].shape, -1).sum(axis=-1) for second in params
        )
        assert product[path] == pytest.approx(expected, rel=1e-9)
    _, change = jvp(lambda p: nn.functional_call(model, p, X), (params,), (direction,))
    columns = jacobian(lambda p: nn.functional_call(model, p, X))(params)
    assert change.ravel() == pytest.approx(
        sum(columns[path].reshape(2, -1).sum(axis=1) for path in params)
    )


def test_a_step_of_learning_inside_a_cost_can_be_differentiated():
    """What load_state_dict with Tensors was wanted for: a gradient through a training step."""
    model, params = network(), other(network())

    def after_one_step(params, lr):
        slopes = grad(cost_of(model))(params)
        stepped = {path: params[path] - lr * slopes[path] for path in params}
        return cost_of(model, X + 1)(stepped)

    found = grad(after_one_step, argnums=1)(params, 0.01)
    moved = [float(after_one_step(params, 0.01 + h).data) for h in (1e-6, -1e-6)]
    assert found == pytest.approx((moved[0] - moved[1]) / 2e-6, rel=1e-5)


def test_the_gradients_of_many_parameter_sets_are_those_of_each():
    model = network()
    sets = [other(model, seed) for seed in range(3)]
    together = grad(lambda many: sum(cost_of(model)(params) for params in many))(sets)
    for params, found in zip(sets, together, strict=True):
        alone = grad(cost_of(model))(params)
        assert all(np.array_equal(found[path], alone[path]) for path in params)


def test_tensors_get_their_gradients_by_backward():
    model = network()
    params = {path: nn.Parameter(array) for path, array in other(model).items()}
    cost_of(model)(params).backward()
    expected = grad(cost_of(model))({path: p.data for path, p in params.items()})
    assert all(np.array_equal(p.grad, expected[path]) for path, p in params.items())
    assert all(p.grad is None for p in model.parameters())


def test_parameters_left_out_are_the_models_own():
    model = network()
    weight = nn.Parameter(np.ones((1, 2)))
    cost_of(model)({"2.weight": weight}).backward()
    assert weight.grad is not None
    assert model[2].weight.grad is None
    assert model[0].weight.grad is not None
    assert np.array_equal(nn.functional_call(model, {}, X).data, model(X).data)


def test_the_parameters_of_the_model_itself_may_be_given_also_in_each_others_place():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    first, second = model.parameters()
    swapped = nn.functional_call(model, {"0.weight": second, "1.weight": first}, np.eye(2))
    assert np.allclose(swapped.data, second.data.T @ first.data.T)
    swapped.sum().backward()
    assert first.grad is not None


def test_a_network_converted_by_its_parameters_computes_in_their_dtype():
    model = network()
    params = {path: array.astype(np.float32) for path, array in other(model).items()}
    out = nn.functional_call(model, params, X.astype(np.float32))
    assert out.dtype == np.float32
    assert {g.dtype for g in grad(cost_of(model, X.astype(np.float32)))(params).values()} == {
        np.dtype(np.float32)
    }


def test_a_complex_step_through_the_parameters_gives_the_slope():
    model, params = network(), other(network())
    moved = params["2.weight"] + np.array([[1e-30j, 0]])
    value = cost_of(model)(params | {"2.weight": moved}).data
    assert value.imag / 1e-30 == pytest.approx(grad(cost_of(model))(params)["2.weight"][0, 0])


# The model is untouched.


class Counting(nn.Module):
    """A module that changes everything it can while it runs."""

    def __init__(self):
        self.weight = nn.Parameter([2.0])
        self.calls = 0
        self.log: list[Any] = []
        self.cache: dict[str, Any] = {}
        self.last: Any = None

    def forward(self, x, fails=False):
        self.calls += 1
        self.log.append(x)
        self.cache["x"] = x
        self.last = self.weight * x
        if fails:
            raise KeyError("on purpose")
        return self.last


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_that_forward_assigns_stays_in_the_model(fails):
    model = Counting()
    weight, before = model.weight, dict(vars(model))
    try:
        out = nn.functional_call(model, {"weight": np.array([3.0])}, 2.0, fails=fails)
    except KeyError:
        assert fails
    else:
        assert out.item() == 6
    assert vars(model) == before
    assert model.weight is weight
    assert (model.log, model.cache, model.calls, weight.item()) == ([], {}, 0, 2.0)


def test_calls_in_several_threads_and_of_the_model_itself_do_not_meet():
    model, barrier, wrong = Counting(), threading.Barrier(4), []

    class Waiting(nn.Module):
        def __init__(self):
            self.inner = model

        def forward(self, x):
            barrier.wait()
            out = self.inner(x)
            barrier.wait()
            return out + self.inner(x)

    waiting = Waiting()

    def run(value):
        for _ in range(10):
            found = nn.functional_call(waiting, {"inner.weight": np.array([value])}, 1.0).item()
            wrong.extend([] if found == 2 * value else [found])

    threads = [threading.Thread(target=run, args=(float(i),)) for i in range(1, 5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong
    assert model.weight.item() == 2.0


def test_calls_nest_within_a_forward():
    class Outer(nn.Module):
        def __init__(self):
            self.inner = Counting()
            self.scale = nn.Parameter([10.0])

        def forward(self, x):
            changed = nn.functional_call(self.inner, {"weight": self.inner.weight * self.scale}, x)
            return changed + self.inner(x)

    model = Outer()
    params = {"inner.weight": np.array([3.0]), "scale": np.array([5.0])}
    slopes = grad(lambda p: nn.functional_call(model, p, 1.0).sum())(params)
    assert nn.functional_call(model, params, 1.0).item() == 18
    assert (slopes["inner.weight"].item(), slopes["scale"].item()) == (6, 3)


def test_the_state_of_dropout_goes_on_and_its_mode_is_respected():
    layer = nn.Dropout(0.5, rng=np.random.default_rng(0))
    model = nn.Sequential(nn.Linear(4, 400, rng=np.random.default_rng(1)), layer)
    params = arrays(model)
    masks = [nn.functional_call(model, params, np.ones(4)).data == 0 for _ in range(2)]
    assert not np.array_equal(*masks)
    expected = np.random.default_rng(0).random((2, 400)) < 0.5
    assert np.array_equal(masks, expected)
    model.eval()
    assert np.all(nn.functional_call(model, params, np.ones(4)).data != 0)
    model.train()
    assert np.any(nn.functional_call(model, params, np.ones(4)).data == 0)


def test_an_optimizer_of_the_model_goes_on_as_if_nothing_had_happened():
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    (model(X) ** 2).sum().backward()
    before = [p.grad.copy() for p in model.parameters()]
    grad(cost_of(model))(other(model))
    assert all(np.array_equal(p.grad, g) for p, g in zip(model.parameters(), before, strict=True))
    optimizer.step()


# Modules of every kind.


class Pair(NamedTuple):
    left: Any
    right: Any


class Slotted(nn.Module):
    __slots__ = ("__hidden", "unset", "weight")

    def __init__(self):
        self.weight = nn.Parameter([1.0])
        self.__hidden = nn.Parameter([2.0])

    def forward(self):
        return self.weight * self.__hidden


def holding(*places: Any) -> Any:
    """Return a module that multiplies what `places` find in it."""

    class Holder(nn.Module):
        def forward(self):
            out = 1.0
            for place in places:
                out = out * place(self)
            return out

    return Holder()


def test_tensors_in_slots_are_parameters_and_may_be_replaced():
    model = Slotted()
    assert [path for path, _ in model.named_parameters()] == ["_Slotted__hidden", "weight"]
    params = {"_Slotted__hidden": np.array([5.0]), "weight": np.array([3.0])}
    assert nn.functional_call(model, params).item() == 15
    assert model().item() == 2


CONTAINERS: dict[str, Any] = {
    "list": ([1.0, nn.Parameter([2.0])], "1", lambda x: x[1]),
    "tuple": ((nn.Parameter([2.0]), "text"), "0", lambda x: x[0]),
    "dict": ({"a": nn.Parameter([2.0])}, "a", lambda x: x["a"]),
    "nested": ([{"a": (nn.Parameter([2.0]),)}], "0.a.0", lambda x: x[0]["a"][0]),
    "named tuple": (Pair(None, nn.Parameter([2.0])), "1", lambda x: x.right),
    "ordered dict": (OrderedDict(a=nn.Parameter([2.0])), "a", lambda x: x["a"]),
    "default dict": (
        defaultdict(list, a=nn.Parameter([2.0])),
        "a",
        lambda x: x["a"] + len(x["new"]),
    ),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_tensors_in_containers_are_replaced_and_the_containers_kept(kind):
    container, path, get = CONTAINERS[kind]
    model = holding(lambda self: get(self.held))
    model.held = container
    slopes = grad(lambda p: nn.functional_call(model, p).sum())({f"held.{path}": np.array([3.0])})
    assert slopes[f"held.{path}"].item() == 1
    assert nn.functional_call(model, {f"held.{path}": np.array([3.0])}).item() == 3
    assert model.held is container
    assert get(container).item() == 2


def test_a_cycle_and_a_list_that_holds_itself_are_copied():
    model = holding(lambda self: self.me.held[0], lambda self: self.held[1][0], lambda _: 1)
    model.held = [nn.Parameter([2.0])]
    model.held.append(model.held)
    model.me, model.also = model, (model,)
    assert nn.functional_call(model, {"held.0": np.array([3.0])}).item() == 9


def test_a_chain_of_modules_longer_than_the_recursion_limit_is_copied():
    first = last = holding(lambda self: self.weight)
    for _ in range(3000):
        last.next = holding()
        last = last.next
    first.weight = nn.Parameter([1.0])
    assert nn.functional_call(first, {"weight": np.array([4.0])}).item() == 4


class Callables(nn.Module):
    """A module that reaches its weight through functions that it holds."""

    def __init__(self):
        self.weight = nn.Parameter([2.0])
        self.method = self.times
        self.partial = functools.partial(self.times, 10.0)
        self.closure = lambda x: self.weight * x
        self.many = (self.times, [self.times])

    def times(self, x):
        return self.weight * x

    @property
    def doubled(self):
        return self.weight * 2

    def forward(self, x):
        return self.method(x) + self.partial() + self.closure(x) + self.many[1][0](x) + self.doubled


def test_methods_partials_and_closures_use_the_other_parameters():
    model = Callables()
    slopes = grad(lambda p: nn.functional_call(model, p, 1.0).sum())({"weight": np.array([3.0])})
    assert slopes["weight"].item() == 1 + 10 + 1 + 1 + 2
    assert model(1.0).item() == 2 * 15


def test_a_penalty_on_self_parameters_sees_the_other_ones():
    model = holding(lambda self: sum((p**2).sum() for p in self.parameters()))
    model.a, model.b = nn.Parameter([1.0]), nn.Parameter([10.0])
    model.constant = Tensor([100.0])
    weight = Tensor([3.0], requires_grad=True)
    for given in (np.array([3.0]), weight, weight * 1):
        assert nn.functional_call(model, {"a": given}).item() == 109
    assert nn.functional_call(model, {"a": weight, "b": weight}).item() == 18
    assert nn.functional_call(model, {"a": model.b}).item() == 200
    assert nn.functional_call(model, {"constant": weight}).item() == 101
    slopes = grad(lambda p: nn.functional_call(model, p))({"a": np.array([3.0])})
    assert slopes["a"].item() == 6


def test_a_tied_parameter_is_replaced_everywhere_under_any_of_its_paths():
    model = holding(lambda self: self.a, lambda self: self.b[0])
    model.a = nn.Parameter([2.0])
    model.b = [model.a]
    for path in ("a", "b.0"):
        slopes = grad(lambda p: nn.functional_call(model, p).sum())({path: np.array([3.0])})
        assert slopes[path].item() == 6
    weight = Tensor([5.0])
    assert nn.functional_call(model, {"a": weight, "b.0": weight}).item() == 25
    with pytest.raises(ValueError, match=r"'a' and 'b\.0' are one Tensor of this Holder"):
        nn.functional_call(model, model.state_dict())


def test_a_shared_layer_stays_shared():
    layer = nn.Linear(2, 2, bias=False)
    model = nn.Sequential(layer, layer)
    weight = np.array([[1.0, 2.0], [3.0, 4.0]])
    out = nn.functional_call(model, {"0.weight": weight}, np.eye(2))
    assert np.array_equal(out.data, (weight @ weight).T)


def test_constants_may_be_replaced_and_differentiated_by():
    model = holding(lambda self: self.weight, lambda self: self.constant)
    model.weight, model.constant = nn.Parameter([2.0]), Tensor([3.0])
    slopes = grad(lambda p: nn.functional_call(model, p).sum())({"constant": np.array([5.0])})
    assert slopes["constant"].item() == 2


def test_a_picture_of_the_call_can_be_drawn():
    model = network()
    out = nn.functional_call(model, {p: nn.Parameter(x) for p, x in other(model).items()}, X)
    assert "tanh" in draw(out.sum(), model=model).source


# What is refused.


class Hidden:
    def __init__(self, weight):
        self.weight = weight


HIDING: dict[str, Any] = {
    "an object": lambda model: Hidden(model.weight),
    "a set": lambda model: {model.weight},
}


@pytest.mark.parametrize("kind", HIDING)
def test_an_original_that_is_used_through_what_can_not_be_copied_is_noticed(kind):
    model = holding(lambda self: getattr(self.held, "weight", None) or next(iter(self.held)))
    model.weight = nn.Parameter([2.0])
    model.held = HIDING[kind](model)
    with pytest.raises(RuntimeError, match="replaced 'weight', but the module used the original"):
        nn.functional_call(model, {"weight": np.array([3.0])})


def test_a_value_computed_before_the_call_is_noticed():
    model = holding(lambda self: self.double)
    model.weight = nn.Parameter([2.0])
    model.double = model.weight * 2
    with pytest.raises(RuntimeError, match="a value computed before the call"):
        nn.functional_call(model, {"weight": np.array([3.0])})


def test_an_original_that_is_passed_as_an_input_is_no_mistake():
    model = Counting()
    assert nn.functional_call(model, {"weight": np.array([3.0])}, model.weight).item() == 6
    assert nn.functional_call(model, {"weight": np.array([3.0])}, model.weight * 2).item() == 12
    assert nn.functional_call(model, {"weight": model.weight * 2}, 1.0).item() == 4


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"wieght": np.ones(1)}, ValueError, "Counting has no 'wieght', it has weight: use paths"),
        ({"weight": np.ones(2)}, ValueError, r"'weight' of this Counting has shape \(1,\), found"),
        ({"weight": 1.0}, ValueError, r"has shape \(1,\), found \(\)"),
        ({"weight": ["a"]}, TypeError, "'weight' is no array of numbers: a Tensor holds numbers"),
        ({"weight": [None]}, TypeError, "'weight' is no array of numbers"),
        ({"weight": [[1.0], [1.0, 2.0]]}, TypeError, "'weight' is no array of numbers"),
        ({"weight": np.ma.masked_array([1.0], True)}, TypeError, "'weight' is no array.* mask"),
        ({"weight": [True]}, TypeError, "'weight' of this Counting is float64, found bool"),
        ({1: np.ones(1)}, ValueError, "Counting has no 1"),
        ([np.ones(1)], TypeError, "takes a dict of parameters by path"),
        (None, TypeError, "takes a dict of parameters by path, found None"),
    ],
)
def test_params_that_do_not_fit_are_refused_in_one_sentence(params, error, message):
    with pytest.raises(error, match=message) as caught:
        nn.functional_call(Counting(), params, 1.0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model", [None, np.tanh, nn.Linear])
def test_what_is_no_module_is_refused(model):
    with pytest.raises(TypeError, match="functional_call takes a module, found"):
        nn.functional_call(model, {}, X)


def test_under_no_grad_nothing_is_recorded():
    model = network()
    with no_grad():
        out = nn.functional_call(model, {"2.bias": nn.Parameter([1.0])}, X)
    assert not out.requires_grad


def test_gradients_by_given_tensors_and_by_the_input_are_found_together():
    model = network()
    bias, x = nn.Parameter([1.0]), Tensor(X, requires_grad=True)
    by_bias, by_x = gradients(nn.functional_call(model, {"2.bias": bias}, x).sum(), [bias, x])
    assert by_bias.item() == 2
    assert by_x.shape == X.shape
