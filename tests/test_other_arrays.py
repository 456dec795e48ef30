"""Arrays of other libraries inside Tensors: the core passes over them, the rest refuses.

Held against NumPy over two kinds: Dask's arrays, which are lazy and take NumPy's beside them, and a
strict stand-in for CuPy's, which take nothing beside them. CORE is the list that the README names.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose

import nn
import optim
from autograd_mini import (
    Tensor,
    array,
    checkpoint,
    detect_anomaly,
    grad,
    gradients,
    hessian,
    hook,
    hvp,
    jacobian,
    jvp,
    log_softmax,
    no_grad,
    relu,
    sigmoid,
    softmax,
    value_and_grad,
    vjp,
)
from autograd_mini.drawing import draw
from autograd_mini.testing import check_grads
from tests.strict_array import StrictArray

dask: Any = import_module("dask") if find_spec("dask") else None
da: Any = import_module("dask.array") if dask else None
if dask:
    dask.config.set(scheduler="synchronous")
needs_dask = pytest.mark.skipif(dask is None, reason="a test of its own says that Dask is missing")


class Kind(NamedTuple):
    """How to make an array of one kind of a NumPy array, and how to get it back."""

    type: type
    make: Callable[[Any], Any]
    get: Callable[[Any], Any]


def chunked(x: Any) -> Any:
    """Return a Dask array of two chunks along the first axis."""
    x = np.array(x)
    return da.from_array(x, chunks=(max(1, -(-len(x) // 2)), *x.shape[1:]) if x.ndim else -1)


KINDS = {
    "strict": Kind(StrictArray, StrictArray, StrictArray.get),
}
if dask:
    KINDS["dask"] = Kind(da.Array, chunked, lambda x: x.compute())


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request: Any) -> Kind:
    return request.param


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(0.2, 2.0, shape)


def same(kind: Kind, found: Any, expected: Any) -> None:
    """Hold an array of another kind against NumPy's: kind, shape, dtype and numbers."""
    assert type(found) is kind.type
    assert found.shape == np.shape(expected)
    assert found.dtype == np.asarray(expected).dtype
    assert_allclose(kind.get(found), expected, rtol=1e-12, atol=1e-12)


A, B, V = numbers(4, 6), numbers(4, 6, seed=1) - 1, numbers(6, seed=2)
SQUARE, LABELS = numbers(4, 4, seed=3), np.array([0, 5, 2, 2])

