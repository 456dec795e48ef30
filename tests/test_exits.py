"""A value leaves a recorded Tensor explicitly, or recorded, or not at all."""

import array as arrays
import cmath
import ctypes
import inspect
import math
import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_mini
from autograd_mini import Tensor, enable_grad, grad, no_grad
from autograd_mini.exits import GradientLostError
from autograd_mini.testing import check_grads

xp: Any = np
am: Any = autograd_mini


def number() -> Tensor:
    """Return a recorded Tensor of one element that requires grad."""
    return Tensor(1.5, requires_grad=True) * 1.0


# Every way to take a number out of a Tensor that does not say so: Python's, then NumPy's.
CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "int": int,
    "complex": complex,
    "complex from two": lambda t: complex(1.0, t),
    "index": operator.index,
    "range": range,
    "list index": lambda t: [1, 2, 3][t],
    "slice of an array": lambda t: np.zeros(3)[0:t],
    "math.sqrt": math.sqrt,
    "math.floor": math.floor,
    "math.isnan": math.isnan,
    "math.fsum": lambda t: math.fsum([t, t]),
    "math.hypot": lambda t: math.hypot(t, 1.0),
    "math.dist": lambda t: math.dist([t], [1.0]),
    "cmath.exp": cmath.exp,
    "percent format": lambda t: "%.3f" % t,  # noqa: UP031 - it is the conversion under test
    "ctypes": ctypes.c_double,
    "array.array": lambda t: arrays.array("d", [t]),
    "np.float64": xp.float64,
    "np.float32": xp.float32,
    "np.int64": xp.int64,
    "np.complex128": xp.complex128,
    "np.asarray": xp.asarray,
    "np.array": lambda t: xp.array([t, t]),
    "np.array of arrays": lambda t: xp.array([[t, 1.0], [2.0, t]]),
    "np.array of one": xp.array,
    "np.full": lambda t: xp.full(3, t),
    "np.arange": xp.arange,
    "np.r_": lambda t: xp.r_[t, t],
    "np.c_": lambda t: xp.c_[t, t],
    "np.vectorize": xp.vectorize(math.sin),
    "np.sum of a list": lambda t: xp.sum([t, t]),
    "np.concatenate of lists": lambda t: xp.concatenate([[t], [t]]),
    "np.linalg.det of lists": lambda t: xp.linalg.det([[t, 1.0], [1.0, t]]),
    "a ufunc of a list": lambda t: xp.add([t, 1.0], 1.0),
    "np.poly1d": lambda t: xp.poly1d([t, t]),
    "np.random": lambda t: xp.random.default_rng(0).normal(t),
    "np.eye": xp.eye,
    "setitem of integers": lambda t: operator.setitem(xp.zeros(3, int), 0, t),
    "setitem of complex": lambda t: operator.setitem(xp.zeros(3, complex), 0, t),
    "setitem of a slice": lambda t: operator.setitem(xp.zeros(3), slice(2), t),
    "ndarray.put": lambda t: xp.zeros(3).put([0], t),
    "Tensor": Tensor,
    "data": lambda t: setattr(Tensor(0.0), "data", t),
    "grad": lambda t: setattr(Tensor(0.0, requires_grad=True), "grad", t),
}
# NumPy reports these as its own ValueError, with ours as the cause.
WRAPPED: dict[str, Callable[[Any], Any]] = {
    "setitem": lambda t: operator.setitem(xp.zeros(3), 0, t),
    "setitem of float32": lambda t: operator.setitem(xp.zeros(3, np.float32), 0, t),
    "setitem of a matrix": lambda t: operator.setitem(xp.zeros((3, 3)), (0, 1), t),
    "fill": lambda t: xp.zeros(3).fill(t),
    "fromiter": lambda t: xp.fromiter((t for _ in range(3)), float),
}


@pytest.mark.parametrize("convert", CONVERSIONS.values(), ids=CONVERSIONS)
def test_a_conversion_that_does_not_say_so_raises(convert):
    with pytest.raises(GradientLostError, match=r"requires grad, so its gradient would be lost"):
        convert(number())


@pytest.mark.parametrize("convert", WRAPPED.values(), ids=WRAPPED)
def test_an_assignment_to_a_bare_array_raises(convert):
    with pytest.raises(ValueError, match="setting an array element") as raised:
        convert(number())
    assert isinstance(raised.value.__cause__, GradientLostError)


@pytest.mark.parametrize("convert", (CONVERSIONS | WRAPPED).values(), ids=CONVERSIONS | WRAPPED)
def test_inside_grad_it_is_a_type_error(convert):
    def f(x):
        convert(x)
        return x * 2

    with pytest.raises(TypeError, match=r"would be lost: .*\.(item|detach)\(\)"):
        grad(f)(1.5)


