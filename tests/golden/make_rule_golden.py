"""Make the derivatives that those of the rules are compared with: run once, with JAX and PyTorch.

    python -m tests.golden.make_rule_golden

Writes rules.npz beside itself, in float64: the inputs of every case, and what each peer says, all
gradients one after the other as one row of real numbers. The numbers of two peers have to agree.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch
from jax import numpy as jnp

from tests.golden.cases import CASES, derivatives, weights

# What JAX spells in its own way.
IN_JAX: dict[str, Callable[..., Any]] = {
    "activations/sigmoid": lambda jnp, x: jax.nn.sigmoid(x),
    "activations/relu": lambda jnp, x: jax.nn.relu(x),
    "activations/softmax": lambda jnp, x: jax.nn.softmax(x, axis=0),
    "activations/log_softmax": lambda jnp, x: jax.nn.log_softmax(x, axis=-1),
    "indexing/written": lambda jnp, x, value: (x * x).at[1:, ::2].set(value),
    "decompositions/eig": lambda jnp, x: _jax_eig(x),
}
# JAX has no hooks.
NOT_IN_JAX = {"hooks/doubled", "hooks/bent"}


def _jax_eig(x: Any) -> Any:
    w, v = jax.lax.linalg.eig(x, compute_left_eigenvectors=False, enable_eigvec_derivs=True)
    return jnp.real(v * jnp.conjugate(v)) @ jnp.real(w * w)


def _torch_hook(x: Any, change: Callable[[Any], Any]) -> Any:
    x.register_hook(change)
    return x


def _torch_eigh(x: Any) -> Any:
    w, v = torch.linalg.eigh(x + x.mH)
    return w[..., None, :] * (v * v.conj()).real


def _torch_svd(x: Any) -> Any:
    u, s, vh = torch.linalg.svd(x, full_matrices=False)
    return (u * u.conj()).real @ (s[:, None] * (vh * vh.conj()).real)


def _torch_written(x: Any, value: Any) -> Any:
    y = x * x
    y[1:, ::2] = value
    return y


# The same in PyTorch, for at least one case of a family.
IN_TORCH: dict[str, Callable[..., Any]] = {
    "elementwise/arithmetic, broadcast": lambda x, y: x / y - x * y + 1 / y + x * x,
    "elementwise/remainder, fmod": lambda x, y: torch.remainder(x, y) + 2 * torch.fmod(x, y),
    "elementwise/power": torch.pow,
    "elementwise/logaddexp": torch.logaddexp,
    "elementwise/complex functions": lambda z, w: (
        torch.exp(z) * torch.sin(w) / torch.sqrt(z) + torch.log(w) + torch.tanh(z) ** 2
    ),
    "elementwise/complex parts": lambda z, x: (
        z.abs() * z.real + (z * z * x).imag + (z.conj() / x).real
    ),
    "reductions/var, ddof": lambda x: torch.var(x, dim=0, keepdim=True),
    "reductions/std": lambda x: torch.std(x, dim=(0, 1)),
    "reductions/max with ties": lambda x: torch.amax(x, dim=1),
    "reductions/prod with a zero": lambda x: torch.prod(x, dim=0),
    "reductions/cumprod": lambda x: torch.cumprod(x, dim=1),
    "shaping/roll": lambda x: torch.roll(x, (1, -2), (0, 1)),
    "shaping/tril, triu": lambda x: torch.tril(x, -1) + 2 * torch.triu(x, 1),
    "shaping/diagonal": lambda x: torch.diagonal(x, -1, 1, 2),
    "indexing/places named twice": lambda x: x[torch.tensor([0, 2, 0]), 1:],
    "indexing/written": _torch_written,
    "selection/maximum with ties": torch.maximum,
    "selection/sort": lambda x: torch.sort(x, dim=0).values,
    "selection/take_along_axis": lambda x: torch.gather(x, 1, torch.tensor([[1, 1], [2, 0]])),
    "linalg/matmul, stacks": torch.matmul,
    "linalg/tensordot": lambda x, y: torch.tensordot(x, y, ([2, 0], [0, 1])),
    "linalg/vdot, complex": torch.vdot,
    "decompositions/cholesky, stacks": lambda x: torch.linalg.cholesky(x @ x.mT),
    "decompositions/eigh, stacks": _torch_eigh,
    "decompositions/eigh, complex": _torch_eigh,
    "decompositions/svd, tall": _torch_svd,
    "decompositions/svd, complex": _torch_svd,
    "decompositions/pinv": torch.linalg.pinv,
    "decompositions/lstsq": lambda x, y: torch.linalg.lstsq(x, y[:, None]).solution[:, 0],
    "solving/solve, stacks": lambda x, y: torch.linalg.solve(x, y.expand(2, 3, 2)),
    "solving/slogdet": lambda x: torch.linalg.slogdet(x).logabsdet,
    "solving/inv": torch.linalg.inv,
    "norms/vector, order 3": lambda x: torch.linalg.vector_norm(x, 3, dim=0),
    "norms/matrix, orders 2 and nuclear": lambda x: (
        torch.linalg.matrix_norm(x, 2) + torch.linalg.matrix_norm(x, "nuc")
    ),
    "norms/norm, complex": lambda z: torch.linalg.vector_norm(z, dim=0),
    "products/cross": lambda x, y: torch.linalg.cross(x, y, dim=0),
    "products/kron": torch.kron,
    "products/matrix_power": lambda x: torch.linalg.matrix_power(x, 5) / 100,
    "einsum/stacks": lambda x, y: torch.einsum("...ij,jk->...ki", x, y),
    "einsum/three operands": lambda x, y, z: torch.einsum("ab,bc,ca->c", x, y, z),
    "fourier/fft, longer": lambda x: torch.fft.fft(x, 6, dim=0, norm="ortho"),
    "fourier/rfft": lambda x: torch.fft.rfft(x, dim=0),
    "fourier/irfft, odd": lambda z: torch.fft.irfft(z, 5),
    "polynomials/polyval": lambda p, x: ((p[0] * x + p[1]) * x + p[2]) * x + p[3],
    "polynomials/vander": lambda x: torch.stack([x**0, x, x**2, x**3], dim=1),
    "calculus/diff": lambda x: torch.diff(x, 2, dim=0),
    "calculus/gradient": lambda x: torch.gradient(x, spacing=0.5, dim=1)[0],
    "calculus/trapezoid": lambda y, x: torch.trapezoid(y, x, dim=0),
    "calculus/sinc": torch.sinc,
    "calculus/i0": torch.i0,
    "statistics/cov": lambda x: torch.cov(x.T, correction=0),
    "statistics/corrcoef": torch.corrcoef,
    "nans/nansum": lambda x: torch.nansum(x, dim=0),
    "nans/nanmean": lambda x: torch.nanmean(x, dim=1, keepdim=True),
    "joining/hstack": lambda x, y: torch.hstack([x, y]),
    "joining/column_stack": lambda x, y: torch.column_stack([x, y]),
    "moving/rot90, fliplr, flipud": lambda x: torch.rot90(x, 3) + x.flipud().fliplr(),
    "moving/diag, diagflat": lambda x: torch.diag(x, 1) * torch.diagflat(x, -1).T,
    "activations/sigmoid": torch.sigmoid,
    "activations/relu": torch.relu,
    "activations/softmax": lambda x: torch.softmax(x, 0),
    "activations/log_softmax": lambda x: torch.log_softmax(x, -1),
    "hooks/doubled": lambda x: _torch_hook(x * x, lambda g: 2 * g) * x,
    "hooks/bent": lambda x: _torch_hook(x**3, torch.tanh),
    "special/erf, erfc": lambda x: torch.erf(x) * (1 + torch.erfc(x)),
    "special/erfinv": torch.erfinv,
    "special/normal distribution": lambda x: torch.special.ndtr(x) + torch.special.log_ndtr(3 * x),
    "special/expit, logit": lambda x: torch.sigmoid(x) * torch.logit(torch.sigmoid(2 * x)),
    "special/xlogy, xlog1py": lambda x, y: torch.xlogy(x, y) + torch.special.xlog1py(x, y),
    "bessel/i0, i1": lambda x: torch.i0(x) * torch.special.i1(x),
    "bessel/i0e, i1e": lambda x: torch.special.i0e(x) + torch.special.i1e(x) ** 2,
    "quantiles/quantile": lambda x: torch.quantile(x, torch.tensor([0.2, 0.7]), dim=0),
    "quantiles/quantile, midpoint": lambda x: torch.quantile(x, 0.4, interpolation="midpoint"),
    "quantiles/nanquantile": lambda x: torch.nanquantile(x, 0.3, dim=1),
}


def by_jax(name: str, inputs: tuple[Any, ...]) -> list[Any]:
    """Return the derivatives of a case."""
    f = IN_JAX.get(name, CASES[name].f)
    return derivatives(f, jnp, jax.grad, tuple(map(jnp.asarray, inputs)))


def by_torch(name: str, inputs: tuple[Any, ...]) -> list[Any]:
    """Return the derivatives of a case.

    By a complex z, PyTorch's gradient is d/dRe + i d/dIm, the conjugate of JAX's and of this
    library's.

    Source: PyTorch, Autograd mechanics, "Autograd for Complex Numbers"; JAX, The Autodiff Cookbook,
    "Complex numbers and differentiation".
    """
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    y = IN_TORCH[name](*leaves)
    w = torch.tensor(weights(tuple(y.shape), y.is_complex()))
    product = w * y * (1 + y)
    loss = (product.real if product.is_complex() else product).sum()
    first = torch.autograd.grad(loss, leaves, create_graph=True)
    length = sum((g * g.conj()).real.sum() if g.is_complex() else (g * g).sum() for g in first)
    second = torch.autograd.grad(length, leaves)
    return [np.conjugate(g.detach().resolve_conj().numpy()) for g in (*first, *second)]


def row(name: str, found: list[Any]) -> Any:
    """Return arrays as one row of real numbers."""
    parts = [np.ravel(np.asarray(x)) for x in found]
    flat = np.concatenate([x.view(float) if x.dtype.kind == "c" else x for x in parts])
    assert flat.dtype == np.float64, (name, flat.dtype)
    assert np.all(np.isfinite(flat)), (name, flat)
    return flat


def peers(name: str) -> dict[str, Callable[..., list[Any]]]:
    """Return the peers that can differentiate a case."""
    return {
        **({} if name in NOT_IN_JAX else {"jax": by_jax}),
        **({"torch": by_torch} if name in IN_TORCH else {}),
    }


def main() -> None:
    """Compute all values, compare those of two peers, and write them."""
    jax.config.update("jax_enable_x64", True)
    torch.set_default_dtype(torch.float64)
    assert set(CASES) >= {*IN_JAX, *NOT_IN_JAX, *IN_TORCH}
    versions = {"jax": jax.__version__, "torch": torch.__version__, "numpy": np.__version__}
    arrays = {"made with": np.array([" ".join(pair) for pair in versions.items()])}
    for name, case in CASES.items():
        arrays |= {f"{name}/input {i}": x for i, x in enumerate(case.inputs)}
        rows = {peer: row(name, ask(name, case.inputs)) for peer, ask in peers(name).items()}
        arrays |= {f"{name}/{peer}": found for peer, found in rows.items()}
        first, *others = rows.values()
        for other in others:
            np.testing.assert_allclose(
                other, first, rtol=0, atol=1e-12 * np.max(np.abs(first)), err_msg=name
            )
    np.savez_compressed(Path(__file__).parent / "rules.npz", **arrays)


if __name__ == "__main__":
    main()
