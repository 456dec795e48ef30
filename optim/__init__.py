"""Optimizers: they change parameters along their gradients."""

from optim.sgd import SGD

__all__ = ["SGD"]


def __dir__() -> list[str]:
    return __all__
