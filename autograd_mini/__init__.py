"""A small automatic-differentiation framework on NumPy.

A `Tensor` is an array that remembers which NumPy call made it; one table gives the derivative of
every NumPy function in plain NumPy. `nn` and `optim`, beside this package, build networks on it.
"""

from autograd_mini.backward import gradients
from autograd_mini.modes import enable_grad, no_grad
from autograd_mini.primitive import defvjp, nondifferentiable, primitive
from autograd_mini.rules.activations import log_softmax, relu, sigmoid, softmax
from autograd_mini.tensor import Tensor

__all__ = [
    "Tensor",
    "defvjp",
    "enable_grad",
    "gradients",
    "log_softmax",
    "no_grad",
    "nondifferentiable",
    "primitive",
    "relu",
    "sigmoid",
    "softmax",
]
