"""The samples of `autograd_mini/rules/fourier.py`.

The complex step can't be used: the results are complex, or the real part of something complex.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.samples import Call, Draw, Sample, chosen

NORMS: list[dict[str, Any]] = [{}, *({"norm": n} for n in (None, "backward", "ortho", "forward"))]


@st.composite
def transforms(draw: Draw, options: list[Any]) -> Call:
    """Draw a call in one of the given forms, with every norm where it is not among them."""
    call = draw(chosen(options, analytic=False))
    norm = {} if len(call.args) == 4 else draw(st.sampled_from(NORMS))
    return Call(call.args, call.kwargs | norm, analytic=False)


# What all take along one axis: lengths even and odd, cropped and padded.
ALONG_ONE: list[Any] = [
    ((2,), (), {}),
    ((4,), (), {}),
    ((5,), (), {}),
    ((5,), (4,), {}),
    ((5,), (1,), {}),
    ((3,), (7,), {}),
    ((4,), (None,), {}),
    ((4,), (3, 0), {}),
    ((4,), (2, 0, "ortho"), {}),
    ((2, 3), (), {"axis": 0}),
    ((3, 2, 2), (), {"axis": -3, "n": 2}),
    ((2, 3, 2), (6, 1), {}),
    ((2, 4), (3, -1), {}),
    ((0, 3), (), {}),
]
# Padded from nothing; irfft and hfft then read memory that nobody wrote: new numbers in each run.
PADDED: list[Any] = [*ALONG_ONE, ((3, 0), (2,), {})]
FULL = [*PADDED, ((1,), (), {})]
# Along several axes; `s` crops one and pads another, and -1 stands for all there is.
ALONG_TWO: list[Any] = [
    ((2, 3), (), {}),
    ((2, 3, 2), (), {"axes": (0, 1)}),
    ((3, 2, 4), (None, (2, -3)), {}),
    ((3, 2), ((2, 3), (-2, -1)), {}),
    ((3, 2), (), {"s": (2, -1), "axes": (1, 0)}),
    ((2, 3, 2), ([4, 2], [0, -1]), {}),
    ((3, 2), ((2, 5), (0, 0)), {}),
    ((3, 2), ((4, 3), (0, -2)), {}),
    ((0, 2, 3), ((2, 2), (1, 2)), {}),
]
ALONG_ANY: list[Any] = [
    *ALONG_TWO,
    ((4,), (), {}),
    ((2, 3, 2), (), {}),
    ((2, 3), (), {"axes": (1,)}),
    ((2, 3, 2), (), {"s": (1, 2, 3), "axes": (2, 0, 1)}),
    ((3, 2), ((2, 4, 3), (0, 1, 0)), {}),
    ((4, 2), (None, (0, 1, 0)), {}),
]
OPTIONS: dict[Any, list[Any]] = {
    np.fft.fft: FULL,
    np.fft.ifft: FULL,
    np.fft.rfft: FULL,
    np.fft.ihfft: FULL,
    np.fft.irfft: [*ALONG_ONE, ((1,), (1,), {})],
    np.fft.hfft: [*ALONG_ONE, ((1,), (1,), {})],
    **dict.fromkeys((np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2), ALONG_TWO),
    **dict.fromkeys((np.fft.rfftn, np.fft.irfftn), ALONG_ANY),
    **dict.fromkeys((np.fft.fftn, np.fft.ifftn), ALONG_ANY),
}
SHIFTS: list[Any] = [
    ((5,), (), {}),
    ((2, 3), (), {}),
    ((2, 3), (1,), {}),
    ((2, 3, 4), ((0, -1),), {}),
    ((3, 5), (), {"axes": [-2]}),
    ((5, 2), ((0, 0),), {}),
    ((0, 3), (), {}),
]

SAMPLES = [
    *(Sample(function, transforms(options)) for function, options in OPTIONS.items()),
    Sample(np.fft.fftshift, chosen(SHIFTS)),
    Sample(np.fft.ifftshift, chosen(SHIFTS)),
    Sample(np.real_if_close, chosen([((2, 3), (), {}), ((), (10,), {})], analytic=False)),
]
