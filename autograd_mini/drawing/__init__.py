"""The recorded graph as a picture."""

from autograd_mini.drawing.difference import diff
from autograd_mini.drawing.draw import draw
from autograd_mini.drawing.explain import explain
from autograd_mini.drawing.explanation import Explanation
from autograd_mini.drawing.on_error import draw_on_error
from autograd_mini.drawing.render import find_dot, render
from autograd_mini.drawing.save import save

__all__ = ["Explanation", "diff", "draw", "draw_on_error", "explain", "find_dot", "render", "save"]


def __dir__() -> list[str]:
    return __all__