Case = tuple[Callable[..., Any], tuple[Any, ...]]
CORE: dict[str, list[Case]] = {
    "arithmetic and elementwise functions": [
        (lambda x, y: (x + y) * x - y / x, (A, V)),
        (lambda x, y: 2 * x - 1 / x + (-y) ** 3 + x**0.5, (A, B)),
        (lambda x: np.exp(x) + np.log(x) + np.sqrt(x) + np.square(x) + np.log1p(x), (A,)),
        (lambda x: np.sin(x) * np.cos(x) + np.tanh(x) - np.arctan(x) + np.abs(x), (B,)),
        (lambda x, y: np.maximum(x, y) + np.minimum(x, 0.7) + np.logaddexp(x, y), (A, B)),
        (lambda x: np.where(x > 0, x * 2, x**2), (B,)),
        (lambda x: np.clip(x, -0.5, 0.5), (B,)),
        (lambda x: x.astype(np.float32), (B,)),
        (lambda x: x.copy() * np.copy(x), (B,)),
    ],
    "sums, means, variances and extrema": [
        (lambda x: x.sum() + x.mean() + x.var() + x.std(), (A,)),
        (lambda x: np.sum(x, axis=0) * np.mean(x, axis=0, keepdims=True), (A,)),
        (lambda x: x.max(axis=1) - x.min(axis=1), (A,)),
        (lambda x: np.max(x) + np.min(x, axis=0) + np.prod(x, axis=0), (A,)),
        (lambda x: np.cumsum(x, axis=1), (A,)),
        (lambda x: np.linalg.norm(x, axis=1), (A,)),
        (lambda x: np.sum(x, axis=(0, 1)) + np.std(x, axis=1, ddof=1), (A,)),
    ],
    "products": [
        (lambda x, y: x @ y.T, (A, B)),
        (lambda x, y: x @ y, (A, V)),
        (np.dot, (A, V)),
        (lambda x, y: np.dot(x, y.T), (A, B)),
        (lambda x, y: np.einsum("ij,kj->ik", x, y), (A, B)),
        (lambda x, y: np.einsum("ii,kl->k", x, y), (SQUARE, B)),
        (lambda x, y: np.tensordot(x, y, (1, 1)), (A, B)),
        (np.outer, (V, V)),
    ],
    "reshaping and moving axes": [
        (lambda x: x.reshape(2, 2, 6) * 2, (A,)),
        (lambda x: np.reshape(x, (24,)) * 2, (A[:, :],)),
        (lambda x: x.reshape(6) * x, (V,)),
        (lambda x: x.T + x.transpose(1, 0) + np.swapaxes(x, 0, 1), (A,)),
        (lambda x: np.transpose(x[:, :, None], (2, 0, 1)), (A,)),
        (lambda x: np.moveaxis(x[None], 0, -1), (A,)),
        (lambda x: np.squeeze(np.expand_dims(x, 1)), (A,)),
        (lambda x: np.broadcast_to(x, (4, 6)) * 2, (V,)),
        (lambda x: np.flip(x, 0) + np.roll(x, 1, axis=1), (A,)),
        (np.ravel, (V,)),
    ],
    "indexing by integers and slices": [
        (lambda x: x[0] + x[-1], (A,)),
        (lambda x: x[1:3] * x[:2], (A,)),
        (lambda x: x[::-1, 1::2], (A,)),
        (lambda x: x[2, 3] * x[..., 1], (A,)),
        (lambda x: x[:, None, 2] + x[1, 1], (A,)),
    ],
    "assigning to such an index": [
        (lambda x, y: assigned(x, 1, y), (A, V)),
        (lambda x, y: assigned(x, (slice(None), slice(1, 3)), y[:2]), (A, V)),
        (lambda x, y: assigned(x, (0, 2), y[3]), (A, V)),
    ],
    "concatenating and stacking": [
        (lambda x, y: np.concatenate([x, y * 2]), (A, B)),
        (lambda x, y: np.concatenate([x, y], axis=-1), (A, B)),
        (lambda x, y: np.stack([x, y, x], axis=1), (A, B)),
        (lambda x, y: np.vstack([x, y]), (A, B)),
        (lambda x, y: np.hstack([x, y]), (V, V)),
    ],
    "sigmoid, relu, softmax and log_softmax": [
        (lambda x: sigmoid(x) + x.sigmoid(), (B,)),
        (lambda x: relu(x) + x.relu(), (B,)),
        (lambda x: softmax(x, axis=1) * x.softmax(), (B,)),
        (log_softmax, (B,)),
    ],
}


def assigned(x: Any, index: Any, value: Any) -> Any:
    out = x * 1
    out[index] = value
    return out


CASES = [
    pytest.param(*case, id=f"{group} {i}")
    for group, listed in CORE.items()
    for i, case in enumerate(listed)
]


def value_and_gradients(f: Any, args: Any, make: Any, weight: Any) -> tuple[Any, list[Any]]:
    tensors = [Tensor(make(x), requires_grad=True) for x in args]
    out = f(*tensors)
    g = make(weight(out))
    return out.data, gradients(out, tensors, g)


def weights(out: Any) -> Any:
    return np.cos(np.arange(out.size)).reshape(out.shape).astype(out.dtype)


@pytest.mark.parametrize(("f", "args"), CASES)
def test_the_core_has_the_value_and_the_gradients_of_numpy(kind, f, args):
    value, expected = value_and_gradients(f, args, np.array, weights)
    found, found_gradients = value_and_gradients(f, args, kind.make, weights)
    same(kind, found, value)
    for part, wanted in zip(found_gradients, expected, strict=True):
        same(kind, part, wanted)


@pytest.mark.parametrize(("f", "args"), CASES)
def test_the_core_has_second_derivatives(kind, f, args):
    def slope(make):
        def norm(x, *others):
            others = [Tensor(make(y)) for y in others]
            (g,) = gradients(np.sum(f(x, *others) ** 2), [x], create_graph=True)
            return np.sum(g * g)

        return grad(norm)(make(args[0]), *args[1:])

    same(kind, slope(kind.make), slope(np.array))


