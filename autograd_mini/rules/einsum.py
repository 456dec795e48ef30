"""The rule of einsum: the gradient of an operand is an einsum of `g` and the other operands.

The operand's labels become the output's. Two cases need an extra factor: a label that stands
twice in the operand (a diagonal) gets an identity matrix, one that stands nowhere else (a plain
sum) gets a vector of ones. The form of operands and lists is spelled as a string first.
"""

import string
from typing import Any

import numpy as np

from autograd_mini.operation import nested
from autograd_mini.primitive import defvjp

_MOST_OPERANDS = 32  # NumPy's own limit before 2.0; more refuse at the walk
# NumPy 2.0 orders them in another way where it optimizes.
_TWO: Any = np.ones((1, 2)), [26, 0]
HAS_ONE_ORDER = np.einsum(*_TWO, optimize=True).shape == (2, 1)
_LETTERS = string.ascii_uppercase + string.ascii_lowercase  # NumPy's order of the numbers


def _einsum_vjp(position):
    def vjp(g, out, *args, optimize=False):
        subscripts, operands = as_string(args)
        i = position - 1 if isinstance(args[0], str | bytes) else position // 2
        labels, result, unused = _parse(subscripts, operands)
        x, target = operands[i], []
        terms = [(g, result)]
        terms += [(y, labels[j]) for j, y in enumerate(operands) if j != i]
        for label, n in zip(labels[i], x.shape, strict=True):
            fresh = unused.pop() if label in target else label
            if fresh != label:
                terms.append((np.diag(np.ones_like(g, shape=n)), [label, fresh]))
            elif not any(n in _lengths(y, at, label) for y, at in terms):
                terms.append((np.ones_like(g, shape=n), [label]))
            target.append(fresh)
        sums = ",".join("".join(at) for _, at in terms) + "->" + "".join(target)
        return np.einsum(sums, *(y for y, _ in terms), optimize=_of_any_terms(optimize))

    return vjp


def _of_any_terms(optimize):
    """Return `optimize`, or True for a path, which fits the terms of the call itself only."""
    is_path = isinstance(optimize, list | tuple) and [*optimize[:1]] == ["einsum_path"]
    return True if is_path else optimize


def as_string(args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return the subscripts and the operands of a call of either form."""
    if isinstance(args[0], str | bytes):
        return args[0] if isinstance(args[0], str) else args[0].decode(), args[1:]
    n = len(args) // 2
    left = ",".join(map(_spelled, args[1::2]))
    arrow = "->" + _spelled(args[-1]) if len(args) % 2 else ""
    labels = [label for label in nested(args[1::2]) if isinstance(label, int)]
    if not (arrow or HAS_ONE_ORDER) and max(labels, default=0) > 25:
        raise NotImplementedError(
            "this NumPy orders the labels of np.einsum above 25 in two ways: give those of the "
            "result, np.einsum(x, [26, 0], [26, 0])"
        )
    return left + arrow, args[: 2 * n : 2]


def _spelled(labels):
    return "".join("..." if label is ... else _LETTERS[label] for label in labels)


def _lengths(y, labels, label):
    return [n for n, at in zip(np.shape(y), labels, strict=True) if at == label]


def _parse(subscripts, operands):
    """Return the labels of each operand, those of the result, and labels that nobody uses."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    unused = [label for label in _LETTERS if label not in subscripts]
    parts = left.split(",")
    hidden = [
        np.ndim(y) - len(part.replace("...", "")) for part, y in zip(parts, operands, strict=True)
    ]
    ellipsis = [unused.pop() for _ in range(max(hidden))]
    labels = [_spell(part, ellipsis, n) for part, n in zip(parts, hidden, strict=True)]
    if arrow:
        return labels, _spell(right, ellipsis, len(ellipsis)), unused
    flat = left.replace("...", "").replace(",", "")
    once = sorted(label for label in set(flat) if flat.count(label) == 1)
    return labels, ellipsis + once, unused


def _spell(part, ellipsis, n):
    """Return the labels of one operand, its ellipsis written out as the last `n` of `ellipsis`."""
    before, dots, after = part.partition("...")
    return [*before, *(ellipsis[len(ellipsis) - n :] if dots else []), *after]


defvjp(np.einsum, *map(_einsum_vjp, range(2 * _MOST_OPERANDS + 1)))
