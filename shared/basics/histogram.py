"""Counts of durations in buckets, and the percentiles that can be estimated from them."""

from collections.abc import Mapping

BOUNDS_MS = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000)
"""Upper bounds of the buckets from 1 on, as in `figures.lua`; whatever is longer is in one more."""


def percentile(buckets: Mapping[int, int], share: float) -> float | None:
    """Below which so much (0 to 1) of all lies, in ms, as if each bucket was filled evenly.

    None without any; of what is beyond the last bound that bound is answered, for nothing more is known.
    """
    wanted = share * sum(buckets.values())
    if wanted <= 0:
        return None
    passed = 0
    for number, bound in enumerate(BOUNDS_MS, start=1):
        here = buckets.get(number, 0)
        if here and passed + here >= wanted:
            lower = BOUNDS_MS[number - 2] if number > 1 else 0
            return round(lower + (bound - lower) * (wanted - passed) / here, 1)
        passed += here
    return float(BOUNDS_MS[-1])