@pytest.mark.parametrize("convert", (CONVERSIONS | WRAPPED).values(), ids=CONVERSIONS | WRAPPED)
def test_under_no_grad_and_of_a_constant_numpy_has_its_way(convert):
    """Not GradientLostError: some refuse a float as an index, or an array that is no number."""
    for t, context in ((number(), no_grad()), (Tensor(1.5), enable_grad())):
        with context:
            try:
                convert(t)
            except GradientLostError:  # pragma: no cover
                pytest.fail("refused")
            except (TypeError, ValueError):
                pass


def test_under_no_grad_the_numbers_are_right():
    t = number()
    with no_grad():
        assert (float(t), int(t), complex(t), math.sqrt(t)) == (1.5, 1, 1.5 + 0j, math.sqrt(1.5))
        z = np.zeros(2)
        z[0] = t
        np.testing.assert_array_equal(z, [1.5, 0])
        np.testing.assert_array_equal(np.array([t, t]), [1.5, 1.5])


def test_a_result_without_a_slope_is_a_number():
    t = Tensor([2.5, 7.5], requires_grad=True)
    assert int(t[0] // 1) == 2
    assert [10, 20][np.argmax(t)] == 20
    assert float(np.floor(t[1])) == 7
    z = np.zeros(2)
    z[0] = np.sign(t[0])
    assert z[0] == 1


# What every attribute of a recorded Tensor of numbers is; one that is new belongs here.
PLACES = {
    "recorded": """
        T __abs__ __add__ __copy__ __divmod__ __getitem__ __iadd__ __imod__ __imul__ __ipow__
        __isub__ __iter__ __itruediv__ __matmul__ __imatmul__ __mod__ __mul__ __neg__ __pos__
        __pow__ __radd__ __rdivmod__ __rmatmul__ __rmod__ __rmul__ __rpow__ __rsub__ __rtruediv__
        __setitem__ __sub__ __truediv__ abs astype clip compress conj conjugate copy cumprod
        cumsum diagonal dot exp flatten imag log mT max mean min prod ravel real relu repeat
        reshape sigmoid softmax sqrt
        squeeze std sum swapaxes take tanh trace transpose var
    """,
    "flat": """
        __eq__ __floordiv__ __ge__ __gt__ __ifloordiv__ __le__ __lt__ __ne__ __rfloordiv__ all
        any argmax argmin argpartition argsort nonzero round searchsorted
    """,
    "refused": """
        __array__ __complex__ __float__ __index__ __int__
    """,
    "explicit": """
        __bool__ __contains__ __format__ __repr__ __round__ __str__ data detach item tolist
    """,
    "integers": """
        __and__ __invert__ __or__ __rand__ __ror__ __rxor__ __xor__ choose
    """,
    "facts": """
        __len__ backward dtype grad is_leaf itemsize name nbytes ndim origin
        requires_grad shape size
    """,
    "protocols": """
        __array_function__ __array_namespace__ __array_ufunc__ __dir__ __init__ __reduce__
        __hash__
    """,
}
NAMES = {place: names.split() for place, names in PLACES.items()}
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "astype": (np.float32,),
    "repeat": (2,),
    "compress": ([True, False],),
    "argpartition": (1,),
    "reshape": (-1,),
    "swapaxes": (0, 1),
    "take": ([0],),
    "clip": (0.0, 9.0),
    "__getitem__": (0,),
    "__format__": (".3f",),
    "__contains__": (1.0,),
    "__round__": (1,),
}
MATRICES = {"mT", "diagonal", "trace", "swapaxes", "dot"} | {
    n for n in NAMES["recorded"] if "matmul" in n
}


def test_every_attribute_of_a_tensor_has_its_place():
    """One of object's own says nothing of the value."""
    own = {name for name in dir(Tensor) if not name.startswith("_") or name.endswith("__")}
    own = {name for name in own if hasattr(Tensor, name)}  # not words.py's
    objects = set(dir(object)) - {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}
    ours = {name for name in own & objects if getattr(Tensor, name) is not getattr(object, name)}
    classes = {
        "__slots__",
        "__module__",
        "__doc__",
        "__weakref__",
        "__init_subclass__",
        "__subclasshook__",
    }
    places = [name for names in NAMES.values() for name in names]
    assert len(places) == len(set(places))
    python = {"__dict__", "__annotations__", "__static_attributes__", "__firstlineno__"}
    assert (own - objects | ours) - classes - python == set(places) - {"__hash__"}


def result_of(name: str, x: Tensor) -> Any:
    attribute = getattr(type(x), name)
    if not inspect.isroutine(attribute):
        return getattr(x, name)
    given = ARGUMENTS.get(name)
    if given is None:
        parameters = [*inspect.signature(attribute).parameters.values()][1:]
        required = [
            p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
        ]
        given = tuple(x.data.copy() for _ in required)
    return attribute(x, *given)


@pytest.mark.parametrize("name", [n for n in NAMES["recorded"] if n not in ("__setitem__", "imag")])
def test_what_is_recorded_has_a_gradient(name):
    values = np.array([[1.5, 0.5], [0.25, 2.5]]) if name in MATRICES else np.array([1.5, 0.5])
    results = result_of(name, Tensor(values, requires_grad=True) * 1.0)
    results = [results] if isinstance(results, Tensor) else [*results]
    assert all(isinstance(result, Tensor) for result in results)
    assert results[-1].requires_grad


