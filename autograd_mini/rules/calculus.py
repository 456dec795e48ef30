"""Rules of differences and integrals, of special functions, and of those of `np.emath`.

The transpose of taking differences is to pad with zeros and take the negative difference
(`_undiff`): numerical derivatives and integrals are made of it.
"""

import math
from typing import Any

import numpy as np

from autograd_mini.primitive import defvjp, primitive
from autograd_mini.rules.norms import at_kink
from autograd_mini.rules.undefined import nothing


# Differences.
def _undiff(g, length, n=1, axis=-1):
    """Return the gradient of an array of `length` along `axis` whose n-th difference has `g`."""
    if g.shape[axis] == 0:
        return np.pad(g, _with([(0, 0)] * g.ndim, axis, (0, length)))
    widths = _with([(0, 0)] * g.ndim, axis, (n, n))
    return (-1) ** n * np.diff(np.pad(g, widths), n, axis)


def _with(items, i, item):
    """Return `items` with another one at i."""
    return tuple(item if j == i % len(items) else old for j, old in enumerate(items))


def _part(x, start, stop, axis):
    """Return x[start:stop] along `axis`."""
    return x[_with([slice(None)] * x.ndim, axis, slice(start, stop))]


# No differences, no parts: np.diff(a, 0, prepend=b) is a.
def _diff_part(which):
    def vjp(g, out, a, n=1, axis=-1, prepend=None, append=None):
        parts = (prepend, a, append)
        if n == 0:
            return g if which == 1 else np.zeros_like(parts[which])
        lengths = [_length(part, axis) for part in parts]
        whole = _undiff(g, sum(lengths), n, axis)
        start = sum(lengths[:which])
        return _part(whole, start, start + lengths[which], axis)

    return vjp


def _length(part, axis):
    if part is None:
        return 0
    return np.shape(part)[axis] if np.ndim(part) else 1


defvjp(np.diff, _diff_part(1), None, None, _diff_part(0), _diff_part(2))


def _ediff1d_ary(g, out, ary, to_end=None, to_begin=None):
    start = 0 if to_begin is None else np.size(to_begin)
    stop = g.size - (0 if to_end is None else np.size(to_end))
    return np.reshape(_undiff(g[start:stop], ary.size), ary.shape)


defvjp(
    np.ediff1d,
    _ediff1d_ary,
    lambda g, out, ary, to_end=None, to_begin=None: np.reshape(
        g[g.size - to_end.size :], to_end.shape
    ),
    lambda g, out, ary, to_end=None, to_begin=None: np.reshape(g[: to_begin.size], to_begin.shape),
)
# What unwrap adds is a multiple of the period: flat, but for its jumps.
defvjp(np.unwrap, lambda g, out, p, discont=None, axis=-1, *, period=math.tau: g)


# The slopes s = diff(f) / h between the points give out = (1 - w) s_left + w s_right inside, with
# w = h_left / (h_left + h_right), the derivative of the parabola through three points. At the ends
# it is the first and last s, or, for edge_order 2, the same parabola's: s + w (s - s_next).
def _gradient_f(g, out, f, *varargs, axis=None, edge_order=1):
    f = _array(f)
    axes = _gradient_axes(f, axis)
    total = 0
    for i, k in enumerate(axes):
        h = _spacing(varargs, i)
        g_last = np.moveaxis(g[i] if len(axes) > 1 else g, k, -1)
        gs = _gradient_slopes(g_last, _right_share(h, f.shape[k], g_last.dtype), edge_order)
        total = total + np.moveaxis(_undiff(gs / h, f.shape[k]), -1, k)
    return total


def _gradient_spacing(i):
    def vjp(g, out, f, *varargs, axis=None, edge_order=1):
        f = _array(f)
        axes = _gradient_axes(f, axis)
        gs, outs = (g, out) if len(axes) > 1 else ((g,), (out,))
        if varargs[i].ndim == 0:
            mine = range(len(axes)) if len(varargs) == 1 else (i,)
            return -sum(np.sum(gs[j] * outs[j]) for j in mine) / varargs[i]
        h, k = _spacing(varargs, i), axes[i]
        g_last, s = np.moveaxis(gs[i], k, -1), np.diff(np.moveaxis(f, k, -1) * 1.0) / h
        return _undiff(_gradient_steps(g_last, s, h, edge_order), f.shape[k])

    return vjp


