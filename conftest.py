"""What every test starts from: the same draws on every machine, in every order, in every process.

`repeat`, the profile that is used unless HYPOTHESIS_PROFILE names another, and `many` decide by
nothing random; `deep` draws anew each time. Deadlines are off everywhere: a first call that
compiles or imports says nothing about the code under test.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

import nn

# Where CI is set Hypothesis starts from another profile, so each of these names its parent.
settings.register_profile(
    "repeat",
    settings.get_profile("default"),
    deadline=None,
    max_examples=50,
    derandomize=True,
    database=None,
    print_blob=True,
    # A shared machine may be slow at any moment; what it draws is the same.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("many", settings.get_profile("repeat"), max_examples=840)
settings.register_profile(
    "deep",
    settings.get_profile("default"),
    deadline=None,
    max_examples=1_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "repeat")
REPEATS = settings().derandomize

if REPEATS and hasattr(providers, "_get_local_constants"):
    # Hypothesis draws numbers out of the source of the modules loaded so far: the order of tests.
    providers._get_local_constants = lambda: providers._local_constants


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Give the networks that a module of tests makes while it is imported the same weights."""
    start_from_the_same()


@pytest.fixture(autouse=True)
def _same_weights() -> None:
    """Give the networks of each test the same weights, whatever ran before it."""
    start_from_the_same()


def start_from_the_same() -> None:
    """Seed the one Generator that tests share."""
    if REPEATS:
        nn.init.seed(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that draws anew in a run that decides by nothing random."""
    for item in items:
        drawn = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
        if REPEATS and drawn is not None and not (drawn.derandomize and drawn.database is None):
            raise pytest.UsageError(f"{item.nodeid} draws anew: leave derandomize to conftest.py")
