"""A module is a plain object that holds Tensors and other modules.

What it holds is found by looking: through its attributes and through lists, tuples and dicts, at
any depth. A Tensor that requires grad is a parameter, one that does not is a constant, and its
name is the path to it: "0.weight", "layers.1.bias". So a subclass needs no base constructor and
registers nothing. Results of recorded calls that lie about are neither parameter nor constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from autograd_mini import Tensor
from autograd_mini.checks import check_switch
from autograd_mini.clock import tick
from autograd_mini.origin import skip_frames_in
from autograd_mini.scopes import note_call
from autograd_mini.states import converted, fitted
from nn.attributes import attributes
from nn.untrained import warn_of_untrained

# The line that made a Tensor is the user's, not the layer's.
skip_frames_in(__file__)

SomeModule = TypeVar("SomeModule", bound="Module")
Part = TypeVar("Part")


def Parameter(data: ArrayLike, *, dtype: DTypeLike | None = None) -> Tensor:  # noqa: N802 - PyTorch's word
    """Make a Tensor that requires grad: held by a module, it is a parameter.

    >>> Parameter([1.0, 2.0]).requires_grad
    True
    """
    return Tensor(data, requires_grad=True, dtype=dtype)


class Module:
    """A part of a network: holds parameters and other modules, and computes `forward`.

    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factor = Parameter([2.0, 3.0])
    ...
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> model = Scale()
    >>> model(np.array([1.0, 10.0])).data
    array([ 2., 30.])
    >>> model
    Scale()  factor (2,): 2 parameters
    """

    training = True

    def forward(self, *_: Any, **__: Any) -> Any:
        """Compute the output; a subclass defines it.

        Raises:
            NotImplementedError: the subclass has not.
        """
        name = type(self).__name__
        raise NotImplementedError(
            f"{name} was called and has no forward: define `def forward(self, x):` in class {name}"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output, which remembers that this module returned it."""
        start = tick()
        out = self.forward(*args, **kwargs)
        if type(out) is not Tensor:
            note_call(out, self, start)
        elif out._needs and out._tick > start:
            out._returned_by = (self, start, out._tick, (), out._returned_by)
        return out

    def extra_repr(self) -> str:
        """Describe the module between the brackets of its repr, such as its sizes."""
        return ""

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield path and Tensor of every parameter, a shared one once, under its first path."""
        return _once((path, x) for path, x in _tensors(self) if _is_parameter(self, x))

    def parameters(self) -> Iterator[Tensor]:
        """Yield every parameter once, in the order of the attributes."""
        return (x for _, x in self.named_parameters())

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield path and module of this module ("") and of every module inside it, each once."""
        return _once((path, part) for path, part in _walk(self) if isinstance(part, Module))

    def modules(self) -> Iterator[Module]:
        """Yield this module and every module inside it, each once."""
        return (module for _, module in self.named_modules())

    def children(self) -> Iterator[Module]:
        """Yield the modules that this one holds itself, also in its lists, tuples and dicts."""
        return (module for _, module in _once(_named_children(self)))

    def train(self: SomeModule, mode: bool = True) -> SomeModule:
        """Set `training`, True or False, of this and every module inside it; return this module."""
        check_switch("train", "mode", mode)
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: SomeModule) -> SomeModule:
        """Leave training: `Dropout` passes its input on. The same as `train(False)`."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to None."""
        for parameter in self.parameters():
            parameter.grad = None

    def astype(self: SomeModule, dtype: DTypeLike) -> SomeModule:
        """Convert all floating-point Tensors in place, gradients too; return this module.

        Args:
            dtype: a real floating-point type, such as np.float32.

        Raises:
            TypeError: `dtype` is of another kind.
            ValueError: it can't hold a number; nothing is changed then.

        >>> from nn import Linear
        >>> Linear(3, 2).astype(np.float32).weight.dtype
        dtype('float32')
        """
        dtype = np.dtype(dtype)
        if dtype.kind != "f":
            raise TypeError(
                f"astype converts a {type(self).__name__} to a floating-point type, asked for "
                f"{dtype}: use np.float32 or np.float64"
            )
        floats = [(path, x) for path, x in _once(_tensors(self)) if x.dtype.kind == "f"]
        arrays = [(x, *_converted(x, dtype, path)) for path, x in floats if x.dtype != dtype]
        for x, data, grad in arrays:
            x.grad = None
            x.data, x.grad = data, grad
        return self

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return a copy of every Tensor's array by path, parameters and constants alike.

        A Tensor held in two places stands under both paths, as in PyTorch.

        >>> from nn import Linear
        >>> {name: array.shape for name, array in Linear(3, 2).state_dict().items()}
        {'weight': (2, 3), 'bias': (2,)}
        """
        return {path: x.data.copy() for path, x in _state(self).items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Copy arrays into the Tensors of the same paths; each Tensor keeps its dtype.

        Args:
            state: arrays by path, as from `state_dict` or `nn.load`.

        Raises:
            TypeError: `state` is no mapping, or holds a Tensor whose gradient would be lost; see
                `nn.functional_call`.
            ValueError: the state does not fit. Lists every missing and unexpected path, wrong
                shape and kind, and every value that would be changed by more than rounding;
                nothing is changed then.
        """
        own = _state(self)
        given = fitted(type(self).__name__, own, state)
        for path, x in own.items():
            x.data = given[path]

    def __repr__(self) -> str:
        """Show the tree of modules, with the shapes and counts of their parameters."""
        lines: list[str] = []
        shown: set[int] = set()
        stack: list[tuple[int, str, Module]] = [(0, "", self)]
        while stack:
            depth, name, module = stack.pop()
            label = "  " * depth + (f"{name}: " if name else "")
            if id(module) in shown:
                lines.append(f"{label}the same {type(module).__name__} as above")
                continue
            shown.add(id(module))
            lines.append(label + _summary(module))
            children = [(depth + 1, path, child) for path, child in _named_children(module)]
            stack += reversed(children)
        total = sum(x.size for x in self.parameters())
        if len(lines) > 1:
            lines.append(f"{total:,} parameters in total")
        return "\n".join(lines)

    def _named_parts(self) -> Iterable[tuple[str, object]]:
        return attributes(self)


