"""Two directions through the weights of a network, along which its cost can be looked at.

Source: Li, Xu, Taylor, Studer & Goldstein, Visualizing the Loss Landscape of Neural Nets (2018),
sections 4 and 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd_mini import Tensor
from nn.module import Module
from nn.pictures.asked import named

Direction = list[NDArray[Any]]  # an array for every parameter, of its shape


class Plane(NamedTuple):
    """Two directions through the weights, and a path of training projected on them.

    Attributes:
        first: an array for every parameter, of its shape.
        second: the same.
        path: the points of the path, shape (n, 2).
        shares: of the path's variance along the two directions; none without a path.
    """

    first: Direction
    second: Direction
    path: NDArray[Any]
    shares: tuple[float, float] | None


def random_plane(model: Module, rng: np.random.Generator) -> Plane:
    """Return two random directions, scaled to the weights neuron by neuron.

    d_ij <- d_ij |w_ij| / |d_ij|, for the weights w_ij of neuron j in layer i. Biases, and whatever
    else has less than two axes, stay where they are, as in the paper's own program.

    Raises:
        ValueError: all would stay.
    """
    parameters = [p.data for p in model.parameters()]
    if not any(w.ndim > 1 for w in parameters):
        raise ValueError(
            f"{type(model).__name__} has no parameters of two axes or more that require grad, so "
            "no direction through its weights: give its landscape a path"
        )
    first, second = ([_filter_normalised(w, rng) for w in parameters] for _ in range(2))
    return Plane(first, second, np.empty((0, 2)), None)


def _filter_normalised(w: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    if w.ndim < 2:
        return np.zeros_like(w)
    axes = tuple(range(1, w.ndim))
    d = rng.standard_normal(w.shape)
    sizes = [np.sqrt(np.square(x, dtype=float).sum(axis=axes, keepdims=True)) for x in (w, d)]
    scaled: NDArray[Any] = (d * (sizes[0] / sizes[1])).astype(w.dtype)
    return scaled


def path_plane(model: Module, path: Sequence[Any]) -> Plane:
    """Return the two directions in which a path of training varies the most, of length 1.

    They are the first principal components of the differences between the path's points and the
    model's own weights, the origin, on which the points are then projected.

    Args:
        model: where the path ends.
        path: state dicts, or arrays of all parameters one after the other.

    Raises:
        TypeError: a point is neither.
        ValueError: a point does not fit the model, or the points lie on one line.
    """
    if not isinstance(path, list | tuple | np.ndarray):
        raise TypeError(f"a path is a list of state dicts, found {named(path)}")
    here = _flat([p.data for _, p in model.named_parameters()])
    differences = np.array([_point(model, each, number) for number, each in enumerate(path)])
    differences = differences.reshape(-1, here.size) - here
    others = differences[differences.any(axis=1)]
    centred = others - others.mean(axis=0) if len(others) else others
    _, sizes, components = np.linalg.svd(centred, full_matrices=False)
    if len(sizes) < 2 or sizes[1] <= max(1e-12 * sizes[0], _rounding(model, others + here)):
        raise ValueError(
            f"two directions need a path of at least three points, besides the model's own, that "
            f"are not on one line, found {len(others)} other points: record more of the training"
        )
    projected = differences @ components[:2].T
    # The sign of a component is anybody's choice: the path starts on the positive side.
    signs = np.where(projected[0] < 0, -1.0, 1.0)
    variances = np.square(sizes) / np.square(sizes).sum()
    first, second = (_shaped(model, x) for x in signs[:, np.newaxis] * components[:2])
    return Plane(first, second, projected * signs, (float(variances[0]), float(variances[1])))


def _rounding(model: Module, points: NDArray[Any]) -> float:
    """Return how far from a line points may be that were on it before they were rounded."""
    epsilon = max(float(np.finfo(p.dtype).eps) for p in model.parameters())
    return epsilon * float(np.linalg.norm(points))


def _point(model: Module, point: Any, number: int) -> NDArray[Any]:
    """Return all parameters at one point of a path, one after the other."""
    parameters = dict(model.named_parameters())
    if isinstance(point, Mapping):
        found = {name: _bare(point[name]) for name in parameters if name in point}
        fits = {name for name, x in found.items() if x.shape == parameters[name].shape}
        misfits = [name for name in parameters if name not in fits]
        if misfits:
            raise ValueError(
                f"point {number} of the path does not fit the model: {', '.join(misfits)} is "
                "missing or has another shape; record model.state_dict() during the training"
            )
        return _flat([*found.values()])
    flat = _bare(point)
    count = sum(p.size for p in parameters.values())
    if flat.dtype.kind != "f" or flat.shape != (count,):
        raise TypeError(
            f"a path is a list of state dicts, or of arrays of the model's {count:,} parameters, "
            f"found {type(point).__name__} of shape {flat.shape} as point {number}"
        )
    return flat.astype(float)


def _flat(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([np.ravel(x).astype(float) for x in arrays] or [np.empty(0)])


def _bare(x: Any) -> NDArray[Any]:
    return np.asarray(x.data if isinstance(x, Tensor) else x)


def _shaped(model: Module, flat: NDArray[Any]) -> Direction:
    """Cut a long array into the model's parameters."""
    parts, start = [], 0
    for p in model.parameters():
        parts.append(flat[start : start + p.size].reshape(p.shape).astype(p.dtype))
        start += p.size
    return parts
