"""Optimizers: they change parameters along their gradients."""

from optim.sgd import SGD

__all__ = ["SGD"]
