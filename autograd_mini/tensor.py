"""A Tensor is an array that remembers which NumPy call made it.

Every operator, method and `np.function(tensor)` ends in `record` and `remember`: run the NumPy
call on the bare arrays, then keep operation, arguments and line in the result. These Tensors and
their arguments are the graph; there is no other. Read `walk.py` next, `storage.py`, `methods.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat, starmap
from sys import _getframe as frame_at
from typing import Any, TypeVar

import numpy as np
from numpy import asarray, generic, ndarray

from autograd_mini import backward as reverse
from autograd_mini.anomaly import watch, watched
from autograd_mini.clock import tick, ticks
from autograd_mini.fitting import copied
from autograd_mini.guards import check_used, live
from autograd_mini.in_place import Writable
from autograd_mini.kinds import check_kept
from autograd_mini.modes import Watch, mode, watches
from autograd_mini.operation import CONTAINERS, FLOATING, ITEM, NUMERIC, PLAIN, Operation
from autograd_mini.origin import caller, lately, leave_library
from autograd_mini.primitive import TABLE
from autograd_mini.rules import activations, compositions
from autograd_mini.rules.indexing import getitem
from autograd_mini.storage import as_array, bare, bare_index, check_dtype, kept, needs_grad
from autograd_mini.ufunc_methods import as_function

F = TypeVar("F", bound=Callable[..., Any])
NO_KWARGS: dict[str, Any] = {}
_NUMBERS = frozenset({int, float})
_GETITEM = TABLE[getitem]


def record(operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any] = NO_KWARGS) -> Any:
    """Run `operation` on the bare arrays of `args`; remember the call if a gradient needs it.

    Raises:
        NotImplementedError: a gradient would need a rule that `operation` does not have.
        TypeError: an argument is one that its derivative does not know, such as `out=`.
    """
    if kwargs or len(args) > len(operation.vjps):
        return _record_any(operation, args, kwargs)
    values: list[Any] = []
    needs = False
    for x in args:
        if type(x) is Tensor:
            values.append(x._array)
            needs = needs or x._needs
        elif type(x) in PLAIN and (type(x) is not ndarray or x.dtype.kind in "fc"):
            values.append(x)
        elif type(x) is ndarray:  # labels, an index, a mask: the caller may write into it
            args = (*args[: len(values)], x.copy(), *args[len(values) + 1 :])
            values.append(args[len(values)])
        else:
            return _record_any(operation, args, kwargs)
    out = operation.forward(*values)
    if type(out) is not ndarray and isinstance(out, generic):  # a single number
        out = asarray(out)
    if type(values[0]) not in PLAIN:
        check_kept(out, operation, args)
    if needs and not (type(out) is ndarray and out.dtype in FLOATING):
        needs = operation.passes_gradient(out)
    return remember(out, operation, args, needs, values, None, 3)


def _record_any(operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Do what `record` does, with lists, keywords, and whatever else may be an argument."""
    if kwargs or len(args) > operation.most_args:
        operation.check_call(args, kwargs)
    args = tuple(kept(x, operation.takes_array(i)) for i, x in enumerate(args))
    kwargs = {key: kept(x, operation.takes_array(key)) for key, x in kwargs.items()}
    values = [bare(x) for x in args]
    out = operation.forward(*values, **{key: bare(x) for key, x in kwargs.items()})
    check_kept(out, operation, (*args, *kwargs.values()))
    is_plain = not (kwargs or len(args) > len(operation.vjps) or CONTAINERS & {*map(type, args)})
    needs = any(map(needs_grad, (*args, *kwargs.values()))) and operation.passes_gradient(out)
    bare_values: Any = values if is_plain else ()
    return remember(out, operation, args, needs, bare_values, None if is_plain else kwargs, 4)


