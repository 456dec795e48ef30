"""The samples of `autograd_mini/rules/statistics.py`, `nans.py` and `quantiles.py`.

The arrays have no nan, which no numeric derivative could step over: `test_statistics.py` has.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.samples import DISTINCT, POSITIVE, Call, Draw, Sample, along, arrays, chosen, reductions

MASK = np.array([[True, False, True], [True, True, True]])
METHODS = (
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
)

Options = list[tuple[tuple[int, ...], tuple[Any, ...], dict[str, Any]]]

PARTS: Options = [
    ((2, 3), (), {"where": MASK}),
    ((2, 3), (1,), {"where": MASK}),
    ((2, 3), (), {"axis": -1, "where": [True, False, True], "keepdims": True}),
    ((2, 3), (), {"axis": (0, 1), "where": MASK}),
]
STARTS: Options = [
    ((2, 3), (), {"initial": 0.5}),
    ((2, 3), (0,), {"initial": 0.5, "where": MASK, "keepdims": True}),
    ((), (), {"initial": 2}),
    ((0,), (), {"initial": 3.0}),
]
# No element of a DISTINCT array is so near to 0 that a difference would step over it.
LIMITS: Options = [
    ((2, 3), (1,), {"initial": 0.0}),
    ((4, 3), (), {"axis": 0, "initial": 0, "where": np.array([True, False, True])}),
    ((2, 3), (), {"axis": 0, "initial": 7, "keepdims": True}),
    ((0,), (), {"initial": 3.0}),
]
RUNNING: Options = [
    ((3,), (), {}),
    ((2, 5), (), {"axis": 1, "include_initial": True}),
    ((3, 2, 2), (), {"axis": -3, "include_initial": True}),
    ((4,), (), {"include_initial": True}),
    ((2, 0), (), {"axis": 1}),
]
MEDIANS: Options = [
    ((5,), (), {}),
    ((4,), (), {"keepdims": True}),
    ((), (), {}),
    ((1,), (0,), {}),
    ((3, 4), (), {}),
    ((3, 4), (1,), {}),
    ((3, 4), (-2,), {"keepdims": True}),
    ((2, 3, 2), (), {"axis": (0, -1)}),
    ((2, 3, 2), (), {"axis": (2, 1), "keepdims": True}),
    ((0, 3), (1,), {}),
]


@st.composite
def quantiles(draw: Draw, percent: int = 1) -> Call:
    """Draw q of 0-d and more, inside and at the ends, by every method."""
    shape, rest, kwargs = draw(st.sampled_from(MEDIANS))
    q = draw(st.sampled_from([0.3, 0, 1.0, [0.13, 0.5, 0.5], [[1, 0]], []]))
    # With a q of float64 NumPy's result is float64 too, whatever the data.
    q = percent * (np.array(q, np.float32) if isinstance(q, list) else q)
    kwargs = kwargs | draw(st.sampled_from([{}, *({"method": m} for m in METHODS)]))
    a = draw(arrays(st.just(shape), DISTINCT))
    return Call((a, q, *rest), kwargs, analytic=False)


# Three of a slice at least: the deviation of two is not smooth in anything.
MOST = np.array([[True, False, True, True], [True, True, True, True]])
VARIANCES: Options = [
    ((2, 4), (), {"where": MOST}),
    ((2, 4), (-1,), {"ddof": 1, "where": MOST}),
    ((2, 4), (), {"axis": (0, 1), "where": [False, True, True, True], "keepdims": True}),
]


@st.composite
def averages(draw: Draw) -> Call:
    shape, weighing, kwargs = draw(
        st.sampled_from(
            [
                ((2, 3), None, {}),
                ((2, 3), None, {"axis": (0, 1), "returned": True}),
                ((3,), (3,), {"axis": 0}),
                ((2, 3), (2, 3), {"returned": True}),
                ((2, 3), (2, 3), {"axis": -1, "keepdims": True}),
                ((2, 3), (3,), {"axis": 1, "returned": True}),
                ((2, 3), (2,), {"axis": -2, "returned": True, "keepdims": True}),
                ((2, 3, 4), (2, 3, 4), {"axis": (0, -1)}),
                ((2, 3, 4), (4, 2), {"axis": (2, 0)}),
                ((2, 3, 4), (2, 3, 4), {"axis": 1, "returned": True, "keepdims": True}),
            ]
        )
    )
    a = draw(arrays(st.just(shape), DISTINCT))
    if weighing is None:
        return Call((a,), kwargs)
    weights = draw(arrays(st.just(weighing), POSITIVE))
    axis, returned = kwargs.pop("axis", None), kwargs.pop("returned", False)
    return Call((a, axis, weights, returned), kwargs)


@st.composite
def covariances(draw: Draw, *, weighed: bool = False) -> Call:
    """Draw one array or two, with a variable in each row or column, perhaps a single one."""
    m, y, rowvar = draw(
        st.sampled_from(
            [
                *([((4,), None, True)] if weighed else []),  # its coefficient is 1
                ((4,), (4,), True),
                ((4,), (4,), False),
                ((2, 4), None, True),
                ((1, 5), (2, 5), True),
                ((2, 4), (4,), True),
                ((4, 2), None, False),
                ((4, 2), (4, 1), False),
                ((4, 2), (1, 4), False),
                ((4,), (4, 3), False),
            ]
        )
    )
    args: list[Any] = [draw(arrays(st.just(m), DISTINCT)), None, rowvar]
    if y is not None:  # squared, or it may be the same as m
        args[1] = draw(arrays(st.just(y), DISTINCT)) ** 2
    kwargs = {"dtype": None} if draw(st.booleans()) else {}
    if weighed:
        n = 5 if m == (1, 5) else 4
        options: list[dict[str, Any]] = [
            {},
            {"bias": True},
            {"ddof": 2},
            {"ddof": 0, "fweights": [1, 2, 0, 3, 1][:n]},
            {"fweights": np.array([1, 2, 4, 3, 1][:n])},
            {"aweights": [0.5, 1.5, 0.25, 1.0, 0.5][:n]},
            {
                "bias": 1,
                "aweights": [0.5, 1.5, 0.25, 1.0, 0.5][:n],
                "fweights": [1, 2, 0, 3, 1][:n],
            },
            {"aweights": [0.5, 1.5, 0.25, 1.0, 0.5][:n], "fweights": [1, 2, 2, 3, 1][:n]},
        ]
        kwargs |= draw(st.sampled_from(options))
    return Call(tuple(args), kwargs, analytic=False)


def binned(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return elements in the middle of bins of length 1 from -1 to 5, 0 and 3 among them."""
    places = rng.integers(-1, 5, shape)
    places.flat[:2] = [0, 3]
    return places + rng.uniform(0.35, 0.65, shape)