def test_dask_is_here():
    assert dask, "the tests over Dask need it: pip install -e '.[test]'"


# Transforms.


def cost(x: Any, w: Any = 1.0) -> Any:
    return np.sum(np.tanh(x[1:] * x[:-1]) * w)


def run(f: Callable[..., Any], kind: Kind, *args: Any) -> tuple[Any, Any]:
    """Return what `f` makes of arrays of a kind, and of NumPy's."""
    return f(*map(kind.make, args)), f(*args)


def same_trees(kind: Kind, found: Any, expected: Any) -> None:
    if isinstance(expected, tuple | list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same_trees(kind, one, other)
    elif isinstance(expected, dict):
        same_trees(kind, [*found.values()], [*expected.values()])
    else:
        same(kind, found, expected)


def wide(x: Any) -> Any:
    return np.stack([x, x**2, np.sin(x)])


def narrow(x: Any) -> Any:
    return np.stack([np.sum(x**2), np.max(x)])


TRANSFORMS = {
    "grad": grad(cost),
    "grad, two arguments": lambda x: grad(lambda x, y: cost(x * y), (0, 1))(x, x + 1),
    "grad of a dict": lambda x: grad(lambda p: cost(p["a"] * p["b"]))({"a": x, "b": x * 2}),
    "grad of grad": grad(lambda x: np.sum(grad(cost)(x) ** 2)),
    "value_and_grad": value_and_grad(cost),
    "a gradient of zeros": grad(lambda x: np.sum(x[:0])),
    "vjp": lambda x: vjp(np.sin, x)[1](np.cos(x)),
    "vjp's value": lambda x: vjp(np.sin, x)[0],
    "vjp of several results": lambda x: vjp(lambda x: (x * 2, np.sum(x)), x)[1]((x, np.sum(x))),
    "jvp": lambda x: jvp(lambda x: x**3, (x,), (x + 1,)),
    "jvp by integers": lambda x: jvp(lambda x: (np.sum(x), x), (x,), (x,)),
    "jvp that is 0": lambda x: jvp(np.floor, (x,), (x,)),
    "hvp": lambda x: hvp(cost, (x,), (x,)),
    "jacobian by rows": jacobian(narrow),
    "jacobian by columns": jacobian(wide),
    "jacobian that is 0": jacobian(np.floor),
    "hessian": hessian(cost),
    "checkpoint": grad(lambda x: checkpoint(cost)(x) ** 2),
    "checkpoint of several": grad(lambda x: sum(checkpoint(lambda x: (cost(x), np.sum(x)))(x))),
    "hook": grad(lambda x: np.sum(hook(x * x, lambda g: g * 3))),
    "hook that looks": grad(lambda x: np.sum(hook(x * x, lambda g: None))),
}


@pytest.mark.parametrize("f", TRANSFORMS.values(), ids=TRANSFORMS)
def test_a_transform_keeps_the_kind(kind, f):
    same_trees(kind, *run(f, kind, V))


@needs_dask
def test_a_transform_of_dask_arrays_computes_nothing():
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something was computed")

    with dask.config.set(scheduler=refuse):
        x = chunked(V)
        for f in (grad(cost), jacobian(wide), lambda x: hvp(cost, (x,), (x,)), grad(narrow_sum)):
            assert isinstance(f(x), da.Array)
        t = Tensor(x, requires_grad=True)
        nn.functional.mse_loss(t * 2, x).backward()
        assert "dask.array" in repr(t)
        assert "dask.array" in repr(t * 2)


def narrow_sum(x: Any) -> Any:
    return np.sum(narrow(x))


# Tensors.


def test_backward_leaves_and_adds_up_gradients_of_the_kind(kind):
    t = Tensor(kind.make(V), requires_grad=True)
    y = t * 2
    cost(y).backward(retain_graph=True)
    same(kind, y.grad, grad(cost)(2 * V))
    cost(y).backward(kind.make(np.array(3.0)))
    same(kind, t.grad, 8 * grad(cost)(2 * V))
    t.grad = t.grad * 2
    same(kind, t.grad, 16 * grad(cost)(2 * V))


def test_the_gradient_of_one_has_memory_of_its_own(kind):
    t = Tensor(kind.make(V), requires_grad=True)
    g = kind.make(V)
    (t.reshape(6)).backward(g)
    t.grad *= 0
    same(kind, g, V)


@pytest.mark.parametrize(
    "give",
    [
        lambda t, g: (t * 2).backward(g),
        lambda t, g: t.reshape(6).backward(g),
        lambda t, g: gradients(t * 2, [t], g),
        lambda t, g: setattr(t, "grad", g),
        lambda t, g: vjp(lambda x: x * 2, t.data)[1](g),
        lambda t, g: jvp(lambda x: x * 2, (t.data,), (g,)),
    ],
)
def test_a_numpy_gradient_of_one_is_refused(kind, give):
    t = Tensor(kind.make(V), requires_grad=True)
    with pytest.raises(TypeError, match=f"the gradient of a .*{kind.type.__name__} is a .* NumPy"):
        give(t, np.ones(6))


def test_the_ways_out_of_a_tensor_are_explicit(kind):
    t = Tensor(kind.make(V))
    assert t.tolist() == V.tolist()
    assert t[1].item() == V[1]
    assert f"{t[1]:.3f}" == f"{V[1]:.3f}"
    assert float(t[0]) == V[0]
    assert len(t) == 6
    assert t.detach().data is t.data


def test_numpy_takes_no_array_that_its_library_does_not_give():
    with pytest.raises(TypeError, match=r"NumPy can't take a tests\.StrictArray"):
        np.asarray(Tensor(StrictArray(V)))


@needs_dask
def test_numpy_takes_the_numbers_of_a_dask_array_where_asked():
    assert_allclose(np.asarray(Tensor(chunked(V))), V)


def test_a_repr_shows_the_librarys_own(kind):
    t = Tensor(kind.make(V), requires_grad=True, name="t")
    assert repr(t) == f"Tensor({t.data!r}, requires_grad=True, name='t')"


def test_a_leaf_can_be_copied_and_pickled(kind):
    t = Tensor(kind.make(V), requires_grad=True)
    t.grad = kind.make(V + 1)
    for other in (copy.copy(t), copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
        same(kind, other.data, V)
        same(kind, other.grad, V + 1)


def test_writes_are_noticed(kind):
    t = Tensor(kind.make(V), requires_grad=True)
    out = (t * t).sum()
    with no_grad():
        t += 1
    same(kind, t.data, V + 1)
    with pytest.raises(RuntimeError, match="written since"):
        out.backward()
    with no_grad():
        t[0] = 7.0
    same(kind, t.data, np.array([7, *V[1:] + 1]))


def test_anomalies_are_found(kind):
    t = Tensor(kind.make(V), requires_grad=True)
    with detect_anomaly():
        cost(t).backward()
        with pytest.raises(FloatingPointError, match=r"np\.log .* made"), np.errstate(all="ignore"):
            np.log(t - 100)
    same(kind, t.grad, grad(cost)(V))


def test_a_list_of_arrays_of_a_kind_is_one_of_the_kind(kind):
    a, b = kind.make(V), kind.make(V + 1)
    same(kind, Tensor([a, b]).data, np.stack([V, V + 1]))
    t = Tensor(kind.make(A[:2]), requires_grad=True)
    (t * [a, b]).sum().backward()
    same(kind, t.grad, np.stack([V, V + 1]))


def test_a_gradient_is_checked_at_the_numbers_of_the_array(kind):
    assert check_grads(lambda x: np.sum(np.sin(x) * x), kind.make(V)).verdict == "right"


def test_an_infinite_slope_of_a_branch_not_chosen_shows_as_nan(kind):
    with np.errstate(all="ignore"):
        found = grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)))(
            kind.make(np.array([0, 4.0]))
        )
        assert_allclose(kind.get(found), [np.nan, 0.25])


