"""The gradient checker: derivatives compared with numeric ones.

`check_grads(f, *inputs)` says right, wrong or cannot tell, and who is to blame; `audit` breaks
rules on purpose, and says which of that a test would notice.
"""

from autograd_mini.testing.audit import Audit, Mutant, audit
from autograd_mini.testing.checking import check_grads, check_module, examine
from autograd_mini.testing.kinks import declare_kink
from autograd_mini.testing.report import GradientError, Report
from autograd_mini.testing.subjects import Function, Network

__all__ = [
    "Audit",
    "Function",
    "GradientError",
    "Mutant",
    "Network",
    "Report",
    "audit",
    "check_grads",
    "check_module",
    "declare_kink",
    "examine",
]


def __dir__() -> list[str]:
    return __all__