def remember(
    out: Any,
    operation: Operation,
    args: tuple[Any, ...],
    needs: bool,
    values: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
    depth: int = 2,
) -> Any:
    """Make the Tensor of `out`; it remembers the call where a gradient `needs` it.

    `values` are the bare `args`. A plain call, Tensors and constants by position only, has no
    `kwargs`: the walk relies on it. The user's line is at least `depth` frames up.
    """
    if type(out) is not ndarray:
        if not hasattr(out, "dtype"):
            return _remember_several(out, operation, args, needs, kwargs)
        out = as_array(out)
    result = next(blank)
    result._array = out
    result._tick = next(ticks)
    result._grad = result.name = result._returned_by = None
    if needs and mode():
        result._needs = True
        result._operation = operation
        result._args, result._values = args, values
        result._kwargs = kwargs
        try:
            frame = frame_at(depth)
        except ValueError:  # no Python code called: the first call of a thread, an exit handler
            frame = frame_at()
        code = frame.f_code
        if code is not lately[0]:
            frame = leave_library(frame)
            code = frame.f_code
        result._code, result._offset = code, frame.f_lasti
    elif watches and type(mode()) is Watch:
        return watched(remember, out, operation, args, needs, values, kwargs)
    else:
        if live:
            check_used(args, kwargs)
        if out.dtype not in NUMERIC:
            check_dtype(out.dtype, requires_grad=False)
        result._needs, result._operation = False, None
    return result


def _remember_several(
    out: Any, operation: Operation, args: tuple[Any, ...], needs: bool, kwargs: Any
) -> Any:
    """Make a Tensor of each array in a tuple, named or not, or list; what holds none stays."""
    if not isinstance(out, tuple | list) or not all(hasattr(x, "dtype") for x in out):
        check_used(args, kwargs)
        return out
    call = remember(np.empty(0), operation, args, needs, (), kwargs or {})
    call._array = tuple(out)
    if type(mode()) is Watch:
        watch(call, operation, args, kwargs)
    return getattr(type(out), "_make", type(out))([call._item(i) for i in range(len(out))])


def _unary(function: Any) -> Callable[[Tensor], Tensor]:
    operation = TABLE[function]
    forward = operation.forward

    def method(self: Tensor) -> Any:
        x = self._array
        return remember(forward(x), operation, (self,), self._needs, (x,))

    return _documented(method, operation)


def _binary(function: Any) -> Callable[[Tensor, Any], Tensor]:
    operation = TABLE[function]

    def method(self: Tensor, other: Any) -> Any:
        x = self._array
        if type(other) is Tensor:
            y, needs = other._array, self._needs or other._needs
        elif (type(other) is ndarray and other.dtype is x.dtype) or type(other) in _NUMBERS:
            y, needs = other, self._needs
        else:
            return record(operation, (self, other))
        return remember(function(x, y), operation, (self, other), needs, (x, y))

    return _documented(method, operation)


def _general(function: Any) -> Callable[[Tensor, Any], Tensor]:
    operation = TABLE[function]
    return _documented(lambda self, other: record(operation, (self, other)), operation)


def _reflected(function: Any) -> Callable[[Tensor, Any], Tensor]:
    operation = TABLE[function]
    return _documented(lambda self, other: record(operation, (other, self)), operation)


def _documented(method: F, operation: Operation) -> F:
    method.__doc__ = f"Record {operation.name}."
    return method


