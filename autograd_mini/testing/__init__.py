"""Gradients held against numbers: the checker.

`check_grads(f, *inputs)` says right, wrong or cannot tell, and who is to blame.
"""

from autograd_mini.testing.checking import check_grads, check_module, examine
from autograd_mini.testing.kinks import declare_kink
from autograd_mini.testing.report import GradientError, Report
from autograd_mini.testing.subjects import Function, Network

__all__ = [
    "Function",
    "GradientError",
    "Network",
    "Report",
    "check_grads",
    "check_module",
    "declare_kink",
    "examine",
]
