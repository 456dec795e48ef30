"""Warn of results that a module holds in the place of parameters.

`self.w = Parameter(data) * 0.1` is no leaf, so no parameter, and nothing trains the leaf behind it.
A result that `forward` keeps for later, or that a module returned, is no mistake, whatever it was
computed from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from autograd_mini import Tensor
from autograd_mini.operation import nested
from autograd_mini.origin import is_of_library, locate, warn

_WHILE_IT_RUNS = ("forward", "__call__")


def warn_of_untrained(name: str, results: Iterable[tuple[str, Tensor]], known: set[int]) -> None:
    """Warn of results, computed when a module was made, from a leaf that it does not hold.

    Args:
        name: of the module's class.
        results: held by the module, by path.
        known: ids of the leaves that it holds.
    """
    for path, x in results:
        if x._returned_by or x._code.co_name in _WHILE_IT_RUNS:
            continue
        lost = [leaf for leaf in _leaves_behind(x) if id(leaf) not in known and _is_of(x, leaf)]
        if lost:
            assert x._operation is not None
            warn(
                f"{path!r} of this {name} is no parameter but the result of {x._operation.name} "
                f"({locate(x._code, x._offset)}), computed from a Tensor of shape {lost[0].shape} "
                f"that requires grad and that the module does not hold: parameters(), state_dict() "
                f"and optimizers leave both out; compute the data first, such as "
                f"Parameter(0.1 * data), or compute the result in forward"
            )


def _is_of(result: Tensor, leaf: Tensor) -> bool:
    """Return whether `leaf` was made for `result`, not passed to the method that computed it.

    A method that was given a leaf may have been called by `forward`; `__init__` was not.
    """
    code = result._code
    is_method = code.co_varnames[: code.co_argcount][:1] == ("self",)
    made_together = leaf._code is code or is_of_library(leaf._code)
    return made_together or code.co_name == "__init__" or not is_method


def _leaves_behind(x: Tensor) -> Iterator[Tensor]:
    """Yield the leaves that require grad from which `x` was computed."""
    pending, seen = [x], set()
    while pending:
        node = pending.pop()
        if id(node) in seen or not node.requires_grad:
            continue
        seen.add(id(node))
        if node.is_leaf:
            yield node
        elif node._args is not None:
            values = nested((*node._args, *(node._kwargs or {}).values()))
            pending += [value for value in values if isinstance(value, Tensor)]
