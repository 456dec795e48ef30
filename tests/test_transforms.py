"""Functions made from functions: values, every order, both modes, containers, errors."""

from __future__ import annotations

import gc
import weakref
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import nn
from autograd_mini import (
    Tensor,
    checkpoint,
    defvjp,
    grad,
    gradients,
    hessian,
    hook,
    hvp,
    jacobian,
    jvp,
    no_grad,
    primitive,
    value_and_grad,
    vjp,
)
from tests.numeric import numeric_gradient

xp: Any = np
RNG = np.random.default_rng(0)
X, V, W = RNG.normal(size=(3, 4))
A = RNG.normal(size=(3, 4))


def curved(x: Any) -> Any:
    """Return a number that depends on `x` in every order."""
    return xp.sum(xp.sin(x) * xp.exp(x[::-1] / 2))


def mapping(x: Any) -> Any:
    """Return three numbers of four."""
    return xp.tanh(A @ x) + x[:3] ** 2


def numeric_jacobian(f: Any, x: np.ndarray) -> np.ndarray:
    rows = [
        numeric_gradient(lambda v, i=i: f(v[0]).ravel()[i], [x], True)[0] for i in range(f(x).size)
    ]
    return np.reshape(rows, f(x).shape + x.shape)


# First order.


def test_a_gradient_is_the_numeric_one() -> None:
    (wanted,) = numeric_gradient(lambda v: curved(v[0]), [X], True)
    value, found = value_and_grad(curved)(X)
    assert_allclose(value, curved(X), rtol=1e-15)
    for g in (found, grad(curved)(X)):
        assert type(g) is np.ndarray
        assert_allclose(g, wanted, rtol=1e-12)


def test_products_with_the_jacobian_from_both_sides_agree() -> None:
    out, pull = vjp(mapping, X)
    value, change = jvp(mapping, (X,), (V,))
    assert_allclose(out, mapping(X))
    assert_allclose(value, mapping(X))
    J = numeric_jacobian(mapping, X)
    assert_allclose(change, J @ V, rtol=1e-12)
    for g in (W[:3], V[:3]):  # pull may be called again
        assert_allclose(pull(g)[0], g @ J, rtol=1e-12)


@pytest.mark.parametrize(
    "f", [mapping, lambda x: xp.outer(x, x), curved], ids=["mapping", "outer", "curved"]
)
def test_a_jacobian_is_the_numeric_one(f: Any) -> None:
    assert_allclose(jacobian(f)(X), numeric_jacobian(f, X), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("inputs", "outputs"), [(2, 5), (5, 2)])
def test_a_jacobian_takes_as_many_walks_as_it_has_rows_or_columns(
    inputs: int, outputs: int
) -> None:
    walks = []

    @primitive
    def spread(x: Any) -> Any:
        return np.resize(x, outputs)

    @primitive
    def back(g: Any, size: int) -> Any:
        walks.append(g)
        return np.array([np.sum(g[i::size]) for i in range(size)])

    defvjp(spread, lambda g, out, x: back(g, x.size))
    defvjp(back, lambda g, out, x, size: spread(g))
    found = jacobian(spread)(np.arange(1.0, inputs + 1))
    assert_allclose(found, np.resize(np.tile(np.eye(inputs), (3, 1)), (outputs, inputs)))
    assert len(walks) <= min(inputs, outputs) + 1


def test_argnums_choose_arguments() -> None:
    def f(x: Any, y: Any, scale: float = 1.0) -> Any:
        return (x * y**2).sum() * scale

    assert_allclose(grad(f)(X, V), V**2)
    assert_allclose(grad(f, 1)(X, V, scale=3.0), 6 * X * V)
    assert_allclose(grad(f, -1)(X, V), 2 * X * V)
    by_y, by_x = grad(f, (1, 0))(X, V)
    assert_allclose(by_x, V**2)
    assert_allclose(by_y, 2 * X * V)
    (by_x,) = grad(f, (0,))(X, V)
    assert_allclose(by_x, V**2)