def _gradient_slopes(g, w, edge_order):
    """Return the gradient of the slopes along the last axis; `w` is the share of the right one."""
    left, inner, right = g[..., :1], g[..., 1:-1], g[..., -1:]
    gs = _shifted(inner * (1 - w), 0, 1) + _shifted(inner * w, 1, 0)
    gs = gs + _shifted(left, 0, gs.shape[-1] - 1) + _shifted(right, gs.shape[-1] - 1, 0)
    if edge_order == 1:
        return gs
    left, right, rest = left * w[..., :1], right * (1 - w[..., -1:]), gs.shape[-1] - 2
    gs = gs + _shifted(left, 0, rest + 1) - _shifted(left, 1, rest)
    return gs + _shifted(right, rest + 1, 0) - _shifted(right, rest, 1)


def _gradient_steps(g, s, h, edge_order):
    """Return the gradient of the steps `h` along the last axis, through s and through w."""
    w, total = _right_share(h, h.size + 1, g.dtype), h[:-1] + h[1:]
    gw = g[..., 1:-1] * np.diff(s)
    if edge_order != 1:
        left, right = np.diff(s[..., :2]) * g[..., :1], np.diff(s[..., -2:]) * g[..., -1:]
        rest = w.size - 1
        gw = gw - _shifted(left, 0, rest) - _shifted(right, rest, 0)
    through_w = _shifted(gw * (1 - w) / total, 0, 1) - _shifted(gw * w / total, 1, 0)
    return through_w - _gradient_slopes(g, w, edge_order) * s / h


def _shifted(x, before, after):
    """Return `x` with zeros around it along the last axis."""
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(before, after)])


def _right_share(h, length, dtype):
    return h[:-1] / (h[:-1] + h[1:]) if np.ndim(h) else np.full(length - 2, 0.5, dtype)


def _spacing(varargs, i):
    """Return the steps along the i-th axis: a number, or one between every two points."""
    x = _array(varargs[i if len(varargs) > 1 else 0]) if varargs else 1.0
    return np.diff(x * 1.0) if np.ndim(x) else x


def _gradient_axes(f, axis):
    if axis is None:
        return range(f.ndim)
    return [i % f.ndim for i in np.atleast_1d(axis).tolist()]


def _array(x):
    return np.stack(x) if isinstance(x, list | tuple) else x


defvjp(np.gradient, _gradient_f, *map(_gradient_spacing, range(64)))


# The trapezoidal rule: every step times the mean of its two ends.
def _trapezoid_steps(y, x, dx, axis):
    if x is None:
        return dx
    if np.ndim(x) == 1:
        return np.reshape(np.diff(x), _with([1] * np.ndim(y), axis, -1))
    return np.diff(x, axis=axis)


def _trapezoid_y(g, out, y, x=None, dx=1.0, axis=-1):
    _check_trapezoid(y, dx if x is None else x, axis)
    half = np.expand_dims(g, axis) * _trapezoid_steps(y, x, dx, axis) / 2
    half = np.moveaxis(np.broadcast_to(half, _steps_shape(half, y, axis)), axis, -1)
    gy = _shifted(half, 0, 1) + _shifted(half, 1, 0)
    return np.moveaxis(gy[..., : y.shape[axis]], -1, axis)


def _trapezoid_x(g, out, y, x=None, dx=1.0, axis=-1):
    _check_trapezoid(y, x, axis)
    g_steps = np.moveaxis(np.expand_dims(g, axis) * _means(y, axis), axis, -1)
    gx = _undiff(g_steps, g_steps.shape[-1] + 1)
    return gx if x.ndim == 1 else np.moveaxis(gx, -1, axis)


def _trapezoid_dx(g, out, y, x=None, dx=1.0, axis=-1):
    _check_trapezoid(y, dx, axis)
    return np.zeros_like(dx) if x is not None else np.expand_dims(g, axis) * _means(y, axis)


def _means(y, axis):
    return (_part(y, 1, None, axis) + _part(y, None, -1, axis)) / 2


def _steps_shape(half, y, axis):
    return _with(half.shape, axis, max(y.shape[axis] - 1, 0))


def _check_trapezoid(y, steps, axis):
    if np.ndim(steps) not in (0, 1, np.ndim(y)) and axis >= 0:
        raise NotImplementedError(
            f"x of {np.ndim(steps)} axes for y of {np.ndim(y)}: count axis={axis} from the end"
        )


defvjp(np.trapezoid, _trapezoid_y, _trapezoid_x, _trapezoid_dx)


