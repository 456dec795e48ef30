"""The recorded graph as a picture."""

from autograd_mini.drawing.draw import draw
from autograd_mini.drawing.render import find_dot, render

__all__ = ["draw", "find_dot", "render"]