def test_float32_stays_float32(kind):
    small = V.astype(np.float32)
    value, slope = value_and_grad(lambda x: np.mean(sigmoid(x) ** 2 / 3))(kind.make(small))
    assert (value.dtype, slope.dtype) == (np.float32, np.float32)


def test_nested_lists_make_one_array_of_the_kind(kind):
    t = Tensor(kind.make(V), requires_grad=True)
    made = array([[t[0], 1.0], [2, t[1] * 3]])
    made.sum().backward()
    same(kind, made.data, np.array([[V[0], 1], [2, 3 * V[1]]]))
    same(kind, t.grad, np.array([1.0, 3, 0, 0, 0, 0]))
    same(kind, array([t.data, t.data], np.float32), np.array([V, V], np.float32))
    same(kind, array(t.data), V)


@pytest.mark.parametrize("options", [{}, {"grads": True}, {"backward": True}, {"color": "value"}])
def test_a_graph_is_drawn(kind, options):
    t = Tensor(kind.make(V), requires_grad=True, name="t")
    assert "np.tanh" in draw(cost(t), **options).source


def test_an_array_of_integers_is_an_index():
    t = Tensor(StrictArray(A), requires_grad=True)
    expected = np.array([1.0, 0, 2, 0])[:, None] * np.ones(6)
    for index in (StrictArray([0, 2, 2]), np.array([0, 2, 2]), [0, 2, 2]):
        same(KINDS["strict"], gradients(t[index].sum(), [t])[0], expected)