def test_functions_of_containers() -> None:
    Layer = namedtuple("Layer", "weight bias")
    layer = Layer(A, np.ones(3))

    def f(params: Any, batch: Any) -> Any:
        layer, scales = params
        out = (layer.weight @ batch["x"] + layer.bias) * scales[0]
        return {"out": out, "norm": [xp.sum(out**2), None]}

    def loss(params: Any, batch: Any) -> Any:
        return f(params, batch)["norm"][0]

    params, batch = (layer, [2.0]), {"x": X}
    found = grad(loss)(params, batch)
    assert type(found[0]) is Layer
    out = (A @ X + 1) * 2
    assert_allclose(found[0].weight, np.outer(4 * out, X))
    assert_allclose(found[0].bias, 4 * out)
    assert_allclose(found[1], [np.sum(2 * out * out / 2)])
    value, pull = vjp(f, params, batch)
    assert_allclose(value["out"], out)
    by_params, by_batch = pull({"out": W[:3], "norm": [0.0, None]})
    assert_allclose(by_batch["x"], 2 * W[:3] @ A)
    assert_allclose(by_params[0].bias, 2 * W[:3])
    J = jacobian(f, 1)(params, batch)
    assert_allclose(J["out"]["x"], 2 * A)
    assert_allclose(J["norm"][0]["x"], 4 * out @ A)


def test_aux_is_passed_on_as_bare_values() -> None:
    def f(x: Any) -> Any:
        return (x**2).sum(), {"twice": x * 2, "word": "kept"}

    for found, aux in (
        grad(f, has_aux=True)(X),
        (value_and_grad(f, has_aux=True)(X)[1], value_and_grad(f, has_aux=True)(X)[0][1]),
        (vjp(f, X, has_aux=True)[1](1.0)[0], vjp(f, X, has_aux=True)[2]),
        jacobian(f, has_aux=True)(X),
    ):
        assert_allclose(found, 2 * X)
        assert type(aux["twice"]) is np.ndarray
        assert aux["word"] == "kept"
    value, change, aux = jvp(f, (X,), (V,), has_aux=True)
    assert_allclose([value, change], [X @ X, 2 * X @ V])
    assert_allclose(aux["twice"], 2 * X)


def test_what_does_not_depend_has_a_gradient_of_zeros() -> None:
    assert_allclose(grad(lambda x: 3.0)(X), np.zeros(4))
    assert_allclose(jvp(lambda x: (x > 0, np.ones(2)), (X,), (V,))[1][1], np.zeros(2))
    assert_allclose(jacobian(lambda x: np.ones((2, 3)))(X), np.zeros((2, 3, 4)))
    assert jacobian(lambda x: x[:0])(X).shape == (0, 4)
    assert jacobian(lambda x: xp.ones(2) + x.sum())(X[:0]).shape == (2, 0)


def test_single_precision_stays_single() -> None:
    x = X.astype(np.float32)
    assert grad(curved)(x).dtype == np.float32
    assert jvp(mapping, (x,), (x,))[1].dtype == np.float64  # A is float64
    assert jacobian(xp.sin)(x).dtype == np.float32
    assert hessian(curved)(x).dtype == np.float32


# Higher orders.


def test_a_sixth_derivative() -> None:
    f: Any = xp.sin
    for _ in range(6):
        f = grad(f)
    assert_allclose(f(0.7), -np.sin(0.7), rtol=1e-12)


@pytest.mark.parametrize("outer", ["grad", "jvp"])
@pytest.mark.parametrize("inner", ["grad", "jvp"])
def test_modes_nest_in_any_order(outer: str, inner: str) -> None:
    def derivative(f: Any, mode: str) -> Any:
        return grad(f) if mode == "grad" else lambda x: jvp(f, (x,), (1.0,))[1]

    def f(x: Any) -> Any:
        return xp.exp(x) * xp.sin(x)

    second = derivative(derivative(f, inner), outer)
    assert_allclose(second(0.4), 2 * np.exp(0.4) * np.cos(0.4), rtol=1e-13)
    third = derivative(second, "jvp")
    wanted = 2 * np.exp(0.4) * (np.cos(0.4) - np.sin(0.4))
    assert_allclose(third(0.4), wanted, rtol=1e-12)