class Tensor(Writable):
    """An array that remembers which NumPy call made it.

    Args:
        data: numbers: anything `np.asarray` takes. Lists of floats become float64, float32 stays
            float32, gradients too. An array is copied if a gradient is required, else kept.
        requires_grad: whether `backward()` shall leave a gradient in `.grad`.
        dtype: convert to this dtype; it must be floating-point for a gradient.
        name: a name for pictures and messages.

    Raises:
        TypeError: the data are not numbers, or not floating-point and a gradient is wanted.

    >>> from autograd_mini import Tensor
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x**2).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ()
    __hash__ = object.__hash__
    _record = staticmethod(record)

    def __init_subclass__(cls) -> None:
        raise TypeError(f"{cls.__name__} can't be a subclass of Tensor: hold one as an attribute")

    def __init__(
        self, data: Any, requires_grad: bool = False, *, dtype: Any = None, name: str | None = None
    ) -> None:
        array = as_array(data) if dtype is None else as_array(data).astype(dtype, copy=False)
        check_dtype(array.dtype, requires_grad)
        self._array = copied(array) if requires_grad and type(data) not in CONTAINERS else array
        self._needs, self._tick = bool(requires_grad), tick()
        self._grad = self._operation = self._returned_by = None
        self._code, self._offset = caller()
        self.name = name

    def backward(self, gradient: Any = None, *, retain_graph: bool = False) -> None:
        """Add d self / d leaf to `.grad` of every leaf that requires grad.

        Args:
            gradient: the gradient of self, of its shape; 1 for a scalar.
            retain_graph: keep the graph for another walk, and leave the gradients of this walk
                on inner Tensors too. Otherwise the walk releases the graph as it passes.

        Raises:
            RuntimeError: self has no graph, or a released one, or a value was overwritten since.
            ValueError: self is no scalar and `gradient` is missing, or has another shape.
        """
        reverse.backward(self, gradient, retain_graph)

    def detach(self) -> Tensor:
        """Return a Tensor of the same memory that no gradient flows through."""
        return Tensor(self.data, name=self.name)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            return as_function(ufunc, method)(*inputs, **kwargs)
        return record(TABLE[ufunc], inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        composed = compositions.COMPOSITIONS.get(function)
        return composed(*args, **kwargs) if composed else record(TABLE[function], args, kwargs)

    def _call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return record(TABLE[function], (self, *args), kwargs)

    def _item(self, position: int) -> Any:
        out = self._array[position]
        needs = self._needs and out.dtype.kind in "fc"
        return remember(out, ITEM, (self, position), needs, (), {})

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Tensor:
        index, x = bare_index(index), self._array
        out: Tensor = remember(x[index], _GETITEM, (self, index), self._needs, (x, index))
        return out

    exp, log, sqrt = _unary(np.exp), _unary(np.log), _unary(np.sqrt)
    tanh, abs = _unary(np.tanh), _unary(np.absolute)
    sigmoid, relu = _unary(activations.sigmoid), _unary(activations.relu)

    __abs__, __invert__ = abs, _unary(np.invert)
    __neg__, __pos__ = _unary(np.negative), _unary(np.positive)
    __add__, __radd__ = _binary(np.add), _reflected(np.add)
    __sub__, __rsub__ = _binary(np.subtract), _reflected(np.subtract)
    __mul__, __rmul__ = _binary(np.multiply), _reflected(np.multiply)
    __truediv__, __rtruediv__ = _binary(np.divide), _reflected(np.divide)
    __matmul__, __rmatmul__ = _binary(np.matmul), _reflected(np.matmul)
    __mod__, __rmod__ = _general(np.remainder), _reflected(np.remainder)
    __divmod__, __rdivmod__ = _general(np.divmod), _reflected(np.divmod)
    __floordiv__, __rfloordiv__ = _general(np.floor_divide), _reflected(np.floor_divide)
    __and__, __rand__ = _general(np.bitwise_and), _reflected(np.bitwise_and)
    __or__, __ror__ = _general(np.bitwise_or), _reflected(np.bitwise_or)
    __xor__, __rxor__ = _general(np.bitwise_xor), _reflected(np.bitwise_xor)
    __lt__, __le__ = _general(np.less), _general(np.less_equal)
    __gt__, __ge__ = _general(np.greater), _general(np.greater_equal)
    __eq__, __ne__ = _general(np.equal), _general(np.not_equal)  # type: ignore[assignment]
    __rpow__ = _reflected(np.power)

    def __pow__(self, exponent: Any) -> Tensor:
        return _square(self) if type(exponent) is int and exponent == 2 else _power(self, exponent)


_square, _power = _unary(np.square), _binary(np.power)
blank = starmap(object.__new__, repeat((Tensor,)))  # quicker than a call of __new__
