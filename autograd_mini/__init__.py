"""A small automatic-differentiation framework on NumPy.

A `Tensor` is an array that remembers which NumPy call made it; one table gives the derivative of
every NumPy function in plain NumPy. `nn` and `optim`, beside this package, build networks on it.
"""

from autograd_mini.anomaly import detect_anomaly
from autograd_mini.backward import gradients
from autograd_mini.checkpointing import checkpoint
from autograd_mini.jacobians import hessian, hvp, jacobian
from autograd_mini.modes import enable_grad, no_grad
from autograd_mini.primitive import defvjp, nondifferentiable, primitive
from autograd_mini.rules.activations import log_softmax, relu, sigmoid, softmax
from autograd_mini.rules.hooks import hook
from autograd_mini.rules.joining import array
from autograd_mini.tensor import Tensor
from autograd_mini.transforms import grad, jvp, value_and_grad, vjp

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "array",
    "checkpoint",
    "defvjp",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradients",
    "hessian",
    "hook",
    "hvp",
    "jacobian",
    "jvp",
    "log_softmax",
    "no_grad",
    "nondifferentiable",
    "primitive",
    "relu",
    "sigmoid",
    "softmax",
    "value_and_grad",
    "vjp",
]


def __dir__() -> list[str]:
    return ["__version__", *__all__]
