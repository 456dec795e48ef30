"""Networks: modules, layers, losses, and files of their weights."""

import importlib

from nn import functional, init
from nn.layers import Dropout, Flatten, Linear, ReLU, Sigmoid, Softmax, Tanh
from nn.losses import CrossEntropyLoss, MSELoss
from nn.module import Module, Parameter
from nn.sequential import Sequential
from nn.serialization import load, save
from nn.substitution import functional_call
from nn.summary import summary

__all__ = [
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Linear",
    "MSELoss",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "functional",
    "functional_call",
    "init",
    "load",
    "save",
    "summary",
]


def __dir__() -> list[str]:
    return sorted([*__all__, "pictures"])


def __getattr__(name: str) -> object:
    if name == "pictures":  # loaded when it is asked for, since it needs matplotlib
        return importlib.import_module("nn.pictures")
    raise AttributeError(f"module 'nn' has no attribute {name!r}")