@needs_dask
def test_an_array_of_integers_has_no_gradient_over_dask_which_can_not_add_there():
    t = Tensor(chunked(A), requires_grad=True)
    out = t[[0, 2, 3]].sum()
    assert_allclose(out.item(), A[[0, 2, 3]].sum())
    with pytest.raises(RuntimeError, match=r"the derivative of getitem .*'at'"):
        gradients(out, [t])


def test_a_mask_of_numpys_is_an_index(kind):
    mask = B[:, 0] > 0
    t = Tensor(kind.make(A), requires_grad=True)
    same(kind, gradients((t[mask] ** 2).sum(), [t])[0], np.where(mask[:, None], 2 * A, 0))


def test_a_mask_of_its_kind_is_an_index():
    mask = B[:, 0] > 0
    t = Tensor(StrictArray(A), requires_grad=True)
    (found,) = gradients((t[StrictArray(mask)] ** 2).sum(), [t])
    same(KINDS["strict"], found, np.where(mask[:, None], 2 * A, 0))


@needs_dask
def test_a_result_of_unknown_length_is_refused():
    t, mask = Tensor(chunked(A), requires_grad=True), B[:, 0] > 0
    with pytest.raises(ValueError, match=r"a known shape, found \(nan, 6\) in a dask\.Array"):
        t[chunked(mask)]
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        Tensor(chunked(A)[chunked(mask)])


@needs_dask
def test_dask_takes_numpys_arrays_beside_it_and_stays_lazy():
    w = Tensor(V, requires_grad=True)
    (chunked(A) @ w).sum().backward()
    same(KINDS["dask"], w.grad, A.sum(axis=0))
    (slope,) = gradients((Tensor(chunked(A)) @ w).sum(), [w])
    same(KINDS["dask"], slope, A.sum(axis=0))


def test_the_stand_in_refuses_numpys_arrays_beside_it():
    t = Tensor(StrictArray(V), requires_grad=True)
    for f in (lambda: t * V, lambda: V * t, lambda: np.where(V > 0, t, 0), lambda: t.dot(V)):
        with pytest.raises(TypeError, match="Unsupported type"):
            f()


@needs_dask
@pytest.mark.filterwarnings("ignore:The `numpy:FutureWarning")
@pytest.mark.parametrize("f", [np.linalg.det, np.emath.sqrt, np.linalg.slogdet, np.linalg.eigvalsh])
def test_a_function_for_which_dask_turns_to_numpy_is_refused_by_name(f):
    for t in (Tensor(chunked(SQUARE), requires_grad=True), Tensor(chunked(SQUARE))):
        with pytest.raises(TypeError, match=r"np\..* turned a dask\.Array into a NumPy array"):
            f(t)


# Networks.


def moved(model: Any, kind: Kind) -> Any:
    """Return `model` with its parameters as arrays of a kind."""
    for p in model.parameters():
        p.data = kind.make(p.data)
    return model


def network() -> Any:
    rng = np.random.default_rng(0)
    return nn.Sequential(
        nn.Linear(6, 4, rng=rng), nn.Tanh(), nn.Linear(4, 6, rng=rng), nn.Sigmoid()
    )