def test_an_inner_variable_is_not_mixed_up_with_the_outer() -> None:
    assert grad(lambda x: x * grad(lambda y: x + y)(2.0))(1.0) == 1
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(1.0) == 1
    assert grad(lambda x: x * jvp(lambda y: x * y, (x,), (1.0,))[1])(3.0) == 6


def test_an_inner_gradient_depends_on_what_it_closes_over() -> None:
    slope = grad(lambda w: grad(lambda x: w * x**2)(3.0) ** 2)(2.0)
    assert_allclose(slope, 2 * 2 * (2 * 3) ** 2)
    changes = jacobian(lambda w: jacobian(lambda x: w * x**2)(X))(V)
    wanted = np.zeros((4, 4, 4))
    wanted[range(4), range(4), range(4)] = 2 * X
    assert_allclose(changes, wanted)


def test_a_tensor_that_requires_grad_stays_connected() -> None:
    x = Tensor(X, requires_grad=True)
    slope = grad(curved)(x)
    assert type(slope) is Tensor
    (found,) = gradients((slope * V).sum(), [x])
    assert_allclose(found, hvp(curved, (X,), (V,)), rtol=1e-12)
    _, pull = vjp(mapping, X)
    g = Tensor(W[:3], requires_grad=True)
    (by_g,) = gradients((pull(g)[0] * V).sum(), [g])
    assert_allclose(by_g, jvp(mapping, (X,), (V,))[1], rtol=1e-12)


def test_a_hessian_is_the_jacobian_of_the_gradient() -> None:
    H = hessian(curved)(X)
    wanted = np.array(
        [(grad(curved)(X + 1e-5 * e) - grad(curved)(X - 1e-5 * e)) / 2e-5 for e in np.eye(4)]
    )
    assert_allclose(H, wanted, atol=1e-8 * np.abs(wanted).max())
    assert_allclose(H, H.T, rtol=1e-13)
    assert_allclose(hvp(curved, (X,), (V,)), H @ V, rtol=1e-12)


def test_a_hessian_of_several_arguments() -> None:
    (xx, xy), (yx, yy) = hessian(lambda x, y: (x**2 * y).sum(), (0, 1))(X, V)
    assert_allclose(xx, np.diag(2 * V))
    assert_allclose(xy, np.diag(2 * X))
    assert_allclose(yx, np.diag(2 * X))
    assert_allclose(yy, np.zeros((4, 4)))
    product = hvp(lambda x, y: (x**2 * y).sum(), (X, V), (W, W))
    assert_allclose(product[0], 2 * V * W + 2 * X * W)
    assert_allclose(product[1], 2 * X * W)


def test_transforms_work_where_nothing_is_recorded() -> None:
    with no_grad():
        assert_allclose(grad(lambda x: (x**2).sum())(X), 2 * X)
        assert_allclose(hessian(lambda x: (x**2).sum())(X), 2 * np.eye(4))


def test_an_exception_leaves_no_transform_behind() -> None:
    def broken(x: Any) -> Any:
        raise KeyError("lost")

    with pytest.raises(KeyError):
        grad(broken)(X)
    assert type(grad(curved)(X)) is np.ndarray


def test_item_assignment_inside_a_nested_function() -> None:
    def f(x: Any) -> Any:
        x[0] = x[1] ** 2
        return (x * x).sum()

    at = np.array([2.0, 3.0])
    assert_allclose(hessian(f)(at), [[0, 0], [0, 110]])
    assert_allclose(hvp(f, (at,), (np.ones(2),)), [0, 110])
    assert_allclose(grad(f)(Tensor(at, requires_grad=True)).data, [0, 114])
    assert_allclose(at, [2, 3])


# Complex numbers.


def test_jacobians_of_complex_functions() -> None:
    z = X + 1j * V
    assert_allclose(jacobian(xp.exp)(z), np.diag(np.exp(z)))
    assert_allclose(jacobian(lambda x: xp.exp(1j * x))(X), np.diag(1j * np.exp(1j * X)))
    assert_allclose(grad(lambda z: xp.abs(z).sum())(z), z.conj() / np.abs(z))
    change = jvp(lambda x: xp.exp(1j * x), (X,), (V,))[1]
    assert_allclose(change, 1j * V * np.exp(1j * X))


# Checkpoints.