@pytest.mark.parametrize("name", NAMES["flat"])
def test_what_is_flat_is_a_tensor_without_a_gradient(name):
    result = result_of(name, Tensor([1.5, 0.5], requires_grad=True) * 1.0)
    for part in result if isinstance(result, tuple) else (result,):
        assert isinstance(part, Tensor)
        assert not part.requires_grad


@pytest.mark.parametrize("name", NAMES["refused"])
def test_what_is_refused_says_so(name):
    with pytest.raises(GradientLostError):
        result_of(name, number())


@pytest.mark.parametrize("name", NAMES["explicit"])
def test_what_leaves_explicitly_goes_on_working(name):
    result = result_of(name, number())
    assert not getattr(result, "requires_grad", False)


@pytest.mark.parametrize("name", NAMES["integers"])
def test_what_is_of_integers_refuses_floats(name):
    with pytest.raises(TypeError):
        result_of(name, number())


# The words of the error.


def message(convert: Callable[[Any], Any], t: Any) -> str:
    with pytest.raises(TypeError) as raised:
        convert(t)
    return str(raised.value)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="3.10 does not tell where in a line it is")
def test_the_error_names_the_function_that_asked():
    t = number()
    assert message(lambda t: xp.array([t, t]), t).startswith("np.array(...)".replace("np", "xp"))
    assert message(lambda t: xp.linalg.det([[t]]), t).startswith("xp.linalg.det(...) (File")
    assert message(lambda t: xp.r_[t, t], t).startswith("xp.r_[...] (File")
    assert message(lambda t: math.sqrt(t + 1), t).startswith("math.sqrt(...) (File")
    assert message(lambda t: [1, 2][t], t).startswith("a conversion to an index (File")

    def assign(t):
        zeros = xp.zeros(3, int)
        zeros[0] = t

    assert message(assign, t).startswith("zeros[...] = ... (File")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="3.10 does not tell where in a line it is")
def test_the_error_names_the_function_without_a_source():
    program = compile("np.full(2, t)", "<nowhere>", "exec")
    with pytest.raises(TypeError, match=r"^np.full\(...\) \(File \"<nowhere>\", line 1"):
        exec(program, {"np": np, "t": number()})


def test_the_error_names_the_tensor_and_the_line_that_made_it():
    line = sys._getframe().f_lineno + 1
    t = np.exp(Tensor(1.5, requires_grad=True))
    text = message(float, t)
    assert f'np.exp, File "{__file__}", line {line}, in {sys._getframe().f_code.co_name}' in text
    assert "Tensor 'rate'" in message(float, Tensor(1.5, requires_grad=True, name="rate"))


def test_the_error_names_the_ways_on():
    text = message(float, number())
    for way in (".item()", ".data", "np.sqrt", "np.stack", "np.where", "autograd_mini.array"):
        assert way in text
    assert "z = Tensor(np.zeros(3))" in text


# autograd_mini.array


@pytest.mark.parametrize(
    ("build", "x"),
    [
        (lambda x: [x[0], x[1]], [1.5, 2.0]),
        (lambda x: [[x[0], -x[1]], [x[1], 3.0]], [1.5, 2.0]),
        (lambda x: ([x[0], 1], (x[1], 2.0)), [1.5, 2.0]),
        (lambda x: [x, [1.0, 2.0], x * x], [1.5, 2.0]),
        (lambda x: [[x, x]], [[1.5], [2.0]]),
        (lambda x: x, [1.5, 2.0]),
        (lambda x: [np.float64(2.0), x[1], np.ones(2)[0]], [1.5, 2.0]),
    ],
)
def test_an_array_of_numbers_and_tensors_is_recorded(build, x):
    x = np.array(x)

    def f(x):
        out = am.array(build(x))
        return np.sum(np.sin(out) * np.arange(1.0, 1 + out.size).reshape(out.shape))

    check_grads(f, x, seed=0)  # to second order, in both modes


def test_an_array_is_one_call_and_takes_a_dtype():
    t = number()
    made = am.array([[t, 1.0], [2.0, t]], dtype=np.float32)
    assert made.dtype == np.float32
    assert made.origin.line == sys._getframe().f_lineno - 2
    made.sum().backward()
    assert type(am.array([1.0, 2.0])) is np.ndarray
    with pytest.raises(ValueError, match="inhomogeneous"):
        am.array([[t, 1.0], [2.0]])


@pytest.mark.parametrize("attribute", ["data", "grad"])
def test_a_tensor_put_into_a_parameter_names_functional_call(attribute):
    p = Tensor(0.0, requires_grad=True)
    with pytest.raises(GradientLostError, match=rf"p\.{attribute} = t .*nn\.functional_call"):
        setattr(p, attribute, number())
    assert p.data == 0
    assert p.grad is None
    with no_grad():
        setattr(p, attribute, number())
    assert getattr(p, attribute) == 1.5
