"""Rules of the elementwise ufuncs: the slope, times `g`.

A ufunc broadcasts its arguments; the walk undoes that, so no rule here thinks of shapes. Python
numbers as constants keep float32 in float32. No square is taken that may overflow where the slope
does not, and nothing is subtracted from 1 where that cancels.
"""

import math

import numpy as np

from autograd_mini.primitive import defvjp
from autograd_mini.rules.activations import sigmoid, sigmoid_slope
from autograd_mini.rules.norms import over_length
from autograd_mini.rules.undefined import if_number, nothing

# Arithmetic.
defvjp(np.positive, lambda g, out, x: g)
defvjp(np.negative, lambda g, out, x: -g)
defvjp(np.add, lambda g, out, x, y: g, lambda g, out, x, y: g)
defvjp(np.subtract, lambda g, out, x, y: g, lambda g, out, x, y: -g)
defvjp(np.multiply, lambda g, out, x, y: g * y, lambda g, out, x, y: g * x)
defvjp(
    np.divide,
    lambda g, out, x, y: g / y,
    lambda g, out, x, y: -g * (out / y),
)
defvjp(np.reciprocal, lambda g, out, x: -g * out * out)
defvjp(np.square, lambda g, out, x: 2 * g * x)
defvjp(
    np.remainder,
    lambda g, out, x, y: if_number(g, g, out),
    lambda g, out, x, y: if_number(-g * np.floor_divide(x, y), g, out),
)
defvjp(
    np.fmod,
    lambda g, out, x, y: if_number(g, g, out),
    lambda g, out, x, y: if_number(-g * np.rint((x - out) / y), g, out),
)
defvjp(
    np.divmod,
    lambda g, out, x, y: if_number(g[1], g[1], out[1]),
    lambda g, out, x, y: if_number(-g[1] * np.floor_divide(x, y), g[1], out[1]),
)
defvjp(np.modf, lambda g, out, x: g[0])
defvjp(np.absolute, lambda g, out, x: g * _slope_of_absolute(out, x))
defvjp(np.fabs, lambda g, out, x: g * np.sign(x))
defvjp(
    np.copysign,
    lambda g, out, x, y: g * np.sign(x) * np.copysign(1, y),
    lambda g, out, x, y: nothing(g),
)
defvjp(
    np.heaviside,
    lambda g, out, x, y: if_number(0, g, out),
    lambda g, out, x, y: if_number(np.where(x == 0, g, 0), g, out),
)
defvjp(np.ldexp, lambda g, out, x, y: np.ldexp(g, y))


def _slope_of_absolute(out, x):
    return np.sign(x) if x.dtype.kind != "c" else over_length(np.conjugate(x), out)


# Parts of complex numbers; the walk makes the gradient of a real argument real.
defvjp(np.conjugate, lambda g, out, x: np.conjugate(g))
defvjp(np.real, lambda g, out, val: g)
defvjp(np.imag, lambda g, out, val: g * -1j)


# Powers: at exponent 0 a power is constant, and its slope 0 even at base 0, where the formula
# says 0 * inf; in the exponent, 0**y is constant for positive y.
def _power_base(g, out, x, y):
    return g * y * np.where((x == 0) & (y == 0), 1, x) ** (y - 1.0)


def _power_exponent(g, out, x, y):
    return g * out * np.log(np.where((x == 0) & (y >= 0), np.ones_like(out), x))


defvjp(np.power, _power_base, _power_exponent)
defvjp(np.float_power, _power_base, _power_exponent)
defvjp(np.sqrt, lambda g, out, x: g / (2 * out))
defvjp(np.cbrt, lambda g, out, x: g / (3 * out) / out)

defvjp(
    np.hypot,
    lambda g, out, x, y: g * over_length(x, out),
    lambda g, out, x, y: g * over_length(y, out),
)

