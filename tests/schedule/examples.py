"""Which examples a law is tried with: the same each time, others with RECURO_DEEP; none is timed, as a machine may stop."""

import os

from hypothesis import HealthCheck, settings


def tried(most: int = 100) -> settings:
    """A decorator, which stands above `@given`."""
    return settings(
        max_examples=most,
        derandomize=not os.environ.get("RECURO_DEEP"),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