LOSSES = {
    "mse_loss": lambda x, y, labels: nn.functional.mse_loss(x, y),
    "mse_loss by rows": lambda x, y, labels: nn.MSELoss("batchmean")(x, y),
    "mse_loss of each": lambda x, y, labels: nn.functional.mse_loss(x, y, "none").sum(),
    "cross_entropy": lambda x, y, labels: nn.functional.cross_entropy(x, labels),
    "cross_entropy, a sum": lambda x, y, labels: nn.CrossEntropyLoss("sum")(x, labels),
    "cross_entropy of each": lambda x, y, labels: cost(
        nn.functional.cross_entropy(x, labels, "none")
    ),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_losses_of_networks_have_their_gradients(kind, loss):
    def evaluated(model, make):
        out = model(Tensor(make(A)))
        value = loss(out, make(B), make(LABELS))
        value.backward()
        return [value.data, *(p.grad for p in model.parameters())]

    found, expected = evaluated(moved(network(), kind), kind.make), evaluated(network(), np.array)
    same_trees(kind, found, expected)


@pytest.mark.parametrize("wrong", [-1, 6])
def test_a_label_out_of_range_is_found(kind, wrong):
    labels = kind.make(np.array([0, wrong, 2, 1]))
    with pytest.raises(ValueError, match=f"from 0 to 5, found .*{wrong}"):
        nn.functional.cross_entropy(Tensor(kind.make(A)), labels)


def test_linear_takes_inputs_with_more_axes(kind):
    deep = numbers(2, 2, 6)
    found = moved(nn.Linear(6, 4, rng=np.random.default_rng(0)), kind)(kind.make(deep))
    same(kind, found.data, nn.Linear(6, 4, rng=np.random.default_rng(0))(deep).data)


def test_dropout_draws_the_same_mask(kind):
    def dropped(make):
        rng = np.random.default_rng(3)
        return grad(lambda x: np.sum(nn.functional.dropout(x, 0.5, rng=rng) ** 2))(make(A))

    same(kind, dropped(kind.make), dropped(np.array))


def test_parameters_are_drawn_in_their_kind(kind):
    t = nn.init.normal(nn.Parameter(kind.make(A)), rng=np.random.default_rng(0))
    same(kind, t.data, np.random.default_rng(0).normal(size=A.shape))


OPTIONS = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "all but nesterov": {
        "momentum": 0.9,
        "dampening": 0.1,
        "weight_decay": 0.01,
        "maximize": True,
    },
    "nesterov": {"momentum": 0.9, "weight_decay": 0.01, "nesterov": True},
}


def trained(make: Any, options: Any, dtype: Any = np.float64) -> Tensor:
    p = Tensor(make(A.astype(dtype)), requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1, **options)
    for step in range(3):
        optimizer.lr = 0.1 / (step + 1)
        optimizer.zero_grad()
        np.sum(p**2 * make(B.astype(dtype))).backward()
        optimizer.step()
    return p


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_sgd_steps_in_the_kind(kind, options):
    same(kind, trained(kind.make, options).data, trained(np.array, options).data)
    assert trained(kind.make, options, np.float32).dtype == np.float32


def test_sgd_refuses_a_gradient_of_another_kind(kind):
    p = Tensor(V, requires_grad=True)
    p.grad = kind.make(V)
    before = p.data.copy()
    with pytest.raises(TypeError, match=f"a .*{kind.type.__name__} for a numpy.ndarray"):
        optim.SGD([p], lr=0.1, momentum=0.5).step()
    assert_allclose(p.data, before)


def test_the_state_of_a_model_keeps_its_kind(kind):
    model = moved(network(), kind)
    for held in model.state_dict().values():
        assert type(held) is kind.type
    fresh = moved(network(), kind)
    for p in fresh.parameters():
        p.data = p.data * 0
    fresh.load_state_dict(model.state_dict())
    for p, q in zip(fresh.parameters(), network().parameters(), strict=True):
        same(kind, p.data, q.data)


def test_a_state_in_a_file_is_numpys_and_loads_into_the_kind(kind, tmp_path):
    model = moved(network(), kind)
    nn.save(model.state_dict(), tmp_path / "model.npz")
    loaded = nn.load(tmp_path / "model.npz")
    for name, expected in network().state_dict().items():
        assert type(loaded[name]) is np.ndarray
        assert_allclose(loaded[name], expected)
    model.load_state_dict(loaded)
    for p, q in zip(model.parameters(), network().parameters(), strict=True):
        same(kind, p.data, q.data)