def block(x: Any) -> Any:
    return xp.sin(xp.exp(x) * 2)


def test_a_checkpoint_has_the_gradients_of_its_function() -> None:
    for order in (1, 2, 3):
        plain, saving = block, checkpoint(block)
        for _ in range(order):
            plain, saving = (grad(lambda x, f=f: xp.sum(f(x))) for f in (plain, saving))
        assert_allclose(saving(X), plain(X), rtol=1e-12)


def test_a_checkpoint_finds_parameters_that_are_no_arguments() -> None:
    weight = Tensor(A, requires_grad=True)
    x = Tensor(X, requires_grad=True)
    out = checkpoint(lambda x: {"y": xp.tanh(weight @ x)})(x)
    (out["y"] ** 2).sum().backward()
    wanted = grad(lambda w, x: (xp.tanh(w @ x) ** 2).sum(), (0, 1))(A, X)
    assert_allclose(weight.grad, wanted[0])
    assert_allclose(x.grad, wanted[1])
    weight.grad = None
    checkpoint(lambda x: weight @ x)(X).sum().backward()  # no argument requires grad
    assert_allclose(weight.grad, np.tile(X, (3, 1)))


def test_a_checkpoint_keeps_no_values_inside() -> None:
    kept = []

    def f(x: Any) -> Any:
        inner = xp.exp(x)
        kept.append(weakref.ref(inner))
        return xp.sin(inner)

    x = Tensor(X, requires_grad=True)
    gc.disable()
    try:
        out = checkpoint(f)(x).sum()
        assert kept[0]() is None
        out.backward()
        assert [ref() for ref in kept] == [None, None]
    finally:
        gc.enable()
    assert_allclose(x.grad, np.cos(np.exp(X)) * np.exp(X))


def test_a_checkpoint_that_does_not_depend_on_its_argument_gives_zeros() -> None:
    x = Tensor(X, requires_grad=True)
    (checkpoint(lambda x: np.ones(2))(x).sum() + x[0]).backward()
    assert_allclose(x.grad, [1, 0, 0, 0])
    assert_allclose(hessian(lambda x: checkpoint(lambda y: np.ones(2))(x).sum())(X), 0)


def test_a_checkpoint_of_something_random_is_refused() -> None:
    rng = np.random.default_rng(0)
    x = Tensor(X, requires_grad=True)
    out = checkpoint(lambda x: x * rng.random(4))(x).sum()
    with pytest.raises(RuntimeError, match="must not draw random numbers"):
        out.backward()


def test_a_checkpoint_without_anything_to_differentiate_is_a_plain_call() -> None:
    assert not checkpoint(block)(Tensor(X)).requires_grad
    with no_grad():
        assert_allclose(checkpoint(block)(Tensor(X, requires_grad=True)).data, block(X))


@pytest.mark.parametrize(
    "inside",
    [
        lambda keep, w: lambda x: keep(lambda y: xp.sin(y) * w * y)(x * w),
        lambda keep, w: lambda x: keep(lambda y: y * y * x)(x) * w,
        lambda keep, w: lambda x: keep(lambda y: keep(lambda z: xp.sin(z) * y)(x * y))(w * x),
    ],
)
def test_a_checkpoint_may_capture_what_its_arguments_depend_on(inside: Any) -> None:
    def derivatives(keep: Any) -> list[Any]:
        x, w = Tensor(0.7, requires_grad=True), Tensor(2.0, requires_grad=True)
        first = gradients(inside(keep, w)(x), [x, w], create_graph=True)
        second = [gradients(slope, [x, w]) for slope in first]
        nested = grad(lambda w: grad(inside(keep, w))(0.7) * w)(2.0)
        return [*(slope.item() for slope in first), *np.ravel(second), nested]

    assert_allclose(derivatives(checkpoint), derivatives(lambda f: f), rtol=1e-12)


def test_a_checkpoint_gives_to_inner_tensors_that_it_captures() -> None:
    w = Tensor(2.0, requires_grad=True)
    inner = w * 3
    assert gradients(checkpoint(lambda: inner * inner)(), [inner]) == [12]
    (checkpoint(lambda: inner * inner)() * inner).backward()
    assert w.grad == 3 * 3**3 * 2**2


