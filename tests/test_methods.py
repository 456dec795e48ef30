"""The methods of arrays on Tensors: NumPy's names and arguments, or a sentence with the way on."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autograd_mini import Tensor, gradients, softmax
from autograd_mini.primitive import TABLE
from autograd_mini.words import KEYWORDS

MATRIX = np.array([[2.5, -0.5, 1.5], [0.25, 3.0, -2.0]])
SQUARE = np.array([[2.5, -0.5], [0.25, 3.0]])
INDICES = np.array([1, 0, 1])

# Calls of every method of an array that a Tensor has, and what an array has besides methods.
CALLS: dict[str, list[tuple[Any, tuple[Any, ...], dict[str, Any]]]] = {
    **{
        name: [
            (MATRIX, (), {}),
            (MATRIX, (0,), {}),
            (MATRIX, (1, np.float32), {}),
            (MATRIX, (), {"axis": (0, 1), "keepdims": True, "where": MATRIX > 0}),
            (MATRIX, (-1, None, None, *extra), {}),
        ]
        for name, extra in (
            ("sum", (True,)),
            ("mean", (True,)),
            ("prod", (True,)),
            ("var", (1, True)),
            ("std", (1, True)),
        )
    },
    **{
        name: [
            (MATRIX, (), {}),
            (MATRIX, (0,), {}),
            (MATRIX, (1, None, True), {}),
            (MATRIX, (), {"axis": 1, "keepdims": True, "initial": 0.125}),
        ]
        for name in ("max", "min")
    },
    **{
        name: [(MATRIX, (), {}), (MATRIX, (0,), {}), (MATRIX, (1,), {"keepdims": True})]
        for name in ("all", "any")
    },
    **{
        name: [(MATRIX, (), {}), (MATRIX, (0,), {}), (MATRIX, (1,), {"keepdims": True})]
        for name in ("argmax", "argmin")
    },
    **{
        name: [(MATRIX, (), {}), (MATRIX, (-1,), {}), (MATRIX, (0, np.float32), {})]
        for name in ("cumsum", "cumprod")
    },
    "argsort": [(MATRIX, (), {}), (MATRIX, (0, "stable"), {}), (MATRIX, (None,), {})],
    "argpartition": [(MATRIX, (1,), {}), (MATRIX, (1, 0), {})],
    "searchsorted": [
        (np.sort(MATRIX[0]), ([0.0, 1.5],), {"side": "right"}),
        (MATRIX[0, :1], (2.5,), {}),
    ],
    "nonzero": [(MATRIX * [[1, 0, 1]], (), {})],
    "reshape": [
        (MATRIX, (3, 2), {}),
        (MATRIX, ((3, -1),), {"order": "F"}),
        (MATRIX, (-1,), {}),
    ],
    "ravel": [(MATRIX, (), {}), (MATRIX, ("F",), {})],
    "flatten": [(MATRIX, (), {}), (MATRIX, ("F",), {})],
    "transpose": [
        (MATRIX, (), {}),
        (MATRIX, (1, 0), {}),
        (MATRIX, ((0, 1),), {}),
        (MATRIX, (None,), {}),
    ],
    "swapaxes": [(MATRIX, (0, 1), {})],
    "squeeze": [(MATRIX[:1], (), {}), (MATRIX[:, :1], (1,), {})],
    "diagonal": [(MATRIX, (), {}), (MATRIX, (1, 0, 1), {})],
    "trace": [(MATRIX, (), {}), (MATRIX, (1, 0, 1, np.float32), {})],
    "repeat": [(MATRIX, (2,), {}), (MATRIX, ([1, 2], 0), {})],
    "take": [(MATRIX, (INDICES,), {}), (MATRIX, ([0, 5], 1, None, "clip"), {})],
    "compress": [(MATRIX, ([True, False], 0), {}), (MATRIX, ([0, 1, 1],), {"axis": 1})],
    "choose": [
        (INDICES, ([MATRIX[0], MATRIX[1]],), {}),
        (INDICES * 3, ([1.0, 2.0],), {"mode": "wrap"}),
    ],
    "dot": [(SQUARE, (MATRIX,), {})],
    "clip": [(MATRIX, (0.0, 2.0), {}), (MATRIX, (), {"max": 1.0}), (MATRIX, (0.0,), {})],
    "round": [(MATRIX, (), {}), (MATRIX, (1,), {})],
    "conj": [(MATRIX, (), {}), (MATRIX * 1j, (), {})],
    "conjugate": [(MATRIX, (), {}), (MATRIX * 1j, (), {})],
    "copy": [(MATRIX, (), {}), (MATRIX, ("F",), {})],
    "astype": [
        (MATRIX, (np.float32,), {}),
        (MATRIX, (float,), {"copy": False}),
        (MATRIX, (int,), {}),
    ],
    "item": [(MATRIX[:1, :1], (), {})],
    "tolist": [(MATRIX, (), {})],
}
ATTRIBUTES = {"T", "mT", "real", "imag", "dtype", "shape", "ndim", "size", "itemsize", "nbytes"}
WAYS = {
    "sort": "np.sort",
    "partition": "np.partition",
    "fill": r"t\[\.\.\.\] = value",
    "put": r"t\[index\] = values",
    "resize": r"t\.reshape",
    "setfield": r"t\.real",
    "getfield": r"t\.real",
    "setflags": r"t\.data\.setflags",
    "byteswap": r"t\.astype",
    "view": r"t\.reshape",
    "flat": r"t\.ravel",
    **{name: rf"t\.data\.{name}" for name in ("base", "ctypes", "flags", "strides")},
    **{name: rf"t\.data\.{name}\(" for name in ("dump", "dumps", "tobytes", "tofile")},
    "device": "leave it out",
    "to_device": "leave it out",
}
EACH = [(name, *call) for name, calls in CALLS.items() for call in calls]


def parts(x: Any) -> list[np.ndarray]:
    return [np.asarray(getattr(y, "data", y)) for y in (x if isinstance(x, tuple) else (x,))]


def test_every_public_attribute_of_an_array_is_there_or_refused_with_a_way() -> None:
    public = {name for name in dir(np.ndarray) if not name.startswith("_")}
    # NumPy 2.0 has these to say that they are gone.
    public -= {"itemset", "newbyteorder", "ptp", "tostring"}
    assert public - {"data"} == CALLS.keys() | ATTRIBUTES | (WAYS.keys() & public)
    assert not CALLS.keys() & WAYS.keys()
    assert all(hasattr(Tensor(MATRIX), name) for name in CALLS.keys() | ATTRIBUTES)


@pytest.mark.parametrize(("name", "x", "args", "kwargs"), EACH)
def test_a_method_returns_what_that_of_an_array_returns(
    name: str, x: Any, args: Any, kwargs: Any
) -> None:
    t = Tensor(x, requires_grad=x.dtype.kind in "fc")
    found, wanted = getattr(t, name)(*args, **kwargs), getattr(x, name)(*args, **kwargs)
    if not isinstance(wanted, np.ndarray | np.generic | tuple):
        assert found == wanted
        return
    for mine, numpys in zip(parts(found), parts(wanted), strict=True):
        assert mine.dtype == numpys.dtype
        assert_array_equal(mine, numpys)


@pytest.mark.parametrize(
    "name", ["sum", "mean", "prod", "var", "std", "max", "min", "cumsum", "cumprod"]
)
def test_a_method_has_the_gradient_of_the_function(name: str) -> None:
    t = Tensor(MATRIX, requires_grad=True)
    mine, functions = (
        f(t) for f in (lambda t: getattr(t, name)(axis=1), lambda t: getattr(np, name)(t, axis=1))
    )
    assert_array_equal(*(gradients(np.sum(y * y), [t])[0] for y in (mine, functions)))


@pytest.mark.parametrize("name", sorted(ATTRIBUTES))
def test_an_attribute_is_that_of_an_array(name: str) -> None:
    z = MATRIX * (1 + 2j)
    assert_array_equal(parts(getattr(Tensor(z), name))[0], parts(getattr(z, name))[0])


@pytest.mark.parametrize("name", sorted(WAYS))
def test_what_writes_or_is_about_memory_says_what_to_write(name: str) -> None:
    t = Tensor(MATRIX, requires_grad=True)
    assert not hasattr(t, name)
    with pytest.raises(AttributeError, match=rf"no attribute '{name}': .*{WAYS[name]}"):
        getattr(t, name)


@pytest.mark.parametrize(
    "name", ["sum", "prod", "max", "any", "argmin", "std", "cumsum", "take", "clip", "dot", "round"]
)
def test_an_array_to_write_into_is_refused_by_name(name: str) -> None:
    t = Tensor(MATRIX, requires_grad=True)
    args = {"take": (INDICES,), "clip": (0, 1), "dot": (SQUARE,)}.get(name, ())
    with pytest.raises(TypeError, match=rf"np\.{name}\(\.\.\., out=\) can't be recorded"):
        getattr(t, name)(*args, out=np.zeros(3))


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda t: t.mean(dim=0), "axis="),
        (lambda t: t.sum(axis=0, keepdim=True), "keepdims="),
        (lambda t: t.argmax(dim=0), "axis="),
        (lambda t: t.any(dim=0), "axis="),
        (lambda t: t.std(unbiased=False), "ddof="),
        (lambda t: t.var(correction=0), "ddof="),
        (lambda t: t.squeeze(dim=0), "axis="),
        (lambda t: t.transpose(dim0=0, dim1=1), "swapaxes"),
        (lambda t: t.cumprod(dim=0), "axis="),
        (lambda t: t.argsort(dim=0), "axis="),
        (lambda t: t.softmax(dim=0), "axis="),
        (lambda t: softmax(t, dim=0), "axis="),
        (lambda t: t.repeat(2, dim=0), "axis="),
        (lambda t: t.diagonal(dim1=0), "swapaxes"),
    ],
)
def test_a_keyword_of_another_library_is_answered_with_numpys(call: Any, word: str) -> None:
    with pytest.raises(TypeError, match=rf"NumPy's word is .*{word}"):
        call(Tensor(MATRIX, requires_grad=True))


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("unsqueeze", r"np\.expand_dims\(t, axis\)"),
        ("permute", r"t\.transpose\(axes\)"),
        ("numpy", r"t\.data"),
        ("cpu", "leave it out"),
        ("to", "leave it out"),
        ("long", r"t\.astype\(np\.int64\)"),
        ("float", r"t\.astype\(np\.float32\)"),
        ("clone", r"t\.copy\(\)"),
        ("numel", r"t\.size"),
        ("dim", r"t\.ndim"),
        ("t", r"t\.T"),
        ("mm", "t @ x"),
        ("clamp", r"t\.clip"),
        ("add_", r"t \+= x"),
        ("zero_", r"t\[\.\.\.\] = value"),
        ("sin", r"np\.sin\(t, \.\.\.\)"),
        ("flip", r"np\.flip\(t, \.\.\.\)"),
        ("grad_fn", r"t\.origin"),
        ("retain_grad", "retain_graph=True"),
    ],
)
def test_a_method_of_another_library_is_answered_with_numpys(name: str, way: str) -> None:
    with pytest.raises(AttributeError, match=rf"'{name}': write .*{way}"):
        getattr(Tensor(MATRIX), name)


def test_what_nobody_knows_is_missing_without_advice() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'nonsense'$"):
        Tensor(MATRIX).nonsense  # noqa: B018


def test_what_is_missing_is_not_offered() -> None:
    assert "unsqueeze" not in dir(Tensor(MATRIX))
    assert "sin" not in dir(Tensor(MATRIX))
    assert {"sum", "mT", "exp", "shape", "abs"} <= set(dir(Tensor(MATRIX)))


def test_the_words_of_others_do_not_slow_down_the_reading_of_an_attribute() -> None:
    assert not hasattr(Tensor, "__getattr__")
    assert "__getattribute__" not in vars(Tensor)


def test_no_rule_knows_a_word_of_another_library() -> None:
    own = {key for operation in TABLE.values() for key in operation.keywords or ()}
    assert not own & KEYWORDS.keys()


def test_a_copy_of_a_result_is_recorded() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    copied = copy.copy(y)
    assert not np.shares_memory(copied.data, y.data)
    assert_array_equal(gradients((copied * y).sum(), [x])[0], 18 * x.data)


def test_a_copy_of_a_leaf_is_a_leaf_of_its_own() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    x.sum().backward()
    for copied in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert copied.is_leaf
        assert copied is not x
        assert (copied.requires_grad, copied.name) == (True, "x")
        assert_array_equal(copied.grad, x.grad)


@pytest.mark.parametrize("way", [copy.deepcopy, pickle.dumps, lambda t: copy.deepcopy({"a": [t]})])
def test_a_result_is_not_cut_from_its_graph_in_silence(way: Any) -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"made by np\.multiply.* is a result.*\.detach\(\)"):
        way(x * 3)
    way((x * 3).detach())


PLOTS = {
    "plot": lambda axes, t: axes.plot(t),
    "semilogy": lambda axes, t: axes.semilogy(t[0]),
    "imshow": lambda axes, t: axes.imshow(t),
    "scatter": lambda axes, t: axes.scatter(t[0], t[1]),
    "hist": lambda axes, t: axes.hist(t[0]),
    "bar": lambda axes, t: axes.bar([0, 1, 2], t[0]),
    "fill_between": lambda axes, t: axes.fill_between([0, 1, 2], t[0]),
    "contour": lambda axes, t: axes.contour(t),
    "axhline": lambda axes, t: axes.axhline(t[0, 0]),
}


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_a_plot_of_a_recorded_tensor_says_what_to_pass_and_one_of_a_constant_works(
    plot: Any,
) -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    leaf = Tensor(MATRIX, requires_grad=True)
    for recorded in (leaf, leaf * 2):
        with pytest.raises(TypeError, match=r"\.data"):
            plot(figure.add_subplot(), recorded)
        for constant in (recorded.detach(), Tensor(recorded.data)):
            plot(figure.add_subplot(), constant)