# Exponentials and logarithms.
defvjp(np.exp, lambda g, out, x: g * out)
defvjp(np.exp2, lambda g, out, x: g * out * math.log(2))
defvjp(np.expm1, lambda g, out, x: g * np.exp(x))
defvjp(np.log, lambda g, out, x: if_number(g / x, g, out))
defvjp(np.log2, lambda g, out, x: if_number(g / x / math.log(2), g, out))
defvjp(np.log10, lambda g, out, x: if_number(g / x / math.log(10), g, out))
defvjp(np.log1p, lambda g, out, x: if_number(g / (1 + x), g, out))
defvjp(
    np.logaddexp,
    lambda g, out, x, y: g * sigmoid(x - y),
    lambda g, out, x, y: g * sigmoid(y - x),
)
defvjp(
    np.logaddexp2,
    lambda g, out, x, y: g * sigmoid((x - y) * math.log(2)),
    lambda g, out, x, y: g * sigmoid((y - x) * math.log(2)),
)


# Trigonometric and hyperbolic functions. Of complex numbers the roots are products, which are on
# the right side of every cut; x - 1 and x - -1 keep the sign of an imaginary 0, as 1 - x does not.
# Nothing is added to a small imaginary part, such as a complex step, which would swallow it.
def _root_of_one_minus_square(x):
    return np.sqrt(-(x - 1)) * np.sqrt(x - -1)


def _root_of_one_plus_square(x):
    if x.dtype.kind != "c":
        return np.hypot(x, 1)
    x = x * np.copysign(1, np.real(x))  # the right half-plane has no cut inside
    is_far = np.abs(x) > 2  # there x sqrt(1 + 1 / x^2), which does not overflow
    factor = np.where(is_far, x, 1)
    near = np.where(is_far, 1 / factor, x)
    return factor * np.sqrt(near * near - -1)


def _arctan(g, out, x):
    root = _root_of_one_plus_square(x)
    return g / root / root


def _tan(g, out, x):
    if x.dtype.kind != "c":
        return g * (1 + out * out)
    is_near = np.abs(np.imag(x)) < 1  # farther out 1 + out * out cancels
    return g * np.where(is_near, 1 + out * out, 4 * sigmoid_slope(2j * np.where(is_near, 0, x)))


defvjp(np.sin, lambda g, out, x: g * np.cos(x))
defvjp(np.cos, lambda g, out, x: -g * np.sin(x))
defvjp(np.tan, _tan)
defvjp(np.arcsin, lambda g, out, x: g / _root_of_one_minus_square(x))
defvjp(np.arccos, lambda g, out, x: -g / _root_of_one_minus_square(x))
defvjp(np.arctan, _arctan)
defvjp(
    np.arctan2,
    lambda g, out, y, x: g * (x / np.hypot(x, y)) / np.hypot(x, y),
    lambda g, out, y, x: -g * (y / np.hypot(x, y)) / np.hypot(x, y),
)
defvjp(np.sinh, lambda g, out, x: g * np.cosh(x))
defvjp(np.cosh, lambda g, out, x: g * np.sinh(x))
# As for the sigmoid, an error of a rounding of the largest slope is let pass: far out, where the
# result is rounded to 1, x alone could tell the slope, which takes longer.
defvjp(np.tanh, lambda g, out, x: g * (1 - out * out))
defvjp(np.arcsinh, lambda g, out, x: g / _root_of_one_plus_square(x))
defvjp(np.arccosh, lambda g, out, x: g / np.sqrt(x - 1) / np.sqrt(x - -1))
defvjp(np.arctanh, lambda g, out, x: if_number(g / (1 - x) / (1 + x), g, out))
defvjp(np.degrees, lambda g, out, x: g * (180 / math.pi))
defvjp(np.rad2deg, lambda g, out, x: g * (180 / math.pi))
defvjp(np.radians, lambda g, out, x: g * (math.pi / 180))
defvjp(np.deg2rad, lambda g, out, x: g * (math.pi / 180))
