"""The samples of `autograd_mini/rules/decompositions.py`."""

from __future__ import annotations

from tests.samples import Sample

SAMPLES: list[Sample] = []