def test_a_checkpoint_does_not_let_its_function_write_into_its_argument() -> None:
    def f(y: Any) -> Any:
        y[0] = 5.0
        return (y * y).sum()

    h = Tensor([1.0, 2.0], requires_grad=True) + 1
    checkpoint(f)(h)
    assert_allclose(h.data, [2, 3])


# Errors.


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: grad(curved)(3), TypeError, "found int64: write 3.0 for 3"),
        (lambda: grad(xp.sin)(X), ValueError, r"sin returned \(4,\) float64: sum it up"),
        (lambda: grad(lambda x: 1j * x)(1.0), ValueError, r"returned \(\) complex128"),
        (lambda: grad(lambda x: (x, x))(1.0), ValueError, "a real number as result"),
        (lambda: grad(curved, 1)(X), ValueError, "asks for argument 1, found 1"),
        (lambda: grad(curved, has_aux=True)(X), TypeError, "curved with has_aux=True returns a"),
        (lambda: vjp(mapping, X)[1](X), ValueError, r"of shape \(3,\), found \(4,\)"),
        (lambda: vjp(mapping, X)[1]((V, V)), ValueError, "a gradient like the output"),
        (lambda: jvp(mapping, (X,), (V, V)), ValueError, "tangents like the primals"),
        (lambda: jvp(mapping, (X,), (A,)), ValueError, r"of shape \(4,\), found \(3, 4\)"),
        (lambda: jvp(mapping, (X,), (1j * V,)), TypeError, "found complex128: take its real part"),
        (lambda: grad(curved, (0, -1))(X), ValueError, "asks for an argument twice"),
        (lambda: jacobian(xp.multiply, (0, 1))(1.0, 1j), TypeError, "one by one, with argnums"),
    ],
)
def test_a_call_that_makes_no_sense_says_why(
    call: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        call()


# A transform of plain numbers is plain, wherever it runs.

PLAIN = {
    "grad": lambda: grad(np.sin)(1.0),
    "value_and_grad": lambda: value_and_grad(np.sin)(1.0)[1],
    "vjp": lambda: vjp(np.sin, 1.0)[1](1.0)[0],
    "jvp": lambda: jvp(np.sin, (1.0,), (1.0,))[1],
    "jacobian": lambda: jacobian(np.sin)(np.array(1.0)),
    "hessian": lambda: -hessian(np.cos)(np.array(0.0)) * np.cos(1.0),
    "hvp": lambda: -hvp(np.cos, (0.0,), (1.0,)) * np.cos(1.0),
    "a value": lambda: vjp(np.cos, 1.0)[0],
    "an aux": lambda: grad(lambda x: (x, np.cos(x)), has_aux=True)(1.0)[1],
}


@pytest.mark.parametrize("transform", PLAIN.values(), ids=PLAIN)
def test_inside_another_transform_what_is_plain_stays_plain(transform):
    def f(x):
        slope = transform()
        assert isinstance(slope, np.ndarray | np.generic)
        return x * float(slope)

    assert grad(f)(2.0) == pytest.approx(np.cos(1.0))
    assert jvp(f, (2.0,), (1.0,))[1] == pytest.approx(np.cos(1.0))


CLOSED_OVER = {
    "grad": lambda x: grad(lambda y: x * y**3)(2.0),
    "value": lambda x: value_and_grad(lambda y: x * y**3)(2.0)[0] * 1.5,
    "vjp": lambda x: vjp(lambda y: x * y**3, 2.0)[1](1.0)[0],
    "jvp": lambda x: jvp(lambda y: x * y**3, (2.0,), (1.0,))[1],
    "jacobian": lambda x: jacobian(lambda y: x * y**3)(np.array([2.0]))[0, 0],
    "hessian": lambda x: hessian(lambda y: x * y**3)(np.array(2.0)),
    "hvp": lambda x: hvp(lambda y: x * y**3, (2.0,), (1.0,)),
    "aux": lambda x: grad(lambda y: (y, 12 * x), has_aux=True)(1.0)[1],
    "deep": lambda x: grad(lambda y: grad(lambda z: x * z * y)(3.0))(2.0) * 12,
}


@pytest.mark.parametrize("inner", CLOSED_OVER.values(), ids=CLOSED_OVER)
def test_inside_another_transform_what_closes_over_its_argument_keeps_its_gradient(inner):
    assert grad(inner)(5.0) == pytest.approx(12.0)
    assert jvp(inner, (5.0,), (1.0,))[1] == pytest.approx(12.0)


def test_newton_runs_inside_a_differentiated_function():
    def root(x):
        r = 2.0
        for _ in range(20):
            r = r - (r * r - x) / grad(lambda r: r * r - x)(r)
        return r

    assert grad(root)(3.0) == pytest.approx(0.5 / np.sqrt(3))


def test_the_body_of_a_primitive_may_use_a_transform():
    @primitive
    def slope(x):
        found = grad(lambda y: np.sum(np.sin(y)))(x)
        assert type(found) is np.ndarray
        return found

    defvjp(slope, lambda g, out, x: -g * np.sin(x))
    x = np.array([0.5, 1.0])
    np.testing.assert_allclose(grad(lambda x: np.sum(slope(x)))(x), -np.sin(x))


# A rule runs only for what leads to where the gradient is wanted, once a walk.


@pytest.mark.parametrize("name", ["eigvalsh", "svdvals", "eigvals"])
def test_jvp_does_not_ask_for_derivatives_that_it_does_not_need(name):
    """The slopes of equal eigenvalues are there, those of their vectors are not."""
    function: Any = getattr(np.linalg, name, None)
    if function is None:
        pytest.skip(f"this NumPy has no np.linalg.{name}")
    a = np.eye(2) if name == "eigvalsh" else np.diag([1.0, 2.0])
    along = np.array([[1.0, 2.0], [2.0, 5.0]])
    change = jvp(lambda a: np.real(np.sum(function(a))), (a,), (along,))[1]
    assert change == pytest.approx(6.0)


def counted_rules():
    """Return a primitive with two results and the list to which its rule adds the argument."""
    asked: list[str] = []

    def rule(name):
        def vjp(g, out, x, y):
            asked.append(name)
            return g[0] * (y if name == "x" else x) + g[1]

        return vjp

    @primitive
    def both(x, y):
        return x * y, x + y

    defvjp(both, rule("x"), rule("y"))
    return both, asked


def test_a_jacobian_by_columns_runs_a_rule_of_several_results_once():
    both, asked = counted_rules()

    def f(x):
        product, total = both(x, 2.0)
        return np.concatenate([product, total])

    found = jacobian(f)(np.ones(40))
    np.testing.assert_array_equal(found, np.concatenate([2 * np.eye(40), np.eye(40)]))
    assert asked == ["x"]


def test_no_rule_runs_for_an_argument_that_leads_nowhere():
    both, asked = counted_rules()
    weight = Tensor(np.ones(3), requires_grad=True)
    assert grad(lambda x: np.sum(both(x, weight)[0]))(np.ones(3)).tolist() == [1.0, 1.0, 1.0]
    assert asked == ["x"]
    gradients(np.sum(both(weight * 2, weight * 3)[1]), [weight])
    assert asked == ["x", "x", "y"]


def test_a_rule_that_refuses_is_not_asked_off_the_way():
    weight = Tensor(np.array([[2.0, 0.0], [0.0, 2.0]]), requires_grad=True)
    vectors = np.linalg.eigh(weight)[1]
    x = Tensor(np.ones((2, 2)), requires_grad=True)
    (found,) = gradients(np.sum(vectors * x), [x])
    np.testing.assert_array_equal(found, vectors.data)


# What depends on another Tensor that requires grad stays connected to it.


def cube(x, w):
    return np.sum(w * x**3)


# Each is 6 w at x = [1, 1].
OPEN = {
    "grad": lambda w: np.sum(grad(lambda x: cube(x, w))(np.ones(2))),
    "grad of an argument that is given": lambda w: np.sum(grad(cube)(np.ones(2), w)),
    "grad of a keyword that is given": lambda w: np.sum(grad(cube)(np.ones(2), w=w)),
    "value": lambda w: 3 * value_and_grad(cube)(np.ones(2), w)[0],
    "aux": lambda w: 6 * grad(lambda x: (np.sum(x), w * 1.0), has_aux=True)(np.ones(2))[1],
    "vjp": lambda w: np.sum(vjp(lambda x: w * x**3, np.ones(2))[1](np.ones(2))[0]),
    "jvp": lambda w: np.sum(jvp(lambda x: w * x**3, (np.ones(2),), (np.ones(2),))[1]),
    "jacobian by columns": lambda w: np.sum(jacobian(lambda x: w * x**3)(np.ones(2))),
    "jacobian by rows": lambda w: np.sum(jacobian(lambda x: np.sum(w * x**3))(np.ones(2))),
    "hessian": lambda w: np.sum(hessian(lambda x: cube(x, w))(np.ones(2))) / 2,
    "hvp": lambda w: np.sum(hvp(lambda x: cube(x, w), (np.ones(2),), (np.ones(2),))) / 2,
    "deep": lambda w: (
        np.sum(
            grad(lambda x: np.sum(grad(lambda y: cube(y, w) * np.sum(x))(np.ones(2))))(np.ones(2))
        )
        / 2
    ),
}


@pytest.mark.parametrize("f", OPEN.values(), ids=OPEN)
def test_in_a_script_a_tensor_that_is_closed_over_gets_its_gradient(f):
    w = Tensor(2.0, requires_grad=True)
    result = f(w)
    assert result.item() == pytest.approx(12.0)
    (result**2 + w).backward()
    assert w.grad == pytest.approx(2 * 12 * 6 + 1)
    with no_grad():
        assert isinstance(f(w), np.ndarray | np.generic)


@pytest.mark.parametrize("f", OPEN.values(), ids=OPEN)
def test_in_a_checkpoint_and_in_another_thread_it_gets_it_as_well(f):
    def in_a_thread(w):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(f, w).result()

    for g in (f, checkpoint(f), in_a_thread, checkpoint(in_a_thread)):
        assert grad(g)(2.0) == pytest.approx(6.0)
        assert jvp(g, (2.0,), (1.0,))[1] == pytest.approx(6.0)


@pytest.mark.parametrize(
    "inner",
    [
        lambda f: grad(f)(3.0),
        lambda f: value_and_grad(f)(3.0)[1],
        lambda f: vjp(f, 3.0)[1](1.0)[0],
        lambda f: jvp(f, (3.0,), (1.0,))[1],
        lambda f: jacobian(f)(np.array(3.0)),
        lambda f: hessian(f)(np.array(3.0)) * 3,
    ],
)
def test_a_variable_that_comes_in_through_a_hook_or_a_rule_gets_its_gradient(inner):
    def by_rule(y):
        @primitive
        def square(x):
            return x**2

        defvjp(square, lambda g, out, x: g * 2 * x * y)
        return inner(square)

    for outer in (by_rule, lambda y: inner(lambda x: hook(x**2, lambda g: g * y))):
        assert outer(2.0) == pytest.approx(12.0)
        if inner.__code__.co_names[0] != "hessian":  # walks a hook twice
            assert grad(outer)(2.0) == pytest.approx(6.0)


def test_a_penalty_on_the_slope_of_a_network_reaches_its_weights():
    nn.init.seed(0)
    model = nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 1))
    x = np.array([[0.3], [0.7]])

    def loss(model):
        slope = grad(lambda t: np.sum(model(t)))(x)
        return np.mean((slope - 1) ** 2) + np.mean(model(x) ** 2)

    loss(model).backward()
    weight = model[0].weight
    for i in range(3):
        moved = []
        for step in (1e-6, -1e-6):
            weight.data[i, 0] += step
            moved.append(loss(model).item())
            weight.data[i, 0] -= step
        assert weight.grad[i, 0] == pytest.approx((moved[0] - moved[1]) / 2e-6, rel=1e-6)


def test_what_vjp_returns_and_was_given_may_be_written_before_the_pull():
    a = np.array([1.0, 2.0])
    out, pull, aux = vjp(lambda x: (np.exp(x), x * 1.0), a, has_aux=True)
    out -= 3.0
    aux[:] = 0.0
    a[:] = 7.0
    assert_allclose(pull(np.ones(2))[0], np.exp([1.0, 2.0]))
