"""Time tasks in turn, so that all of them meet the same slow and fast moments of the machine.

A round gives every task one block of about 20 ms. A machine that others share may change its speed
every few seconds, so times of separate runs say little; ratios inside a round stay put.
"""

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

BLOCK = 0.02

Times = dict[str, list[float]]


def interleave(tasks: Mapping[str, Callable[[], object]], rounds: int) -> Times:
    """Return the seconds that one call of each task took, one number a round."""
    counts = {name: calls_in_a_block(task) for name, task in tasks.items()}
    times: Times = {name: [] for name in tasks}
    order = list(tasks)
    for _ in range(rounds):
        for name in order:
            times[name].append(seconds(tasks[name], counts[name]))
        order.append(order.pop(0))
    return times


def calls_in_a_block(task: Callable[[], object]) -> int:
    """Return how many calls fill a block, after as many to warm up."""
    count = 1
    while (taken := count * seconds(task, count)) < BLOCK:
        count = 2 * count if taken < BLOCK / 4 else int(count * BLOCK / taken) + 1
    return count


def seconds(task: Callable[[], object], count: int) -> float:
    """Return the mean duration of a call, in seconds, over `count` calls."""
    start = perf_counter()
    for _ in range(count):
        task()
    return (perf_counter() - start) / count


def ratio(times: Times, task: str, base: str) -> float:
    """Return the median over rounds of the time of `task` over that of `base`."""
    return median(a / b for a, b in zip(times[task], times[base], strict=True))
