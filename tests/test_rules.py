"""Every rule in the table, held against numeric derivatives of first and second order.

The table decides what is tested: a function in it without a sample fails the suite.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini.checkpointing import again
from autograd_mini.primitive import TABLE
from tests import (
    rule_checks,
    samples_calculus,
    samples_decompositions,
    samples_fourier,
    samples_joining,
    samples_nn,
    samples_numpy,
    samples_special,
    samples_statistics,
)
from tests.samples import Sample

FAMILIES = (
    samples_calculus,
    samples_decompositions,
    samples_fourier,
    samples_joining,
    samples_nn,
    samples_numpy,
    samples_special,
    samples_statistics,
)
SAMPLES: list[Sample] = [sample for family in FAMILIES for sample in family.SAMPLES]
# The library's own table, without what tests and documents add to it, and without checkpoints,
# whose rule is made of other rules (test_transforms.py).
REGISTERED = frozenset(
    f
    for f, operation in TABLE.items()
    if operation.vjps
    and f is not again
    and getattr(f, "__module__", "numpy").startswith(("numpy", "autograd_mini", "nn"))
)

# Four tests of each of some three hundred functions: the whole suite is to stay quick.
fewer = settings(max_examples=settings.default.max_examples // 3)
each_sample = pytest.mark.parametrize(
    "sample", SAMPLES, ids=[TABLE[sample.function].name for sample in SAMPLES]
)


@each_sample
@fewer
@given(data=st.data())
def test_a_rule_is_the_derivative(sample: Sample, data: Any) -> None:
    rule_checks.check_first_order(sample, data.draw(sample.calls))


@each_sample
@fewer
@given(data=st.data())
def test_the_derivative_of_a_rule_is_right_too(sample: Sample, data: Any) -> None:
    rule_checks.check_second_order(sample, data.draw(sample.calls))


@each_sample
@fewer
@given(data=st.data())
def test_a_result_is_bit_for_bit_numpys(sample: Sample, data: Any) -> None:
    rule_checks.check_result(sample, data.draw(sample.calls))


@each_sample
@fewer
@given(data=st.data())
def test_float32_stays_float32(sample: Sample, data: Any) -> None:
    rule_checks.check_float32(sample, data.draw(sample.calls))


def test_every_function_in_the_table_has_a_sample() -> None:
    sampled = {sample.function for sample in SAMPLES}
    missing = sorted(TABLE[function].name for function in REGISTERED - sampled)
    assert not missing, f"add samples for {missing}"
