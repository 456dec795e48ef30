"""The samples of `autograd_mini/rules/statistics.py`."""

from __future__ import annotations

from tests.samples import Sample

SAMPLES: list[Sample] = []
