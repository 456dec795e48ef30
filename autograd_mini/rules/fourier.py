"""Rules of `numpy.fft`: its functions are linear, so the rule of each is its transpose.

The DFT matrix is symmetric, so transposing leaves sign and norm as they are; what was padded is
cut off again, and what was cut off gets zeros. In a half spectrum every frequency but zero and
Nyquist stands for two, so up to a factor of 2 there, rfft and hfft, which have the same sign, are
each other's transpose, and so are ihfft and irfft.
"""

from typing import Any

import numpy as np

from autograd_mini.primitive import defvjp


# The transposes are called as transpose(g, length, n, axis, norm): `length` is that of the argument
# along `axis`, `n` that of the transform, None for NumPy's default.
def _of_symmetric(transform):
    """Return the transpose of the complex transform `transform`."""

    def transpose(g, length, n, axis, norm):
        return _fitted(transform(g, None, axis, norm), length, axis)

    return transpose


def _from_half(transform):
    """Return the transpose of a function from real numbers to half a spectrum."""

    def transpose(g, length, n, axis, norm):
        n = length if n is None else n
        return _fitted(transform(_weighed(g, n, axis, 0.5), n, axis, norm), length, axis)

    return transpose


def _to_half(transform):
    """Return the transpose of a function from half a spectrum to real numbers."""

    def transpose(g, length, n, axis, norm):
        y = transform(g, None, axis, norm)
        return _fitted(_weighed(y, g.shape[axis], axis, 2), length, axis)

    return transpose


def _fitted(y, length, axis):
    """Return `y` cut off at `length` along `axis`, or with zeros behind it."""
    axis = int(axis) % y.ndim
    missing = length - y.shape[axis]
    if missing > 0:
        return np.pad(y, [(0, missing if i == axis else 0) for i in range(y.ndim)])
    return y[(slice(None),) * axis + (slice(length),)] if missing else y


def _weighed(y, n, axis, weight):
    """Return half a spectrum of `n` with `weight` for the frequencies that stand for two."""
    k, axis = np.arange(n // 2 + 1), axis % y.ndim
    is_pair = (k > 0) & (2 * k < n)
    along = [-1 if i == axis else 1 for i in range(y.ndim)]
    return np.where(is_pair.reshape(along), weight * y, y)


_TRANSPOSES: dict[Any, Any] = {
    np.fft.fft: _of_symmetric(np.fft.fft),
    np.fft.ifft: _of_symmetric(np.fft.ifft),
    np.fft.rfft: _from_half(np.fft.hfft),
    np.fft.ihfft: _from_half(np.fft.irfft),
    np.fft.hfft: _to_half(np.fft.rfft),
    np.fft.irfft: _to_half(np.fft.ihfft),
}


def _rule(transform):
    """Return the rule of a transform along one axis."""
    transpose = _TRANSPOSES[transform]

    def rule(g, out, a, n=None, axis=-1, norm=None):
        return transpose(g, a.shape[axis], n, axis, norm)

    return rule


for _transform in _TRANSPOSES:
    defvjp(_transform, _rule(_transform))


# Along several axes NumPy transforms along one after the other.
def _rule_of_several(last, others, default, is_last_first=True):
    """Return the rule of `last` along the last of the axes and `others` along the others.

    An axis may be named twice, so the order matters, and the length before each step.
    """

    def rule(g, out, a, s=None, axes=default, norm=None):
        steps = _steps(a.shape, s, axes, last, others)
        lengths, before = list(a.shape), []
        for transform, n, axis in reversed(steps) if is_last_first else steps:
            before.append((transform, lengths[axis], n, axis))
            n = lengths[axis] if n is None else n
            lengths[axis] = n // 2 + 1 if transform is np.fft.rfft else n
        for transform, length, n, axis in reversed(before):
            g = _TRANSPOSES[transform](g, length, n, axis, norm)
        return g

    return rule


def _steps(shape, s, axes, last, others):
    """Return transform, n and axis for each axis, as NumPy completes them."""
    if axes is None:
        axes = range(-len(shape if s is None else s), 0)
    s = [-1] * len(axes) if s is None else s
    lengths = [shape[axis] if n == -1 else n for n, axis in zip(s, axes, strict=True)]
    transforms = [others] * (len(axes) - 1) + [last]
    return list(zip(transforms, lengths, axes, strict=False))


_LAST_TWO = (-2, -1)
defvjp(np.fft.fftn, _rule_of_several(np.fft.fft, np.fft.fft, None))
defvjp(np.fft.fft2, _rule_of_several(np.fft.fft, np.fft.fft, _LAST_TWO))
defvjp(np.fft.ifftn, _rule_of_several(np.fft.ifft, np.fft.ifft, None))
defvjp(np.fft.ifft2, _rule_of_several(np.fft.ifft, np.fft.ifft, _LAST_TWO))
defvjp(np.fft.rfftn, _rule_of_several(np.fft.rfft, np.fft.fft, None))
defvjp(np.fft.rfft2, _rule_of_several(np.fft.rfft, np.fft.fft, _LAST_TWO))
defvjp(np.fft.irfftn, _rule_of_several(np.fft.irfft, np.fft.ifft, None, is_last_first=False))
defvjp(np.fft.irfft2, _rule_of_several(np.fft.irfft, np.fft.ifft, _LAST_TWO, is_last_first=False))

# Rolling, by half the length and back.
defvjp(np.fft.fftshift, lambda g, out, x, axes=None: np.fft.ifftshift(g, axes))
defvjp(np.fft.ifftshift, lambda g, out, x, axes=None: np.fft.fftshift(g, axes))

# A complex number, or its real part: the gradient is the same.
defvjp(np.real_if_close, lambda g, out, a, tol=100: g)