@st.composite
def histograms(draw: Draw) -> Call:
    """Draw elements that a difference takes into no other bin, and weights.

    A density and a count are float64 whatever the data: `test_statistics.py` has them.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bins, limits = draw(st.sampled_from([(4, (0, 4)), (np.arange(5.0), None), (3, None)]))
    a = binned(rng, draw(st.sampled_from([(2,), (6,), (2, 4)])))
    if limits is None and isinstance(bins, int):
        a = np.array([0.1, 0.9, 1.4, 3.1, 1.6, 2.5, 2.4])
    return Call((a, bins, limits, False, rng.uniform(0.3, 2.0, a.shape)), analytic=False)


EDGES: Options = [
    ((5,), (), {}),
    ((2, 3), (4,), {}),
    ((4,), (np.arange(4.0),), {}),
    ((5,), ("sturges",), {}),
]

SAMPLES = [
    *(Sample(f, chosen([*STARTS, *PARTS])) for f in (np.sum, np.prod, np.nansum, np.nanprod)),
    *(Sample(f, chosen(PARTS)) for f in (np.mean, np.nanmean)),
    *(
        Sample(f, chosen(VARIANCES, DISTINCT, analytic=False))
        for f in (np.var, np.std, np.nanvar, np.nanstd)
    ),
    *(
        Sample(f, chosen(LIMITS, DISTINCT, analytic=False))
        for f in (np.max, np.min, np.nanmax, np.nanmin)
    ),
    Sample(np.nansum, reductions()),
    Sample(np.nanprod, reductions()),
    Sample(np.nanmean, reductions(min_side=1)),
    *(
        Sample(f, reductions(DISTINCT, min_side=3, analytic=False, ddof=1))
        for f in (np.nanvar, np.nanstd)
    ),
    *(Sample(f, reductions(DISTINCT, min_side=1, analytic=False)) for f in (np.nanmax, np.nanmin)),
    Sample(np.ptp, reductions(DISTINCT, min_side=1, analytic=False)),
    Sample(np.average, averages()),
    Sample(np.cov, covariances(weighed=True)),
    Sample(np.corrcoef, covariances()),
    Sample(np.histogram, histograms()),
    Sample(np.histogram_bin_edges, chosen(EDGES, DISTINCT, analytic=False)),
    *(Sample(f, along()) for f in (np.cumprod, np.nancumsum, np.nancumprod)),
    *(Sample(f, chosen(MEDIANS, DISTINCT, analytic=False)) for f in (np.median, np.nanmedian)),
    *(Sample(f, quantiles()) for f in (np.quantile, np.nanquantile)),
    *(Sample(f, quantiles(100)) for f in (np.percentile, np.nanpercentile)),
]
if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    SAMPLES += [Sample(f, chosen(RUNNING)) for f in (np.cumulative_sum, np.cumulative_prod)]
