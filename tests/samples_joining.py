"""The samples of `autograd_mini/rules/joining.py`."""

from __future__ import annotations

from tests.samples import Sample

SAMPLES: list[Sample] = []
