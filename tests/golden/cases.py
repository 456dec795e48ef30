"""The calls whose derivatives are compared with those of JAX and PyTorch, family by family.

A case is written once: `xp` is NumPy for this library and `jax.numpy` for the maker, which adds
what JAX and PyTorch spell in their own way. A name is the file of the rules, a slash, and what is
done. Results that are known but for a sign or a phase are made into what does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from autograd_mini import hook, log_softmax, relu, sigmoid, softmax


class Case(NamedTuple):
    """A function, called as f(xp, *inputs), and its inputs."""

    f: Callable[..., Any]
    inputs: tuple[Any, ...]


_rng = np.random.default_rng(0)
CASES: dict[str, Case] = {}


def weights(shape: tuple[int, ...], is_complex: bool) -> Any:
    """Return fixed weights, different for every element."""
    k = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    return np.exp(1j * k) if is_complex else np.cos(k)


def derivatives(f: Callable[..., Any], xp: Any, grad: Any, inputs: tuple[Any, ...]) -> list[Any]:
    """Return the gradients of a loss by every input, and then those of their squared length.

    The loss is sum(Re(w * y * (1 + y))): even where f is linear, it has second derivatives.
    """
    argnums = tuple(range(len(inputs)))

    def loss(*xs: Any) -> Any:
        y = f(xp, *xs)
        w = weights(y.shape, y.dtype.kind == "c")
        return xp.sum(xp.real(w * y * (1 + y)))

    def length(*xs: Any) -> Any:
        return sum(xp.sum(xp.real(g * xp.conjugate(g))) for g in grad(loss, argnums)(*xs))

    return [*grad(loss, argnums)(*inputs), *grad(length, argnums)(*inputs)]


def normal(*shape: int) -> Any:
    """Return normal numbers, to two digits, so that they are the same wherever they are read."""
    return _rng.normal(size=shape).round(2)


def positive(*shape: int) -> Any:
    """Return numbers from 0.5 to 2."""
    return _rng.uniform(0.5, 2, shape).round(2)


def complexes(*shape: int) -> Any:
    """Return complex numbers away from 0."""
    return normal(*shape) + 1j * positive(*shape)


def regular(*shape: int) -> Any:
    """Return stacked square matrices far from singular, with eigenvalues well apart."""
    return normal(*shape) / 2 + np.diag(2.0 * np.arange(1, 1 + shape[-1]))


def case(name: str, f: Callable[..., Any], *inputs: Any) -> None:
    """Add a case."""
    assert name not in CASES, name
    CASES[name] = Case(f, tuple(map(np.asarray, inputs)))


# elementwise
case(
    "elementwise/arithmetic, broadcast",
    lambda xp, x, y: x / y - x * y + xp.reciprocal(y) + xp.square(x),
    normal(2, 3),
    positive(3),
)
case(
    "elementwise/remainder, fmod",
    lambda xp, x, y: xp.remainder(x, y) + 2 * xp.fmod(x, y),
    normal(5),
    [0.7, 0.9, -0.6, 0.8, 0.55],
)
case("elementwise/power", lambda xp, x, y: xp.power(x, y), positive(2, 1), normal(3))
case("elementwise/power of negative numbers", lambda xp, x: x**3 + (x**2) ** 1.5, normal(4))
case(
    "elementwise/exponentials, logarithms",
    lambda xp, x, y: xp.expm1(x) * xp.log1p(y) + xp.exp2(x) * xp.log2(y) + xp.log10(y),
    normal(4),
    positive(4),
)
case("elementwise/logaddexp", lambda xp, x, y: xp.logaddexp(x, y), normal(2, 3), normal(2, 1))
case("elementwise/logaddexp2", lambda xp, x, y: xp.logaddexp2(x, y), normal(3), normal(3))
case(
    "elementwise/trigonometry",
    lambda xp, x, y: xp.arctan2(x, y) + xp.arcsin(x / 4) * xp.tan(y / 2) + xp.arccos(x / 4),
    normal(2, 3),
    positive(3),
)
case(
    "elementwise/hyperbolic",
    lambda xp, x: (
        xp.arcsinh(x) * xp.cosh(x) + xp.arctanh(x / 4) + xp.tanh(x) + xp.arccosh(2 + x * x)
    ),
    normal(4),
)
case(
    "elementwise/roots, lengths",
    lambda xp, x, y: xp.hypot(x, y) + xp.cbrt(y) * xp.sqrt(y) + xp.abs(x) * xp.deg2rad(y),
    normal(4),
    positive(4),
)
case(
    "elementwise/complex functions",
    lambda xp, z, w: xp.exp(z) * xp.sin(w) / xp.sqrt(z) + xp.log(w) + xp.tanh(z) ** 2,
    complexes(3),
    complexes(3),
)
case(
    "elementwise/complex parts",
    lambda xp, z, x: xp.abs(z) * xp.real(z) + xp.imag(z * z * x) + xp.real(xp.conjugate(z) / x),
    complexes(2, 3),
    positive(3),
)
case("elementwise/complex power", lambda xp, z, w: xp.power(z, w), complexes(3), complexes(3))

# reductions
case(
    "reductions/sum, two axes, keepdims",
    lambda xp, x: xp.sum(x, axis=(0, -1), keepdims=True) * x,
    normal(2, 3, 2),
)
case(
    "reductions/mean, where",
    lambda xp, x: xp.mean(x, axis=1, where=np.arange(6).reshape(2, 3) % 3 != 1),
    normal(2, 3),
)
case("reductions/var, ddof", lambda xp, x: xp.var(x, axis=0, ddof=1, keepdims=True), normal(4, 2))
case("reductions/var, complex", lambda xp, z: xp.var(z, axis=-1), complexes(2, 3))
case("reductions/std", lambda xp, x: xp.std(x, axis=(0, 1), ddof=1), normal(3, 2, 2))
case(
    "reductions/max with ties", lambda xp, x: xp.max(x, axis=1), [[1.0, 2.0, 2.0], [0.5, 0.3, 0.2]]
)
case("reductions/min, initial", lambda xp, x: xp.min(x, axis=0, initial=0.1), normal(3, 4))
case("reductions/prod", lambda xp, x: xp.prod(x, axis=-1), positive(2, 4))
case("reductions/prod with a zero", lambda xp, x: xp.prod(x, axis=0), [[2.0, 0.0], [0.5, 3.0]])
case("reductions/cumsum", lambda xp, x: xp.cumsum(x, axis=0), normal(3, 2))
case("reductions/cumprod", lambda xp, x: xp.cumprod(x, axis=1), positive(2, 4))
case("reductions/cumprod, complex", lambda xp, z: xp.cumprod(z), complexes(4))

# shaping
case("shaping/reshape", lambda xp, x: xp.reshape(x, (3, 4), order="F"), normal(2, 6))
case(
    "shaping/transpose, moveaxis, swapaxes",
    lambda xp, x: xp.swapaxes(xp.moveaxis(xp.transpose(x, (2, 0, 1)), 0, -1), 0, 1),
    normal(2, 3, 2),
)
case("shaping/roll", lambda xp, x: xp.roll(x, (1, -2), axis=(0, 1)), normal(2, 4))
case(
    "shaping/concatenate", lambda xp, x, y: xp.concatenate([x, y, x], 1), normal(2, 2), normal(2, 1)
)
case("shaping/stack, flip", lambda xp, x, y: xp.flip(xp.stack([x, y], -1), 0), normal(3), normal(3))
case("shaping/split", lambda xp, x: xp.split(x, [1, 3])[1] * xp.split(x, 2)[0], normal(4, 2))
case("shaping/tile, repeat", lambda xp, x: xp.repeat(xp.tile(x, (2, 2)), 3, axis=1), normal(2, 2))
case(
    "shaping/pad, reflect", lambda xp, x: xp.pad(x, ((1, 0), (2, 1)), mode="reflect"), normal(3, 4)
)
case("shaping/pad, edge", lambda xp, x: xp.pad(x, ((1, 2), (0, 1)), mode="edge"), normal(2, 3))
case("shaping/pad, wrap", lambda xp, x: xp.pad(x, (2, 3), mode="wrap"), normal(4))
case("shaping/pad, constant", lambda xp, x: xp.pad(x, (1, 2), constant_values=0.5), normal(2, 2))
case("shaping/tril, triu", lambda xp, x: xp.tril(x, -1) + 2 * xp.triu(x, 1), normal(2, 3, 3))
case("shaping/trace", lambda xp, x: xp.trace(x, 1, 0, 2), normal(3, 2, 4))
case("shaping/diagonal", lambda xp, x: xp.diagonal(x, -1, 1, 2), normal(2, 3, 3))
case("shaping/broadcast_to", lambda xp, x: xp.broadcast_to(x, (2, 3, 4)), normal(3, 1))

# indexing
case("indexing/slices", lambda xp, x: x[::-2, None, 1:], normal(4, 3))
case("indexing/places named twice", lambda xp, x: x[np.array([0, 2, 0]), 1:], normal(3, 3))
case(
    "indexing/pairs of places",
    lambda xp, x: x[np.array([[0], [2]]), :, np.array([1, 1])],
    normal(3, 2, 2),
)
case("indexing/mask", lambda xp, x: x[np.eye(3, dtype=bool)] ** 2, normal(3, 3))


def _written(xp: Any, x: Any, value: Any) -> Any:
    y = x * x
    y[1:, ::2] = value
    return y


case("indexing/written", _written, normal(3, 3), normal(2, 1))

# selection
case(
    "selection/where",
    lambda xp, x, y: xp.where(np.array([[True], [False]]), x, y * y),
    normal(3),
    normal(2, 1),
)
case(
    "selection/maximum, minimum",
    lambda xp, x, y: xp.maximum(x, y) * xp.minimum(x, 0.2),
    normal(2, 3),
    normal(3),
)
case("selection/maximum with ties", lambda xp, x, y: xp.maximum(x, y), [1.0, 2.0], [1.0, 1.5])
case("selection/clip", lambda xp, x, low: xp.clip(x, low, 0.8), normal(2, 4), [-0.5, -0.3, 0.1, -1])
case("selection/sort", lambda xp, x: xp.sort(x, axis=0), normal(4, 2))
case("selection/take", lambda xp, x: xp.take(x, np.array([2, 0, 2]), axis=1), normal(2, 3))
case(
    "selection/take_along_axis",
    lambda xp, x: xp.take_along_axis(x, np.array([[1, 1], [2, 0]]), axis=1),
    normal(2, 3),
)

# linalg
case("linalg/matmul, stacks", lambda xp, x, y: xp.matmul(x, y), normal(2, 1, 2, 3), normal(3, 3, 2))
case("linalg/matmul, vectors", lambda xp, x, y: (x @ y) @ y, normal(2, 3, 3), normal(3))
case(
    "linalg/tensordot",
    lambda xp, x, y: xp.tensordot(x, y, axes=([2, 0], [0, 1])),
    normal(2, 3, 4),
    normal(4, 2, 2),
)
case("linalg/dot", lambda xp, x, y: xp.dot(x, y), normal(2, 3), normal(2, 3, 2))
case(
    "linalg/inner, outer",
    lambda xp, x, y: xp.inner(x, y) + xp.outer(y[0], x),
    normal(3),
    normal(3, 3),
)
case("linalg/vdot, complex", lambda xp, z, w: xp.vdot(z, w), complexes(3), complexes(3))
case("linalg/matmul, complex", lambda xp, z, x: xp.matmul(z, x), complexes(2, 3), normal(3, 2))

# decompositions: of x x^T, since peers differ in which triangle's gradient they give
case(
    "decompositions/cholesky, stacks",
    lambda xp, x: xp.linalg.cholesky(x @ xp.swapaxes(x, -1, -2)),
    regular(2, 3, 3),
)


def _symmetric(xp: Any, x: Any) -> Any:
    return x + xp.conjugate(xp.swapaxes(x, -1, -2))


def _eigh(xp: Any, x: Any) -> Any:
    w, v = xp.linalg.eigh(_symmetric(xp, x))
    return w[..., None, :] * xp.real(v * xp.conjugate(v))


case("decompositions/eigh, stacks", _eigh, regular(2, 3, 3))
case("decompositions/eigh, complex", _eigh, regular(3, 3) + 0.3j * normal(3, 3))
case(
    "decompositions/eigvalsh", lambda xp, x: xp.linalg.eigvalsh(_symmetric(xp, x)), regular(2, 3, 3)
)


def _eig(xp: Any, x: Any) -> Any:
    w, v = xp.linalg.eig(x)
    return xp.real(v * xp.conjugate(v)) @ xp.real(w * w)


case("decompositions/eig", _eig, regular(3, 3))


def _svd(xp: Any, x: Any) -> Any:
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    return xp.real(u * xp.conjugate(u)) @ (s[:, None] * xp.real(vh * xp.conjugate(vh)))


case("decompositions/svd, tall", _svd, regular(3, 3)[:, :2] + 0.1)
case("decompositions/svd, complex", _svd, regular(3, 3)[:2] + 0.3j * normal(2, 3))


def _qr(xp: Any, x: Any) -> Any:
    q, r = xp.linalg.qr(x)
    signs = xp.sign(xp.diagonal(r))  # which LAPACK chooses
    return (q * signs) @ (1 + (r * signs[:, None]) ** 2)


case("decompositions/qr", _qr, regular(4, 4)[:, :3])
# solving
case(
    "solving/solve, stacks", lambda xp, x, y: xp.linalg.solve(x, y), regular(2, 3, 3), normal(3, 2)
)
case("solving/inv", lambda xp, x: xp.linalg.inv(x), regular(2, 3, 3))
case("solving/det, stacks", lambda xp, x: xp.linalg.det(x) / 50, regular(2, 3, 3))
case("solving/slogdet", lambda xp, x: xp.linalg.slogdet(x)[1], regular(2, 3, 3))
case(
    "solving/solve, complex",
    lambda xp, x, y: xp.linalg.solve(x, y),
    regular(3, 3) + 0.5j * normal(3, 3),
    complexes(3),
)
case("solving/tensorinv", lambda xp, x: xp.linalg.tensorinv(x.reshape(2, 3, 6)), regular(6, 6))
case("solving/pinv", lambda xp, x: xp.linalg.pinv(x), regular(3, 3)[:, :2])
case(
    "solving/lstsq",
    lambda xp, x, y: xp.linalg.lstsq(x, y)[0],
    regular(3, 3)[:, :2],
    normal(3),
)

# norms
case("norms/norm", lambda xp, x: xp.linalg.norm(x, axis=1, keepdims=True), normal(2, 3))
case("norms/vector, order 3", lambda xp, x: xp.linalg.norm(x, 3, axis=0), normal(3, 2))
case("norms/vector, largest", lambda xp, x: xp.linalg.norm(x, np.inf, axis=-1), normal(2, 3))
case(
    "norms/matrix, orders 1 and -inf",
    lambda xp, x: xp.linalg.norm(x, 1) * xp.linalg.norm(x, -np.inf),
    normal(3, 3),
)
case(
    "norms/matrix, orders 2 and nuclear",
    lambda xp, x: xp.linalg.norm(x, 2) + xp.linalg.norm(x, "nuc"),
    regular(3, 3),
)
case("norms/norm, complex", lambda xp, z: xp.linalg.norm(z, axis=0), complexes(3, 2))
case("norms/cond", lambda xp, x: xp.linalg.cond(x), regular(3, 3))

# products
case("products/cross", lambda xp, x, y: xp.cross(x, y, axis=0), normal(3, 2), normal(3, 1))
case("products/kron", lambda xp, x, y: xp.kron(x, y), normal(2, 3), normal(3, 1))
case("products/matrix_power", lambda xp, x: xp.linalg.matrix_power(x, 5) / 100, normal(2, 3, 3))
case("products/matrix_power, negative", lambda xp, x: xp.linalg.matrix_power(x, -3), regular(3, 3))
case(
    "products/multi_dot",
    lambda xp, x, y, z: xp.linalg.multi_dot([x, y, z]),
    normal(2, 3),
    normal(3, 4),
    normal(4),
)
case(
    "products/vecdot, complex",
    lambda xp, z, w: xp.vecdot(z, w, axis=0),
    complexes(3, 2),
    complexes(3, 1),
)
case("products/linalg.trace", lambda xp, x: xp.linalg.trace(x, offset=1), normal(2, 3, 3))

# einsum
case(
    "einsum/stacks",
    lambda xp, x, y: xp.einsum("...ij,jk->...ki", x, y),
    normal(2, 2, 3),
    normal(3, 2),
)
case("einsum/diagonal", lambda xp, x: xp.einsum("iij->j", x), normal(3, 3, 2))
case(
    "einsum/three operands",
    lambda xp, x, y, z: xp.einsum("ab,bc,ca->c", x, y, z, optimize=True),
    normal(2, 3),
    normal(3, 2),
    normal(2, 2),
)
case(
    "einsum/complex", lambda xp, z, w: xp.einsum("ij,ij->i", z, w), complexes(2, 3), complexes(2, 3)
)

# fourier
case("fourier/fft, longer", lambda xp, x: xp.fft.fft(x, 6, axis=0, norm="ortho"), normal(4, 2))
case("fourier/ifft, complex, shorter", lambda xp, z: xp.fft.ifft(z, 3), complexes(2, 4))
case("fourier/rfft", lambda xp, x: xp.fft.rfft(x, axis=0), normal(5, 2))
case("fourier/irfft, odd", lambda xp, z: xp.fft.irfft(z, 5), complexes(2, 3))
case("fourier/fft2", lambda xp, z: xp.fft.fft2(z), complexes(2, 3))
case(
    "fourier/rfftn, irfftn",
    lambda xp, x: xp.fft.irfftn(xp.fft.rfftn(x) ** 2, (2, 4), (0, 1)),
    normal(2, 4),
)
case("fourier/fftshift", lambda xp, x: xp.fft.fftshift(x, axes=1), normal(2, 5))

# polynomials
case("polynomials/polyval", lambda xp, p, x: xp.polyval(p, x), normal(4), normal(2, 2))
case("polynomials/vander", lambda xp, x: xp.vander(x, 4, increasing=True), normal(3))
case("polynomials/convolve", lambda xp, x, y: xp.convolve(x, y, mode="same"), normal(5), normal(3))
case(
    "polynomials/correlate", lambda xp, x, y: xp.correlate(x, y, mode="full"), normal(4), normal(2)
)
case(
    "polynomials/polymul, polyder",
    lambda xp, x, y: xp.polyder(xp.polymul(x, y), 2),
    normal(3),
    normal(3),
)
case("polynomials/polyint", lambda xp, x: xp.polyint(x, 2), normal(3))
case(
    "polynomials/interp",
    lambda xp, x, places, values: xp.interp(x, places, values),
    [0.3, 1.2, 2.7, 1.9],
    [0.0, 1.0, 2.5, 3.0],
    normal(4),
)
case(
    "polynomials/linspace",
    lambda xp, x, y: xp.linspace(x, y, 4, endpoint=False),
    normal(2),
    normal(2),
)
case("polynomials/geomspace", lambda xp, x, y: xp.geomspace(x, y, 4), 0.7, 3.0)

# calculus
case("calculus/diff", lambda xp, x: xp.diff(x, 2, axis=0), normal(4, 2))
case(
    "calculus/diff, prepend",
    lambda xp, x, y: xp.diff(x, axis=1, prepend=y),
    normal(2, 3),
    normal(2, 1),
)
case("calculus/gradient", lambda xp, x: xp.gradient(x, 0.5, axis=1), normal(2, 4))
case(
    "calculus/trapezoid", lambda xp, y, x: xp.trapezoid(y, x, axis=0), normal(4, 2), positive(4, 1)
)
case("calculus/ediff1d", lambda xp, x: xp.ediff1d(x), normal(2, 3))
case("calculus/sinc", lambda xp, x: xp.sinc(x), normal(4))
case("calculus/i0", lambda xp, x: xp.i0(x), positive(4))
case("calculus/unwrap", lambda xp, x: xp.unwrap(x), [0.1, 3.0, 6.5, 0.2, -4.0])
case("calculus/angle", lambda xp, z: xp.angle(z), complexes(4))

# statistics
case("statistics/cov", lambda xp, x: xp.cov(x, rowvar=False, ddof=0), normal(4, 3))
case("statistics/cov of two", lambda xp, x, y: xp.cov(x, y), normal(2, 4), normal(1, 4))
case("statistics/corrcoef", lambda xp, x: xp.corrcoef(x), normal(3, 4))
case("statistics/average", lambda xp, x, w: xp.average(x, 1, w), normal(2, 3), positive(2, 3))
case("statistics/ptp", lambda xp, x: xp.ptp(x, axis=0), normal(4, 2))

# nans
_holed = [[1.2, np.nan, -0.7, 0.4], [0.3, 2.1, np.nan, np.nan], [0.8, -1.1, 0.6, 1.7]]
case("nans/nansum", lambda xp, x: xp.nansum(x, axis=0), _holed)
case("nans/nanmean", lambda xp, x: xp.nanmean(x, axis=1, keepdims=True), _holed)
case("nans/nanvar", lambda xp, x: xp.nanvar(x, axis=1, ddof=1), _holed)
case("nans/nanstd", lambda xp, x: xp.nanstd(x), _holed)
case("nans/nanmax, nanmin", lambda xp, x: xp.nanmax(x, axis=0) * xp.nanmin(x), _holed)
case("nans/nanprod", lambda xp, x: xp.nanprod(x, axis=0), _holed)
case("nans/nancumsum, nancumprod", lambda xp, x: xp.nancumsum(x, 1) + xp.nancumprod(x, 0), _holed)

# joining
case("joining/hstack", lambda xp, x, y: xp.hstack([x, y]), normal(2, 2), normal(2, 1))
case(
    "joining/vstack, dstack",
    lambda xp, x, y: xp.dstack([xp.vstack([x, y]), xp.vstack([y, x])]),
    normal(3),
    normal(3),
)
case("joining/column_stack", lambda xp, x, y: xp.column_stack([x, y]), normal(2), normal(2, 2))
case("joining/block", lambda xp, x, y: xp.block([[x, y], [y, x]]), normal(2, 2), normal(2, 2))
case("joining/append", lambda xp, x, y: xp.append(x, y, axis=0), normal(1, 2), normal(2, 2))
case("joining/insert", lambda xp, x, y: xp.insert(x, 1, y, axis=1), normal(2, 2), normal(2))
case("joining/delete", lambda xp, x: xp.delete(x, 1, axis=0), normal(3, 2))
case(
    "joining/meshgrid",
    lambda xp, x, y: xp.meshgrid(x, y)[0] * xp.meshgrid(x, y)[1] ** 2,
    normal(2),
    normal(3),
)

# moving
case(
    "moving/rot90, fliplr, flipud",
    lambda xp, x: xp.rot90(x, 3) + xp.fliplr(xp.flipud(x)),
    normal(3, 3),
)
case("moving/rollaxis", lambda xp, x: xp.rollaxis(x, 2, 1), normal(2, 3, 2))
case("moving/diag, diagflat", lambda xp, x: xp.diag(x, 1) * xp.diagflat(x, -1).T, normal(3))
case("moving/diag of a matrix", lambda xp, x: xp.diag(x, -1), normal(3, 3))
case("moving/resize", lambda xp, x: xp.resize(x, (3, 3)), normal(2, 2))
case(
    "moving/compress",
    lambda xp, x: xp.compress(np.array([True, False, True]), x, axis=1),
    normal(2, 3),
)
case(
    "moving/select",
    lambda xp, x, y: xp.select([x > 0, y > 1], [x * y, y], 0.25),
    normal(5),
    normal(5),
)
case(
    "moving/choose",
    lambda xp, x, y: xp.choose(np.array([0, 1, 1]), [x, y]),
    normal(3),
    normal(3),
)
case("moving/nan_to_num", lambda xp, x: xp.nan_to_num(x, nan=0.5) ** 2, [1.5, np.nan, -0.5])
case("moving/partition", lambda xp, x: xp.sort(xp.partition(x, 2, axis=1)[:, :2]), normal(2, 4))

# activations
case("activations/sigmoid", lambda xp, x: sigmoid(x), 3 * normal(2, 3))
case("activations/relu", lambda xp, x: relu(x), normal(2, 3))
case("activations/softmax", lambda xp, x: softmax(x, axis=0), normal(3, 2))
case("activations/log_softmax", lambda xp, x: log_softmax(x, axis=-1), 2 * normal(2, 3))

# quantiles
case(
    "quantiles/quantile",
    lambda xp, x: xp.quantile(x, np.array([0.2, 0.7]), axis=0),
    normal(4, 2),
)
case(
    "quantiles/quantile, midpoint", lambda xp, x: xp.quantile(x, 0.4, method="midpoint"), normal(5)
)
case(
    "quantiles/percentile", lambda xp, x: xp.percentile(x, 35, axis=1, keepdims=True), normal(2, 4)
)
case("quantiles/median", lambda xp, x: xp.median(x, axis=(0, 1)), normal(2, 2, 3))
case("quantiles/nanquantile", lambda xp, x: xp.nanquantile(x, 0.3, axis=1), _holed)

# hooks
case("hooks/doubled", lambda xp, x: hook(x * x, lambda g: 2 * g) * x, normal(3))
case("hooks/bent", lambda xp, x: hook(x**3, xp.tanh), normal(2, 2))


def scipy_special(xp: Any) -> Any:
    """Return scipy.special for NumPy, jax.scipy.special for jax.numpy."""
    return import_module("scipy.special" if xp is np else "jax.scipy.special")


def special_case(name: str, f: Callable[..., Any], *inputs: Any) -> None:
    """Add a case whose `f` is called as f(special, *inputs)."""
    case(name, lambda xp, *xs: f(scipy_special(xp), *xs), *inputs)


# special
special_case(
    "special/erf, erfc", lambda special, x: special.erf(x) * (1 + special.erfc(x)), normal(2, 3)
)
special_case("special/erfinv", lambda special, x: special.erfinv(x), [-0.8, 0.1, 0.6])
special_case(
    "special/normal distribution",
    lambda special, x: special.ndtr(x) + special.log_ndtr(3 * x),
    normal(5),
)
special_case(
    "special/gammaln, digamma",
    lambda special, x: special.gammaln(x) * special.digamma(x),
    positive(4),
)
special_case("special/zeta", lambda special, x: special.zeta(3.0, x), positive(3))
special_case(
    "special/betaln", lambda special, x, y: special.betaln(x, y), positive(2, 1), positive(3)
)
special_case(
    "special/gammainc, gammaincc",
    lambda special, x: special.gammainc(1.7, x) * special.gammaincc(0.6, x),
    positive(4),
)
special_case("special/betainc", lambda special, x: special.betainc(1.5, 2.5, x), [0.2, 0.5, 0.9])
special_case(
    "special/expit, logit",
    lambda special, x: special.expit(x) * special.logit(special.expit(2 * x)),
    normal(4),
)
special_case(
    "special/xlogy, xlog1py",
    lambda special, x, y: special.xlogy(x, y) + special.xlog1py(x, y),
    normal(3),
    positive(2, 1),
)
special_case(
    "special/entropies",
    lambda special, x, y: special.entr(x) + special.rel_entr(x, y) * special.kl_div(x, y),
    positive(3),
    positive(3),
)
special_case("special/expi", lambda special, x: special.expi(x), positive(3))
special_case("special/spence", lambda special, x: special.spence(x), [0.2, 0.6, 0.95])
special_case("special/hyp1f1", lambda special, x: special.hyp1f1(0.5, 1.5, x), normal(3))

# bessel
special_case("bessel/i0, i1", lambda special, x: special.i0(x) * special.i1(x), normal(4))
special_case(
    "bessel/i0e, i1e", lambda special, x: special.i0e(x) + special.i1e(x) ** 2, 3 * normal(4)
)
