"""What variable the result of an instruction is put into, read off the byte code.

Every version of Python has instructions of its own; what is not known gives no name.
"""

from __future__ import annotations

import dis
from collections.abc import Mapping, Sequence
from types import CodeType
from typing import NamedTuple


class Store(NamedTuple):
    """What an instruction's result is stored as, and whether the instruction is an operator."""

    name: str
    is_operator: bool


# What stands between instructions and means nothing here.
_SILENT = frozenset({"CACHE", "EXTENDED_ARG", "NOP"})
_COPIES = frozenset({"DUP_TOP", "COPY"})  # of `(y := x + 1)`, and of `a = b = x + 1`
_JUMPS = frozenset({"JUMP_FORWARD", "JUMP_ABSOLUTE"})  # of `y = x + 1 if is_one else x`
_OPERATORS = ("BINARY_", "INPLACE_", "UNARY_", "COMPARE_OP", "LOAD_ATTR")
_CALLS = ("CALL", "FOR_ITER")
_VARIABLES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")
_LOADS = ("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF")
# Calls of these return a container of what they made on the way.
_CONTAINERS = frozenset({"dict", "frozenset", "list", "set", "sorted", "tuple", "zip"})


def stores(code: CodeType) -> Mapping[int, Store]:
    """Return, by the offset of an instruction, what its result is stored as by the next ones."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in _SILENT]
    at_offset = {step.offset: at for at, step in enumerate(steps)}
    found: dict[int, Store] = {}
    for at, step in enumerate(steps):
        is_operator = step.opname.startswith(_OPERATORS)
        if not is_operator and not step.opname.startswith(_CALLS):
            continue
        name = _stored_name(steps, at + 1, at_offset)
        if name and (is_operator or _called(steps, at) not in _CONTAINERS):
            # In Python 3.11 a call has two instructions, and it may be left at its cache.
            first = at - 1 if steps[at - 1].opname == "PRECALL" else at
            offsets = range(steps[first].offset, steps[at + 1].offset, 2)
            found |= dict.fromkeys(offsets, Store(name, is_operator))
    return found


def _stored_name(steps: Sequence[dis.Instruction], at: int, at_offset: Mapping[int, int]) -> str:
    """Return the variable, or attribute, that the instructions from `at` on store a result as."""
    if at < len(steps) and steps[at].opname in _JUMPS:
        at = at_offset.get(steps[at].argval, len(steps))
    if at < len(steps) and steps[at].opname in _COPIES:
        at += 1
    if at >= len(steps):
        return ""
    if steps[at].opname.startswith(_VARIABLES):
        # One instruction may store twice, or store and load: the first name is the one stored.
        name = steps[at].argval
        return str(name[0] if isinstance(name, tuple) else name)
    if not steps[at].opname.startswith(_LOADS) or isinstance(steps[at].argval, tuple):
        return ""
    # `self.h = x + 1` loads what is to hold it after the value.
    at += 1
    while at < len(steps) and steps[at].opname == "LOAD_ATTR":
        at += 1
    is_attribute = at < len(steps) and steps[at].opname == "STORE_ATTR"
    return str(steps[at].argval) if is_attribute else ""


def _called(steps: Sequence[dis.Instruction], at: int) -> str:
    """Return the variable that the call at `at` calls, "" if it calls something else."""
    lacking = 1 - _effect(steps[at])  # what the call takes from the stack; it leaves one
    while lacking > 0 and at > 0:
        at -= 1
        if steps[at].opcode in _JUMPING:
            return ""
        lacking -= _effect(steps[at])
    if steps[at].opname == "PUSH_NULL":
        at += 1
    return str(steps[at].argval) if steps[at].opname.startswith(_LOADS) else ""


_JUMPING = frozenset({*dis.hasjrel, *dis.hasjabs})


def _effect(step: dis.Instruction) -> int:
    return dis.stack_effect(step.opcode, step.arg, jump=False)
