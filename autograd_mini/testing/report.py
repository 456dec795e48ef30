"""The report of a check, with its verdict: right, wrong, or cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["right", "wrong", "cannot tell"]

# What may be wrong where no rule is.
LOST = (
    "every call's own rule is right, so a part of the gradient is lost or counted twice on the "
    "way: by .data, .item(), .detach() or a bare array inside"
)
LOST_LATER = (
    "a rule that is right can't be differentiated: it takes .data, or its own slope is wrong"
)
NO_NUMBER = (
    "a slope that is infinite or nan came in, perhaps times 0: leave it out with np.where, or give "
    "its function other arguments there"
)
ANOTHER = "is another one with create_graph=True: a rule tells Tensors from arrays"


@dataclass(frozen=True)
class Report:
    """The outcome of a check.

    Attributes:
        verdict: "right", "wrong" or "cannot tell".
        message: what was compared, and what is wrong where; or why it cannot be told.
        seed: of the random directions; passing it again repeats the check.
        compared: how many numbers were compared.
        operation: the operation whose rule is wrong, or that stands on a kink, with its line.
        element: by which element the derivative is wrong, such as "input 0 at (3, 17)"; the worst
            one if there are several.
    """

    verdict: Verdict
    message: str
    seed: int
    compared: int = 0
    operation: str | None = None
    element: str | None = None

    def __str__(self) -> str:
        compared = f", {self.compared} compared" if self.compared else ""
        return f"{self.verdict}: {self.message} (seed={self.seed}{compared})"


class GradientError(AssertionError):
    """A gradient is wrong, or can't be checked; `report` says more."""

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report


class FindingError(Exception):
    """Ends a check with a verdict."""

    def __init__(
        self,
        verdict: Verdict,
        message: str,
        operation: str | None = None,
        element: str | None = None,
    ) -> None:
        super().__init__(message)
        self.verdict: Verdict = verdict
        self.message = message
        self.where = operation, element
