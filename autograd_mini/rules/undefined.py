"""Slopes where a result is nan, a weight is 0, or a function is flat.

A nan has no finite slope. But where it is not used (g = 0), as behind a mask, a nan returned by
its rule would spread to everything that the arguments were computed from.
"""

import math

import numpy as np


def if_number(slopes, g, out):
    """Return `slopes` where the result is a number, else nan, or 0 where `g` is 0.

    The nan is a factor, so that the derivative by `g`, which forward mode takes, is nan as well.
    """
    is_nan = np.isnan(out)
    return np.where(is_nan, g, slopes) * np.where(is_nan & (g != 0), math.nan, np.ones_like(g))


def weighted(g, weight):
    """Return g * weight, and 0 where the weight is 0, also of what is infinite or nan."""
    return np.where(weight == 0, 0, g * weight)


def nothing(g):
    """Return 0 for every element, also where `g` is infinite or nan."""
    return np.where(False, g, 0)
