"""An operation: the function that runs, its arguments, and the rules of its derivative."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from autograd_mini import signature
from autograd_mini.words import KEYWORDS, instead_of_keyword

CONTAINERS = frozenset({list, tuple})
NUMERIC = frozenset(map(np.dtype, "?" + np.typecodes["AllInteger"] + np.typecodes["AllFloat"]))
FLOATING = frozenset(map(np.dtype, np.typecodes["Float"]))
# What a call keeps as it is; all other arguments but Tensors are looked into.
PLAIN = frozenset({np.ndarray, int, float, bool, str, slice, type(None)})
Vjp = Callable[..., Any]

# What NumPy calls an argument that is a list of arrays, and so must a rule.
_LISTS = frozenset({"arrays", "choicelist", "choices", "tup"})

# Where SciPy's ufuncs are found, those behind its zeta and lambertw too; they do not know it.
_SCIPY = ("scipy.special", "scipy.special._ufuncs")

# Arguments that write into an array or leave parts of it unwritten; other libraries' keywords.
_FOREIGN = KEYWORDS.keys() | {"out", "where"}


def ufunc_behind(function: Any) -> Any:
    """Return the ufunc in a function of SciPy's that chooses a backend, or `function` itself.

    With the environment variable SCIPY_ARRAY_API=1, scipy.special.erf is such a function.
    """
    ufunc = getattr(function, "__wrapped__", None)
    is_scipys = isinstance(ufunc, np.ufunc) and function.__module__ == "scipy.special"
    return ufunc if is_scipys else function


def public_name(function: Callable[..., Any]) -> str:
    """Return the name that users know `function` by, such as np.add."""
    function = ufunc_behind(function)
    name = getattr(function, "__name__", repr(function))
    if isinstance(function, np.ufunc):
        found = {m: getattr(sys.modules.get(m), name, None) for m in _SCIPY}
        owners = (m for m, its in found.items() if ufunc_behind(its) is function)
        return f"{next(owners, 'np')}.{name}"
    module = str(getattr(function, "__module__", ""))
    return f"np{module[5:]}.{name}" if f"{module}.".startswith("numpy.") else name


class Operation:
    """A function and what is known of its derivative.

    `is_constant` says that the derivative is zero or none; an operation that is not constant and
    has no `vjps` is a primitive still waiting for its rules. For `reach.py`, `moves` says that the
    rules only move the elements of a gradient, and `selects` that they leave some out, always or
    for what arguments; `mask_rules` are for masks where the own rules do not fit.
    """

    __slots__ = (
        "forward",
        "function",
        "is_constant",
        "is_elementwise",
        "keywords",
        "mask_rules",
        "most_args",
        "moves",
        "name",
        "names",
        "reads",
        "reads_values",
        "selects",
        "vjps",
        "vjps_by_name",
    )

    def __init__(self, function: Callable[..., Any], forward: Callable[..., Any]) -> None:
        self.function = function
        self.forward = forward
        self.name = public_name(function)
        self.is_constant = self.moves = False
        self.selects: Any = False
        self.mask_rules: dict[str, Vjp | None] = {}
        self.is_elementwise = isinstance(function, np.ufunc) and function.signature is None
        self.vjps: tuple[Vjp, ...] = ()
        self.vjps_by_name: dict[str, Vjp] = {}
        self.names: tuple[str, ...] | None = None
        self.most_args = sys.maxsize
        self.keywords: frozenset[str] | None = None
        self.reads: dict[Vjp, frozenset[str] | None] = {}
        self.reads_values = True

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def set_rules(self, vjps: tuple[Vjp | None, ...], by_name: dict[str, Vjp]) -> None:
        """Take `vjps`, one per positional argument, and those of keyword-only arguments."""
        given = [vjp for vjp in chain(vjps, by_name.values()) if vjp is not None]
        parameters, *_ = [signature.arguments(vjp, self.name) for vjp in given]
        self.names = signature.positional(parameters)
        if self.names is not None and len(vjps) > len(self.names):
            raise TypeError(
                f"{self.name} got {len(vjps)} rules, but the first one takes {len(self.names)} "
                f"arguments after g and out: write them all with the function's own parameters"
            )
        if unknown := sorted(set(by_name) - (signature.keywords(parameters) or set(by_name))):
            raise TypeError(
                f"{self.name} got a rule for {', '.join(unknown)}, but its first rule takes "
                f"{', '.join(p.name for p in parameters)}: a rule is named as its argument is"
            )
        without = max(0, len(self.names or ()) - len(vjps))
        rules = enumerate((*vjps, *[None] * without))
        self.vjps = tuple(vjp or Refusal(self.name, self.name_of(i)) for i, vjp in rules)
        self.most_args = sys.maxsize if self.names is None else len(self.names)
        self.keywords = signature.keywords(parameters)
        self.vjps_by_name = dict(zip(self.names or (), self.vjps, strict=False)) | by_name
        self.reads = {vjp: self._values_read(vjp) for vjp in given}
        values = {"out", *self.vjps_by_name}
        self.reads_values = any(names is None or names & values for names in self.reads.values())

    def _values_read(self, vjp: Vjp) -> frozenset[str] | None:
        """Return the names of the arguments whose values `vjp` reads, "out" for its second."""
        found = signature.values_read(vjp)
        if found is None:
            return None
        read, (_, out, *own) = found
        # Each rule may have names of its own for the arguments; the first rule's are used.
        names = {out: "out"} | {name: self.name_of(i) for i, name in enumerate(own)}
        return frozenset(names.get(name, name) for name in read)

    def name_of(self, position: int) -> str:
        """Return the name of the argument at `position`, its number if the rules take *args."""
        if self.names is not None and position < len(self.names):
            return self.names[position]
        return f"argument {position}"

    def takes_array(self, key: int | str) -> bool:
        """Return whether a list at a position, or of a name, means an array, not several."""
        if isinstance(key, int) and self.names is None:  # *args
            return key < len(self.vjps) and not isinstance(self.vjps[key], Refusal)
        name = self.name_of(key) if isinstance(key, int) else key
        return name not in _LISTS and self.has_rule_for(name)

    def has_rule_for(self, name: str) -> bool:
        """Return whether there is a rule for the argument `name`."""
        return not isinstance(self.rule_for(name), Refusal)

    def rule_for(self, name: str) -> Vjp:
        """Return the rule for the argument `name`, or one that refuses."""
        return self.vjps_by_name.get(name) or Refusal(self.name, name)

    def reads_value(self, vjps: Iterable[Vjp], name: str) -> bool:
        """Return whether one of `vjps` reads the value of the argument `name`, or of "out"."""
        reads = [self.reads.get(vjp) for vjp in vjps]
        return any(names is None or name in names for names in reads)

    def passes_gradient(self, out: Any) -> bool:
        """Return whether `out`, a result of this operation, can have a gradient.

        Raises:
            NotImplementedError: no rule says how, and none that there is no derivative.
            TypeError: `out` is neither an array nor a tuple or list of arrays.
        """
        if not self.vjps:
            if not self.is_constant:
                raise NotImplementedError(self.no_rule())
            if self.function is np.sign and np.iscomplexobj(out):
                raise NotImplementedError(
                    "np.sign of complex numbers is not flat: write x / np.abs(x) instead"
                )
            return False
        if hasattr(out, "dtype"):
            return bool(out.dtype.kind in "fc")
        if isinstance(out, tuple | list) and all(hasattr(x, "dtype") for x in out):
            return True
        raise TypeError(
            f"{self.name} returned a {type(out).__name__}, {out!r}, through which no gradient "
            f"flows: an operation returns an array, or a tuple or list of arrays; np.asarray makes "
            f"one of a number"
        )

    def no_rule(self) -> str:
        """Say that there is no derivative, and how to add one."""
        return (
            f"{self.name} has no derivative rule: add one with defvjp({self.name}, "
            f"lambda g, out, ...: ...), or nondifferentiable({self.name}), or call it on bare "
            f"arrays (`tensor.data`), through which no gradient flows"
        )

    def check_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Refuse arguments that the rules do not know, such as `out=` and `where=`."""
        if len(args) > self.most_args:
            names = ", ".join(self.names or ()) or f"{self.most_args} of them"
            raise TypeError(
                f"{self.name} with {len(args)} positional arguments can't be recorded: its "
                f"derivative knows {names}; pass no more than these"
            )
        if "out" in kwargs and "out" not in (self.keywords or ()):
            raise TypeError(
                f"{self.name}(..., out=) can't be recorded, since a gradient would be lost in the "
                f"array written into: keep the result, z = {self.name}(...), or z = z + x instead "
                f"of z += x; or make z a Tensor, z = Tensor(np.zeros(3)), and assign into it, "
                f"z[...] = x; or pass bare arrays (`tensor.data`), through which no gradient flows"
            )
        for key in kwargs:
            known = key not in _FOREIGN if self.keywords is None else key in self.keywords
            if not known:
                raise TypeError(
                    f"{self.name}(..., {key}=) can't be recorded: its derivative does not know "
                    f"{key}={instead_of_keyword(key)}; leave it out, or call {self.name} on bare "
                    f"arrays (`tensor.data`)"
                )


class Refusal:
    """The rule of an argument that has none: it raises."""

    def __init__(self, operation: str, argument: str) -> None:
        self.text = (
            f"{operation} has no rule for its argument {argument!r}: if that is flat, as a "
            f"condition or an index is, pass t.detach(); else add one with defvjp({operation}, ...)"
        )

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Refuse."""
        raise NotImplementedError(self.text)


def _item(results: Any, position: int) -> Any:
    return results[position]


# One of the several results of a call: the walk knows it, so it needs no rule.
ITEM = Operation(_item, _item)
ITEM.name = "one of several results"


def nested(values: Iterable[Any]) -> Iterator[Any]:
    """Yield `values`, and what lists and tuples among them hold."""
    for value in values:
        if type(value) in CONTAINERS:
            yield from nested(value)
        else:
            yield value
