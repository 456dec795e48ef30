"""Make the values that the tests of nn and optim compare with: run once, with PyTorch.

    python tests/golden/make_golden.py

Writes pytorch.npz beside itself, in float64. Names are paths: "network/mse/mean/grad/0.weight" is
the gradient of the first weight for the mean squared error with the reduction "mean".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).parent

SGD_VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {"lr": 0.1},
    "momentum": {"lr": 0.1, "momentum": 0.9},
    "dampening": {"lr": 0.1, "momentum": 0.9, "dampening": 0.3},
    "nesterov": {"lr": 0.1, "momentum": 0.8, "nesterov": True},
    "decay": {"lr": 0.1, "weight_decay": 0.05},
    "maximize": {"lr": 0.01, "maximize": True},
    "nesterov_decay": {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    "all": {"lr": 0.02, "momentum": 0.7, "dampening": 0.2, "weight_decay": 0.1, "maximize": True},
}
STEPS = 6
INITIALISERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "uniform": (nn.init.uniform_, {"a": -2.0, "b": 2.0}),
    "normal": (nn.init.normal_, {"mean": 0.0, "std": 3.0}),
    "xavier_uniform": (nn.init.xavier_uniform_, {"gain": 1.5}),
    "xavier_normal": (nn.init.xavier_normal_, {"gain": 1.5}),
    "kaiming_uniform": (nn.init.kaiming_uniform_, {}),
    "kaiming_uniform_out": (nn.init.kaiming_uniform_, {"mode": "fan_out", "nonlinearity": "tanh"}),
    "kaiming_normal": (nn.init.kaiming_normal_, {"a": 0.5}),
    "kaiming_normal_out": (nn.init.kaiming_normal_, {"mode": "fan_out", "nonlinearity": "relu"}),
}


def network_values() -> dict[str, torch.Tensor]:
    """Outputs, losses and gradients of a network with two hidden layers."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(7, 5), nn.Sigmoid(), nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))
    x = torch.randn(4, 7)
    target = torch.rand(4, 3)
    labels = torch.tensor([2, 0, 1, 2])
    values = {"x": x, "target": target, "labels": labels, "output": net(x)}
    values |= {f"state/{name}": p for name, p in net.state_dict().items()}
    # PyTorch's own mse_loss has no "batchmean"; its kl_div defines the word.
    losses = {
        "mse/mean": lambda out: nn.MSELoss()(out, target),
        "mse/sum": lambda out: nn.MSELoss(reduction="sum")(out, target),
        "mse/none": lambda out: nn.MSELoss(reduction="none")(out, target),
        "mse/batchmean": lambda out: nn.MSELoss(reduction="sum")(out, target) / len(out),
        "cross_entropy/mean": lambda out: nn.CrossEntropyLoss()(out, labels),
        "cross_entropy/sum": lambda out: nn.CrossEntropyLoss(reduction="sum")(out, labels),
        "cross_entropy/none": lambda out: nn.CrossEntropyLoss(reduction="none")(out, labels),
    }
    for name, loss in losses.items():
        net.zero_grad()
        result = loss(net(x))
        result.backward(torch.arange(1.0, 1 + result.numel()).reshape(result.shape))
        values[f"{name}/loss"] = result
        values |= {f"{name}/grad/{path}": p.grad.clone() for path, p in net.named_parameters()}
    return values


def layer_values() -> dict[str, torch.Tensor]:
    """Outputs and input gradients of every layer without weights."""
    torch.manual_seed(1)
    values: dict[str, torch.Tensor] = {}
    layers = {
        "Sigmoid": nn.Sigmoid(),
        "Tanh": nn.Tanh(),
        "ReLU": nn.ReLU(),
        "Softmax": nn.Softmax(dim=-1),
        "LogSoftmax": nn.LogSoftmax(dim=-1),
        "Flatten": nn.Flatten(),
    }
    x = 3 * torch.randn(2, 3, 4)
    g = torch.randn(2, 3, 4)
    for name, layer in layers.items():
        leaf = x.clone().requires_grad_()
        out = layer(leaf)
        out.backward(g.reshape(out.shape))
        values |= {f"{name}/output": out, f"{name}/grad": leaf.grad}
    return {"x": x, "g": g} | values


def sgd_values() -> dict[str, torch.Tensor]:
    """Both parameters after every step of every variant, on the loss sum (p - 0.5)^4 / 4."""
    torch.manual_seed(2)
    starts = [torch.randn(3, 2), torch.randn(4)]
    values = {"start/0": starts[0], "start/1": starts[1]}
    for name, options in SGD_VARIANTS.items():
        params = [start.clone().requires_grad_() for start in starts]
        optimizer = torch.optim.SGD(params, **options)
        for step in range(STEPS):
            optimizer.zero_grad()
            sum(((p - 0.5) ** 4).sum() / 4 for p in params).backward()
            if step == 3:
                params[1].grad = None  # a parameter without a gradient is passed over
            optimizer.step()
            values |= {f"{name}/{step}/{i}": p.detach().clone() for i, p in enumerate(params)}
    return values


def init_values() -> dict[str, torch.Tensor]:
    """Gains, and the spread of every initialiser in a weight with 200 inputs and 300 outputs."""
    torch.manual_seed(3)
    nonlinearities = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu")
    values = {f"gain/{name}": torch.tensor(nn.init.calculate_gain(name)) for name in nonlinearities}
    for name, (initialise, options) in INITIALISERS.items():
        for shape in ((300, 200), (60, 40, 5, 3)):
            weight = initialise(torch.empty(shape), **options)
            values[f"spread/{name}/{len(shape)}"] = torch.stack([weight.std(), weight.abs().max()])
    return values


def main() -> None:
    """Compute all values and write them."""
    torch.set_default_dtype(torch.float64)
    groups = {
        "network": network_values(),
        "layer": layer_values(),
        "sgd": sgd_values(),
        "init": init_values(),
    }
    arrays = {
        f"{group}/{name}": value.detach().numpy()
        for group, values in groups.items()
        for name, value in values.items()
    }
    np.savez_compressed(HERE / "pytorch.npz", **arrays)


if __name__ == "__main__":
    main()
