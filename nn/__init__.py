"""Networks: modules, layers, losses, and files of their weights."""

from nn import functional, init
from nn.layers import Dropout, Flatten, Linear, ReLU, Sigmoid, Softmax, Tanh
from nn.losses import CrossEntropyLoss, MSELoss
from nn.module import Module, Parameter
from nn.sequential import Sequential
from nn.serialization import load, save
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
    "init",
    "load",
    "save",
    "summary",
]
