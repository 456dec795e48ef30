"""Hypothesis profiles: `dev` explores, `ci` repeats itself, `many` and `deep` search longer.

HYPOTHESIS_PROFILE names one; without it, `ci` where CI is set and `dev` elsewhere. Deadlines are
off everywhere: a first call that compiles or imports says nothing about the code under test.
"""

import os

from hypothesis import HealthCheck, settings

# The script in there needs JAX and PyTorch, which made the golden values once.
collect_ignore = ["golden"]

settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=50,
    derandomize=True,
    database=None,
    print_blob=True,
    # A shared machine may be slow at any moment; what it draws is the same.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("many", settings.get_profile("ci"), max_examples=840)
settings.register_profile("deep", deadline=None, max_examples=1_000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)
