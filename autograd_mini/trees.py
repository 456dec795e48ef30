"""Containers of arrays: nested tuples, lists and dicts, treated as one value.

A leaf is whatever is no container: an array, a Tensor, a number. None holds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """Return the leaves of `tree`, in order; those of a dict in the order of its keys.

    >>> leaves({"weights": [1.0, 2.0], "bias": (3.0, None)})
    [1.0, 2.0, 3.0]
    """
    return [*_leaves(tree)]


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        for part in tree.values():
            yield from _leaves(part)
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from _leaves(part)
    elif tree is not None:
        yield tree


def rebuilt(tree: Any, values: Iterable[Any]) -> Any:
    """Return a container like `tree` that holds `values` in the place of its leaves.

    >>> rebuilt({"weights": [1.0, 2.0], "bias": (3.0, None)}, "abc")
    {'weights': ['a', 'b'], 'bias': ('c', None)}
    """
    return _rebuilt(tree, iter(values))


def _rebuilt(tree: Any, values: Iterator[Any]) -> Any:
    if isinstance(tree, dict):
        return {key: _rebuilt(part, values) for key, part in tree.items()}
    if isinstance(tree, tuple | list):
        parts = [_rebuilt(part, values) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return tree if tree is None else next(values)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a container like `tree` that holds `function(leaf)` for every leaf."""
    return rebuilt(tree, map(function, leaves(tree)))


def is_like(one: Any, other: Any) -> bool:
    """Return whether two containers have their leaves at the same places."""
    if isinstance(one, dict):
        return isinstance(other, dict) and [*one] == [*other] and _are_like(one, other)
    if isinstance(one, tuple | list):
        return isinstance(other, tuple | list) and len(one) == len(other) and _are_like(one, other)
    return not isinstance(other, tuple | list | dict) and (one is None) == (other is None)


def _are_like(one: Any, other: Any) -> bool:
    keys = one if isinstance(one, dict) else range(len(one))
    return all(is_like(one[key], other[key]) for key in keys)