# Special functions: families closed under the derivative, so that no order of it cancels.
@primitive
def sinc_slope(x: Any, order: int) -> Any:
    """Return pi^n f^(n)(pi x) for the `order` n, f(u) = sin(u) / u.

    u f^(n) + n f^(n-1) = sin^(n)(u) where u is large enough to divide by, elsewhere the series
    f^(n) = sum_k (-1)^k u^(2k-n) / ((2k-n)! (2k+1)).
    """
    u = np.asarray(math.pi * x)
    is_small = np.abs(u) < order + 2
    small, large = np.where(is_small, u, 0), np.where(is_small, 1, u)
    turn = math.pi * (x - 2 * np.rint(np.real(x) / 2))  # u without whole turns, which round it
    first = (order + 1) // 2
    series, ratio = 0, np.sin(turn) / large
    for k in reversed(range(first, order + 25)):
        term = (-1) ** k / (math.factorial(2 * k - order) * (2 * k + 1))
        series = series * small * small + term
    for n in range(1, order + 1):
        ratio = (np.sin(turn + n * math.pi / 2) - n * ratio) / large
    return math.pi**order * np.where(is_small, series * small ** (2 * first - order), ratio)


defvjp(np.sinc, lambda g, out, x: g * sinc_slope(x, 1))
defvjp(sinc_slope, lambda g, out, x, order: g * sinc_slope(x, order + 1))


@primitive
def bessel_i(x: Any, order: int) -> Any:
    """Return the modified Bessel function of the first kind, I_order(x).

    I_n(x) = sum_k (x/2)^(2k+n) / (k! (k+n)!), whose terms cancel nowhere.

    Source: DLMF 10.25.2; its derivative 10.29.1.
    """
    largest = np.max(np.abs(np.where(np.isfinite(x), x, 0)), initial=0)
    count = int(min(largest, 800)) + 30  # from k = |x| on a term is a quarter of the last
    term = out = (x / 2) ** order / math.factorial(order)
    for k in range(1, count):
        term = term * (x / (2 * k)) * (x / (2 * (k + order)))
        out = out + term
    return out


defvjp(np.i0, lambda g, out, x: g * bessel_i(x, 1))
defvjp(
    bessel_i,
    lambda g, out, x, order: g * (bessel_i(x, abs(order - 1)) + bessel_i(x, order + 1)) / 2,
)


# The angle of a real number is flat. Complex: that of 0, a kink, has slope 0.
def _angle_vjp(g, out, z, deg=False):
    if not np.iscomplexobj(z):
        return nothing(g)
    slope = at_kink(-1j / (z + (z == 0)), z == 0)
    return g * slope * (180 / math.pi if deg else 1)


defvjp(np.angle, _angle_vjp)

# The functions of np.emath are NumPy's with complex results where there is no real one.
defvjp(np.emath.sqrt, lambda g, out, x: g / (2 * out))
defvjp(np.emath.log, lambda g, out, x: g / x)
defvjp(np.emath.log2, lambda g, out, x: g / (x * math.log(2)))
defvjp(np.emath.log10, lambda g, out, x: g / (x * math.log(10)))
defvjp(
    np.emath.logn,
    lambda g, out, n, x: -g * out / (n * np.emath.log(n)),
    lambda g, out, n, x: g / (x * np.emath.log(n)),
)
defvjp(
    np.emath.power,
    lambda g, out, x, p: g * p * np.emath.power(np.where((x == 0) & (p == 0), 1, x), p - 1.0),
    lambda g, out, x, p: g * out * np.emath.log(np.where((x == 0) & (p >= 0), 1, x)),
)


def _arc_root(x):
    """Return sqrt(1 - x^2); for a real x above 1, on the side of the cut where NumPy's arcs are."""
    root = np.emath.sqrt(-(x - 1)) * np.emath.sqrt(x - -1)
    return root if np.iscomplexobj(x) else np.where(x > 1, -root, root)


defvjp(np.emath.arcsin, lambda g, out, x: g / _arc_root(x))
defvjp(np.emath.arccos, lambda g, out, x: -g / _arc_root(x))
defvjp(np.emath.arctanh, lambda g, out, x: g / (1 - x) / (1 + x))

# The mantissa is x over a power of two; the next number is x and a step.
defvjp(np.frexp, lambda g, out, x: np.ldexp(g[0], -out[1]))
defvjp(np.nextafter, lambda g, out, x1, x2: g, lambda g, out, x1, x2: nothing(g))