class ClosedArray(StrictArray):
    """A stand-in for libraries that offer fewer ways to NumPy."""

    hidden: tuple[str, ...] = ()

    def __getattribute__(self, name: str) -> Any:
        if name in type(self).hidden:
            raise AttributeError(name)
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        if name in type(self).hidden:
            raise AttributeError(name)
        return super().__getattr__(name)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed")


@pytest.mark.parametrize("hidden", [(), ("get",), ("get", "tolist")])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.complex128, bool])
def test_a_state_is_saved_by_whatever_way_the_library_offers(hidden, dtype, tmp_path, monkeypatch):
    monkeypatch.setattr(ClosedArray, "hidden", hidden)
    numbers = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    nn.save({"a": Tensor(ClosedArray(numbers))}, tmp_path / "a.npz")
    found = nn.load(tmp_path / "a.npz")["a"]
    assert found.dtype == dtype
    assert_allclose(found, numbers)


def test_a_state_loads_into_arrays_that_take_lists_alone(monkeypatch):
    given = StrictArray.__array_function__

    def refuse_arrays(self, function, types, args, kwargs):
        if args and isinstance(args[0], np.ndarray):
            raise TypeError("Unsupported type")
        return given(self, function, types, args, kwargs)

    monkeypatch.setattr(StrictArray, "__array_function__", refuse_arrays)
    layer = nn.Linear(2, 1)
    layer.weight.data = StrictArray(layer.weight.data.astype(np.float32))
    layer.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": np.array([3.0])})
    same(KINDS["strict"], layer.weight.data, np.array([[1, 2]], np.float32))


def test_a_model_in_another_dtype_keeps_its_kind(kind):
    model = moved(network(), kind).astype(np.float32)
    for p in model.parameters():
        assert (type(p.data), p.dtype) == (kind.type, np.float32)


def test_the_state_of_sgd_keeps_its_kind(kind):
    def resumed(make):
        p = Tensor(make(A), requires_grad=True)
        first, second = optim.SGD([p], lr=0.1, momentum=0.9), optim.SGD([p], lr=0.1, momentum=0.9)
        np.sum(p**2).backward()
        first.step()
        second.load_state_dict(first.state_dict())
        second.step()
        return p.data

    same(kind, resumed(kind.make), resumed(np.array))


def test_a_state_of_a_kind_does_not_load_into_numpys_parameters(kind):
    model, state = network(), moved(network(), kind).state_dict()
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"wrong kind of array: 0\.weight"):
        model.load_state_dict(state)
    for name, expected in before.items():
        assert_allclose(model.state_dict()[name], expected)


def test_a_tensor_with_two_paths_loads_one_value(kind):
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    model[1].weight = model[0].weight
    moved(model, kind)
    state = model.state_dict()
    model.load_state_dict(state)
    with pytest.raises(ValueError, match="two values for one Tensor"):
        model.load_state_dict(state | {"1.weight": state["1.weight"] + 1})


def test_a_model_is_called_with_other_parameters(kind):
    def slopes(model, make):
        def total(params):
            return np.sum(nn.functional_call(model, params, make(A)) ** 2)

        return grad(total)({name: p.data * 2 for name, p in model.named_parameters()})

    same_trees(kind, slopes(moved(network(), kind), kind.make), slopes(network(), np.array))


# The README.

ELSEWHERE = [  # tested above, one by one
    "every function made from a function, and `checkpoint`",
    "losses and layers",
    "dropout",
    "steps of SGD",
    "copies and pickles",
    "saved states",
]


def test_the_readme_names_exactly_what_passes():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    named = " ".join(readme.partition("these pass: ")[2].partition(".\n")[0].split())
    assert named.split("; ") == [*CORE, *ELSEWHERE]


@pytest.mark.parametrize(
    "name", ["grad", "value_and_grad", "vjp", "jvp", "jacobian", "hessian", "hvp", "checkpoint"]
)
def test_every_function_made_from_a_function_is_among_the_transforms(name):
    assert any(case.split()[0].strip(",") == name for case in TRANSFORMS)