def _walk(root: Module, *, into_modules: bool = True) -> Iterator[tuple[str, Module | Tensor]]:
    """Yield path and part of every module and Tensor under `root`, in order of appearance.

    A part is yielded wherever it is held and entered once: the walk is linear and a cycle ends.
    It keeps its own stack: no nesting is too deep.
    """
    entered: set[int] = set()
    stack: list[tuple[str, Any]] = [("", root)]
    while stack:
        path, part = stack.pop()
        is_module = isinstance(part, Module)
        if is_module or isinstance(part, Tensor):
            yield path, part
        if id(part) in entered or (is_module and part is not root and not into_modules):
            continue
        if inside := [(f"{path}.{key}" if path else str(key), x) for key, x in _held(part)]:
            entered.add(id(part))
            stack += reversed(inside)


def _held(part: object) -> Iterator[tuple[object, object]]:
    """Yield key and value of what may be, or hold, a Tensor."""
    items: Iterable[tuple[object, object]] = ()
    if isinstance(part, Module):
        items = part._named_parts()
    elif isinstance(part, dict):
        items = part.items()
    elif isinstance(part, list | tuple):
        items = enumerate(part)
    return ((key, x) for key, x in items if isinstance(x, Tensor | Module | list | tuple | dict))


def _once(found: Iterable[tuple[str, Part]]) -> Iterator[tuple[str, Part]]:
    """Yield each module or Tensor once, under its first path."""
    seen: set[int] = set()
    for path, part in found:
        if id(part) not in seen:
            seen.add(id(part))
            yield path, part


def _tensors(root: Module, *, into_modules: bool = True) -> Iterator[tuple[str, Tensor]]:
    """Yield the parameters and constants under `root`: leaves, or what stands for one in a copy."""
    given = _stands_for(root)
    results: list[tuple[str, Tensor]] = []
    known: set[int] = set()
    for path, x in _walk(root, into_modules=into_modules):
        if isinstance(x, Tensor):
            if x.is_leaf or id(x) in given:
                known.add(id(x))
                yield path, x
            else:
                results.append((path, x))
    if results and into_modules and not given:
        warn_of_untrained(type(root).__name__, results, known)


def _is_parameter(root: Module, x: Tensor) -> bool:
    return _stands_for(root).get(id(x), x.requires_grad)


def _stands_for(root: Module) -> dict[int, bool]:
    """Return by id whether a Tensor that was put into a copy stands for a parameter."""
    given: dict[int, bool] = vars(root).get("_stands_for", {})
    return given


def _named_children(root: Module) -> Iterator[tuple[str, Module]]:
    found = _walk(root, into_modules=False)
    return ((path, x) for path, x in found if isinstance(x, Module) and x is not root)


def _summary(module: Module) -> str:
    """Return one line of a repr: class, details, and the parameters the module holds itself."""
    found = _tensors(module, into_modules=False)
    held = [(path, x) for path, x in found if _is_parameter(module, x)]
    head = f"{type(module).__name__}({module.extra_repr()})"
    if not held:
        return head
    shapes = ", ".join(f"{path} {x.shape}" for path, x in held)
    count = sum(x.size for _, x in _once(held))
    return f"{head}  {shapes}: {count:,} parameter{'s' * (count != 1)}"


def _state(root: Module) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for path, x in _tensors(root):
        if path in state:
            raise ValueError(
                f"two Tensors of this {type(root).__name__} have the path {path!r}: rename an "
                "attribute or a key, so that a state can tell them apart"
            )
        state[path] = x
    return state


def _converted(x: Tensor, dtype: np.dtype[Any], path: str) -> tuple[Any, Any]:
    """Return data and gradient of `x` in another dtype."""
    grad = None if x._grad is None else converted(x._grad, dtype, f"the gradient of {path}")
    return converted(x.data, dtype, path), grad
