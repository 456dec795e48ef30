"""The samples of the primitives that nn registers, and of the hook, which only looks."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from autograd_mini import hook
from nn.functional import cross_entropy, linear, mse_loss
from tests.samples import Call, Draw, Sample, arrays, shapes


@st.composite
def linears(draw: Draw) -> Call:
    """Draw inputs with any number of leading axes, a weight, and a bias or none."""
    inputs, outputs = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    leading = draw(shapes(max_dims=3, max_side=3))
    args = [draw(arrays(st.just(shape))) for shape in ((*leading, inputs), (outputs, inputs))]
    if draw(st.booleans()):
        args.append(draw(arrays(st.just((outputs,)))))
    return Call(tuple(args))


@st.composite
def squared_errors(draw: Draw) -> Call:
    """Draw two arrays of one shape and a reduction; an average needs something to average."""
    reduction = draw(st.sampled_from(["mean", "sum", "none", "batchmean"]))
    averages = reduction in ("mean", "batchmean")
    shape = draw(shapes(min_dims=reduction == "batchmean", min_side=averages))
    return Call(
        (draw(arrays(st.just(shape))), draw(arrays(st.just(shape)))), {"reduction": reduction}
    )


@st.composite
def cross_entropies(draw: Draw) -> Call:
    """Draw logits, labels and a reduction."""
    reduction = draw(st.sampled_from(["mean", "sum", "none"]))
    batch, classes = draw(st.integers(reduction == "mean", 4)), draw(st.integers(1, 4))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=batch, max_size=batch))
    logits = draw(arrays(st.just((batch, classes))))
    return Call((logits, np.array(labels, np.intp), reduction))


@st.composite
def hooked(draw: Draw) -> Call:
    """Draw an array, and a hook that leaves its gradient alone."""
    return Call((draw(arrays(shapes())), _look))


def _look(g: object) -> None:
    assert g is not None


SAMPLES = [
    Sample(hook, hooked()),
    Sample(linear, linears()),
    Sample(mse_loss, squared_errors()),
    Sample(cross_entropy, cross_entropies()),
]
